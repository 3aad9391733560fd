"""Finds in what the schemas of two databases differ, told alike by MariaDB and MySQL, old and new.

Left out is what is no matter of the schema: AUTO_INCREMENT, comments, row formats, partitions, who defined a view or
routine, the width that integers are shown in.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from scripts.database import schema_query
from scripts.database.client import Client, Row
from scripts.database.schema_text import charset, data_type, default, expression, extra, tells_defaults_as_sql

HIDDEN = "(not shown to this account)"
# In this order within a table.
KINDS = ("database", "table", "view", "engine", "charset", "column", "order", "primary key", "index", "foreign key",
         "check", "trigger", "routine", "event")


@dataclass(frozen=True)
class Part:
    """One thing a schema consists of: what is one of KINDS, and order is the order of the columns.

    table is empty for what belongs to none, name where table and what say it all.
    """

    table: str
    what: str
    name: str = ""


@dataclass(frozen=True)
class Schema:
    """A schema as the text of each of its parts; the columns of a table in their order."""

    parts: dict[Part, str]


@dataclass(frozen=True)
class SchemaDifference:
    """A part that differs; a or b is None where that side lacks it."""

    table: str
    what: str
    name: str
    a: str | None
    b: str | None


def read(client: Client) -> Schema:
    """Return the schema of a database, in two calls."""
    found = _Reading(client.database)
    for kind, *row in schema_query.ask(client):
        getattr(found, "take_" + kind.replace(" ", "_"))(*row)
    return Schema(found.finished())


def differences(a: Schema, b: Schema) -> list[SchemaDifference]:
    """Return what differs, by table. Of a table or view that one side lacks, only that is told.

    A definition that a server does not show is told as a difference: nobody knows that it is none.
    """
    told = [SchemaDifference(part.table, part.what, part.name, a.parts.get(part), b.parts.get(part))
            for part in {**a.parts, **b.parts}
            if _differs(a.parts.get(part), b.parts.get(part)) and not _is_of_lacking_table(part, a, b)]
    return sorted(told + _orders(a, b), key=lambda one: (one.table, KINDS.index(one.what), one.name))


def _differs(a: str | None, b: str | None) -> bool:
    return a != b or HIDDEN in a


def _is_of_lacking_table(part: Part, a: Schema, b: Schema) -> bool:
    return part.table != "" and part.what not in ("table", "view") and not all(
        Part(part.table, "table") in schema.parts for schema in (a, b))


def _orders(a: Schema, b: Schema) -> list[SchemaDifference]:
    """Return the tables whose common columns stand in another order."""
    columns_a, columns_b = _columns(a), _columns(b)
    found = []
    for table in columns_a.keys() & columns_b.keys():
        in_a = [name for name in columns_a[table] if name in columns_b[table]]
        in_b = [name for name in columns_b[table] if name in columns_a[table]]
        if in_a != in_b:
            found.append(SchemaDifference(table, "order", "", ", ".join(in_a), ", ".join(in_b)))
    return found


def _columns(schema: Schema) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = defaultdict(list)
    for part in schema.parts:
        if part.what == "column":
            columns[part.table].append(part.name)
    return columns


@dataclass
class _Reading:
    """Takes what a server says row by row; each take_ method knows the columns of one statement of schema_query."""

    database: str
    parts: dict[Part, str] = field(default_factory=dict)
    checks: set[tuple[str, str]] = field(default_factory=set)
    indexes: dict[Part, list[Row]] = field(default_factory=lambda: defaultdict(list))
    foreign_keys: dict[Part, list[Row]] = field(default_factory=lambda: defaultdict(list))
    parameters: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    is_sql: bool = False

    def take_version(self, version: str) -> None:
        self.is_sql = tells_defaults_as_sql(version)

    def take_database(self, character_set: str, collation: str) -> None:
        self.parts[Part("", "database")] = f"{charset(character_set)} {charset(collation)}"

    def take_check(self, table: str, clause: str) -> None:
        self.checks.add((table, expression(clause)))

    def take_table(self, table: str, kind: str, engine: str | None, collation: str | None) -> None:
        if kind != "VIEW":
            self.parts[Part(table, "table")] = kind.lower().replace("base table", "table")
            self.parts[Part(table, "engine")] = engine or "none"
            self.parts[Part(table, "charset")] = charset(collation) or "none"

    def take_view(self, view: str, definition: str | None, check_option: str, security: str) -> None:
        text = expression(definition, self.database) if definition else HIDDEN
        more = f" with {check_option.lower()} check option" if check_option != "NONE" else ""
        self.parts[Part(view, "view")] = f"{text}{more} (sql security {security.lower()})"

    def take_column(self, table: str, name: str, kind: str, full_type: str, nullable: str, value: str | None, more: str,
                    collation: str | None, generated: str | None) -> None:
        json_check = (table, f"json_valid(`{name}`)")
        # MariaDB's JSON is a text with a check.
        is_json = kind == "json" or (json_check in self.checks and collation == "utf8mb4_bin" and kind == "longtext")
        self.checks -= {json_check} if is_json else set()
        words = ["json" if is_json else data_type(full_type), None if is_json else charset(collation),
                 "null" if nullable == "YES" else "not null"]
        value = default(value, kind, more, self.is_sql)
        words += [f"default {value}" if value is not None else None, extra(more)]
        words += [f"as ({expression(generated, self.database)})" if generated else None]
        self.parts[Part(table, "column", name)] = " ".join(filter(None, words))

    def take_index(self, table: str, index: str, *row: str | None) -> None:
        part = Part(table, "primary key") if index == "PRIMARY" else Part(table, "index", index)
        self.indexes[part].append(row)

    def take_foreign_key(self, table: str, name: str, *row: str | None) -> None:
        self.foreign_keys[Part(table, "foreign key", name)].append(row)

    def take_trigger(self, table: str, name: str, timing: str, event: str, body: str | None) -> None:
        self.parts[Part(table, "trigger", name)] = f"{timing.lower()} {event.lower()}: {(body or HIDDEN).strip()}"

    def take_parameter(self, routine: str, kind: str, mode: str | None, name: str | None, full_type: str) -> None:
        words = [mode.lower(), name] if mode else ["", name] if name else ["returns"]
        self.parameters[routine, kind].append(" ".join([*filter(None, words), data_type(full_type)]))

    def take_routine(self, name: str, kind: str, deterministic: str, access: str, security: str,
                     body: str | None) -> None:
        words = [f"({', '.join(self.parameters[name, kind])})", "deterministic" if deterministic == "YES" else "",
                 access.lower(), f"sql security {security.lower()}", (body or HIDDEN).strip()]
        self.parts[Part("", "routine", f"{kind.lower()} {name}")] = " ".join(filter(None, words))

    def take_event(self, name: str, moment: str | None, count: str | None, unit: str | None, starts: str | None,
                   ends: str | None, status: str, completion: str, body: str | None) -> None:
        when = f"at {moment}" if moment else f"every {count} {unit.lower()} from {starts} to {ends or 'ever'}"
        self.parts[Part("", "event", name)] = (f"{when} {status.lower()} on completion {completion.lower()}: "
                                               f"{(body or HIDDEN).strip()}")

    def finished(self) -> dict[Part, str]:
        """Return the parts, those put together that come in several rows."""
        checks = {Part(table, "check", clause): clause for table, clause in self.checks}
        indexes = {part: _index(part, rows) for part, rows in self.indexes.items()}
        foreign_keys = {part: _foreign_key(rows) for part, rows in self.foreign_keys.items()}
        return {**self.parts, **checks, **indexes, **foreign_keys}


def _index(part: Part, rows: list[Row]) -> str:
    not_unique, kind = rows[0][:2]
    is_told = not_unique == "0" and part.what == "index"
    columns = [(name or f"({expression(functional or '')})") + (f"({length})" if length else "")
               + (" desc" if direction == "D" else "") for _, _, name, length, direction, functional in rows]
    words = ["unique" if is_told else "", "" if kind == "BTREE" else kind.lower(), f"({', '.join(columns)})"]
    return " ".join(filter(None, words))


def _foreign_key(rows: list[Row]) -> str:
    _, schema, table, _, on_update, on_delete = rows[0]
    target = f"{schema}.{table}" if schema else table
    # The two words mean the same to every engine that keeps foreign keys.
    update, delete = (rule.lower().replace("no action", "restrict") for rule in (on_update, on_delete))
    return (f"({', '.join(row[0] for row in rows)}) references {target} ({', '.join(row[3] for row in rows)}) "
            f"on update {update} on delete {delete}")
