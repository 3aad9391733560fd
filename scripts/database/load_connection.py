"""One connection of a load: a client program that is told job after job, and says of each that the server did it."""

import re
import secrets
from bisect import bisect_right
from itertools import count

from scripts.database import programs
from scripts.database.client import Client
from scripts.database.load_jobs import Ended, Job, Jobs
from scripts.errors import CommandError, DatabaseError
from scripts.hosts import process
from scripts.hosts.streams import Sink, Source

OWN_WORD = "--skip-column-names"     # of no other client of ours
AT_LINE = re.compile(r"^(ERROR \d+ \(\w+\)) at line (\d+): ", re.MULTILINE)


class Connection:
    """The connection of this number; refused is why it could not be had, when others went on without it."""

    def __init__(self, client: Client, jobs: Jobs, number: int) -> None:
        self._client, self._jobs, self._number = client, jobs, number
        self.refused = ""
        self.has_begun = False
        self._token = secrets.token_hex(8)
        self._told: dict[bytes, Job] = {}           # by the word that the server answers with
        self._numbers = count()
        self._is_let_in = False
        self._has_ended = False                     # the server did all that it was told
        self._lines = 1                             # of what the client program has read
        self._places: list[tuple[int, int, str]] = []   # a line of that, the line of the dump, the table

    def work(self) -> None:
        """Do jobs until there are none. Raises the fault of the client program, with lines as the dump has them."""
        try:
            if self._jobs.is_wanted(self._number):
                self._talk()
        except Ended:
            pass
        except BaseException:
            self._jobs.end()
            raise

    def _talk(self) -> None:
        # Older clients refuse the sandbox line of newer dumps; where the client has a sandbox, we ask for it ourselves.
        sandbox = ["--sandbox"] if "--sandbox" in programs.on(self._client.host).options else []
        words = self._client.words(OWN_WORD, "--unbuffered", *sandbox)
        try:
            process.pipe(self._tell, self._client.host.command(*words), self._listen)
        except CommandError as error:
            if self._number and not self._is_let_in:
                self.refused = str(error)
                return
            raise self._located(error) from error
        if self.has_begun and not self._has_ended:
            raise DatabaseError(f"{self._client.place}: the load ended early: the client read only a part of the dump, "
                                "though it reports success")

    def _tell(self, source: Source, sink: Sink) -> None:
        """As a stage before the client program: what it has to do."""
        self._write(sink, self._jobs.head or b"", 1, "")
        self._ask(sink, b"in")
        # An account may have too few connections: the jobs go on without this one then.
        if self._number and not self._jobs.is_let_in(self._number):
            return
        self.has_begun = True
        while job := self._jobs.take(self._number):
            for table, line, data in self._jobs.blobs(job):
                self._write(sink, data, line, table)
            word = b"%d" % next(self._numbers)
            self._told[word] = job
            self._ask(sink, word)
        self._ask(sink, b"end")

    def _ask(self, sink: Sink, word: bytes) -> None:
        """Ask for an answer when everything before is done; the dump may have left a transaction open."""
        self._write(sink, b"\nCOMMIT;\nSELECT '%s-%s';\n" % (self._token.encode(), word), 0, "")

    def _write(self, sink: Sink, data: bytes, line: int, table: str) -> None:
        self._places.append((self._lines, line, table))
        self._lines += data.count(b"\n")
        sink.write(data)

    def _listen(self, source: Source, sink: Sink) -> None:
        """As a stage behind the client program: what the server did."""
        rest, start = b"", self._token.encode() + b"-"
        try:
            for chunk in source.chunks():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.startswith(start):
                        self._answered(line.removeprefix(start))
        finally:
            self._jobs.leave(self._number)

    def _answered(self, word: bytes) -> None:
        if word in self._told:
            self._jobs.done(self._told.pop(word))
        elif word == b"end":
            self._has_ended = True
        elif word == b"in":
            self._is_let_in = True
            self._jobs.enter(self._number)

    def _located(self, error: CommandError) -> CommandError:
        """Return what the client says with the table and the line of the dump instead of its own."""
        def named(found: re.Match) -> str:
            own = int(found[2])
            place = bisect_right(self._places, own, key=lambda known: known[0]) - 1
            first, line, table = self._places[max(place, 0)]
            return f"{found[1]} at line {line + own - first}: " + (f"table {table}: " if table else "")
        said = AT_LINE.sub(named, error.stderr)
        return CommandError(AT_LINE.sub(named, str(error)), code=error.code, stderr=said)
