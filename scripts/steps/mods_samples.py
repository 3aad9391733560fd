"""Puts the operator's answers into a mod's `sample:` files, in place of `[:::[variable]:::]`.

An answer is written for the place where it stands: in PHP by the string around it, elsewhere by the file's kind. What
could become code there is refused, never guessed at.
"""

import html
import re
from collections.abc import Callable, Mapping

from scripts.errors import RefusedError

PLACEHOLDER = re.compile(rb"\[:::\[([A-Za-z0-9_]+)\]:::\]")
HOLE = "\ufdd0{}\ufdd1"     # no character of any text; stands for a placeholder while the text around it is read
HOLES = re.compile("\ufdd0(\\d+)\ufdd1")
PHP = re.compile(r"""
    (?P<single>'(?:[^'\\]|\\.)*+')
  | (?P<double>"(?:[^"\\]|\\.)*+")
  | (?P<shell>`(?:[^`\\]|\\.)*+`)
  | (?P<comment>/\*.*?\*/|(?://|\#(?!\[))(?:(?!\?>)[^\n])*)
  | (?P<heredoc><<<[ \t]*(?P<quote>['"]?)(?P<label>[A-Za-z_]\w*)(?P=quote)\r?\n.*?\n[ \t]*(?P=label)\b)
  | (?P<end>\?>)
  | (?P<hole>\ufdd0\d+\ufdd1)
  | (?P<other>[^'"`/\#<?\ufdd0]+|.)
""", re.VERBOSE | re.DOTALL)
OPENING = re.compile(r"<\?(?:php\b|=|(?!xml))", re.IGNORECASE)
LITERAL = re.compile(r"-?\d+(?:\.\d+)?|true|false|null", re.IGNORECASE)
EXPRESSION = re.compile(r"\{\$|\$\{")    # in a text of PHP
WORD = re.compile(r"[\w .-]*")
MARKUP = (".html", ".htm", ".xml", ".svg", ".xhtml")
CODE = (".js", ".json", ".css", ".less", ".scss", ".sql", ".yml", ".yaml", ".sh", ".pl", ".py")
PLAIN = re.compile(r"[\w .,:;/@+%=?&#~()-]*")
SCRIPTS = (".php", ".inc", ".phtml")
Write = Callable[[str, str], str]
"""Takes an answer and its variable's name, returns what stands in the file."""


def filled(text: bytes, name: str, answers: Mapping[str, str]) -> bytes:
    """Return a sample's text with every placeholder that has an answer replaced; name says what kind of file it is.

    Placeholders without an answer stay. Raises RefusedError for an answer that its place cannot hold as a value.
    """
    found = [match for match in PLACEHOLDER.finditer(text) if match[1].decode() in answers]
    if not found:
        return text
    # One character a byte: what is no UTF-8 comes out as it went in.
    pieces, at = [], 0
    for number, match in enumerate(found):
        pieces += [text[at:match.start()].decode("latin-1"), HOLE.format(number)]
        at = match.end()
    source = "".join([*pieces, text[at:].decode("latin-1")])
    variables = [match[1].decode() for match in found]

    def put(part: str, write: Write) -> str:
        return HOLES.sub(lambda hole: _written(variables[int(hole[1])], answers, write), part)

    made = _php(source, put) if name.endswith(SCRIPTS) else put(source, _writer(name))
    return made.encode("latin-1")


def _written(variable: str, answers: Mapping[str, str], write: Write) -> str:
    return write(answers[variable], variable).encode("utf-8", "surrogateescape").decode("latin-1")


def _writer(name: str) -> Write:
    if name.endswith(".tpl"):
        return lambda value, variable: _markup(value, variable).replace("{", "&#123;").replace("}", "&#125;")
    if name.endswith(MARKUP):
        return _markup
    return _plain if name.endswith(CODE) else _line


def _markup(value: str, variable: str) -> str:
    return html.escape(_line(value, variable))


def _plain(value: str, variable: str) -> str:
    if not PLAIN.fullmatch(value):
        raise _refused(variable, "goes into a file in which quotes, brackets and backslashes have a meaning")
    return value


def _line(value: str, variable: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise _refused(variable, "has a line end or a control character in it")
    return value


# PHP

def _php(source: str, put) -> str:
    """Write PHP: outside of it markup, inside it values in strings, and literals where no string is around them."""
    made, at = [], 0
    while opening := OPENING.search(source, at):
        made += [put(source[at:opening.start()], _markup), opening[0]]
        at, kind = opening.end(), ""
        while at < len(source) and kind != "end":
            token = PHP.match(source, at)
            at, kind = token.end(), next(name for name in WRITERS if token[name])
            made.append(put(token[0], WRITERS[kind](token)))
    return "".join([*made, put(source[at:], _markup)])


def _literal(value: str, variable: str) -> str:
    return value if LITERAL.fullmatch(value) else f"'{_in_single(value, variable)}'"


def _in_single(value: str, variable: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _in_double(value: str, variable: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")


def _around_double(token: re.Match) -> Write:
    """Return how to write inside a text that PHP reads for variables; one with expressions in it takes words alone."""
    return _in_expression if EXPRESSION.search(token[0]) else _in_double


def _in_expression(value: str, variable: str) -> str:
    if not WORD.fullmatch(value):
        raise _refused(variable, "may stand in an expression within a text of PHP")
    return value


def _in_comment(value: str, variable: str) -> str:
    if "*/" in _line(value, variable) or "?>" in value:
        raise _refused(variable, "stands in a comment, which it would end")
    return value


def _in_heredoc(token: re.Match) -> Write:
    def write(value: str, variable: str) -> str:
        if token["label"] in _line(value, variable):
            raise _refused(variable, f"has the word {token['label']} in it, which ends the text around it")
        if token["quote"] == "'":
            return value
        if EXPRESSION.search(token[0]):
            return _in_expression(value, variable)
        return value.replace("\\", "\\\\").replace("$", "\\$")
    return write


def _in_shell(value: str, variable: str) -> str:
    raise _refused(variable, "stands in a command of a shell")


WRITERS: dict[str, Callable[[re.Match], Write]] = {
    "single": lambda token: _in_single, "double": _around_double, "shell": lambda token: _in_shell,
    "comment": lambda token: _in_comment, "heredoc": _in_heredoc, "end": lambda token: _literal,
    "hole": lambda token: _literal, "other": lambda token: _literal}


def _refused(variable: str, why: str) -> RefusedError:
    return RefusedError(f"the value of {variable} {why}; it cannot be put there")
