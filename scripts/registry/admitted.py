"""What RESTRICT_ALLOW and RESTRICT_USERS may hold: networks, and logins with the hashes of their passwords."""

import ipaddress
import re
from collections.abc import Iterable

# What crypt calls bcrypt: variant, cost, salt and hash. Its letters have no comma, which parts one login from the next.
BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
LOGIN_CHARACTERS = 255  # Apache's own htpasswd makes no longer ones


def networks(words: Iterable[str]) -> tuple[str, ...]:
    """Return addresses and networks as web servers write them; raise ValueError that names the first that is none."""
    return tuple(dict.fromkeys(map(_network, words)))


def logins(words: Iterable[str]) -> dict[str, str]:
    """Return the password hash of each login; raise ValueError that names the first entry that is wrong.

    A hash never stands in the message: it is good for guessing the password.
    """
    found: dict[str, str] = {}
    for word in words:
        login, _, hashed = word.partition(":")
        check_login(login)
        if not BCRYPT.fullmatch(hashed):
            raise ValueError(f"{login}: expected login:hash, with a bcrypt hash as make restrict makes it")
        if login in found:
            raise ValueError(f"{login} stands there twice")
        found[login] = hashed
    return found


def check_login(login: str) -> None:
    """Raise ValueError when a line of an htpasswd file could not begin with this login."""
    if not login or len(login.encode()) > LOGIN_CHARACTERS:
        raise ValueError(f"{login!r} is no login: it has from 1 to {LOGIN_CHARACTERS} characters")
    if login.startswith("#") or login != login.strip() or not login.isprintable() or any(one in login for one in ":,"):
        raise ValueError(f"{login!r} is no login: no colon, comma or control character, no # at its start, no blank "
                         "at its ends")


def _network(word: str) -> str:
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        network = None
    if network is None or "%" in word:
        raise ValueError(f"{word!r} is neither an address nor a network, as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32")
    if network.prefixlen == 0:
        raise ValueError(f"{word} is everybody: that is no restriction")
    address = word.partition("/")[0]
    if ipaddress.ip_address(address) != network.network_address:
        raise ValueError(f"{word} is an address with a network's length; is {network} meant, or {address}?")
    return str(network.network_address) if network.num_addresses == 1 else str(network)
