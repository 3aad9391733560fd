"""What db/local.php says, and how to understand it on a host without PHP.

PHP itself is asked where it can be (probe.php). The parser here takes plain assignments of literals only and
refuses everything else: a guessed password would be worse than none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.errors import RegistryError

TOKEN = re.compile(r"""
      (?P<space>\s+)
    | (?P<comment>/\*.*?\*/ | (?://|\#(?!\[))(?:(?!\?>)[^\n])*)
    | (?P<close>\?>\s*(?:<\?php(?=\s|$)|$))
    | \$(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>VALUE)\s*;
    | define\s*\(\s*(?:'[^'\\]*'|"[^"\\$]*")\s*,\s*(?:VALUE)\s*\)\s*;
""".replace("VALUE", r"""'(?:\\.|[^'\\])*' | "(?:\\.|[^"\\$])*" | (?:0|[1-9]\d*)(?:\.\d+)? | true | false | null"""),
                   re.VERBOSE | re.DOTALL | re.IGNORECASE)
OPENING = re.compile(r"\s*<\?php(?=\s|$)", re.IGNORECASE)
ESCAPE = re.compile(r"\\(?:([nrtvef\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]+)\})")
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\x1b", "f": "\f"}
WORDS = {"true": "1", "false": "", "null": None}


@dataclass(frozen=True)
class LocalConfig:
    """A site's own settings in db/local.php; where it is silent, Tiki 24's defaults.

    host is as Tiki pastes it into its connection: a name, name:port, or even `localhost;unix_socket=...`.
    """

    host: str = "localhost"
    user: str = "root"
    password: str = field(default="", repr=False)
    database: str = "tiki"
    client_charset: str = "utf8mb4"
    socket: str = ""
    driver: str = ""
    api: str = ""
    written_by_version: str = ""
    system_configuration_file: str = ""
    system_configuration_identifier: str = ""

    @classmethod
    def of(cls, variables: Mapping[str, str | None]) -> "LocalConfig":
        """Return the settings for what PHP's variables hold."""
        told = {attribute: variables[name] for name, attribute in VARIABLES.items() if variables.get(name) is not None}
        return cls(**told)


VARIABLES = {"host_tiki": "host", "user_tiki": "user", "pass_tiki": "password", "dbs_tiki": "database",
             "client_charset": "client_charset", "socket_tiki": "socket", "db_tiki": "driver", "api_tiki": "api",
             "dbversion_tiki": "written_by_version", "system_configuration_file": "system_configuration_file",
             "system_configuration_identifier": "system_configuration_identifier"}


def parse(source: bytes, path: str) -> dict[str, str | None]:
    """Return the variables that a file of plain assignments sets; of several for one name the last.

    Raises RegistryError when anything in it would have to be computed.
    """
    text = source.decode("latin-1")  # one character a byte: \\xHH in a string means a byte
    opening = OPENING.match(text)
    place = opening.end() if opening else 0
    variables: dict[str, str | None] = {}
    while opening and place < len(text):
        token = TOKEN.match(text, place)
        if not token:
            break
        if token["name"]:
            variables[token["name"]] = _literal(token["value"])
        place = token.end()
    if not opening or place < len(text):
        line = text.count("\n", 0, place) + 1
        raise RegistryError(f"{path}:{line}: only PHP can tell what this file says, and this needs PHP on the host: "
                            "set PHP= in the env file to a PHP command-line program there")
    return variables


def _literal(word: str) -> str | None:
    """Return what PHP would make of a literal, as it becomes when used as a string."""
    if word[0] == "'":
        value = re.sub(r"\\([\\'])", r"\1", word[1:-1])
    elif word[0] == '"':
        value = ESCAPE.sub(_escaped, word[1:-1])
    else:
        return WORDS.get(word.lower(), word)
    return value.encode("latin-1").decode("utf-8", "surrogateescape")


def _escaped(found: re.Match[str]) -> str:
    letter, octal, hexadecimal, point = found.groups()
    if letter:
        return CONTROLS.get(letter, letter)
    if point:
        return chr(int(point, 16)).encode().decode("latin-1")
    return chr(int(octal, 8) & 0xFF if octal else int(hexadecimal, 16))
