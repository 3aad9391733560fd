"""The maintenance page: what visitors see while an instance is being changed.

Two parts, because no single one works on every server: a .htaccess that makes Apache answer 503 to everything,
and a guard in the PHP entrances for servers that know no .htaccess. The site's own .htaccess lies beside it
meanwhile, as a second name of the same file. Every step leaves a tree that both turn_on and turn_off
understand, so a killed run is repaired by the next one.

Rule: a .htaccess without our mark is the site's own, whoever put it there; what was kept before is then stale.
"""

from dataclasses import dataclass
from datetime import datetime

from scripts.errors import CommandError, RefusedError
from scripts.hosts.host import Host
from scripts.tiki import guard, small_files
from scripts.tiki.layout import HTACCESS
from scripts.tiki.maintenance_page import Notice, htaccess, keeping_own, notice_of, plain
from scripts.tiki.small_files import BESIDE, OwnersLost, SmallFile

KEPT = ".htaccess.trim-kept"
OWN_NAMES = (KEPT, guard.PAGE, BESIDE)
"""What the page adds to a web root, beside the .htaccess; a copy between trees treats them alike or leaves them."""

READABLE = 0o044  # by the web server, which may have had its right from an owner or group that is lost

Files = dict[str, SmallFile]


@dataclass(frozen=True)
class State:
    """Whether visitors see the page. complete is False for a mixture, which turn_on and turn_off both end.

    is_on_purpose: no run put it up, so none may take it away.
    """

    is_on: bool
    since: datetime | None = None
    reason: str = ""
    complete: bool = True
    is_on_purpose: bool = False


def turn_on(host: Host, web_root: str, page_html: str, since: datetime, reason: str = "",
            is_of_a_run: bool = False) -> bool:
    """Show page_html to visitors; a page that is there already is renewed.

    Files of another account are not touched: the guard is then left out, and False is returned.
    Costs three calls, two when the page is on. Raises RefusedError when the site's own .htaccess may not be read.
    """
    files = read(host, web_root)
    _refuse_unread(host, web_root, files)
    earlier = _notice(files)
    # KEPT without .htaccess: somebody removed ours by hand, or a run ended right after the rename below.
    keeps_own = earlier.keeps_own if earlier else HTACCESS in files or KEPT in files
    text = htaccess(page_html, Notice(since, reason, keeps_own, is_of_a_run))
    page = {guard.PAGE: _new(files, plain(page_html), since), HTACCESS: _new(files, text, since)}
    entrances = {name: guard.guarded(files[name]) for name in _open_entrances(files)}
    if HTACCESS in files and not earlier:
        _keep_own_htaccess(host, web_root, files)
    try:
        small_files.put(host, web_root, {**page, **entrances})
    except OwnersLost:
        small_files.put(host, web_root, page, keep_owners=False)
        return False
    return True


def turn_off(host: Host, web_root: str) -> None:
    """Let visitors in again: every file is as it was before, or, if it was changed meanwhile, as it is without us.

    Costs four calls, one when the page is off. Raises RefusedError when the site's own .htaccess is lost, or may not
    be read.
    """
    files = read(host, web_root)
    notice = _notice(files)
    _refuse_lost(host, web_root, files)
    if any(name in files for name in OWN_NAMES):
        _refuse_unread(host, web_root, files)
    small_files.put(host, web_root, {name: guard.unguarded(files[name]) for name in _closed_entrances(files)})
    rubbish = [name for name in OWN_NAMES if name in files]
    if KEPT in files and (notice.keeps_own if notice else HTACCESS not in files):
        host.rename(f"{web_root}/{KEPT}", f"{web_root}/{HTACCESS}")
        rubbish.remove(KEPT)
    elif notice:
        rubbish.insert(0, HTACCESS)
    if rubbish:
        host.remove_all(*(f"{web_root}/{name}" for name in rubbish))


def state(host: Host, web_root: str) -> State:
    """Return whether visitors see the page. Costs one call."""
    files = read(host, web_root)
    notice = _notice(files)
    closed = _closed_entrances(files)
    if not notice:
        return State(bool(closed), complete=not closed and not any(name in files for name in OWN_NAMES),
                     is_on_purpose=bool(closed))
    is_whole = (guard.PAGE in files and BESIDE not in files and notice.keeps_own == (KEPT in files)
                and not _open_entrances(files))
    return State(True, notice.since, notice.reason, is_whole, not notice.is_of_a_run)


def read(host: Host, web_root: str) -> Files:
    """Return the files of a web root that the page has to do with. Costs one call."""
    return small_files.read(host, web_root, (HTACCESS, *OWN_NAMES, *guard.ENTRANCES))


def own_htaccess(host: Host, web_root: str, files: Files) -> tuple[SmallFile | None, str]:
    """Return the site's own .htaccess, if it has one, and the name it has or would have now: another under the page.

    Raises RefusedError when it is lost.
    """
    _refuse_lost(host, web_root, files)
    notice = _notice(files)
    if notice:
        return files.get(KEPT) if notice.keeps_own else None, KEPT
    name = KEPT if KEPT in files and HTACCESS not in files else HTACCESS
    return files.get(name), name


def put_own_htaccess(host: Host, web_root: str, files: Files, own: SmallFile | None) -> None:
    """Give the site this .htaccess of its own, or none, under the page or without it; files are those that were read.

    A file of another account, to whom this one may not give the new one, becomes this account's.
    """
    _, name = own_htaccess(host, web_root, files)
    notice = _notice(files)
    changed: Files = {name: own} if own else {}
    if notice and notice.keeps_own != (own is not None):
        # Last, so that a run that dies in between leaves no page that waits for a file that never was.
        changed[HTACCESS] = files[HTACCESS].with_(content=keeping_own(files[HTACCESS].content, own is not None))
    try:
        small_files.put(host, web_root, changed)
    except OwnersLost:
        readable = {one: file.with_(mode=file.mode | READABLE) for one, file in changed.items()}
        small_files.put(host, web_root, readable, keep_owners=False)
    if not own:
        host.remove(f"{web_root}/{name}")


def _refuse_lost(host: Host, web_root: str, files: Files) -> None:
    notice = _notice(files)
    if notice and notice.keeps_own and KEPT not in files:
        raise RefusedError(f"{host.name}: {web_root}/{KEPT} is gone: it was the site's own .htaccess, and without it "
                           "files would be public that are not. Put it there, or a copy of _htaccess, and repeat")


def _refuse_unread(host: Host, web_root: str, files: Files) -> None:
    """Raise RefusedError for a .htaccess that only looks as if it were missing: ours would be renamed over it."""
    if HTACCESS not in files and host.present(f"{web_root}/{HTACCESS}"):
        raise RefusedError(f"{host.name}: {web_root}/{HTACCESS} may not be read by this account, and would be lost "
                           "under the maintenance page. Nothing was changed. Log in as the site's owner, or make "
                           "it readable")


def _notice(files: Files) -> Notice | None:
    return notice_of(files[HTACCESS].content) if HTACCESS in files else None


def _keep_own_htaccess(host: Host, web_root: str, files: Files) -> None:
    """Give the site's own .htaccess a second name, so that ours can be renamed over the first."""
    if not (files[HTACCESS].is_file or files[HTACCESS].is_link):
        raise RefusedError(f"{host.name}: {web_root}/{HTACCESS} is neither a file nor a link: the maintenance page "
                           "cannot take its place. Remove it first")
    if KEPT in files:
        host.remove(f"{web_root}/{KEPT}")
    try:
        host.run("ln", "-PT", "--", f"{web_root}/{HTACCESS}", f"{web_root}/{KEPT}")
    except CommandError as error:
        # Not every file system has second names, and the kernel gives none to files of others.
        if error.code != 1:
            raise
        host.rename(f"{web_root}/{HTACCESS}", f"{web_root}/{KEPT}")


def _open_entrances(files: Files) -> list[str]:
    return [name for name in guard.ENTRANCES
            if name in files and guard.can_be_guarded(files[name]) and not guard.is_guarded(files[name])]


def _closed_entrances(files: Files) -> list[str]:
    return [name for name in guard.ENTRANCES if name in files and guard.is_guarded(files[name])]


def _new(files: Files, text: str, since: datetime) -> SmallFile:
    """Return a file of ours; it belongs to whom the web root belongs, and is as old as the page.

    So the same page in two trees is no difference between them.
    """
    top = files["."]
    return SmallFile(b"0", text.encode(), owner=top.owner, group=top.group, time=str(int(since.timestamp())))
