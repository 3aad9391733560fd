"""Asks a server who it is: two accounts may lead to one database by other users, host names, sockets or ports."""

from dataclasses import dataclass
from functools import cache

from scripts.database.client import Client
from scripts.errors import DatabaseError

ASK = ("SELECT @@hostname, @@port, @@datadir, @@server_id, UNIX_TIMESTAMP(), DATABASE(), @@lower_case_table_names; "
       "SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'wsrep_cluster_state_uuid')")
ROUNDING = 3  # seconds; when a server started comes out of two numbers without fractions


@dataclass(frozen=True)
class Whereabouts:
    """A database and its server, by the server's own words. started is in seconds; cluster is Galera's, if any."""

    database: str
    host: str
    port: str
    folder: str
    server_id: str
    started: int
    cluster: str = ""

    @property
    def shown(self) -> str:
        return f"{self.database} at {self.host}:{self.port} ({self.folder}, server_id {self.server_id})"


@cache
def ask(client: Client) -> Whereabouts:
    """Return where a client's database is; raise DatabaseError for an answer that does not tell.

    Asked once for each option file, which lives no longer than one look at a site.
    """
    try:
        (host, port, folder, server_id, now, database, folds_case), *status = client.query(ASK)
        told = {str(name).lower(): value for name, value in status}
        started = int(now) - int(told["uptime"])
    except (ValueError, KeyError, TypeError) as error:
        raise DatabaseError(f"{client.place}: the server does not tell who it is: {error}") from error
    name = database.lower() if folds_case != "0" else database
    return Whereabouts(name, host or "", port, folder or "", server_id, started,
                       told.get("wsrep_cluster_state_uuid") or "")


def same(one: Whereabouts, other: Whereabouts) -> bool:
    """Tell whether two that were asked now are one database; the nodes of a cluster hold the same ones."""
    return same_place(one, other) and (_are_one_cluster(one, other) or abs(one.started - other.started) <= ROUNDING)


def same_place(one: Whereabouts, other: Whereabouts) -> bool:
    """Tell the same of two that were asked at different times: the server may have been started anew between."""
    if one.database != other.database:
        return False
    servers = [(place.host, place.port, place.folder, place.server_id) for place in (one, other)]
    return _are_one_cluster(one, other) or servers[0] == servers[1]


def _are_one_cluster(one: Whereabouts, other: Whereabouts) -> bool:
    return bool(one.cluster) and one.cluster == other.cluster
