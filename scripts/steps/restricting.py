"""Makes the restriction in front of a site what its env file says: .htaccess, file of logins, files for nginx.

The file of logins lies beside the web root, where the account that owns the site can make a folder and the web server
passes anyway. It comes before the block that names it, and goes after it.
"""

import posixpath
import time
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.errors import CommandError, HostError, RefusedError
from scripts.hosts import process
from scripts.present import output
from scripts.registry import admitted
from scripts.registry.instance import Instance
from scripts.tiki import htpasswd, restriction_file, restriction_nginx, small_files
from scripts.tiki.restriction import Rule
from scripts.tiki.small_files import SmallFile

LOGINS = ".htpasswd"  # servers are told to hide .ht*, should the folder lie in what another site serves
DENIED = ".htaccess"
NAMES = (DENIED, LOGINS, restriction_nginx.HTTP, restriction_nginx.SERVER)
MARK = b"# TRIM restriction of "
FOLDER_MODE, FILE_MODE = 0o755, 0o644  # the web server is another account; what is in them are bcrypt hashes
TO_READ, TO_ENTER = 0o4, 0o5  # for others; a group has the same bits three places further


@dataclass(frozen=True)
class Place:
    """A folder for the files, and those of them that are there."""

    path: str
    files: dict[str, SmallFile]


def is_restricted(instance: Instance) -> bool:
    """Whether the env file says so."""
    return bool(instance.restrict_allow or instance.restrict_users)


def apply(instance: Instance) -> str:
    """Bring the site to what the env file says, under the maintenance page or without it, and read it back.

    Returns the folder of the files, or nothing for a site that is not restricted. Where all is as it should be nothing
    is written.
    """
    if _shares_its_tree(instance):
        return ""
    rule, present, place, content = rule_of(instance), _present(instance), None, {}
    if rule:
        place = present.pop(0) if present else _made_place(instance)
        content = _content(instance, rule, place.path)
        _write(instance, place, content)
    restriction_file.put(instance.host, instance.web_root, rule, _logins(place))
    if place:
        _remove(instance, place, [name for name in NAMES if name not in content])
    for other in present:
        _remove(instance, other, NAMES)
    return place.path if place else ""


def remove_files(instance: Instance) -> None:
    """Remove what lies beside a web root that is gone."""
    for place in _present(instance):
        _remove(instance, place, NAMES)


def problems(instance: Instance) -> list[str]:
    """Return where a site that its env file restricts is open, or would be closed to all; a sentence each."""
    rule = rule_of(instance)
    if not rule or _shares_its_tree(instance):
        return []
    found = restriction_file.look(instance.host, instance.web_root)
    if not found.is_restricted:
        return ["its env file restricts it, and the block in its .htaccess is gone: it is open to everybody"]
    places = _present(instance) if rule.has_logins else [None]
    fitting = [one for one in places if found.wanted(rule, _logins(one)) == found.own]
    if not fitting:
        return ["the block in its .htaccess is not what its env file says, or names a file of logins that is gone"]
    return _wrong_logins(instance, fitting[0]) if fitting[0] else []


def rule_of(instance: Instance) -> Rule | None:
    """Return who may enter, or None when everybody may."""
    if not is_restricted(instance):
        return None
    return Rule(instance.name, admitted.networks(instance.restrict_allow), bool(instance.restrict_users),
                instance.restrict_both)


def _wrong_logins(instance: Instance, place: Place) -> list[str]:
    file = place.files.get(LOGINS)
    if not file or file.content != _login_text(instance):
        return [f"{place.path}/{LOGINS} is gone, cannot be read, or does not hold the logins of its env file"]
    if not (_may_be_read(file) and _may_be_read(place.files["."])):
        return [f"{place.path}/{LOGINS} cannot be read by the web server: nobody can log in"]
    return []


def _may_be_read(file: SmallFile) -> bool:
    """Whether another account may read a file, or enter a folder: all, or a group that is not its owner's alone."""
    needed = TO_READ if file.is_file else TO_ENTER
    by_group = needed << 3 if file.group != file.owner else 0  # an account's own group has its number
    return file.mode & needed == needed or bool(by_group) and file.mode & by_group == by_group


def _shares_its_tree(instance: Instance) -> bool:
    """Whether the .htaccess is also another site's; raise RefusedError when it is to be restricted."""
    if instance.site and is_restricted(instance):
        raise RefusedError(f"{instance.name}: shares its web root, and with it the .htaccess, with the other virtual "
                           "sites: it cannot be restricted alone. Nothing was changed. Restrict it in the web server's "
                           "configuration, or the main site and with it all of them")
    return bool(instance.site)


def _logins(place: Place | None) -> str:
    return f"{place.path}/{LOGINS}" if place else ""


def _login_text(instance: Instance) -> bytes:
    return htpasswd.text(admitted.logins(instance.restrict_users))


def _content(instance: Instance, rule: Rule, folder: str) -> dict[str, bytes]:
    """Return what the folder holds for a rule."""
    logins = {LOGINS: _login_text(instance)} if rule.has_logins else {}
    denied = MARK + f"{instance.name}. Written by make restrict\nRequire all denied\n".encode()
    return {DENIED: denied, **logins, **restriction_nginx.files(rule, f"{folder}/{LOGINS}")}


def _candidates(instance: Instance) -> list[str]:
    data_root = instance.data_root or f"{instance.web_root}-data"
    return [f"{instance.web_root}-restrict", f"{data_root.rstrip('/')}/restrict-{instance.name}"]


def _present(instance: Instance) -> list[Place]:
    """Return the folders of ours that are there."""
    host, found = instance.host, []
    for path in host.present(*_candidates(instance), kind="d"):
        files = small_files.read(host, path, NAMES)
        is_marked = DENIED in files and files[DENIED].content.startswith(MARK)
        # A run that was killed has left it empty.
        if is_marked or not host.read_names("find", path, "-mindepth", "1", "!", "-path",
                                            f"{path}/{small_files.BESIDE}*", "-print0", "-quit"):
            found.append(Place(path, files))
    return found


def _made_place(instance: Instance) -> Place:
    """Make the folder for the files and return it; raise HostError when none can be made."""
    host, tried = instance.host, []
    for path in _candidates(instance):
        why_not = _why_not(instance, path)
        if not why_not:
            try:
                host.make_folder(path, FOLDER_MODE)
                return Place(path, {})
            except (CommandError, OSError) as error:
                why_not = " ".join((getattr(error, "strerror", "") or getattr(error, "stderr", "")).split())
        tried.append(f"{path}: {why_not}")
    raise HostError(f"{instance.name}: there is no place for the file of logins: {'; '.join(tried)}. Next: make the "
                    f"folder {_candidates(instance)[0]} there as root and give it to the account that owns the site, "
                    f"or set DATA_ROOT in instances.d/{instance.name}.env to a folder outside the web root that the "
                    "web server may pass; then repeat")


def _why_not(instance: Instance, path: str) -> str:
    """Return why a folder that is not there must not be made; nothing when it may be."""
    host = instance.host
    if host.present(path):
        return "is there, and is not TRIM's"
    real, web_root = host.real_path(path), host.real_path(instance.web_root)
    if real.startswith(f"{web_root}/"):
        return "lies in the web root"
    above = [folder for folder in _above(real) if not web_root.startswith(f"{folder}/")]
    for folder in host.present(*above) if above else ():
        mode = host.read_line("stat", "-c", "%a", "--", folder)
        if not int(mode, 8) & 1:
            return f"the web server may not pass {folder} (mode {mode})"
    return ""


def _above(path: str) -> list[str]:
    parts = []
    while (path := posixpath.dirname(path)) != "/":
        parts.append(path)
    return parts


def _write(instance: Instance, place: Place, content: dict[str, bytes]) -> None:
    """Write those files that are not as they have to be, and read them back."""
    host, now = instance.host, str(int(time.time()))
    wrong = {name: SmallFile(b"0", text, mode=FILE_MODE, time=now) for name, text in content.items()
             if name not in place.files or place.files[name].content != text or not _may_be_read(place.files[name])}
    if not wrong and _may_be_read(place.files["."]):
        return
    small_files.put(host, place.path, wrong, keep_owners=False)
    host.run("chmod", f"{FOLDER_MODE:o}", "--", place.path)
    if process.conduct.dry_run:
        return
    written = small_files.read(host, place.path, NAMES)
    if any(name not in written or written[name].content != text for name, text in content.items()):
        raise CommandError(f"[{host.name}] {place.path}: does not hold what was written to it. Repeat")


def _remove(instance: Instance, place: Place, names: Sequence[str]) -> None:
    """Remove files of ours, and with the last of them the folder; an empty one may be somebody's."""
    host = instance.host
    there = [name for name in names if name in place.files]
    if tuple(names) != NAMES:
        if there:
            host.remove(*(f"{place.path}/{name}" for name in there))
    elif there:
        ours = [word for name in NAMES for word in ("-name", name, "-o")]
        host.run("rm", "-rf", "--", f"{place.path}/{small_files.BESIDE}")
        # In one call, so that a run that is killed leaves nothing that looks like somebody else's.
        host.run("find", place.path, "-depth", "-maxdepth", "1", "(", *ours, "-type", "d", "-empty", ")", "-delete",
                 ok=(0, 1))
        if not process.conduct.dry_run and host.present(place.path):
            output.warn(f"{instance.name}: {place.path} stays: it is not empty, or this account may not remove it")
