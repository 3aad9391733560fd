"""Asks a server for the whole schema of a database in one call, whatever its kind and age."""

from scripts.database.client import Client, Row

# What only some servers know; one that does not know it is an error in a statement.
OPTIONAL = {("columns", "generation_expression"), ("statistics", "expression"), ("check_constraints", "check_clause"),
            ("check_constraints", "table_name")}
KNOWN = f"""
SELECT LOWER(table_name), LOWER(column_name) FROM information_schema.columns
WHERE table_schema = 'information_schema' AND LOWER(table_name) IN
({', '.join(sorted({f"'{table}'" for table, _ in OPTIONAL}))})
"""
STATEMENTS = """
SELECT 'version', VERSION();
SELECT 'database', @@character_set_database, @@collation_database;
SELECT 'table', table_name, table_type, engine, table_collation FROM information_schema.tables
    WHERE table_schema = DATABASE() ORDER BY table_name;
SELECT 'view', table_name, view_definition, check_option, security_type FROM information_schema.views
    WHERE table_schema = DATABASE() ORDER BY table_name;
SELECT 'column', table_name, column_name, data_type, column_type, is_nullable, column_default, extra, collation_name,
    {generated} FROM information_schema.columns WHERE table_schema = DATABASE()
    AND table_name NOT IN (SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE())
    ORDER BY table_name, ordinal_position;
SELECT 'index', table_name, index_name, non_unique, index_type, column_name, sub_part, collation, {functional}
    FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index;
SELECT 'foreign key', used.table_name, used.constraint_name, used.column_name,
    IF(used.referenced_table_schema = DATABASE(), NULL, used.referenced_table_schema), used.referenced_table_name,
    used.referenced_column_name, rules.update_rule, rules.delete_rule
    FROM information_schema.key_column_usage AS used JOIN information_schema.referential_constraints AS rules
    ON rules.constraint_schema = used.constraint_schema AND rules.constraint_name = used.constraint_name
    AND rules.table_name = used.table_name WHERE used.table_schema = DATABASE()
    ORDER BY used.table_name, used.constraint_name, used.ordinal_position;
SELECT 'trigger', event_object_table, trigger_name, action_timing, event_manipulation, action_statement
    FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY trigger_name;
SELECT 'parameter', specific_name, routine_type, parameter_mode, parameter_name, dtd_identifier
    FROM information_schema.parameters WHERE specific_schema = DATABASE() ORDER BY specific_name, ordinal_position;
SELECT 'routine', routine_name, routine_type, is_deterministic, sql_data_access, security_type, routine_definition
    FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY routine_name;
SELECT 'event', event_name, execute_at, interval_value, interval_field, starts, ends, status, on_completion,
    event_definition FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY event_name
"""
CHECKS = {
    # MariaDB tells the table itself; in MySQL the names of constraints are unique in a database.
    True: "SELECT 'check', table_name, check_clause FROM information_schema.check_constraints "
          "WHERE constraint_schema = DATABASE()",
    False: "SELECT 'check', named.table_name, checks.check_clause FROM information_schema.check_constraints AS checks "
           "JOIN information_schema.table_constraints AS named ON named.constraint_schema = checks.constraint_schema "
           "AND named.constraint_name = checks.constraint_name AND named.constraint_type = 'CHECK' "
           "WHERE checks.constraint_schema = DATABASE()",
}


def ask(client: Client) -> list[Row]:
    """Return rows whose first column says what they are about; checks come before columns."""
    known = set(client.query(KNOWN))
    statements = STATEMENTS.format(
        generated="generation_expression" if ("columns", "generation_expression") in known else "NULL",
        functional="expression" if ("statistics", "expression") in known else "NULL")
    checks = f"{CHECKS[('check_constraints', 'table_name') in known]};" if any(
        table == "check_constraints" for table, _ in known) else ""
    return client.query(checks + statements)
