"""Says in what two databases differ, table by table."""

from scripts.database.digest import TableDigest


def differences(recorded: dict[str, TableDigest], found: dict[str, TableDigest]) -> list[str]:
    """Return a sentence for each table that is not found as it was recorded; none when all are."""
    told = [_difference(name, recorded.get(name), found.get(name)) for name in sorted({*recorded, *found})]
    return [sentence for sentence in told if sentence]


def _difference(name: str, recorded: TableDigest | None, found: TableDigest | None) -> str | None:
    if found is None:
        return f"table {name} is missing; it had {_rows(recorded.rows)}"
    if recorded is None:
        return f"table {name} is new; it has {_rows(found.rows)}"
    if found.rows != recorded.rows:
        return f"table {name} has {found.rows} of {_rows(recorded.rows)}"
    return f"table {name} differs in the content of its {_rows(found.rows)}" if found != recorded else None


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
