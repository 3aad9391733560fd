"""Texts that pack as code and pages do, made fast: the same arguments give the same bytes on every machine.

Lines are written once for a project (a package, a library) and then drawn, with repetitions, for its files; that is
what lets real code pack to about a sixth. A share of each file is lines of its own.
"""

import itertools
import random
from collections.abc import Iterator

WORDS = ("wiki", "page", "tracker", "forum", "category", "gallery", "plugin", "menu", "module", "user", "permission",
         "search", "index", "article", "calendar", "newsletter", "template", "theme", "structure", "attachment")
SYLLABLES = ("get", "set", "add", "is", "on", "file", "name", "list", "data", "type", "value", "item", "render", "node",
             "event", "path", "key", "filter", "query", "parse", "load", "cache", "form", "field", "table", "object",
             "handle", "option", "result", "string", "array", "count", "check", "create", "update", "remove", "find")
SHAPES = (
    "        ${0} = $this->{1}({2}, {4});", "        if (!isset($this->{0}[{1}])) {{",
    "    /** @param {0} ${1} the {2} */", "        return $this->{0}->{1}('{2}', {3});",
    "    public function {0}(${1}, ${2} = null)", "    }}", "", "            '{0}' => ['{1}', '{4:x}', '{3}'],",
    "use {0}\\{1}\\{2};", "        foreach (${0} as ${1} => ${2}) {{", "        // {0} {1} {2} {3}",
    "AAAA,{4:x},{5:x};IACJ{6:x},MAAM,{7:x}", "            throw new {0}Exception(\"{1} {2}\");", "        }}")
NAMES = 8_000            # identifiers that there are
PROJECT_FILES = 60       # files of one project
PROJECT_LINES = 3_000    # lines that they share
PASSAGE = 32             # lines that are always together
OWN_SHARE = 6            # one line in so many is of the file alone
LINE_BYTES = 30          # of a line, about
MOST_LINES = 600_000     # 20 MB of text that all projects are cut from: farther apart than packers look back
IMAGE_EVERY = 18         # one file in so many cannot be packed: pictures, fonts
PNG = b"\x89PNG\r\n\x1a\n"
KINDS = ("php", "js", "php", "svg", "php", "tpl", "ts", "css")
IMAGE_FACTOR = 1.2       # of such a file's size to that of others


def names(chance: random.Random, count: int = NAMES) -> list[str]:
    """Return identifiers as programs have them."""
    return ["".join([chance.choice(SYLLABLES), *(one.capitalize() for one in chance.choices(SYLLABLES, k=2))])
            + (str(chance.randrange(1000)) if number % 4 == 0 else "") for number in range(count)]


def lines(chance: random.Random, known: list[str], count: int) -> list[str]:
    """Return lines of code over these identifiers, each with its end of line."""
    shapes, words = chance.choices(SHAPES, k=count), iter(chance.choices(known, k=4 * count))
    numbers = iter(lambda: chance.getrandbits(24), None)
    return [shape.format(*itertools.islice(words, 4), *itertools.islice(numbers, 4)) + "\n" for shape in shapes]


class Code:
    """Files of code, project by project; count is how many there will be."""

    def __init__(self, count: int) -> None:
        self.chance = random.Random(f"code of {count} files")
        projects = count // PROJECT_FILES + 2
        self.lines = lines(self.chance, names(self.chance), min(projects * PROJECT_LINES, MOST_LINES))
        self._passages: list[str] = []

    def files(self, total_bytes: int, count: int) -> Iterator[tuple[str, bytes]]:
        """Yield paths below a folder and contents; the paths are as deep as those of a vendor folder."""
        for number, size in enumerate(sizes(self.chance, count, total_bytes)):
            project = number // PROJECT_FILES
            if number % PROJECT_FILES == 0:
                self._begin_project()
            folder = f"group{project // 20:03}/project{project:04}/src/Part{number % PROJECT_FILES // 10}"
            if number % IMAGE_EVERY == 1:
                yield f"{folder}/picture{number:06}.png", PNG + self.chance.randbytes(int(size * IMAGE_FACTOR))
            else:
                yield f"{folder}/file{number:06}.{KINDS[number % len(KINDS)]}", self._text(size)

    def _begin_project(self) -> None:
        begin = self.chance.randrange(len(self.lines) - PROJECT_LINES)
        self._passages = ["".join(self.lines[one:one + PASSAGE])
                          for one in range(begin, begin + PROJECT_LINES, PASSAGE)]

    def _text(self, size_bytes: int) -> bytes:
        count = size_bytes // LINE_BYTES
        own = count // OWN_SHARE
        shared = self.chance.choices(self._passages, k=(count - own) // PASSAGE + 1)
        begin = self.chance.randrange(len(self.lines))
        return ("<?php\n" + "".join(self.lines[begin:begin + own]) + "".join(shared)).encode()[:size_bytes]


def sizes(chance: random.Random, count: int, total_bytes: int) -> list[int]:
    """Return the sizes of so many files that sum up to about that: most near 1 kB, one in a hundred above 100 kB.

    The shape is that of a real Tiki 24.4: the logarithm of the sizes is normal, with a tail of bundled scripts.
    """
    raw = [chance.lognormvariate(7.2, 1.5) if number % 100 else chance.uniform(1e5, 9e5) for number in range(count)]
    factor = total_bytes / sum(raw)
    return [int(one * factor) for one in raw]


def pages(chance: random.Random) -> Iterator[str]:
    """Yield texts of wiki pages without end, about 2.4 kB each."""
    while True:
        yield " ".join(chance.choices(WORDS, k=350))
