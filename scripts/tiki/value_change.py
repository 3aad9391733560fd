"""A value of a site's database before and after TRIM changed it, and the statements that lead from one to the other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

State = tuple[bool, str | None]
"""Whether a row is there, and the value it has."""
Quote = Callable[[str], str]


@dataclass(frozen=True)
class Change:
    """One value, named by its row's key.

    A row may come with it, and go again: a preference without one has Tiki's default.
    """

    table: str
    key: tuple[tuple[str, str], ...]
    column: str
    before: str | None
    after: str | None
    was_there: bool = True
    is_there: bool = True

    @classmethod
    def of(cls, told: Mapping) -> "Change":
        """Return the change that a list in JSON holds."""
        return cls(**{**told, "key": tuple((column, value) for column, value in told["key"])})

    @property
    def place(self) -> tuple:
        return self.table, self.key, self.column

    @property
    def state_before(self) -> State:
        return self.was_there, self.before

    @property
    def state_after(self) -> State:
        return self.is_there, self.after

    @property
    def name(self) -> str:
        return " ".join((self.table, *(value for _, value in self.key)))

    def look(self, number: int, quote: Quote) -> str:
        """Return the question for the value as it is; its answer begins with the number."""
        return f"SELECT {number}, `{self.column}` FROM {self.table} WHERE {self._where(quote)}"

    def statement(self, now: State, wanted: State, quote: Quote) -> str:
        """Return what brings the value from one state to the other."""
        value = "NULL" if wanted[1] is None else quote(wanted[1])
        if not wanted[0]:
            return f"DELETE FROM {self.table} WHERE {self._where(quote)}"
        if now[0]:
            return f"UPDATE {self.table} SET `{self.column}` = {value} WHERE {self._where(quote)}"
        columns = ", ".join(f"`{column}`" for column, _ in self.key)
        held = ", ".join(quote(value) for _, value in self.key)
        return f"INSERT INTO {self.table} ({columns}, `{self.column}`) VALUES ({held}, {value})"

    def _where(self, quote: Quote) -> str:
        return " AND ".join(f"`{column}` = {quote(value)}" for column, value in self.key)


def looks(listed: Sequence[Change], quote: Quote) -> list[str]:
    """Return the questions whose answers states() reads."""
    return [change.look(number, quote) for number, change in enumerate(listed)]


def states(listed: Sequence[Change], answers: Iterable[Sequence[str | None]]) -> list[State]:
    """Return how each value is now."""
    values = {int(number): value for number, value in answers}
    return [(number in values, values.get(number)) for number in range(len(listed))]
