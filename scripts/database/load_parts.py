"""Makes jobs of the pieces of a dump: a table is one, the rows of a large one are many.

Several connections may fill one table only without the dump's LOCK TABLES, and only where that gives the same table:
InnoDB orders the rows by their primary key, whoever brings them; once the first of them are there.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from scripts.database.load_jobs import Job, Jobs
from scripts.database.splitting import BLOCK, HEAD, REST, ROWS, TABLE, Piece

PAYS = 8 << 20         # bytes of a dump from which on a second connection pays for its start
LARGE = 16 << 20       # bytes of a table whose rows are handed to all connections
ITS_OWN = re.compile(rb"^(?:LOCK TABLES [^\n]*;|UNLOCK TABLES;|/\*!40000 ALTER TABLE [^\n]* (?:DIS|EN)ABLE KEYS \*/;)$",
                     re.MULTILINE)
# What the text of rows means depends on these: only where they are as in our dumps does the same text mean the same.
COMPARABLE = (re.compile(rb"SET NAMES utf8(?:mb[34])? "), re.compile(rb"SET TIME_ZONE='\+00:00'"))
BEHIND_ROWS = re.compile(rb"^UNLOCK TABLES;\n", re.MULTILINE)
ORDERED = re.compile(rb"^  PRIMARY KEY \(.*^\) ENGINE=InnoDB ", re.MULTILINE | re.DOTALL)
NOT_SHARED = re.compile(rb"^  (?:FULLTEXT|SPATIAL) KEY |PARTITION BY|SYSTEM VERSIONING|autocommit", re.MULTILINE)


class Parts:
    """Takes the pieces of one dump in their order. to_head makes of its first lines what connections are told.

    alike are tables that hold the dump's rows already, and how they were made; kept are those of them that stay, and
    drop is called for the others.
    """

    def __init__(self, jobs: Jobs, to_head: Callable[[bytes], bytes], alike: Mapping[str, str],
                 drop: Callable[[Sequence[str]], None]) -> None:
        self._jobs, self._to_head, self._alike, self._drop = jobs, to_head, alike, drop
        self.kept: list[str] = []
        self._table = ""
        self._pieces: list[Piece] = []       # of the table, until it is whole or large
        self._size = 0
        self._job: Job | None = None         # that what comes next is added to
        self._made: list[Job] = []           # of the table whose rows are handed to all
        self._before: tuple[Job, ...] = ()   # what has to be done before anything that follows
        self._head: list[Piece] = []
        self._keeps = self._has_begun = False
        self._passed = 0

    def take(self, piece: Piece) -> None:
        """Make jobs of the next piece."""
        self._passed += len(piece.data)
        if piece.kind == HEAD:
            self._head.append(piece)
            return
        self._begin()
        if self._passed > PAYS:
            self._jobs.want_more()
        if piece.kind == REST:
            self._rest(piece)
        else:
            self._of_table(piece)

    def finish(self) -> None:
        """Hand out what is left."""
        self._begin()
        self._end_table()
        self._jobs.complete()

    def end(self) -> None:
        """Let everybody stop: the dump is not whole."""
        self._jobs.end()

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            head = b"".join(piece.data for piece in self._head)
            if self._alike and not all(said.search(head) for said in COMPARABLE):
                self._drop(list(self._alike))
                self._alike = {}
            self._jobs.begin(self._to_head(head))

    def _rest(self, piece: Piece) -> None:
        """Let it be loaded behind everything else, by the connection that loaded what stands before it."""
        if self._table or not self._job:
            if self._pieces and self._stays():
                self._keep()
            self._release()
            last = self._job or (self._made[-1] if self._made else None)
            if last is None or last.is_whole:
                last = self._jobs.add(Job("", self._before, behind=self._made[0] if self._made else None))
            self._jobs.wait_for_others(last)
            self._table, self._job, self._made, self._keeps = "", last, [], False
        self._put(self._job, piece)

    def _of_table(self, piece: Piece) -> None:
        if piece.table != self._table:
            self._end_table()
            self._table = piece.table
        if self._keeps:
            self._put_behind_rows(piece)
        elif self._made:
            self._share(piece)
        elif self._job:
            self._put(self._job, piece)
        else:
            self._pieces.append(piece)
            self._size += len(piece.data)
            if piece.kind == ROWS and self._stays():
                self._keep()
            elif self._size > LARGE:
                self._decide()

    def _stays(self) -> bool:
        """Tell whether the table that the dump makes is there, with its rows."""
        if self._table not in self._alike or self._keeps:
            return False
        before = b"".join(piece.data for piece in self._pieces if piece.kind == TABLE)
        made = b"\n" + self._alike[self._table].encode("utf-8", "surrogateescape") + b";\n"
        return made in before and b"\nLOCK TABLES " in before

    def _keep(self) -> None:
        """Leave the table as it is; what stands behind its rows, its triggers, is still to be loaded."""
        self.kept.append(self._table)
        pieces, self._pieces, self._size, self._keeps = self._pieces, [], 0, True
        for piece in pieces:
            self._put_behind_rows(piece)

    def _put_behind_rows(self, piece: Piece) -> None:
        found = BEHIND_ROWS.search(piece.data) if piece.kind == TABLE and not self._job else None
        if found:
            self._job = self._jobs.add(Job(self._table, self._before))
            lines = piece.data.count(b"\n", 0, found.end())
            self._jobs.put(self._job, piece.table, piece.line + lines, piece.data[found.end():])
        elif self._job:
            self._put(self._job, piece)

    def _decide(self) -> None:
        """Hand out the rows of a large table to all, where that is safe; else let one connection have it all."""
        before = b"".join(piece.data for piece in self._pieces if piece.kind == TABLE)
        if self._jobs.most == 1 or not ORDERED.search(before) or NOT_SHARED.search(before):
            self._release()
            return
        self._begin_table()
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._made = [self._job]
        for piece in pieces:
            self._share(piece)

    def _share(self, piece: Piece) -> None:
        """Make a job of a block of rows; what comes behind the rows waits for all of them."""
        structure = self._made[0]
        if piece.kind == ROWS:
            if self._job is structure:
                self._close()
            if not self._job:
                # The first block comes alone: of an empty table MariaDB locks the whole, and two that would do so at
                # the same time are a deadlock (since 10.6, where unique_checks and foreign_key_checks are 0).
                self._job = self._jobs.add(Job(self._table, tuple(self._made[:2])))
                self._made.append(self._job)
            self._put(self._job, piece)
            if piece.ends and self._job.size >= BLOCK:
                self._close()
            return
        if self._job and self._job is not structure and self._job.behind is None:
            self._close()
        if not self._job:
            self._job = self._jobs.add(Job(self._table, tuple(self._made), behind=structure))
            self._made.append(self._job)
        # An empty line for each, so that the lines keep their numbers.
        self._jobs.put(self._job, piece.table, piece.line, ITS_OWN.sub(b"", piece.data))

    def _end_table(self) -> None:
        """Close what is open: another table begins, or there is none."""
        was_rest = self._job is not None and not self._table
        if self._pieces and self._stays():   # it has no rows
            self._keep()
        self._release()
        if was_rest:
            self._before = (self._job,)
        self._close()
        self._table, self._made, self._keeps = "", [], False

    def _release(self) -> None:
        """Make one job of a table's pieces."""
        if self._pieces:
            self._begin_table()
            for piece in self._pieces:
                self._put(self._job, piece)
            self._pieces, self._size = [], 0

    def _begin_table(self) -> None:
        if self._table in self._alike:  # it was not dropped before, and a dump need not do it
            self._drop([self._table])
        self._job = self._jobs.add(Job(self._table, self._before))

    def _put(self, job: Job, piece: Piece) -> None:
        self._jobs.put(job, piece.table, piece.line, piece.data, piece.offset)

    def _close(self) -> None:
        if self._job:
            self._jobs.close(self._job)
            self._job = None
