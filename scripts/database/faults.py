"""What the words of database programs mean, and what to do next."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.errors import CommandError, DatabaseError

CLIENT_SAYS = re.compile(r"^ERROR (?P<code>\d+) \(\w+\)(?: at line \d+)?: .*", re.MULTILINE)
DUMP_SAYS = re.compile(r"(?:Got error: (?P<code>\d+): .*|Couldn't execute '.*?': .* \((?P<later>\d+)\))")
NO_ACCESS = 1044
MEANING = {
    # A server tells an account nothing of databases it may not enter, not even that there are none.
    NO_ACCESS: ("the account may not enter this database or not do this, or there is none of this name",
                "compare db/local.php with what the server has, or grant the right"),
    1045: ("the server refuses the account or its password", "compare user and password with db/local.php"),
    1049: ("the server has no such database", "create it, or correct its name"),
    1142: ("the account may not do this", "grant it the right, or use another account"),
    1205: ("another client holds a lock, and did not give it up in time",
           "look who it is (SHOW FULL PROCESSLIST), then repeat the call"),
    1213: ("another client and this one waited for each other", "repeat the call"),
    1698: ("the server refuses the account or its password", "compare user and password with db/local.php"),
    2002: ("the database server cannot be reached", "is it running? Compare host, port and socket"),
    2003: ("the database server cannot be reached", "is it running? Compare host and port"),
    2005: ("the database server's name is not known", "correct the database host"),
}
LOCKED = (1205, 1213)   # a lock that did not go in time, and a deadlock: no fault of the statement
CANNOT_HOLD = {
    1064: "it does not understand a statement of the dump",
    1067: "it refuses the default value of a column",
    1071: "it cannot index that long a key",
    1101: "it refuses the default value of a column",
    1115: "it does not know a character set",
    1118: "it cannot hold that long a row",
    1153: "its max_allowed_packet is too small for a row",
    1193: "it does not know a setting that the dump uses",
    1227: "the dump has a view, trigger or routine that belongs to another account",
    1231: "it refuses a setting that the dump uses",
    1235: "it does not support something the dump uses",
    1273: "it does not know a collation",
    1286: "it does not have a storage engine",
    4161: "it does not know a data type",
}


class SqlError(DatabaseError):
    """The server answered with an error; code is its number, 0 where a fault only passes it on."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class CannotHold(SqlError):
    """This server cannot hold this dump: it is older, of another make, or configured too narrowly."""


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Raise what the client or the dump program says as the fault it means.

    place is `client.place`. Around a load it explains the dump that the load reads from: the load explains itself.
    """
    try:
        yield
    except CommandError as error:
        if said := CLIENT_SAYS.search(error.stderr):
            raise _fault(place, int(said["code"]), said[0]) from error
        if said := DUMP_SAYS.search(error.stderr):
            raise _fault(place, int(said["code"] or said["later"]), said[0]) from error
        raise


@contextmanager
def explained_load(place: str) -> Iterator[None]:
    """Raise what the client says while it loads a dump; the words of a dump program are not about this place."""
    try:
        yield
    except CommandError as error:
        said = CLIENT_SAYS.search(error.stderr)
        if not said:
            raise
        code = int(said["code"])
        if code not in CANNOT_HOLD:
            raise _fault(place, code, said[0]) from error
        raise CannotHold(f"{place}: this server cannot hold this dump: {CANNOT_HOLD[code]}. It says: {said[0]}",
                         code) from error


def _fault(place: str, code: int, said: str) -> SqlError:
    meaning, advice = MEANING.get(code, ("the server reports an error", ""))
    return SqlError(f"{place}: {meaning}: {said}" + (f". Next: {advice}" if advice else ""), code)
