"""make restrict: who may see a site: those who come from some addresses, those who have a login, or both asked for.

The env file is changed first and the site then follows it, so that whatever stops the run, repeating it goes on; doctor
tells of a site that is not what its env file says.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.errors import Fault, UsageError
from scripts.health import web
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry import admitted, change
from scripts.registry.instance import Instance
from scripts.steps import answering, restricting
from scripts.tiki import htpasswd, passwords, probe, restriction_nginx

PASSWORD = "RESTRICT_PASS"
NO_SITE = ("empty", "missing")
MEANING = {401: "a login is asked for", 403: "this machine is turned away", 503: "the maintenance page is on"}


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for; None leaves a key of the env file as it is. password is for the one login named."""

    allow: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    needs_both: bool | None = None
    is_off: bool = False
    password: str = ""


def wishes(allow: tuple[str, ...] | None, users: tuple[str, ...] | None, needs_both: bool | None, state: str,
           password: str) -> Wishes:
    """Return what is asked for; raise UsageError when it is wrong or contradicts itself."""
    given = (allow, users, needs_both)
    if state not in ("", "on", "off"):
        raise UsageError(f"STATE={state}: expected on or off")
    if state == "off" and given != (None, None, None):
        raise UsageError("STATE=off takes the whole restriction away: give no ALLOW, USERS or BOTH with it")
    try:
        networks = None if allow is None else admitted.networks(allow)
    except ValueError as error:
        raise UsageError(f"ALLOW: {error}") from error
    for login in users or ():
        _check_login(login)
    if users and password:
        _check_password(password)
    logins = None if users is None else tuple(dict.fromkeys(users))
    return Wishes(networks, logins, needs_both, state == "off", password if users else "")


def restrict(instance: Instance, wished: Wishes) -> dict[str, object] | None:
    """Bring env file and site to what is wished; return what is to be told of it, None in a dry run."""
    if wished.is_off:
        instance, told = _open(instance), {}
    else:
        instance, told = _written(instance, _asked(instance, wished))
    if not output.manner.is_json:
        _tell_passwords(instance, told)
    try:
        # A blank stays one: whatever makes a site of it closes it before anybody gets in.
        has_site = probe.look(instance).state not in NO_SITE
        folder = restricting.apply(instance) if has_site else ""
    except Fault as fault:
        if output.manner.is_json:
            _tell_passwords(instance, told)  # no document will say them any more
        raise type(fault)(f"{fault}. The env file says already what is wanted; when the cause is mended: "
                          f"make restrict INSTANCE={instance.name}{' STATE=off' if wished.is_off else ''}") from fault
    if process.conduct.dry_run:
        return None
    answer = _ask(instance) if has_site else None
    if has_site:
        _tell(instance, folder, answer)
    else:
        output.say(f"{instance.name}: its env file says so; nothing is at {instance.web_root} yet, and what is made "
                   "there will obey")
    return {"instance": instance.name, "restricted": restricting.is_restricted(instance),
            "allow": list(instance.restrict_allow), "users": list(admitted.logins(instance.restrict_users)),
            "both": instance.restrict_both, "folder": folder, "answer": answer, "passwords": told}


def _asked(instance: Instance, wished: Wishes) -> Wishes:
    """Return the wishes completed by a person, when nothing was given and nothing is in the env file to be renewed."""
    if (wished.allow, wished.users, wished.needs_both) != (None, None, None) or restricting.is_restricted(instance):
        return wished
    if not prompts.can_ask():
        raise UsageError(f"{instance.name}: who may enter? ALLOW=10.0.0.0/8,... for addresses, USERS=name,... for "
                         "logins, or both")
    allow = prompts.ask("Addresses and networks that may enter, with commas", check=lambda text: wishes(
        _words(text), None, None, "", ""))
    users = prompts.ask("Logins that may enter, with commas", check=lambda text: wishes(
        None, _words(text), None, "", ""))
    return wishes(_words(allow), _words(users), None, "", "")


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _written(instance: Instance, wished: Wishes) -> tuple[Instance, dict[str, str]]:
    """Write the env file; return the instance it describes then, and the passwords that nobody has seen yet."""
    known = admitted.logins(instance.restrict_users)
    allow = instance.restrict_allow if wished.allow is None else wished.allow
    users = tuple(known) if wished.users is None else wished.users
    needs_both = instance.restrict_both if wished.needs_both is None else wished.needs_both
    if not allow and not users:
        raise UsageError(f"{instance.name}: nobody would be left who may enter. To open the site to everybody: "
                         f"make restrict INSTANCE={instance.name} STATE=off")
    if needs_both and not (allow and users):
        raise UsageError(f"{instance.name}: BOTH=1 wants an address and a login: give ALLOW and USERS, or BOTH=no")
    made = _new_passwords(instance, _without_password(users, known, wished), wished.password)
    hashes = {one: _hash(known.get(one), made.get(one)) for one in users}
    values = {"RESTRICT_ALLOW": ",".join(allow), "RESTRICT_USERS": ",".join(f"{one}:{hashes[one]}" for one in users)}
    if needs_both != instance.restrict_both:
        values["RESTRICT_BOTH"] = "yes" if needs_both else "no"
    unseen = {one: password for one, password in made.items() if not wished.password and not prompts.can_ask()}
    return change.set_values(instance.settings, instance.name, values), unseen


def _open(instance: Instance) -> Instance:
    both = {"RESTRICT_BOTH": "no"} if instance.restrict_both else {}
    return change.set_values(instance.settings, instance.name, {"RESTRICT_ALLOW": "", "RESTRICT_USERS": "", **both})


def _without_password(users: tuple[str, ...], known: dict[str, str], wished: Wishes) -> list[str]:
    """Return who needs a password: who has none, or the only one who is named when a password is given."""
    new = [one for one in users if one not in known]
    return list(users) if wished.password and not new else new


def _new_passwords(instance: Instance, logins: list[str], given: str) -> dict[str, str]:
    """Return a password for each of these logins: given, typed, or random."""
    if given and len(logins) > 1:
        raise UsageError(f"{instance.name}: {PASSWORD} is the password of one login, and {', '.join(logins)} need one. "
                         "Name one login after the other, or none in the environment for random ones")
    return {login: given or _typed(login) or passwords.new() for login in logins}


def _typed(login: str) -> str:
    """Return the password that a person types twice; nothing without a terminal."""
    if not prompts.can_ask() or process.conduct.dry_run:
        return ""
    while True:
        first = prompts.ask(f"Password for {login}", check=htpasswd.check, secret=True)
        if first == prompts.ask("The same again", secret=True):
            return first
        output.warn("the two are not the same")


def _hash(known: str | None, password: str | None) -> str:
    if known and (not password or htpasswd.fits(password, known)):
        return known
    return htpasswd.hashed(password)


def _check_login(login: str) -> None:
    try:
        admitted.check_login(login)
    except ValueError as error:
        raise UsageError(f"USERS: {error}") from error


def _check_password(password: str) -> None:
    try:
        htpasswd.check(password)
    except UsageError as fault:
        raise UsageError(f"{PASSWORD}: {fault}") from fault


def _ask(instance: Instance) -> int | None:
    """Return how the site answers this machine: a status, 0 when it does not, None when its address is not known."""
    return answering.visit(instance).status if instance.web_url else None


def _tell_passwords(instance: Instance, told: dict[str, str]) -> None:
    if process.conduct.dry_run:
        return
    for login, password in told.items():
        output.tell_secret(f"{instance.name}: login {login}, password {password} (shown this once)")


def _tell(instance: Instance, folder: str, answer: int | None) -> None:
    name = instance.name
    if not restricting.is_restricted(instance):
        output.say(f"{name}: everybody may enter")
    else:
        output.say(f"{name}: {_who(instance)} may enter, nobody else")
        http, server = restriction_nginx.includes(folder)
        need = f"in http {{ }}: {http} and " if instance.restrict_allow else ""
        output.say(f"{name}: Apache follows at once. nginx reads no .htaccess: give it {need}in the site's "
                   f"server {{ }}: {server} then: nginx -s reload")
    _tell_answer(instance, answer)


def _who(instance: Instance) -> str:
    by_address = f"who comes from {_listed(instance.restrict_allow)}" if instance.restrict_allow else ""
    by_login = f"who logs in as {_listed(admitted.logins(instance.restrict_users))}" if instance.restrict_users else ""
    return (" and " if instance.restrict_both else " or ").join(filter(None, (by_address, by_login)))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _tell_answer(instance: Instance, answer: int | None) -> None:
    """Say what a visit from here showed; it is no fault when nothing answers, and a warning when everybody gets in."""
    if answer is None:
        output.say(f"{instance.name}: it has no WEB_URL: whether the web server obeys was not seen")
    elif answer == 0:
        output.say(f"{instance.name}: {instance.web_url} does not answer this machine: whether the web server obeys "
                   "was not seen")
    elif answer == 200 and web.turns_strangers_away(instance):
        output.warn(f"{instance.name}: {instance.web_url} answered 200 without a login: the web server does not obey "
                    "its .htaccess. Apache needs AllowOverride All for the web root, nginx the lines above")
    elif answer >= 500 and answer != 503:
        output.warn(f"{instance.name}: {instance.web_url} answered {answer}: the web server's error log says why; for "
                    f"Apache a module or AllowOverride AuthConfig may be missing. To take it back: make restrict "
                    f"INSTANCE={instance.name} STATE=off")
    elif answer == 200 and restricting.is_restricted(instance):
        output.say(f"{instance.name}: {instance.web_url} answered 200: right if this machine's address is among those "
                   "of ALLOW; else the web server does not obey its .htaccess")
    else:
        output.say(f"{instance.name}: {instance.web_url} answered {answer}"
                   + (f": {MEANING[answer]}" if answer in MEANING else ""))
