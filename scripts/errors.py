"""The faults TRIM knows, and the exit code each one ends a run with.

Lower floors raise them; only edge.py turns one into text. Any other exception is a bug of ours: exit 1.
"""


class Fault(Exception):
    """Something an operator can act on: what happened, where, and what to do next, in one line."""

    exit_code = 1


class UsageError(Fault):
    """The call itself is wrong: a missing answer, an unknown name, a value of the wrong kind."""

    exit_code = 2


class RegistryError(Fault):
    """An env file or the settings cannot be taken as they are."""

    exit_code = 3


class HostError(Fault):
    """A host cannot be reached or trusted, or lacks something."""

    exit_code = 4


def of_os_error(error: OSError) -> HostError:
    """Return what the manager's own system refused (no space, no permission) as a fault an operator can act on."""
    place = f"{error.filename}: " if error.filename else ""
    return HostError(f"manager: {place}{error.strerror or error}. Next: make doctor")


class CommandError(Fault):
    """An external program failed, hung, or ended without finishing its work.

    stderr is the end of what it said there, whole_stderr all of it, or as much as a program may well say.
    """

    exit_code = 5

    def __init__(self, message: str, *, code: int | None = None, stderr: str = "", whole_stderr: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.stderr = stderr
        self.whole_stderr = whole_stderr or stderr


class DatabaseError(Fault):
    """A database refused, is missing, or does not hold what it should."""

    exit_code = 6


class ArchiveError(Fault):
    """An archive is damaged, incomplete, of another kind, or missing."""

    exit_code = 7


class BusyError(Fault):
    """Another run holds what this one needs."""

    exit_code = 8


class RefusedError(Fault):
    """A guard stopped a step that could lose something."""

    exit_code = 9


class Findings(Fault):
    """The run did its work and found something that wants attention; details are the lines of what was found."""

    exit_code = 10

    def __init__(self, message: str, *, details: str = "") -> None:
        super().__init__(message)
        self.details = details


class UnsaidError(Fault):
    """The run did its work, and stdout did not take all that it had to say."""

    exit_code = 11


class ReaderGoneError(Fault):
    """The run did its work, and who read what it said did not stay to the end."""

    exit_code = 141  # as a shell tells of a program that SIGPIPE ended: 128 + 13
