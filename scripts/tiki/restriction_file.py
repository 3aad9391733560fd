"""Puts the restriction's block into a site's own .htaccess, wherever that lies now, and takes it out again.

While the maintenance page is on the site's own .htaccess lies beside it, and is the one that is edited: taking the page
away then leaves no open moment. A link (Tiki recommends one to its _htaccess) becomes a file with the linked text.
"""

import posixpath
import time
from dataclasses import dataclass

from scripts.errors import CommandError, RefusedError
from scripts.hosts import process
from scripts.hosts.host import Host
from scripts.tiki import maintenance, restriction, small_files
from scripts.tiki.layout import HTACCESS
from scripts.tiki.restriction import FILE, LINK, NONE, Rule, Was
from scripts.tiki.small_files import SmallFile

LINK_KIND, FILE_KIND = b"2", b"0"  # as tar says it


@dataclass(frozen=True)
class Found:
    """A site's own .htaccess: the file itself, its text without our block, and what it was before that came."""

    files: dict[str, SmallFile]
    own: SmallFile | None
    text: bytes
    was: Was

    def wanted(self, rule: Rule | None, htpasswd: str) -> SmallFile | None:
        """Return the file as it has to be for a rule, or for none; None when it is not to be there."""
        if rule:
            content = restriction.with_block(self.text, restriction.block(rule, htpasswd, self.was))
            return self._as_file().with_(content=content)
        if not self.own or not self.is_restricted:
            return self.own
        if not self.was.is_untouched(self.text):
            return self.own.with_(content=self.text)
        return self.own.with_(kind=LINK_KIND, content=b"", target=self.was.target, time=self.was.time, more={}) \
            if self.was.kind == LINK else None

    @property
    def is_restricted(self) -> bool:
        return self.own is not None and restriction.was_of(self.own.content) is not None

    def _as_file(self) -> SmallFile:
        top = self.files["."]
        if self.own is None:
            return SmallFile(FILE_KIND, owner=top.owner, group=top.group, time=str(int(time.time())))
        return self.own.with_(kind=FILE_KIND, target="", mode=0o644) if self.own.is_link else self.own


def look(host: Host, web_root: str) -> Found:
    """Return a site's own .htaccess. Costs one call; up to three more when it is a link, or was one.

    Raises RefusedError when it is no file that can be read, or is lost: what is in it may not be forgotten.
    """
    files = maintenance.read(host, web_root)
    own, name = maintenance.own_htaccess(host, web_root, files)
    if own is None:
        if name not in files and host.present(f"{web_root}/{name}"):
            raise _unreadable(host, f"{web_root}/{name}")
        return Found(files, None, b"", Was(NONE))
    if own.is_link:
        text = _linked(host, web_root, own.target)
        return Found(files, own, text, Was(LINK, own.target, own.time).of_text(text))
    if not own.is_file:
        raise RefusedError(f"{host.name}: {web_root}/{name} is neither a file nor a link: no restriction can be put "
                           "into it. Nothing was changed. Remove it first")
    was, text = restriction.was_of(own.content), restriction.without(own.content)
    if was and was.kind == LINK and was.is_untouched(text):
        text = _linked(host, web_root, was.target)  # an update may have brought a newer one
        was = was.of_text(text)
    return Found(files, own, text, was or Was(FILE))


def put(host: Host, web_root: str, rule: Rule | None, htpasswd: str) -> bool:
    """Make the site's own .htaccess what the rule says, and read it back; return whether anything was changed."""
    if not rule and not _has_block(host, web_root):
        return False
    found = look(host, web_root)
    wanted = found.wanted(rule, htpasswd)
    if wanted == found.own:
        return False
    maintenance.put_own_htaccess(host, web_root, found.files, wanted)
    if not process.conduct.dry_run:
        now, _ = maintenance.own_htaccess(host, web_root, maintenance.read(host, web_root))
        if (now and (now.kind, now.content, now.target)) != (wanted and (wanted.kind, wanted.content, wanted.target)):
            raise CommandError(f"[{host.name}] {web_root}/{HTACCESS} is not what was written to it. Is somebody else "
                               "at it? Repeat")
    return True


def _has_block(host: Host, web_root: str) -> bool:
    own, _ = maintenance.own_htaccess(host, web_root, maintenance.read(host, web_root))
    return own is not None and restriction.was_of(own.content) is not None


def _unreadable(host: Host, path: str) -> RefusedError:
    return RefusedError(f"{host.name}: {path} may not be read by this account, so that no restriction can be put into "
                        "it. Nothing was changed. Log in as the site's owner, or make it readable")


def _linked(host: Host, web_root: str, target: str) -> bytes:
    """Return the text that a link in the web root gives; a link to nothing gives none, as for the web server."""
    path = host.real_path(posixpath.join(web_root, target))
    if not host.present(path, kind="f"):
        return b""
    name = posixpath.basename(path)
    files = small_files.read(host, posixpath.dirname(path), (name,))
    if name not in files:
        raise _unreadable(host, path)
    return files[name].content
