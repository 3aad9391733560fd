"""What a visitor sees: does the site answer, and does it keep to itself what is not for visitors."""

from collections.abc import Iterator

from scripts.health import mends
from scripts.health.finding import Checked, Wrong, look
from scripts.registry.instance import Instance
from scripts.steps import answering
from scripts.steps.answering import Answer
from scripts.tiki import layout

SECRETS = {layout.LOCAL_PHP: b"_tiki", "db/tiki.sql": b"CREATE TABLE"}
"""What nobody may read, and what shows that somebody can; PHP answers nothing where it runs local.php."""
DENIED = "Require all denied"


def check(instance: Instance, is_closed: bool) -> Checked:
    """Look at a site's address; is_closed: the maintenance page is on, and 503 is as it should be."""
    return look(instance.name, "web", lambda: _wrong(instance, is_closed), mends.edit_env(instance))


def turns_strangers_away(instance: Instance) -> bool:
    """Whether a visit without a login must fail, wherever it comes from."""
    return bool(instance.restrict_users) and (not instance.restrict_allow or instance.restrict_both)


def _wrong(instance: Instance, is_closed: bool) -> Iterator[Wrong]:
    url = instance.web_url.rstrip("/")
    page = answering.visit(instance)
    if page.status == 0:
        yield Wrong(f"{url}/ does not answer: {page.body.decode()}. Is the web server up, and is WEB_URL right?",
                    mends.edit_env(instance))
        return
    yield from _broken(instance, page, is_closed)
    if page.status == 200 and turns_strangers_away(instance):
        yield Wrong(f"its env file asks every visitor for a login, and {url}/ let us in without one: the web server "
                    "does not obey its .htaccess (Apache: AllowOverride All; nginx: two lines that this shows)",
                    mends.make(instance.settings, "restrict", INSTANCE=instance.name))
    yield from _exposed(instance, url)


def _broken(instance: Instance, page: Answer, is_closed: bool) -> Iterator[Wrong]:
    if page.status >= 500 and not (page.status == 503 and is_closed):
        yield Wrong(f"visitors get error {page.status}. Stale caches are the most frequent reason; the web server's "
                    "error log tells others", mends.clear_caches(instance))


def _exposed(instance: Instance, url: str) -> Iterator[Wrong]:
    for path, sign in SECRETS.items():
        answer = answering.ask(f"{url}/{path}")
        if answer.status == 200 and sign in answer.body:
            yield Wrong(f"everybody can read {url}/{path}: db/ is open to the web", _close(instance, answer))
            return


def _close(instance: Instance, answer: Answer) -> str:
    """Return what closes db/: a .htaccess for Apache, a rule in its configuration for a server that knows none.

    Tiki brings its own rules under another name; they are to be copied.
    """
    if "apache" not in answer.server.lower():
        return mends.at_host(instance, "sudo ${EDITOR:-vi} /etc/nginx/sites-enabled/default")
    own, template = (f"{instance.web_root}/{name}" for name in (layout.HTACCESS, layout.HTACCESS_TEMPLATE))
    there = instance.host.read_names("find", own, template, "-maxdepth", "0", "-print0", ok=(0, 1))
    if there == [template]:
        return mends.at_host(instance, mends.words("cp", "-p", "--", template, own))
    path = mends.words(f"{instance.web_root}/db/{layout.HTACCESS}")
    return mends.at_host(instance, f"printf '%s\\n' {mends.words(DENIED)} > {path}")
