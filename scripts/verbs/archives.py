"""make archives: what archives there are and what is known of each, without opening one."""

from scripts.present import output
from scripts.registry.settings import Settings
from scripts.store import archive
from scripts.store.archive import Archive

COLUMNS = {"number": "NO", "instance": "INSTANCE", "archive": "ARCHIVE", "size": "SIZE", "version": "VERSION",
           "kind": "KIND", "verified": "VERIFIED", "proven": "PROVEN", "took": "TOOK"}


def archives(settings: Settings, names: list[str]) -> list[dict[str, object]]:
    """Return a row an archive, newest first within its instance; `number` is what ARCHIVE= takes."""
    return [_row(number, one) for name in names
            for number, one in enumerate(archive.of_instance(settings, name), 1)]


def kept_names(settings: Settings) -> list[str]:
    """Return the names that have archives: those of forgotten instances are still there."""
    return sorted(path.name for path in settings.archives.glob("*") if path.is_dir())


def _row(number: int, one: Archive) -> dict[str, object]:
    record = one.record
    took = record.proven_seconds if record and record.proven else None
    # The folder's name: it tells the archives of a forgotten instance from those of a new one of its name.
    return {"number": number, "instance": one.path.parent.name, "archive": one.path.name,
            "size": output.size(one.size_bytes), "size_bytes": one.size_bytes, "moment": one.moment.isoformat(),
            "path": str(one.path),
            "version": record.version if record else "", "kind": record.kind if record else "foreign",
            "verified": output.local_text(record.verified) if record else "",
            "proven": _proven(one), "took": output.duration(took) if took is not None else "",
            "proven_seconds": took, "warnings": record.warnings if record else 0}


def _proven(one: Archive) -> str:
    if one.record is None:
        return ""
    return output.local_text(one.record.proven) or ("not proven" if one.record.not_proven else "")
