"""The file of logins that Apache and nginx read: a line each, with a bcrypt hash of the password."""

from collections.abc import Mapping

from scripts.errors import UsageError

# A browser sends the password with every request, and the server computes the hash anew each time: 3 ms at 5, which
# is htpasswd's own cost, and 70 ms at 10, so that a page with 30 pictures would take seconds. 6 takes 4 ms.
COST = 6
LONGEST = 72  # bytes; bcrypt does not look at what follows, so a longer one would be weaker than it seems


def hashed(password: str) -> str:
    """Return the password's bcrypt hash, marked $2y$: Apache's own library knows no $2b$, which means the same.

    By the bcrypt package, the one that the Python Cryptographic Authority keeps: Python's crypt module is gone with
    3.13, and htpasswd comes with Apache's tools, which the manager need not have.
    """
    import bcrypt  # here: only make restrict needs it

    check(password)
    made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode("ascii")
    return made.replace("$2b$", "$2y$", 1)


def fits(password: str, known: str) -> bool:
    """Tell whether a hash is this password's."""
    import bcrypt

    check(password)
    return bcrypt.checkpw(password.encode(), known.encode("ascii"))


def check(password: str) -> None:
    """Raise UsageError, which does not name it, for a password that is none."""
    if not password:
        raise UsageError("the password is empty")
    if len(password.encode()) > LONGEST:
        raise UsageError(f"the password is longer than {LONGEST} bytes: bcrypt would not look at the rest")
    if not password.isprintable():
        raise UsageError("the password has a control character in it, which no browser could send")


def text(logins: Mapping[str, str]) -> bytes:
    """Return the file's content."""
    return "".join(f"{login}:{known}\n" for login, known in logins.items()).encode()
