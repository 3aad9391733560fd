"""What is in a web root of a host without PHP: the same report as probe.php's, made with find and tar."""

import re

from scripts.errors import CommandError
from scripts.hosts.host import Host
from scripts.tiki import layout, local_php, small_files
from scripts.tiki.small_files import SmallFile

VERSION_TEXTS = (*layout.VERSION_FILES, "tiki-setup_base.php", layout.SETUP)
SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CERTIFICATE = re.compile(rf"{layout.CERTIFICATES}/(.*-(?:ca|cert|key)\.pem)")


def report(host: Host, web_root: str, site: str) -> dict[str, object]:
    """Return what probe.php would report. Costs two calls.

    Raises RegistryError when db/local.php is more than plain assignments.
    """
    try:
        names = _names(host, web_root)
    except CommandError as error:
        if error.code != 1:
            raise
        return {"state": "missing" if "No such file" in error.stderr else "unreadable"}
    entries = [name for name in names if name and "/" not in name]
    configs = [f"{name}/local.php" for name in names if re.fullmatch(r"db/[^/]+", name)]
    wanted = [layout.LOCAL_PHP, *configs, layout.VIRTUALS, layout.HTACCESS, *VERSION_TEXTS]
    files = small_files.read(host, web_root, dict.fromkeys(wanted))
    found = _described(names, files)
    if layout.SETUP not in entries:
        return {**found, "state": "other" if entries else "empty", "entries": sorted(entries)[:6]}
    return {**found, "state": "tiki", **_config(files, names, web_root, site)}


def _names(host: Host, web_root: str) -> list[str]:
    """Return what is in the web root, in db/ and in the folders there; the web root itself is the empty name."""
    top = f"{web_root}/"
    other_folder = ("-type", "d", "!", "-samefile", top, "!", "-name", "db", "!", "-path", "*/db/*")
    words = ("env", "LC_ALL=C", "find", top, "-maxdepth", "3", "-printf", "%P\\0", *other_folder, "-prune")
    return host.read_names(*words)


def _described(names: list[str], files: dict[str, SmallFile]) -> dict[str, object]:
    top, htaccess = files["."], files.get(layout.HTACCESS)
    listed = _text(files.get(layout.VIRTUALS)).split()
    return {
        "owner": top.owner_name or str(top.owner), "group": top.group_name or str(top.group), "mode": top.mode,
        "version_text": next((text for name in VERSION_TEXTS if "version" in (text := _text(files.get(name)))), ""),
        "names": [name for name in names if name in (*layout.CHECKOUTS, layout.CONSOLE)],
        "htaccess": "" if htaccess is None else "link" if htaccess.is_link else "file",
        "sites": [name for name in dict.fromkeys(listed)
                  if SITE_NAME.fullmatch(name) and layout.local_php(name) in files],
        "certificates": [found[1] for name in names if (found := CERTIFICATE.fullmatch(name))],
    }


def _config(files: dict[str, SmallFile], names: list[str], web_root: str, site: str) -> dict[str, object]:
    path = layout.local_php(site)
    if path not in files:
        return {"problem": "unreadable" if path in names else "missing"}
    return {"problem": "", "variables": local_php.parse(files[path].content, f"{web_root}/{path}")}


def _text(file: SmallFile | None) -> str:
    return file.content.decode("utf-8", "replace") if file else ""
