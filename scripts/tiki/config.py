"""Writes db/local.php for a Tiki that has none yet, in the installer's own form."""


def local_php_text(host: str, port: int | None, socket: str | None, user: str, password: str, database: str,
                   version: str) -> bytes:
    """Return the text of a db/local.php.

    Values stand in single quotes, where PHP knows only `\\\\` and `\\'` as escapes. Tiki pastes the host into its
    connection string, so a port and a socket travel in it.
    """
    place = f"localhost;unix_socket={socket}" if socket else f"{host}:{port}" if port else host
    values = {"db_tiki": "mysqli", "dbversion_tiki": version, "host_tiki": place, "user_tiki": user,
              "pass_tiki": password, "dbs_tiki": database, "client_charset": "utf8mb4"}
    lines = [f"${name} = {_literal(value)};" for name, value in values.items()]
    return "\n".join(["<?php", *lines, ""]).encode("utf-8", "surrogateescape")


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
