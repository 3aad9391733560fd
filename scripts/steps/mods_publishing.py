"""The collection as a provider: archives in Dist/, and the public list that names them."""

from collections.abc import Iterable
from pathlib import Path

from scripts.errors import ArchiveError, Fault
from scripts.hosts import process
from scripts.hosts.local import MANAGER
from scripts.mods import control as controls
from scripts.mods import index, names, packages
from scripts.mods.index import IndexLine
from scripts.mods.provider import PUBLIC
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection


def published(settings: Settings, mods: Iterable[str], sign: bool) -> list[IndexLine]:
    """Pack these mods of the collection and list them publicly; return their lines.

    One that cannot be packed is told and left out; the others are published, and the run fails at its end. With sign,
    or where they are noted already, the sums of the archive are noted in the control file.
    """
    lines = {line.mod: line for line in mods_collection.published(settings)}
    done, faults = [], []
    try:
        for mod in mods:
            try:
                done.append(_packed(settings, mod, sign))
            except Fault as fault:
                faults.append(mod)
                output.warn(f"{mod}: not published: {fault}")
    finally:  # what was packed is there, whatever ended the run
        if done:
            write(settings, [*(lines | {line.mod: line for line in done}).values()])
    if faults:
        raise ArchiveError(f"not published: {', '.join(faults)}. What is wrong with each says: make mods-lint")
    return done


def write(settings: Settings, lines: list[IndexLine]) -> None:
    """Put the public list in place."""
    mods_collection.write_list(settings, PUBLIC, lines)


def _packed(settings: Settings, mod: str, sign: bool) -> IndexLine:
    path = mods_collection.packages_of(settings) / names.control_file(mod)
    text = controls.text_of(path.read_bytes(), str(path))
    control = controls.trusted(text, str(path))
    archive = mods_collection.dist(settings) / control.archive_name
    md5, sha256 = packages.pack(control, mods_collection.folder(settings), archive)
    if not process.conduct.dry_run:
        packages.inspect(archive, mod, control.revision.text)  # read back as others will read it
        if sign or control.md5 or control.sha256:
            _note(path, controls.with_sums(text, md5, sha256))
    return index.of_control(control, md5, sha256)


def _note(path: Path, text: str) -> None:
    MANAGER.write(str(path), text.encode("utf-8", "surrogateescape"), 0o644)
