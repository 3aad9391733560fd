"""What a piece of PHP calls, told from its words alone; nothing is run and no PHP is needed.

For code that a program has made and that does little: what cannot be told for certain counts as reaching out. A word is
understood as PHP's own scanner does: texts and comments are no code, and what stands outside of the marks is no PHP.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# <? alone is PHP as well where short_open_tag is on; <?xml is taken for text then too, by everybody.
OPENING = re.compile(r"<\?(?:php(?=\s|\Z)|=|(?!xml\b|php\w))", re.IGNORECASE)
WORD = re.compile(r"""
    (?P<blank>\s+ | (?:\#(?!\[) | //) (?:(?!\?>)[^\r\n])* | /\*.*?\*/)
  | (?P<close>\?>)
  | (?P<text>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*")
  | (?P<number>\d[\w.]*)
  | (?P<variable>\$[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)
  | (?P<name>\\?[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*(?:\\[\w\x80-\U0010ffff]+)*)
  | (?P<sign><<<|\?->|->|::|=>|[^\s\w])
""", re.VERBOSE | re.DOTALL)
REQUEST = frozenset({"$_GET", "$_POST", "$_REQUEST", "$_COOKIE", "$_FILES", "$_SERVER", "$_ENV", "$_SESSION",
                     "$GLOBALS"})
CASTS = frozenset({"string", "int", "integer", "bool", "boolean", "float", "double", "array", "object"})
LOADING = ("include", "include_once", "require", "require_once")
# Words before a bracket that are no calls.
STATEMENTS = frozenset({"if", "elseif", "else", "while", "for", "foreach", "switch", "return", "echo", "print", "array",
                        "list", "isset", "empty", "unset", "exit", "die", "and", "or", "xor", "catch", "function", "fn",
                        "use", "case", "match", "declare", "static", "throw", "break", "continue", "int", "bool",
                        "string", "float", "object", "instanceof", "do", "as", "default", "true", "false", "null"})


class Word(NamedTuple):
    """One word of PHP: kind is a group of WORD, or `end` for the statement that a closing mark ends."""

    kind: str
    text: str


@dataclass
class Reach:
    """What code calls and loads, and what of a visitor's request it looks at.

    odd says what it does that nothing here can follow; nothing, when it does not.
    """

    functions: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    loads: list[str] = field(default_factory=list)
    request: set[str] = field(default_factory=set)
    odd: str = ""


def has_code(text: str) -> bool:
    """Whether PHP would run any of a text."""
    return bool(OPENING.search(text))


def reach(text: str) -> Reach:
    """Return what a PHP text calls and loads; what it makes itself too: a method may have any function's name."""
    found = Reach()
    words = list(_words(text, found))
    last = len(words)
    for place, (kind, word) in enumerate(words):
        before = words[place - 1] if place else Word("end", "")
        after = words[place + 1] if place + 1 < last else Word("end", "")
        if kind == "sign":
            is_cast = word == ")" and before.text.lower() in CASTS and words[place - 2].text == "("
            found.odd = found.odd or ("" if is_cast else _odd_sign(word, before, after))
        elif kind == "text":
            found.odd = found.odd or _odd_text(word, after)
        elif kind == "variable":
            found.request |= {word} & REQUEST
            found.odd = found.odd or _odd_variable(word, before, after)
        elif kind == "name":
            _name(found, words, place, before, after)
    return found


def _words(text: str, found: Reach) -> Iterator[Word]:
    place = 0
    while opening := OPENING.search(text, place):
        place = opening.end()
        yield Word("end", "")
        while place < len(text):
            word = WORD.match(text, place)
            if word is None:
                found.odd = found.odd or "holds what is no PHP"
                return
            place = word.end()
            if word.lastgroup == "close":
                break
            if word.lastgroup != "blank":
                yield Word(word.lastgroup, word[0])
    yield Word("end", "")


def _odd_sign(sign: str, before: Word, after: Word) -> str:
    if sign == "`":
        return "runs a program"
    if sign == "<<<":
        return "holds a text that may hold code"
    if sign == "$":
        return "builds the name of a variable"
    if sign in ("]", ")") and after.text == "(" or sign == "(" and before.text.lower() == "new":
        return "calls what it has worked out"
    if sign in ("->", "?->", "::") and (after.text == "{" or after.kind == "variable" and sign != "::"):
        return "builds the name of what it calls"
    if sign in ("'", '"'):
        return "holds a text without an end"
    return ""


def _odd_variable(word: str, before: Word, after: Word) -> str:
    if after.text in ("(", "{") and before.text != "function":
        return f"calls what {word} names"
    if after.text == "::" or before.text.lower() == "new":
        return f"works with a class that {word} names"
    return "reaches all variables" if word == "$GLOBALS" else ""


def _odd_text(word: str, after: Word) -> str:
    if after.text in ("(", "::"):
        return "calls what a text names"
    if word[0] == '"' and re.search(r"(?<!\\)(?:\\\\)*(?:\{\$|\$\{)[^}]*\(", word):
        return "holds a text with code in it"
    return ""


def _name(found: Reach, words: list[Word], place: int, before: Word, after: Word) -> None:
    name, lower = words[place].text, words[place].text.lower()
    if lower in LOADING:
        rest = words[place + 1:place + 4]
        inner = rest[1:] if rest and rest[0].text == "(" else rest
        if inner and inner[0].kind == "text" and inner[1:2] and inner[1].text in (")", ";", ""):
            found.loads.append(inner[0].text[1:-1])
        else:
            found.odd = found.odd or "loads a file whose name it works out"
    elif lower == "eval":
        found.odd = found.odd or "runs a text as code (eval)"
    elif lower == "as" and after.kind == "name" and after.text.lower() not in ("list", "array"):
        found.odd = found.odd or f"gives another the name {after.text}"
    elif before.text in ("->", "?->"):
        if after.text == "(":
            found.methods.add(name)
    elif before.text.lower() in ("function", "class", "interface", "trait"):
        return
    elif before.text.lower() in ("new", "extends", "implements") or after.text == "::":
        found.classes.add(name.lstrip("\\"))
    elif after.text == "(" and before.text == "::":
        found.methods.add(name)
    elif after.text == "(" and lower not in STATEMENTS:
        found.functions.add(name.lstrip("\\"))
