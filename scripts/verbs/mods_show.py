"""make mods-show: all that is known of mods: control file, files, changelog, who has it, dependencies both ways."""

from collections.abc import Iterable, Mapping

from scripts.errors import UsageError
from scripts.mods import index, names
from scripts.mods.index import KINDS, IndexLine
from scripts.mods.parts import ControlFile
from scripts.present import output
from scripts.registry.settings import Settings
from scripts.steps import mods_collection

BACK = {"requires": "required by", "suggests": "suggested by", "conflicts": "in conflict with"}


def mods_show(settings: Settings, mod: str, address: str) -> list[dict[str, object]]:
    """Tell what is known of these mods, and return it."""
    if not mod:
        raise UsageError("MOD= is missing: which mods? A name (TYPE-NAME), several with commas, or a glob")
    here = mods_collection.local(settings)
    lists = mods_collection.remotes(settings, address)
    published = {line.mod: line for line in mods_collection.published(settings)}
    known = {line.mod: line for lines in reversed(lists.values()) for line in lines}
    known |= {one: index.of_control(control) for one, control in here.items()}
    rows = []
    for one in names.select(mod, known, "the collection and the providers' lists"):
        row = _row(known[one], here.get(one))
        row["local"] = here[one].revision.text if one in here else None
        row["published"] = published[one].revision.text if one in published else None
        row["remote"] = {place: line.revision.text for place, lines in lists.items() for line in lines
                         if line.mod == one}
        row |= _both_ways(one, known)
        rows.append(row)
        _tell(row)
    return rows


def _row(line: IndexLine, control: ControlFile | None) -> dict[str, object]:
    """Return what a control file says; of a mod that is with others alone, what their lists say."""
    row: dict[str, object] = {"mod": line.mod, "type": line.type, "name": line.name, "description": line.description,
                              "licence": line.licence, "tiki": [line.version] if line.version else []}
    row |= {kind: [str(demand) for demand in getattr(line, kind)] for kind in KINDS}
    if control is None:
        return row
    row["tiki"] = list(control.versions)
    row |= {"last change": control.lastmodif}
    row |= {label: list(getattr(control, label)) for label in ("contributor", "author", "url", "devurl", "docurl",
                                                               "help")}
    row |= {"configuration": [{"question": one.prompt, "variable": one.variable, "default": one.default}
                              for one in control.configuration],
            "configuration help": list(control.configuration_help),
            "files": [{"source": file.source, "target": file.target} for file in control.files],
            "sql-install": list(control.sql_install),
            "sql-upgrade": [{"revision": block.text, "statements": list(sql)} for block, sql in control.sql_upgrade],
            "sql-remove": list(control.sql_remove), "changelog": list(control.changelog)}
    row |= {"md5": control.md5, "sha256": control.sha256}
    return {label: list(values) for label, values in control.others} | row  # a label of nobody's hides nothing


def _both_ways(mod: str, known: Mapping[str, IndexLine]) -> dict[str, list[str]]:
    """Return who names a mod, of all that is known."""
    return {word: [f"{other.mod} ({demand})" for other in known.values() for demand in getattr(other, kind)
                   if demand.mod == mod] for kind, word in BACK.items()}


def _tell(row: Mapping[str, object]) -> None:
    if output.manner.is_json:
        return
    output.say(f"{row['mod']}")
    for label, value in row.items():
        lines = list(_lines(value))
        if label == "mod" or not lines:
            continue
        if len(lines) == 1 and len(lines[0]) < 90:
            output.say(f"  {label}: {lines[0]}")
        else:
            output.say(f"  {label}:")
            for line in lines:
                output.say(f"    {line}")
    if row["local"] is None:
        output.say(f"  the rest is in its control file. Next: make mods-download MOD={row['mod']}")


def _lines(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        yield from (f"{key}: {one}" for key, one in value.items())
    elif isinstance(value, list):
        for one in value:
            yield from _of_part(one) if isinstance(one, dict) else [str(one)]
    elif value:
        yield str(value)


def _of_part(part: Mapping[str, object]) -> Iterable[str]:
    if "statements" in part:
        yield f":{part['revision']}"
        yield from part["statements"]
    elif "source" in part:
        yield f"{part['source']} -> {part['target']}"
    else:
        yield f"{part['variable']} ({part['question']})" + (f", else {part['default']}" if part["default"] else "")
