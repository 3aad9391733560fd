"""Times of files: nanoseconds as the kernel counts them, and seconds as programs are told them."""

from decimal import Decimal

SECOND = 1_000_000_000      # nanoseconds


def seconds(nanoseconds: int) -> str:
    """Return seconds since 1970 as a decimal, without zeros at its end."""
    whole, rest = divmod(nanoseconds, SECOND)
    return f"{whole}.{rest:09d}".rstrip("0") if rest else str(whole)


def nanoseconds(seconds: int | str) -> int:
    """Return the same as whole nanoseconds."""
    return int(Decimal(seconds) * SECOND)
