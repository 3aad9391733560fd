"""What the SQL of a mod may do, which names it speaks of, and where the operator's answers go into it.

Nobody who reads SQL without a server knows for certain what it changes. So nothing here tries to: a statement of an
unknown kind is refused, and every table whose name stands anywhere in the text is taken as touched.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from scripts.errors import RefusedError

# In this order: what begins a text that is taken as it is comes before single signs.
TOKEN = re.compile(r"""
    (?P<text>'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+")
  | (?P<quoted>`(?:[^`]|``)*+`)
  | (?P<comment>--(?=[\s]|$)[^\n]*|\#[^\n]*|/\*.*?\*/)
  | (?P<word>(?:[\w$]|[^\x00-\x7f])++)
  | (?P<blank>\s+)
  | (?P<sign>.)
""", re.VERBOSE | re.DOTALL)
VARIABLE = re.compile(r"\$([A-Za-z0-9_]+)")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PLAIN_WORD = re.compile(r"[A-Za-z0-9_]+")

BEGINNINGS = re.compile(r"""
    (?: create \s (?:or\sreplace\s)? (?:temporary\s)? table
      | create \s (?:(?:unique|fulltext|spatial)\s)? index
      | drop \s (?:temporary\s)? (?:table|tables|index)
      | alter \s (?:(?:ignore|online|offline)\s)* table
      | rename \s (?:table|tables) | truncate | insert | replace | update | delete | select ) \b
""", re.VERBOSE)
KINDS = "CREATE, ALTER, RENAME, DROP TABLE or INDEX, TRUNCATE, INSERT, REPLACE, UPDATE, DELETE, SELECT, SET @name ="
# What reads or writes files of the server's machine, or runs what is stored there.
FORBIDDEN = frozenset({"outfile", "dumpfile", "infile", "load_file", "procedure", "sys_exec", "sys_eval"})
ENGINES = frozenset({"innodb", "myisam", "aria", "memory", "heap", "isam", "bdb", "archive"})
# What stands after the name of a column that is called engine; elsewhere the = before an engine may be left out.
AFTER_COLUMN = re.compile(r"""
    bit | bool(?:ean)? | (?:tiny|small|medium|big)?int | integer | serial | dec(?:imal)? | numeric | fixed | float
    | double | real | date | datetime | time | timestamp | year | (?:var|n|nvar)?char | character | national
    | (?:var)?binary | (?:tiny|medium|long)?(?:blob|text) | enum | set | json | to | drop | asc | desc | engine | using
    | in | is | like
""", re.VERBOSE)


@dataclass(frozen=True)
class Token:
    """One piece of a statement; kind is a group of TOKEN."""

    kind: str
    text: str

    @property
    def name(self) -> str:
        """What this names, in small letters; nothing for what names nothing."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`").lower()
        return self.text.lower() if self.kind == "word" else ""


@dataclass(frozen=True)
class Statement:
    """One statement on one line, without comments and without the semicolon that ends it."""

    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens).strip()

    @property
    def names(self) -> set[str]:
        """Return every name that may be a table's; words of SQL are among them, texts are not."""
        return {token.name for token in self.tokens if token.name}


def statements(line: str) -> list[Statement]:
    """Return the statements of one line; raise RefusedError for what two readers could read in two ways."""
    found: list[list[Token]] = [[]]
    for token in _tokens(line):
        if token == Token("sign", ";"):
            found.append([])
        else:
            found[-1].append(Token("blank", " ") if token.kind in ("comment", "blank") else token)
    return [Statement(tuple(tokens)) for tokens in found if any(token.kind != "blank" for token in tokens)]


def _tokens(line: str) -> list[Token]:
    if CONTROL.search(line):
        raise RefusedError(f"SQL with control characters in it: {shown(line)}")
    tokens = [Token(found.lastgroup, found[0]) for found in TOKEN.finditer(line)]
    for token in tokens:
        if token.kind == "comment" and re.match(r"/\*M?!", token.text):
            raise RefusedError(f"SQL in a comment, which some servers run and others do not: {shown(line)}")
        if token.kind == "sign" and token.text in "'\"`":
            raise RefusedError(f"SQL with a quote that does not end on its line: {shown(line)}")
    for one, other in zip(tokens, [*tokens[1:], Token("blank", "")]):
        if one == Token("sign", "\\") and other != Token("word", "N"):  # \N is NULL
            raise RefusedError(f"SQL with a command to the client program in it: {shown(line)}")
    if any(one.text + other.text == "--" and last.kind == "comment"
           for one, other, last in zip(tokens, tokens[1:], tokens[2:])):  # without that one, a comment begins before it
        raise RefusedError(f"SQL with two signs before a comment that make one: {shown(line)}")
    if any(one.text + other.text == "/*" for one, other in zip(tokens, tokens[1:])):
        raise RefusedError(f"SQL with a comment that does not end on its line: {shown(line)}")
    return tokens


def refuse_unconfined(statement: Statement, other_databases: Collection[str]) -> None:
    """Raise RefusedError for a statement that could do more than change tables of the site's own database."""
    told = [token for token in statement.tokens if token.kind != "blank"]
    words = [token.text.lower() for token in told if token.kind == "word"]
    line = shown(statement.text)
    beginning = " ".join(token.text.lower() for token in told[:8])
    if not BEGINNINGS.match(beginning) and not _sets_own_variable(told):
        raise RefusedError(f"a statement of a kind that no mod may run: {line}. It may: {KINDS}")
    if bad := FORBIDDEN & statement.names:
        raise RefusedError(f"a statement that reads or writes files of the server ({min(bad).upper()}): {line}")
    if words[:1] == ["select"] and "into" in words:
        raise RefusedError(f"SELECT ... INTO: {line}")
    if words[:1] in (["create"], ["alter"]) and (odd := sorted(set(_engines(told)) - ENGINES)):
        raise RefusedError(f"a table of the engine {odd[0]}, whose rows may be anywhere: {line}")
    if any(here in ("data", "index") and after == "directory" for here, after in zip(words, words[1:])):
        raise RefusedError(f"a table in another folder of the server: {line}")
    others = {name.lower() for name in other_databases}
    for one, sign in zip(told, told[1:]):
        if sign.text == "." and one.name in others:
            raise RefusedError(f"another database, {one.name}: {line}")


def _sets_own_variable(told: list[Token]) -> bool:
    """Whether a statement is SET @name = one expression: any other SET may change how the next one is read."""
    texts = [token.text.lower() for token in told]
    if texts[:2] != ["set", "@"] or len(told) < 5 or told[2].kind != "word" or "@" in texts[2:3]:
        return False
    depth = 0
    for text in texts:
        depth += (text == "(") - (text == ")")
        if depth == 0 and text == ",":
            return False
    return True


def _engines(told: list[Token]) -> Iterator[str]:
    """Yield what may be the names of engines: `ENGINE = name`, where the sign may be missing and the name in quotes."""
    for place, token in enumerate(told):
        after = told[place + 1:place + 3]
        is_said = after[:1] == [Token("sign", "=")]
        value = after[-1 if is_said else 0] if after else token
        if token.text.lower() == "engine":
            name = value.text[1:-1].lower() if value.kind == "text" else value.name
            if name and (is_said or value.kind != "word" or not AFTER_COLUMN.fullmatch(name)):
                yield name
        elif token.text.lower() == "type" and is_said and value.kind == "word":
            yield value.name


def touched(found: Iterable[Statement], tables: Iterable[str]) -> set[str]:
    """Return those of the tables that statements may change: all whose names stand in them, as whatever."""
    names = {name for statement in found for name in statement.names}
    return {table for table in tables if table.lower() in names}


# Answers

def substituted(line: str, answers: Mapping[str, str]) -> str:
    """Return a line with `$variable` replaced by the answers, each written for the place where it stands.

    Other dollar words stay. Raises RefusedError where no way of writing would keep the answer a value.
    """
    tokens = _tokens(line)
    made = "".join(_with_answers(token, tokens, place, answers) for place, token in enumerate(tokens))
    # Whatever the answers are, the statement stays the one that was shown.
    if [token.kind for token in _tokens(made) if token.kind != "blank"] != _kinds(tokens, answers):
        raise RefusedError(f"an answer would change the statement it goes into: {shown(line)}")
    return made


def _kinds(tokens: list[Token], answers: Mapping[str, str]) -> list[str]:
    kinds = []
    for token in tokens:
        found = VARIABLE.fullmatch(token.text) if token.kind == "word" else None
        if found and found[1] in answers:
            value = answers[found[1]]
            kinds += [one.kind for one in _tokens(value)] if NUMBER.fullmatch(value) else ["text"]
        elif token.kind != "blank":
            kinds.append(token.kind)
    return kinds


def _with_answers(token: Token, tokens: list[Token], place: int, answers: Mapping[str, str]) -> str:
    def written(found: re.Match) -> str:
        value = answers.get(found[1])
        if value is None:
            return found[0]
        if token.kind == "text":
            return escaped(value, token.text[0])
        if token.kind == "word" and found[0] == token.text:
            return value if NUMBER.fullmatch(value) else f"'{escaped(value, chr(39))}'"
        if token.kind in ("word", "quoted") and PLAIN_WORD.fullmatch(value):
            return value
        raise RefusedError(f"the value of {found[1]} stands in a name, where only letters, digits and _ may be: "
                           f"{shown(token.text)}")
    return token.text if token.kind == "comment" else VARIABLE.sub(written, token.text)


def escaped(value: str, quote: str) -> str:
    """Return a value as it stands between quotes, on a server that takes backslashes as escapes."""
    if CONTROL.search(value):
        raise RefusedError("a value with control characters or line ends in it")
    return value.replace("\\", "\\\\").replace(quote, "\\" + quote)


def shown(line: str) -> str:
    """Return the beginning of a line, for a message."""
    text = " ".join(line.split())
    return text if len(text) <= 120 else f"{text[:120]}..."
