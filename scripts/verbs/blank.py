"""make blank: registers a folder and an empty database, to restore or clone into."""

from scripts.database import credentials
from scripts.database.client import Client
from scripts.errors import RegistryError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.steps import enrolling, site
from scripts.tiki import probe

DATABASE_KEYS = ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASS")


def blank(settings: Settings, name: str | None, given: dict[str, str], database: dict[str, str]) -> None:
    """Register an empty place; database holds the DB_* keys that the environment gave."""
    name = enrolling.new_name(settings, name)
    answers = enrolling.ask_place(settings, {**given, **database})
    for key in DATABASE_KEYS:
        if key not in answers:
            answers[key] = enrolling.ask(key, "localhost" if key == "DB_HOST" else "")
    taken, told = enrolling.ask_until_it_works(settings, name, answers, lambda one: _look(settings, one))
    output.say(f"{name}: {told}")
    enrolling.write(settings, taken, f"registered. Next: make restore INSTANCE={name} FROM=...")


def _look(settings: Settings, one: Instance) -> str:
    """Return what was found; raise what speaks against using this place."""
    enrolling.refuse_twins(settings, one)
    found = probe.look(one)
    if found.state not in ("empty", "missing"):
        raise RegistryError(f"{one.name}: {one.web_root} is not empty: it holds "
                            f"{', '.join(found.entries) or 'a Tiki'}. "
                            f"For a Tiki: make instance NAME={one.name} WEB_ROOT={one.web_root}")
    account = site.account_of(one, found)
    with credentials.option_file(one.host, account) as options:
        client = Client(one.host, options, account.name)
        tables, version = client.tables(), client.server_version()
    if tables:
        raise RegistryError(f"{one.name}: database {account.name} is not empty: it holds {len(tables)} tables, as in "
                            f"{tables[0].name}. A blank needs a database of its own")
    folder = "empty" if found.state == "empty" else "not there yet; restore makes it"
    return f"{one.web_root} is {folder}; database {account.name} is empty, server {version}"
