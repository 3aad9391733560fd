"""Keeps what only we may know out of every message, and reads the files that hold it."""

import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from scripts.errors import RegistryError
from scripts.registry import env_file, registry
from scripts.registry.settings import Settings

HIDDEN = "***"
FROM_ENVIRONMENT = ("DB_PASS", "RESTRICT_PASS")
IN_ADDRESS = re.compile(r"(?<=://)[^/\s?#]+(?=@)")    # user:password@ of an address
PASSWORD_LINE = re.compile(r"^\s*password\s*=\s*[\"']?(.*?)[\"']?\s*$", re.MULTILINE)
SHORT = 6   # characters; a shorter one hides only whole words, or a text could not be read any more


def read_private(settings: Settings, path: str, key: str) -> list[str]:
    """Return the lines of a file that holds secrets, without remarks; raise RegistryError when others may read it."""
    lines = read_text(settings, path, key).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def read_text(settings: Settings, path: str, key: str) -> str:
    """Return the text of a file that holds secrets; raise RegistryError when others may read it."""
    place = settings.place(os.path.expanduser(path))
    try:
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & 0o077:
            raise RegistryError(f"{place} ({key}) holds secrets and others may read it (mode {mode:04o}). "
                                f"Next: chmod 600 {place}")
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{place} ({key}) cannot be read: {getattr(error, 'strerror', None) or error}") from error


def hidden(settings: Settings, text: str) -> str:
    """Return a text in which each secret that we know of is covered."""
    text = IN_ADDRESS.sub(HIDDEN, text)
    for secret in sorted(_known(settings), key=len, reverse=True):
        for form in {secret, quote(secret, safe="")}:
            whole = len(form) < SHORT
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)" if whole else re.escape(form), HIDDEN, text)
    return text


def _known(settings: Settings) -> set[str]:
    found = [settings.smtp_pass, *(os.environ.get(key, "") for key in FROM_ENVIRONMENT)]
    if settings.smtp_pass_file:
        found += [line.strip() for line in _text(settings, settings.smtp_pass_file).splitlines()[:1]]
    for path in filter(None, (settings.apprise_file, settings.ping_file)):
        # Of a line "WHAT ADDRESS" the address is the secret; a word of a remark is none.
        found += [words[-1] for line in _text(settings, path).splitlines()
                  if (words := line.split()) and not words[0].startswith("#")]
    for path in filter(None, (settings.prove_db, settings.show_db_admin)):
        found += PASSWORD_LINE.findall(_text(settings, path))
    for path in registry.folder(settings).glob("*.env"):
        found += _of_env_file(path)
    return {secret for secret in found if secret}


def _of_env_file(path: Path) -> Iterator[str]:
    """Yield the secrets of an env file, also of one that cannot be loaded."""
    try:
        bindings = list(env_file.parse_stream(io.StringIO(path.read_text(encoding="utf-8", errors="replace"))))
    except OSError:
        return
    for binding in bindings:
        if binding.key == "RESTRICT_USERS":
            yield from (word.partition(":")[2].strip() for word in (binding.value or "").split(","))
        elif binding.key in env_file.SECRET_KEYS and binding.value:
            yield binding.value


def _text(settings: Settings, path: str) -> str:
    try:
        return settings.place(os.path.expanduser(path)).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
