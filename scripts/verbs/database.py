"""make database: the database client with the site's own account, or one statement and its answer.

The password travels in an option file on the site's host, which is gone when the client ends. Holds no lock: a look
into the database is wanted most while something else is stuck.
"""

from scripts.database import credentials, programs, statement
from scripts.database.client import Client
from scripts.database.statement import Answer
from scripts.hosts import process
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.steps import site
from scripts.tiki import probe
from scripts.verbs import access


def database(instance: Instance, command: str) -> dict[str, object] | None:
    """Open the client at a terminal, or run the command and return its answers; None where there is nothing to tell."""
    if not command:
        access.refuse_without_terminal("a database client without COMMAND=")
    found = probe.look(instance)
    fault = probe.why_not_installed(instance, found)
    if fault and (found.is_tiki or not instance.db_name):
        raise fault
    account = site.account_of(instance, found)
    with credentials.option_file(instance.host, account) as options:
        client = Client(instance.host, options, account.name, account.charset)
        if not command:
            _open(client)
            return None
        answers = statement.carry_out(client, command)
    for answer in answers:
        _tell(answer)
    rows = [[dict(zip(answer.columns, row)) for row in answer.rows] for answer in answers]
    return {"instance": instance.name, "database": account.name, "answers": rows,
            "changed": max((answer.changed for answer in answers), default=-1)} if answers else None


def _open(client: Client) -> None:
    """Give the client the operator's terminal; how it ends is not judged."""
    host = client.host
    if process.conduct.dry_run:
        output.say(f"would: open a client at {client.place}")
        return
    output.say(f"{client.place}; leave with quit")
    process.attach(host.terminal(programs.on(host).client, f"--defaults-file={client.options}",
                                 f"--default-character-set={client.charset}", f"--database={client.database}"))


def _tell(answer: Answer) -> None:
    """Show the answer to a person. It goes to no log: it may be anything that the site keeps."""
    if output.manner.is_json:
        return
    if not answer.rows:
        output.say(f"{answer.changed} rows changed" if answer.changed >= 0 else "no rows")
        return
    from tabulate import tabulate
    cells = [["NULL" if value is None else value for value in row] for row in answer.rows]
    table = tabulate(cells, headers=list(answer.columns), tablefmt="simple", disable_numparse=True)
    output.tell_secret(table)
