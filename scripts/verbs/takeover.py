"""make takeover: the main site is gone, and a copy of it takes its place.

The main site is asked nothing. What would overwrite the copy goes first; each step looks at what is there, so that a
run which was killed is simply repeated. What is left to people (DNS, the name in WEB_URL) is said at the end.
"""

from datetime import date, datetime
from urllib.parse import urlsplit

from scripts.errors import CommandError, Fault, RefusedError
from scripts.hosts import crontab, process
from scripts.hosts.local import MANAGER
from scripts.present import output, prompts
from scripts.registry import change, registry, relations
from scripts.registry.instance import Instance
from scripts.steps import answering, changed, lineage, overwriting, quieting, restoring, restricting, scheduling, site
from scripts.store import archive
from scripts.tiki import addresses, maintenance
from scripts.verbs import restrict, unmute

GUARDED = {"STAGE": relations.TOP_STAGE, "PROTECTED": "yes"}
TIES = ("PARENT", "KIND", "EXPIRES", "MIRROR_OF", "MIRROR_DELAY")
NOT_SEEN = "scripts that it calls, /etc/cron.d and systemd timers of others were not looked at"


def takeover(instance: Instance, confirm: str) -> dict[str, object]:
    """Let a copy be the main site and return what is to be told of it."""
    main = _main_site(instance)
    _refuse(instance, main)
    with site.opened(instance) as found:
        named = sorted(name for name, value in found.client.query(addresses.SQL)
                       if value and instance.web_url and urlsplit(instance.web_url).netloc in value)
    _confirm(instance, main, confirm)
    edited = _switch_off_lines(instance)
    instance = _guard(instance)
    unmuted = _let_act(instance)
    instance = _let_everybody_in(instance)
    instance = _cut(instance)
    todo = _left_to_people(instance, main, named)
    for line in todo:
        output.say(f"{instance.name}: {line}")
    return {"instance": instance.name, "main": main, "crontab_off": list(edited.off),
            "crontab_shortened": list(edited.shortened), "crontab_meant": list(edited.meant), "unmuted": unmuted,
            "stage": instance.stage, "protected": instance.protected, "next": todo}


def _main_site(instance: Instance) -> str:
    """Return whose copy the instance is, as far as that is on record; after a finished takeover, whose it was."""
    known = lineage.read(instance)
    return instance.mirror_of or (known.source if known else "") or instance.parent or quieting.source_of(instance)


def _refuse(instance: Instance, main: str) -> None:
    """Raise RefusedError when the site is a mixture, or nobody's copy."""
    name, note = instance.name, restoring.unfinished(instance)
    if note:
        has_archive = note.is_clone and archive.of_instance(instance.settings, note.source)
        of_archive = f". If {note.source} is gone, from its last archive: make clone FROM={note.source} TO={name} " \
                     f"ARCHIVE=latest CONFIRM={name}" if has_archive else ""
        raise RefusedError(f"{name}: {note.what} that began {output.local(note.moment)} did not come to its end: the "
                           f"site is a mixture. Nothing was changed. {restoring.way_out(instance, note)}{of_archive}")
    is_done = instance.stage == relations.TOP_STAGE and instance.protected
    if not main and not is_done:
        raise RefusedError(f"{name}: is nobody's copy: it has no PARENT, no MIRROR_OF, and was not cloned. Nothing was "
                           "changed")


def _confirm(instance: Instance, main: str, confirm: str) -> None:
    """Raise RefusedError unless the name was given, as CONFIRM or at the terminal."""
    name = instance.name
    if confirm == name or process.conduct.dry_run:
        return
    of = f" of {main}" if main else ""
    if not confirm and prompts.confirmed(name, f"{name} will take the place{of}: it sends mail, runs its jobs and is "
                                               "open to everybody. Type its name to go on"):
        return
    raise RefusedError(f"{name}: would take the place{of}: it would send mail, run its jobs and be open to everybody. "
                       f"Nothing was changed. If that is meant: CONFIRM={name}")


# The steps

def _switch_off_lines(instance: Instance) -> overwriting.Edited:
    """Take what would overwrite the instance out of the crontab; raise CommandError when it cannot be written."""
    name, would = instance.name, "would: " if process.conduct.dry_run else ""
    try:
        before = crontab.read()
    except CommandError as error:
        output.warn(f"{name}: the crontab cannot be read, and may overwrite it: {error}. Look at it: crontab -e")
        return overwriting.Edited("")
    mark = f"# TRIM takeover of {name}, {date.today().isoformat()}: "
    edited = overwriting.without(before, name, instance.tags, str(instance.settings.top), mark)
    if edited.text != before:
        kept = _keep(instance, before)
        crontab.write(edited.text)
        scheduling.forget(instance.settings, "\n".join(edited.off))
        output.say(f"{would}{name}: the crontab as it was is in {kept}")
    for what, lines in (("is off now", edited.off), ("goes on without it", edited.shortened)):
        for line in lines:
            output.say(f"{would}{name}: crontab: {what}: {line}")
    _switch_off_timers(instance, would)
    for line in edited.meant:
        output.warn(f"{name}: crontab: this line means it too, and will fail for it, because it is guarded now: {line}")
    if not (edited.off or edited.shortened):
        output.say(f"{name}: crontab: no line overwrites it; {NOT_SEEN}")
    return edited


def _switch_off_timers(instance: Instance, would: str) -> None:
    """Take away the toolkit's own systemd timers that would overwrite the instance alone; tell of the others."""
    name = instance.name
    for one in scheduling.timers(instance.settings):
        names = one.given.get(overwriting.VERBS.get(one.verb, ""), "").split(",")
        if names == [name]:
            scheduling.remove_timers(instance.settings, lambda other, one=one: other.text == one.text)
            output.say(f"{would}{name}: systemd: is off now: {one.text}: make {one.verb}")
        elif name in names:
            output.warn(f"{name}: systemd: this timer means it too, and will fail for it: {one.text}: make {one.verb} "
                        f"of {','.join(names)}")


def _keep(instance: Instance, text: str) -> str:
    """Keep the crontab as it was and return where; it may hold secrets."""
    trash = instance.settings.state / "trash"
    path = str(trash / f"crontab_{datetime.now().strftime(archive.STAMP)}")
    MANAGER.make_folder(str(trash), 0o700)
    MANAGER.write(path, text.encode("utf-8", "surrogateescape"), change.OURS_ALONE)
    return path


def _guard(instance: Instance) -> Instance:
    """From now on nothing overwrites it without its name as CONFIRM."""
    is_already = instance.stage == relations.TOP_STAGE and instance.protected
    _say_step(instance, "STAGE=production, PROTECTED=yes", is_already)
    return change.set_values(instance.settings, instance.name, GUARDED)


def _let_act(instance: Instance) -> list[str]:
    """Let its mail, jobs and logins act, and take its banner away; return what was put back."""
    if not quieting.is_muted(instance):
        _say_step(instance, "mail and jobs act, no banner", True)
        return []
    return list(unmute.unmute(instance)["unmuted"])


def _let_everybody_in(instance: Instance) -> Instance:
    """Take its restriction away, in the env file and before the site."""
    if restricting.is_restricted(instance):
        restrict.restrict(instance, restrict.Wishes(is_off=True))
        return instance if process.conduct.dry_run else registry.load(instance.settings, instance.name)
    restricting.apply(instance)  # what a killed run had still to do
    _say_step(instance, "everybody may enter", True)
    return instance


def _cut(instance: Instance) -> Instance:
    """Let it be nobody's copy any more, last of all: until then a repeated run knows whose it was."""
    ties = {key: "" for key in TIES if getattr(instance, key.lower())}
    _say_step(instance, f"nobody's copy any more ({', '.join(ties) or 'what is noted of it'})",
              not ties and lineage.read(instance) is None)
    if ties:
        instance = change.set_values(instance.settings, instance.name, ties)
    changed.forget(instance)
    lineage.forget(instance)
    return instance


def _say_step(instance: Instance, what: str, is_already: bool) -> None:
    would = "would: " if process.conduct.dry_run and not is_already else ""
    output.say(f"{would}{instance.name}: {'already: ' if is_already else ''}{what}")


# What is left to do

def _left_to_people(instance: Instance, main: str, named: list[str]) -> list[str]:
    """Return what no program here can do: DNS, names, and what becomes of the main site."""
    name, old_url = instance.name, _url_of(instance, main)
    old, own = urlsplit(old_url).hostname or "", urlsplit(instance.web_url).hostname or ""
    called = old or f"the name that visitors use for {main or 'the main site'}"
    lines = [f"DNS: let {called} point to {_address(instance)}, with a TTL of 300 seconds until all is settled; "
             "visitors come as their resolvers forget the old address, which takes up to the TTL it had",
             f"its web server must know {called} as a name of this site, with a certificate for it"]
    if own != old:
        new = f"WEB_URL={old_url}" if old_url else "WEB_URL="
        lines.append(f"WEB_URL is {instance.web_url or 'not set'}; when visitors come by the other name: make edit "
                     f"INSTANCE={name}, and there {new}")
        if named:
            lines.append(f"{', '.join(named)}: these preferences name {own}, and want the other name then")
    if maintenance.state(instance.host, instance.web_root).is_on:
        lines.append(f"its maintenance page is on: make maintenance INSTANCE={name} STATE=off")
    elif instance.web_url:
        status = answering.visit(instance).status
        lines.append(f"{instance.web_url} " + (f"answers {status}" if status else "does not answer this machine"))
    return [*lines, *_about_others(instance, main)]


def _about_others(instance: Instance, main: str) -> list[str]:
    """Return what to do about the main site, should it come back, and about those that follow it."""
    if not main or main == instance.name:
        return []
    lines = [f"{other} ({key}={main}) follows the lost site: make edit INSTANCE={other}, and there "
             f"{key}={instance.name}" for other, key in relations.named_by(instance.settings, main)
             if other != instance.name]
    if main in registry.names(instance.settings):
        lines.append(f"should {main} come back, close it first: make maintenance INSTANCE={main} STATE=on; then make "
                     f"it a copy of this one: make clone FROM={instance.name} TO={main} CONFIRM={main}")
    return lines


def _url_of(instance: Instance, main: str) -> str:
    """Return the main site's address as the registry has it; nothing when it is not there any more."""
    if main not in registry.names(instance.settings):
        return ""
    try:
        return registry.load(instance.settings, main).web_url
    except Fault:
        return ""


def _address(instance: Instance) -> str:
    """Return the addresses of the instance's host, those that the world may know first; else how ssh calls it."""
    import ipaddress
    try:
        words = instance.host.read_line("hostname", "-I").split()
        found = sorted(map(ipaddress.ip_address, words), key=lambda one: (not one.is_global, one.version))
    except (Fault, ValueError):
        found = []
    return ", ".join(map(str, found)) or instance.ssh_host or "the address of this machine"
