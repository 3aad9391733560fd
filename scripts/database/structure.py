"""What a database is made of, rows apart: how each table was made, and what else there is."""

from dataclasses import dataclass

from scripts.database.client import Client, Row, quote_name
from scripts.database.owner import user_of

# The first word tells the rows apart: all come in one answer.
QUESTIONS = """
SELECT 'kind', table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE();
SELECT 'trigger', event_object_table, definer, trigger_name, action_timing, event_manipulation, action_order, sql_mode,
  action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY trigger_name;
SELECT 'program', routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE();
SELECT 'program', 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE();
SELECT 'defaults', @@character_set_database, @@collation_database;
SELECT 'owner', CURRENT_USER()
"""
HOLDING_ROWS = ("BASE TABLE", "SYSTEM VERSIONED")


@dataclass(frozen=True)
class Structure:
    """kinds has every table, view and sequence by name, made how each table was made, with its triggers.

    programs are the stored procedures, functions and events: kind and name. owner is the account that looked, as
    user@host; a trigger of its user is told as its own, so that the same one of another account is the same.
    """

    kinds: dict[str, str]
    made: dict[str, tuple[Row, ...]]
    programs: frozenset[tuple[str, str]]
    defaults: tuple[str, str]
    owner: str

    @property
    def has_owned(self) -> bool:
        """Whether there is anything that belongs to an account: views, triggers, programs."""
        has_triggers = any(len(parts) > 1 for parts in self.made.values())
        return has_triggers or bool(self.programs) or "VIEW" in self.kinds.values()


def read(client: Client) -> Structure:
    """Return what a database is made of; two calls."""
    found: dict[str, list[Row]] = {"kind": [], "trigger": [], "program": [], "defaults": [], "owner": []}
    for what, *row in client.query(QUESTIONS):
        found[what].append(tuple(row))
    kinds = dict(sorted(found["kind"]))
    made: dict[str, list[Row]] = {name: [] for name, kind in kinds.items() if kind in HOLDING_ROWS}
    how = ";\n".join(f"SHOW CREATE TABLE {quote_name(name)}" for name in made)
    for name, text in client.query(how) if made else []:
        made[name].append((text,))
    (owner,) = found["owner"][0]
    for table, definer, *trigger in found["trigger"]:
        made[table].append(("" if user_of(definer) == user_of(owner) else definer, *trigger))
    return Structure(kinds, {name: tuple(parts) for name, parts in made.items()}, frozenset(found["program"]),
                     found["defaults"][0], owner)
