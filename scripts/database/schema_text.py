"""Brings what servers say of a schema into one form: equal things read alike on MariaDB and MySQL, old and new.

Left as they are: a collation that only one kind of server has, and expressions that two servers spell with other
functions. They are told as differences, because nobody can be sure that they mean the same.
"""

import re

WIDTH = re.compile(r"^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)")
QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", re.DOTALL)
PART = re.compile(QUOTED.pattern + r"|[^'`]+|['`]", re.DOTALL)
MOMENTS = ("timestamp", "datetime")
MOMENT = re.compile(r"(?:current_timestamp|now|localtimestamp|localtime)(?:\(\d*\))?", re.IGNORECASE)
NOW = re.compile(r"\b(?:current_timestamp|now|localtimestamp|localtime)(?:\(\)|\b(?!\())")
NOW_WITH_DIGITS = re.compile(r"\b(?:now|localtimestamp|localtime)(?=\(\d)")
INTRODUCER = re.compile(r"(?<![\w`])_(?:utf8mb4|utf8mb3|utf8|latin1|ascii)\s*$")
ESCAPED_LITERAL = re.compile(r"(?<![\w`])_(?:utf8mb4|utf8mb3|utf8|latin1|ascii)\\'")
OLD_UTF8 = re.compile(r"\butf8(?=_|$)")
ESCAPED = re.compile(r"\\(.)|''", re.DOTALL)
ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")
FIRST_WITH_SQL_DEFAULTS = (10, 2, 7)  # MariaDB; before, and in MySQL, a default is the bare text


def tells_defaults_as_sql(version: str) -> bool:
    """Tell whether a server of this version quotes the defaults that it tells, and says NULL for none."""
    # 5.5.5- is what MariaDB says before its version, for the sake of old replicas.
    numbers = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", version)
    is_mariadb = "mariadb" in version.lower() and numbers is not None
    return is_mariadb and tuple(map(int, numbers.groups())) >= FIRST_WITH_SQL_DEFAULTS


def data_type(full_type: str) -> str:
    """Return a type without the width that integers are shown in: it holds nothing, and MySQL 8 has none.

    tinyint(1) keeps it, because every server tells it and it means a truth value; so does zerofill, which needs it.
    """
    if "zerofill" in full_type or full_type == "tinyint(1)":
        return full_type
    return WIDTH.sub(r"\1", full_type)


def charset(name: str | None) -> str | None:
    """Return a charset or collation by its new name: utf8 is utf8mb3."""
    return OLD_UTF8.sub("utf8mb3", name) if name else None


def default(value: str | None, kind: str, more: str, is_sql: bool) -> str | None:
    """Return a default: 'text', an expression, or None; kind is the data type, more what else is said of the column."""
    if value is None or (is_sql and value.upper() == "NULL"):
        return None
    if "DEFAULT_GENERATED" in more or kind == "bit" or (kind in MOMENTS and MOMENT.fullmatch(value)):
        return expression(value)
    if not is_sql or NUMBER.fullmatch(value):
        return _quoted(value)
    return expression(value)


def extra(more: str) -> str:
    """Return what else is said of a column."""
    text = more.replace("DEFAULT_GENERATED", "").strip().lower()
    text = re.sub(r"^(virtual|stored|persistent)( generated)?$", r"\1 generated", text).replace("persistent", "stored")
    return re.sub(r" +", " ", expression(text))


def expression(text: str, database: str = "") -> str:
    """Return SQL in one spelling, without the name of the database: words in small letters, one space between them.

    What is quoted stays as it is.
    """
    if ESCAPED_LITERAL.search(text):  # as MySQL tells the expressions of checks and generated columns
        text = text.replace("\\'", "'")
    spelled: list[str] = []
    for part in _parts(text, database):
        if part[0] == "'" != part:
            if spelled:
                spelled[-1] = INTRODUCER.sub("", spelled[-1])
            spelled.append(_quoted(ESCAPED.sub(_unescaped, part[1:-1])))
        else:
            spelled.append(part if part[0] == "`" else _plain(part))
    return _without_outer_parentheses("".join(spelled).strip())


def _parts(text: str, database: str) -> list[str]:
    """Return what is quoted and what is not, in their order, without the database that tables are said to be in."""
    parts = PART.findall(text)
    name = "`" + database.replace("`", "``") + "`"
    for place, (before, part, after) in enumerate(zip(["", *parts], parts, [*parts[1:], ""])):
        if part == name and after.startswith(".") and not before.endswith("."):
            parts[place:place + 2] = ["", after[1:]]
    return [part for part in parts if part]


def _plain(part: str) -> str:
    part = NOW_WITH_DIGITS.sub("current_timestamp", NOW.sub("current_timestamp", part.lower()))
    return re.sub(r"\s*,\s*", ",", re.sub(r"\s+", " ", part))


def _unescaped(found: re.Match) -> str:
    return ESCAPES.get(found[1], found[1]) if found[1] else "'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _without_outer_parentheses(text: str) -> str:
    while text.startswith("(") and _end_of_first(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _end_of_first(text: str) -> int:
    """Return where the parenthesis that a text begins with is closed."""
    depth = 0
    for place, sign in enumerate(QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place
    return -1
