"""TRIM's table of contents: one task a verb, called by the Makefile.

A task turns words into loaded instances, holds the locks, calls the verb and shows what it returns. Every task
takes the common switches dry, verbose, json and unattended.
"""

import atexit
import gc
import sys

from invoke import Collection, Task, task

from scripts import edge
from scripts.edge import Common

atexit.register(gc.freeze)  # else Python looks for cycles in all that goes with the process: a tenth of a short verb


def _common(dry=None, verbose=None, json=None, unattended=None, jobs=None) -> Common:
    return Common(dry, verbose, json, unattended, jobs)


@task
def refuse_variables(context, verb, given, known, unattended=None):
    """Say which variable of make's command line a verb does not take."""
    with edge.verb(verb, Common(unattended=unattended)):
        edge.refuse_variables(verb, given, known)


@task
def instance(context, name=None, access=None, ssh_host=None, ssh_user=None, ssh_port=None, ssh_key=None,
             run_as=None, web_root=None, web_url=None, php=None, site=None, stage=None, parent=None, protected=None,
             tags=None, extra_paths=None, exclude=None, data_root=None, compress=None, keep=None, no_index=None,
             contact=None, mirror_of=None, mirror_delay=None, kind=None, expires=None, profiles=None,
             profile_repository=None, version=None, source=None, db_admin=None, php_check=None, dry=None, verbose=None,
             json=None, unattended=None):
    """Take over the Tiki found in a web root, or create one in an empty folder."""
    given = _given(locals())
    with edge.verb("instance", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import instance as story
        creation = story.creating.Wishes(story.option_file(db_admin), edge.switch(php_check or "yes", "PHP_CHECK"))
        story.instance(run.settings, name, given, edge.database_from_environment(),
                       story.Wanted(version or "", source or "", creation))


@task
def blank(context, name=None, access=None, ssh_host=None, ssh_user=None, ssh_port=None, ssh_key=None, run_as=None,
          web_root=None, web_url=None, php=None, site=None, stage=None, parent=None, protected=None, tags=None,
          extra_paths=None, exclude=None, data_root=None, compress=None, keep=None, no_index=None, contact=None,
          mirror_of=None, mirror_delay=None, kind=None, expires=None, profiles=None, profile_repository=None, dry=None,
          verbose=None, json=None, unattended=None):
    """Register a place to restore or clone into."""
    given = _given(locals())
    with edge.verb("blank", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import blank as story
        story.blank(run.settings, name, given, edge.database_from_environment())


def _given(values: dict) -> dict[str, str]:
    """Return the env file's keys among a task's options, as they were given."""
    others = ("context", "name", "version", "source", "db_admin", "php_check", "dry", "verbose", "json", "unattended")
    return {key.upper(): value for key, value in values.items() if key not in others and value is not None}


@task
def instances(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Show the table of all sites."""
    with edge.verb("instances", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.registry import registry
        from scripts.verbs import instances as story
        names = registry.select(run.settings, instance) if instance else registry.names(run.settings)
        output.show(story.instances(run.settings, names), story.COLUMNS,
                    "No instance yet. Next: make instance NAME=... WEB_ROOT=...")


@task
def doctor(context, instance=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Check everything that could hurt at night."""
    with edge.verb("doctor", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.registry import registry
        from scripts.verbs import doctor as story
        names = registry.select(run.settings, instance) if instance else registry.names(run.settings)
        story.doctor(run.settings, names, edge.number(jobs, "JOBS") or 1)


@task
def check(context, instance=None, accept=None, accept_from=None, diff=None, restore=None, dry=None, verbose=None,
          json=None, unattended=None, jobs=None):
    """Compare a site with its baseline, show, accept or put back."""
    with edge.verb("check", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import check as story
        wishes = story.wishes(accept or "", accept_from or "", diff or "", restore or "")
        rows: list[dict[str, object]] = []
        try:
            rows += run.each(instance, edge.changing if restore else edge.reading,
                             lambda one: story.check(one, wishes, rows.append))
        finally:
            output.show_json(rows)


@task
def watch(context, instance=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """The same look for the crontab: what it finds is mailed."""
    with edge.verb("watch", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import watch as story
        output.show_json(run.each(instance, edge.reading, story.watch))


@task
def maintenance(context, instance=None, state=None, reason=None, dry=None, verbose=None, json=None, unattended=None,
                jobs=None):
    """Put the maintenance page up or take it away."""
    with edge.verb("maintenance", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.verbs import maintenance as story
        wanted = story.wanted_state(state)
        run.each(instance, edge.changing, lambda one: story.maintenance(one, wanted, reason or ""))


@task
def clone(context, from_=None, to=None, only=None, confirm=None, archive=None, kind=None, expires=None, full=None,
          quiet=None, move=None, changed=None, open_=None, unverified=None, dry=None, verbose=None, json=None,
          unattended=None):
    """Make one site what another one is."""
    with edge.verb("clone", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.steps import cloning_words
        from scripts.verbs import clone as story
        is_unverified = edge.switch(unverified, "UNVERIFIED")
        manner = cloning_words.manner(edge.one_of(only, "ONLY", ("data", "code")),
                                      edge.one_of(kind, "KIND", cloning_words.KINDS), edge.switch(full, "FULL"),
                                      edge.switch(quiet or "yes", "QUIET"), edge.switch(move, "MOVE"), archive or "",
                                      is_unverified)
        wishes = story.Wishes(manner, confirm or "", archive or "", cloning_words.expiry(expires),
                              edge.one_of(changed, "CHANGED", ("keep", "discard")) == "discard",
                              edge.switch(open_, "OPEN"), is_unverified,
                              cloning_words.given(only, archive, kind, expires, full, quiet, move, open_, unverified))
        source = run.instance(from_, "FROM")
        rows = run.each(cloning_words.targets(run.settings, to or "", source.name),
                        lambda one: [*edge.changing(one), *edge.reading(source)],
                        lambda one: story.clone(run.again(source), one, wishes))
        output.show_json(rows)


@task
def refresh(context, instance=None, confirm=None, full=None, changed=None, open_=None, dry=None, verbose=None,
            json=None, unattended=None):
    """Bring a stage the data of the one above it."""
    with edge.verb("refresh", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import refresh as story
        wishes = story.Wishes(confirm or "", edge.switch(full, "FULL"),
                              edge.one_of(changed, "CHANGED", ("keep", "discard")) == "discard",
                              edge.switch(open_, "OPEN"))
        output.show_json(run.each(instance, lambda one: [*edge.changing(one), *edge.reading(story.source(one))],
                                  lambda one: story.refresh(one, wishes)))


@task
def promote(context, instance=None, to=None, confirm=None, dry=None, verbose=None, json=None, unattended=None):
    """Bring a stage's code to the next one up."""
    with edge.verb("promote", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import promote as story
        source = run.instance(instance)
        target = story.target(source, to or "")
        with run.locked(lambda _, low: [*edge.changing(story.target(low, to or "")), *edge.reading(low)],
                        target, source) as (note, target, source):
            output.show_json([note(story.promote(source, target, confirm or ""))])


@task
def takeover(context, instance=None, confirm=None, dry=None, verbose=None, json=None, unattended=None):
    """Let a copy take the place of the main site."""
    with edge.verb("takeover", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import takeover as story
        copy = run.instance(instance)
        with run.locked(edge.changing, copy) as (note, copy):
            output.show_json([note(story.takeover(copy, confirm or ""))])


@task
def mirror(context, from_=None, to=None, delay=None, confirm=None, changed=None, open_=None, force=None, dry=None,
           verbose=None, json=None, unattended=None):
    """Keep one site a fixed time behind another."""
    with edge.verb("mirror", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mirror as story
        wishes = story.Wishes(from_ or "", delay or "", confirm or "", edge.switch(open_, "OPEN"),
                              edge.one_of(changed, "CHANGED", ("keep", "discard")) == "discard",
                              edge.switch(force, "FORCE"))
        rows = run.each(story.targets(run.settings, to or ""), edge.changing, lambda one: story.mirror(one, wishes))
        output.show_json(rows)
        story.fail(rows)


@task
def stages(context, dry=None, verbose=None, json=None, unattended=None):
    """Show which site is derived from which."""
    with edge.verb("stages", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import stages as story
        output.show(story.stages(run.settings), story.COLUMNS,
                    "No instance yet. Next: make instance NAME=... WEB_ROOT=...")


@task
def restrict(context, instance=None, allow=None, users=None, both=None, state=None, dry=None, verbose=None, json=None,
             unattended=None):
    """Let only some addresses or logins see a site."""
    with edge.verb("restrict", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import restrict as story
        wishes = story.wishes(None if allow is None else edge.words(allow),
                              None if users is None else edge.words(users),
                              None if both is None else edge.switch(both, "BOTH"), state or "",
                              edge.restrict_password())
        output.show_json(run.each(instance, edge.changing, lambda one: story.restrict(one, wishes)))


@task
def unmute(context, instance=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Let a muted copy act for itself again."""
    with edge.verb("unmute", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import unmute as story
        output.show_json(run.each(instance, edge.changing, story.unmute))


@task
def backup(context, instance=None, keep=None, exclude=None, compress=None, no_index=None, dry=None, verbose=None,
           json=None, unattended=None, jobs=None):
    """Make a verified archive."""
    with edge.verb("backup", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import backup as story
        wishes = story.Wishes(keep=edge.number(keep, "KEEP"), exclude=edge.words(exclude),
                              compress=edge.one_of(compress, "COMPRESS", ("bz2", "zst")),
                              no_index=edge.switch(no_index, "NO_INDEX"))
        rows = run.each(instance, edge.storing, lambda one: story.backup(one, wishes))
        output.show_json(rows)


@task
def archives(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Show what archives there are."""
    with edge.verb("archives", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.registry import registry
        from scripts.verbs import archives as story
        names = registry.select(run.settings, instance) if instance else story.kept_names(run.settings)
        output.show(story.archives(run.settings, names), story.COLUMNS,
                    "No archive yet. Next: make backup INSTANCE=...")


@task
def extract(context, instance=None, archive=None, file=None, table=None, dest=None, list_=None, overwrite=None,
            unverified=None, dry=None, verbose=None, json=None, unattended=None):
    """Take files or one table out of an archive, or list it."""
    with edge.verb("extract", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import extract as story
        wishes = story.Wishes(archive or "", file or "", table or "", dest or "", edge.switch(list_, "LIST"),
                              edge.switch(overwrite, "OVERWRITE"), edge.switch(unverified, "UNVERIFIED"))
        output.show_json(story.extract(run.settings, run.name(instance), wishes))


@task
def prove(context, instance=None, archive=None, unverified=None, dry=None, verbose=None, json=None, unattended=None,
          jobs=None):
    """Show that an archive restores, without touching the site."""
    with edge.verb("prove", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import prove as story
        is_unverified = edge.switch(unverified, "UNVERIFIED")
        rows = run.each(instance, edge.none, lambda one: story.prove(one, archive or "latest", is_unverified))
        output.show_json(rows)


@task
def restore(context, instance=None, archive=None, from_=None, confirm=None, safety=None, full=None, unverified=None,
            dry=None, verbose=None, json=None, unattended=None):
    """Make a site what an archive says."""
    with edge.verb("restore", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import restore as story
        target = run.instance(instance)
        with run.locked(edge.changing, target) as (note, target):
            wishes = story.Wishes(archive=archive or "", from_name=from_ or target.name, confirm=confirm or "",
                                  has_safety=edge.switch(safety or "yes", "SAFETY"),
                                  unverified=edge.switch(unverified, "UNVERIFIED"), is_full=edge.switch(full, "FULL"))
            output.show_json([note(story.restore(target, wishes))])


@task
def edit(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Change an env file in the operator's editor."""
    with edge.verb("edit", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import edit as story
        story.edit(run.settings, run.name(instance))


@task
def tags(context, instance=None, add=None, drop=None, dry=None, verbose=None, json=None, unattended=None):
    """Show or change the words a site is selected by."""
    with edge.verb("tags", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import tags as story
        wanted = story.wanted(edge.words(add), edge.words(drop))
        rows = run.each(instance or ("" if any(wanted) else "*"), edge.none, lambda one: story.tags(one, *wanted))
        output.show(rows, story.COLUMNS, "No instance yet. Next: make instance NAME=... WEB_ROOT=...")


@task
def detect(context, instance=None, write=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Look again at a site and its host, and compare with the env file."""
    with edge.verb("detect", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import detect as story
        is_write = edge.switch(write, "WRITE")
        output.show_json(run.each(instance, edge.none, lambda one: story.detect(one, is_write)))


@task
def copysshkey(context, instance=None, host_keys=None, dry=None, verbose=None, json=None, unattended=None):
    """Let TRIM log in without a password."""
    with edge.verb("copysshkey", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import copysshkey as story
        taken = edge.one_of(host_keys, "HOST_KEYS", ("strict", "accept-new")) or ""
        output.show_json(run.each(instance, edge.none, lambda one: story.copysshkey(one, taken)))


@task
def delete(context, instance=None, destroy=None, confirm=None, safety=None, dry=None, verbose=None, json=None,
           unattended=None):
    """Forget a site, or remove it."""
    with edge.verb("delete", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import delete as story
        wishes = story.Wishes(edge.switch(destroy, "DESTROY"), confirm or "", edge.switch(safety or "yes", "SAFETY"))
        target = run.instance(instance)
        with run.locked(edge.changing, target) as (note, target):
            output.show_json([note(story.delete(target, wishes))])


@task
def fix(context, instance=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Give a site's files the owners and modes Tiki needs."""
    with edge.verb("fix", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import fix as story
        output.show_json(run.each(instance, edge.changing, story.fix))


@task
def access(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Open a shell in the web root."""
    with edge.verb("access", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import access as story
        story.refuse_without_terminal("a shell")
        run.each(instance, edge.none, story.access)


@task
def cli(context, instance=None, command=None, confirm=None, dry=None, verbose=None, json=None, unattended=None,
        jobs=None):
    """Run a command of Tiki's console."""
    with edge.verb("cli", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import cli as story
        words = story.words(command)
        several = story.is_several(run.settings, instance)
        rows = run.each(instance, edge.changing if story.is_changing(words) else edge.reading,
                        lambda one: story.cli(one, words, confirm or "", several))
        output.show_json(rows)


@task
def database(context, instance=None, command=None, dry=None, verbose=None, json=None, unattended=None):
    """Open the site's database, or run one statement."""
    with edge.verb("database", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import database as story
        output.show_json(run.each(instance, edge.none, lambda one: story.database(one, command or "")))


@task
def stats(context, instance=None, csv=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Show the key figures of sites."""
    with edge.verb("stats", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.registry import registry
        from scripts.verbs import stats as story
        as_csv = edge.switch(csv, "CSV")
        names = registry.select(run.settings, instance or "all")
        rows, faults = story.stats(run.settings, names, edge.number(jobs, "JOBS") or 1)
        story.show(rows, as_csv)
        story.fail(rows, faults)


@task
def temporary_user(context, instance=None, in_group=None, days=None, name=None, drop=None, dry=None, verbose=None,
                   json=None, unattended=None):
    """Make a login for a helper that expires."""
    with edge.verb("temporary-user", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import temporary_user as story
        wishes = story.Wishes(in_group or "", edge.number(days, "DAYS") or 1, name or "", drop or "")
        # Shared: two rows come and go as when a visitor registers; a restore, which holds the site alone, waits.
        output.show_json(run.each(instance, edge.reading, lambda one: story.temporary_user(one, wishes)))


LOCAL = ("keep", "discard")     # what LOCAL= may be; the first where it is not given


def _code_wishes(story, given: dict):
    """Return what update and upgrade were asked for; given are the variables of the call."""
    named = {key.upper(): value for key, value in given.items() if value}
    return story.Wishes(given["revision"] or "", given["lag"] or "",
                        edge.one_of(given["local"], "LOCAL", LOCAL) or LOCAL[0],
                        edge.switch(given["php_check"] or "yes", "PHP_CHECK"), given["confirm"] or "", named)


@task
def update(context, instance=None, revision=None, lag=None, local=None, php_check=None, confirm=None, dry=None,
           verbose=None, json=None, unattended=None):
    """Bring a site to the newest code of its branch."""
    given = {"revision": revision, "lag": lag, "local": local, "php_check": php_check, "confirm": confirm}
    with edge.verb("update", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import update as story
        wishes = _code_wishes(story, given)
        output.show_json(run.each(instance, edge.changing, lambda one: story.update(one, wishes)))


@task
def upgrade(context, instance=None, version=None, revision=None, lag=None, local=None, php_check=None, confirm=None,
            dry=None, verbose=None, json=None, unattended=None):
    """Bring a site to another branch or release."""
    given = {"revision": revision, "lag": lag, "local": local, "php_check": php_check, "confirm": confirm}
    with edge.verb("upgrade", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import upgrade as story
        wishes = _code_wishes(story, given | {"version": version})
        target = run.instance(instance)
        with run.locked(edge.changing, target) as (note, target):
            output.show_json([note(story.upgrade(target, version or "", wishes))])


def _clone_and_update(verb: str, given: dict, common: Common, version: str | None = None) -> None:
    """Tell the story of cloneandupdate or cloneandupgrade; given are the options of the task."""
    with edge.verb(verb, common) as run:
        from scripts.present import output
        from scripts.steps import cloning_words
        from scripts.verbs import clone, cloneandupdate, cloneandupgrade
        manner = cloning_words.manner(None, edge.one_of(given["kind"], "KIND", cloning_words.KINDS),
                                      edge.switch(given["full"], "FULL"), edge.switch(given["quiet"] or "yes", "QUIET"),
                                      False, "")
        words = {key.rstrip("_").upper(): value for key, value in given.items()
                 if value and key not in ("from_", "to", "confirm", "changed")}
        asked = clone.Wishes(manner, given["confirm"] or "", "", cloning_words.expiry(given["expires"]),
                             edge.one_of(given["changed"], "CHANGED", ("keep", "discard")) == "discard",
                             edge.switch(given["open_"], "OPEN"), given=words)
        code = {key: given[key] for key in ("revision", "lag", "local", "php_check")}
        wishes = cloneandupdate.Wishes(asked, _code_wishes(cloneandupdate.update, code | {"confirm": None}),
                                       given["test"] or "")
        source, target = run.instance(given["from_"], "FROM"), run.instance(given["to"], "TO")
        with run.locked(lambda high, low: [*edge.changing(high), *edge.reading(low)],
                        target, source) as (note, target, source):
            told = cloneandupdate.cloneandupdate(source, target, wishes) if verb == "cloneandupdate" else \
                cloneandupgrade.cloneandupgrade(source, target, version or "", wishes)
            output.show_json([note(told)])


@task
def cloneandupdate(context, from_=None, to=None, revision=None, lag=None, local=None, php_check=None, test=None,
                   confirm=None, kind=None, expires=None, full=None, quiet=None, changed=None, open_=None, dry=None,
                   verbose=None, json=None, unattended=None):
    """Make a clone and update it."""
    given = {key: value for key, value in locals().items() if key != "context"}
    _clone_and_update("cloneandupdate", _own(given), _common(dry, verbose, json, unattended))


@task
def cloneandupgrade(context, from_=None, to=None, version=None, revision=None, lag=None, local=None, php_check=None,
                    test=None, confirm=None, kind=None, expires=None, full=None, quiet=None, changed=None, open_=None,
                    dry=None, verbose=None, json=None, unattended=None):
    """Make a clone and upgrade it."""
    given = {key: value for key, value in locals().items() if key != "context"}
    _clone_and_update("cloneandupgrade", _own(given), _common(dry, verbose, json, unattended), version)


def _own(given: dict) -> dict:
    """Return the options that are a verb's own."""
    return {key: value for key, value in given.items() if key not in ("dry", "verbose", "json", "unattended")}


@task
def rehearse(context, instance=None, version=None, revision=None, lag=None, local=None, php_check=None, php=None,
             test=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Try an update on a throw-away clone."""
    code = {"revision": revision, "lag": lag, "local": local, "php_check": php_check, "confirm": None}
    with edge.verb("rehearse", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import rehearse as story
        wishes = story.Wishes(version or "", _code_wishes(story.update, code), php or "", test or "")
        output.show_json(run.each(instance, edge.reading, lambda one: story.rehearse(one, wishes)))


@task
def bisect(context, instance=None, good=None, bad=None, run=None, local=None, php_check=None, dry=None, verbose=None,
           json=None, unattended=None):
    """Find the commit that broke something."""
    given = {"GOOD": good, "BAD": bad, "RUN": run, "LOCAL": local, "PHP_CHECK": php_check}
    with edge.verb("bisect", _common(dry, verbose, json, unattended)) as running:
        from scripts.present import output
        from scripts.verbs import bisect as story
        wishes = story.Wishes(good or "", bad or "", run or "", edge.switch(php_check or "yes", "PHP_CHECK"),
                              edge.one_of(local, "LOCAL", LOCAL) or LOCAL[0],
                              {key: text for key, text in given.items() if text})
        one = running.instance(instance)
        with running.locked(edge.changing, one) as (note, one):
            output.show_json([note(story.bisect(one, wishes))])


@task
def rollback(context, instance=None, confirm=None, dry=None, verbose=None, json=None, unattended=None):
    """Take a site back to before its last change of code."""
    with edge.verb("rollback", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import rollback as story
        target = run.instance(instance)
        with run.locked(edge.changing, target) as (note, target):
            output.show_json([note(story.rollback(target, confirm or ""))])


@task
def versions(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Show which Tikis can be had."""
    with edge.verb("versions", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import versions as story
        asked = run.instance(instance) if instance else None
        story.show(story.versions(run.settings, asked), asked)


@task
def profile(context, instance=None, profile=None, repository=None, force=None, dry=None, verbose=None, json=None,
            unattended=None, jobs=None):
    """Apply a Tiki profile."""
    with edge.verb("profile", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import profile as story
        names = story.profile_sources.names(run.settings, profile or "")
        given = {"PROFILE": profile, "REPOSITORY": repository, "FORCE": force}
        wishes = story.Wishes(names, repository or "", edge.switch(force, "FORCE"),
                              {name: text for name, text in given.items() if text})
        output.show_json(run.each(instance, edge.changing, lambda one: story.profile(one, wishes)))


@task
def patch(context, instance=None, action=None, file=None, confirm=None, dry=None, verbose=None, json=None,
          unattended=None):
    """Show, apply or drop the local changes of a site's code."""
    with edge.verb("patch", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import patch as story
        wanted = edge.one_of(action, "ACTION", story.ACTIONS) or "list"
        one = run.instance(instance)
        with run.locked(edge.reading if wanted == "list" else edge.changing, one) as (note, one):
            story.show(note(story.patch(one, wanted, file or "", confirm or "")), wanted)


@task
def reinstall(context, instance=None, profile=None, repository=None, confirm=None, dry=None, verbose=None, json=None,
              unattended=None, jobs=None):
    """Drop what a site holds and install it anew."""
    with edge.verb("reinstall", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import reinstall as story
        given = {"PROFILE": profile, "REPOSITORY": repository, "CONFIRM": confirm}
        wishes = story.Wishes(story.profile_sources.names(run.settings, profile or ""), repository or "", confirm or "",
                              {name: text for name, text in given.items() if text})
        output.show_json(run.each(instance, edge.changing, lambda one: story.reinstall(one, wishes)))


@task
def prepare(context, version=None, source=None, force=None, dry=None, verbose=None, json=None, unattended=None):
    """Make the complete code of a version."""
    with edge.verb("prepare", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import prepare as story
        output.show_json([story.prepare(run.settings, version, source, edge.switch(force, "FORCE"))])


@task
def show(context, version=None, for_=None, for_user=None, expires=None, prepare=None, php_check=None, dry=None,
         verbose=None, json=None, unattended=None):
    """Make a throw-away Tiki."""
    with edge.verb("show", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import show as story
        asked = story.wishes(version, for_ or "", for_user or "", expires or "",
                             edge.switch(php_check or "yes", "PHP_CHECK"))
        tell = story.prepare if edge.switch(prepare, "PREPARE") else story.show
        output.show_json([tell(run.settings, asked)])


@task
def shows(context, dry=None, verbose=None, json=None, unattended=None):
    """Show the table of all shows."""
    with edge.verb("shows", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import shows as story
        output.show(story.shows(run.settings), story.COLUMNS, story.EMPTY)


@task
def show_snapshot(context, id=None, dry=None, verbose=None, json=None, unattended=None):
    """Make the snapshot of a show that is served."""
    with edge.verb("show-snapshot", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import show_snapshot as story
        output.show_json([story.show_snapshot(run.settings, story.showing.named(run.settings, id))])


@task
def show_reset(context, id=None, dry=None, verbose=None, json=None, unattended=None):
    """Make a show what it was when it was new."""
    with edge.verb("show-reset", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import show_reset as story
        output.show_json([story.show_reset(run.settings, story.showing.named(run.settings, id))])


@task
def show_update(context, id=None, php_check=None, dry=None, verbose=None, json=None, unattended=None):
    """Bring a show to the newest code of its version."""
    with edge.verb("show-update", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import show_update as story
        is_checked = edge.switch(php_check or "yes", "PHP_CHECK")
        output.show_json([story.show_update(run.settings, story.showing.named(run.settings, id), php_check=is_checked)])


@task
def show_destroy(context, id=None, confirm=None, snapshot=None, dry=None, verbose=None, json=None, unattended=None):
    """Take shows away after a last snapshot."""
    with edge.verb("show-destroy", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import show_destroy as story
        ids = story.targets(run.settings, id or "", confirm or "")
        output.show_json(story.show_destroy(run.settings, ids, edge.switch(snapshot or "yes", "SNAPSHOT")))


@task
def show_gate(context, role=None, for_user=None, dry=None, verbose=None, json=None, unattended=None):
    """Answer the request that came with an ssh key."""
    with edge.verb("show-gate", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import show_gate as story
        story.show_gate(run.settings, role or "", for_user or "")


@task
def adopt(context, from_=None, archives=None, dry=None, verbose=None, json=None, unattended=None):
    """Take over what TRIM or Tiki Manager has on record."""
    with edge.verb("adopt", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import adopt as story
        story.adopt(run.settings, from_ or "", archives or "")


@task
def completion(context, for_=None, dry=None, verbose=None, json=None, unattended=None):
    """Say how a shell's TAB comes to know TRIM."""
    with edge.verb("completion", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import completion as story
        story.completion(run.settings, edge.one_of(for_, "FOR", tuple(story.START_FILES)))


@task
def compare(context, side_a=None, side_b=None, diff=None, table=None, expected=None, html=None, unverified=None,
            dry=None, verbose=None, json=None, unattended=None):
    """Say in what two sites differ, or a site and an archive."""
    with edge.verb("compare", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import compare as story
        sides = [story.side(run.settings, text or "", label) for text, label in ((side_a, "A"), (side_b, "B"))]
        wishes = story.Wishes(diff or "", table or "", edge.switch(expected, "EXPECTED"), story.page_path(html),
                              edge.switch(unverified, "UNVERIFIED"))
        with run.holding(lock for one in sides if one.instance for lock in edge.reading(one.instance)):
            story.compare(run.settings, *sides, wishes)


@task
def cron(context, verb=None, instance=None, at=None, args=None, id=None, systemd=None, dry=None, verbose=None,
         json=None, unattended=None):
    """Let a verb run by itself."""
    with edge.verb("cron", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import cron as story
        wishes = story.Wishes(verb or "", instance or "", at or "", args or "", id or "",
                              edge.switch(systemd, "SYSTEMD"))
        output.show_json([story.cron(run.settings, wishes)])


@task
def crons(context, dry=None, verbose=None, json=None, unattended=None):
    """Show what runs by itself."""
    with edge.verb("crons", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import crons as story
        story.show(story.crons(run.settings))


@task
def cron_remove(context, id=None, dry=None, verbose=None, json=None, unattended=None):
    """Take a line or timer away."""
    with edge.verb("cron-remove", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import cron_remove as story
        output.show_json(story.cron_remove(run.settings, id or ""))


@task
def status(context, instance=None, look=None, nagios=None, prometheus=None, dry=None, verbose=None, json=None,
           unattended=None):
    """Show one line a site, or the same for a monitor."""
    with edge.verb("status", _common(dry, verbose, json, unattended)) as run:
        from scripts.registry import registry
        from scripts.verbs import status as story
        names = registry.select(run.settings, instance) if instance else registry.names(run.settings)
        wishes = story.Wishes(edge.switch(look, "LOOK"), edge.switch(nagios, "NAGIOS"), prometheus or "")
        code = story.status(run.settings, names, wishes)
    if code:    # a plugin's, and no fault
        raise SystemExit(code)


@task
def report(context, send=None, push=None, page=None, look=None, dry=None, verbose=None, json=None, unattended=None):
    """Write the page of all sites; mail its digest, or put it into a Tiki."""
    with edge.verb("report", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import report as story
        to = run.instance(push, "PUSH") if push else None
        wishes = story.Wishes(edge.switch(send, "SEND"), page or "", edge.switch(look or "yes", "LOOK"), run.mail_to)
        with run.holding(edge.reading(to) if to else ()):
            story.report(run.settings, run.again(to) if to else None, wishes)


@task
def notify_test(context, dry=None, verbose=None, json=None, unattended=None):
    """Send a test message through every channel."""
    with edge.verb("notify-test", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import notify_test as story
        story.notify_test(run.settings, run.mail_to)


@task
def logs(context, instance=None, verb=None, last=None, dry=None, verbose=None, json=None, unattended=None):
    """Show what runs did."""
    with edge.verb("logs", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import logs as story
        story.logs(run.settings, instance or "", verb or "", story.wanted(last))


@task
def clean(context, what=None, dry=None, verbose=None, json=None, unattended=None):
    """Remove old logs, leftovers, caches."""
    with edge.verb("clean", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import clean as story
        story.clean(run.settings, story.wanted(edge.words(what)))


@task
def mods(context, instance=None, type=None, find=None, tiki=None, provider=None, html=None, dry=None, verbose=None,
         json=None, unattended=None, jobs=None):
    """Show what mods there are, and which of them a site has."""
    with edge.verb("mods", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.verbs import mods as story
        wishes = story.Wishes(type or "", find or "", tiki or "", provider or "", edge.switch(html, "HTML"))
        story.show(run.each(instance, edge.reading, lambda one: story.mods(one, wishes)))


@task
def mods_install(context, instance=None, mod=None, provider=None, set=None, answers=None, force=None, yes=None,
                 confirm=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Install mods and what they require."""
    with edge.verb("mods-install", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import mods_install as story
        wishes = _mods_wishes(run, mod, provider, set, answers, force, yes, confirm)
        output.show_json(run.each(instance, _changing_with_mods, lambda one: story.mods_install(one, wishes)))


@task
def mods_upgrade(context, instance=None, mod=None, provider=None, set=None, answers=None, force=None, yes=None,
                 confirm=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Bring mods to their newest revision."""
    with edge.verb("mods-upgrade", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import mods_upgrade as story
        wishes = _mods_wishes(run, mod, provider, set, answers, force, yes, confirm)
        output.show_json(run.each(instance, _changing_with_mods, lambda one: story.mods_upgrade(one, wishes)))


@task
def mods_remove(context, instance=None, mod=None, force=None, yes=None, confirm=None, dry=None, verbose=None, json=None,
                unattended=None, jobs=None):
    """Take mods out of a site."""
    with edge.verb("mods-remove", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import mods_remove as story
        wishes = _mods_wishes(run, mod, force=force, yes=yes, confirm=confirm)
        output.show_json(run.each(instance, edge.changing, lambda one: story.mods_remove(one, wishes)))


@task
def mods_config(context, instance=None, mod=None, provider=None, set=None, answers=None, dry=None, verbose=None,
                json=None, unattended=None):
    """Show or change the answers to what a mod asks."""
    with edge.verb("mods-config", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import mods_config as story
        one = run.instance(instance)
        with run.locked(_changing_with_mods, one) as (note, one):
            story.show(note(story.mods_config(one, _mods_wishes(run, mod, provider, set, answers))))


@task
def mods_check(context, instance=None, mod=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Compare the files of mods with what was installed."""
    with edge.verb("mods-check", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.verbs import mods_check as story
        story.show(run.each(instance, edge.reading, lambda one: story.mods_check(one, mod or "")))


@task
def mods_run(context, instance=None, mod=None, provider=None, set=None, answers=None, yes=None, confirm=None, dry=None,
             verbose=None, json=None, unattended=None, jobs=None):
    """Run the SQL of a maintenance mod."""
    with edge.verb("mods-run", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import mods_run as story
        wishes = _mods_wishes(run, mod, provider, set, answers, yes=yes, confirm=confirm)
        output.show_json(run.each(instance, _changing_with_mods, lambda one: story.mods_run(one, wishes)))


@task
def mods_diff(context, instance=None, mod=None, dry=None, verbose=None, json=None, unattended=None):
    """Compare a mod's files in a site with the collection."""
    with edge.verb("mods-diff", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import mods_diff as story
        story.show(run.each(instance, edge.reading, lambda one: story.mods_diff(one, mod or "")), mod or "")


@task
def mods_copy(context, instance=None, mod=None, dry=None, verbose=None, json=None, unattended=None):
    """Bring a mod's files from a site into the collection."""
    with edge.verb("mods-copy", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.steps import mods_collection
        from scripts.verbs import mods_copy as story
        one = run.instance(instance)
        with run.locked(lambda it: [*edge.reading(it), *mods_collection.CHANGING], one) as (note, one):
            output.show_json(note(story.mods_copy(one, mod or "")))


@task
def mods_restore(context, instance=None, mod=None, confirm=None, dry=None, verbose=None, json=None, unattended=None):
    """Bring a mod's files from the collection into a site."""
    with edge.verb("mods-restore", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_restore as story
        one = run.instance(instance)
        with run.locked(_changing_with_mods, one) as (note, one):
            output.show_json(note(story.mods_restore(one, mod or "", confirm or "")))


@task
def mods_update(context, provider=None, dry=None, verbose=None, json=None, unattended=None):
    """Fetch the lists of providers."""
    with edge.verb("mods-update", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_update as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json(story.mods_update(run.settings, provider or ""))


@task
def mods_show(context, mod=None, provider=None, dry=None, verbose=None, json=None, unattended=None):
    """Show all that is known of mods."""
    with edge.verb("mods-show", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_show as story
        with run.holding(story.mods_collection.READING):
            output.show_json(story.mods_show(run.settings, mod or "", provider or ""))


@task
def mods_download(context, mod=None, provider=None, force=None, dry=None, verbose=None, json=None, unattended=None):
    """Bring mods of a provider into the collection."""
    with edge.verb("mods-download", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_download as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json(story.mods_download(run.settings, mod or "", provider or "", edge.switch(force, "FORCE")))


@task
def mods_new(context, type=None, name=None, dry=None, verbose=None, json=None, unattended=None):
    """Write a control file to start from."""
    with edge.verb("mods-new", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_new as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json([story.mods_new(run.settings, type or "", name or "")])


@task
def mods_lint(context, mod=None, dry=None, verbose=None, json=None, unattended=None):
    """Tell what is wrong with mods of the collection."""
    with edge.verb("mods-lint", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import mods_lint as story
        with run.holding(story.mods_collection.READING):
            story.mods_lint(run.settings, mod or "")


@task
def mods_rebuild(context, dry=None, verbose=None, json=None, unattended=None):
    """Write the collection's list anew."""
    with edge.verb("mods-rebuild", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_rebuild as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json([story.mods_rebuild(run.settings)])


@task
def mods_publish(context, mod=None, sign=None, dry=None, verbose=None, json=None, unattended=None):
    """Pack mods for others and list them."""
    with edge.verb("mods-publish", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_publish as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json(story.mods_publish(run.settings, mod or "", edge.switch(sign, "SIGN")))


@task
def mods_republish(context, mod=None, sign=None, dry=None, verbose=None, json=None, unattended=None):
    """Publish what is newer than before."""
    with edge.verb("mods-republish", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_republish as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json(story.mods_republish(run.settings, mod or "", edge.switch(sign, "SIGN")))


@task
def mods_unpublish(context, mod=None, dry=None, verbose=None, json=None, unattended=None):
    """Take mods off the public list."""
    with edge.verb("mods-unpublish", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_unpublish as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json(story.mods_unpublish(run.settings, mod or ""))


@task
def mods_serve(context, port=None, listen=None, from_=None, dry=None, verbose=None, json=None, unattended=None):
    """Serve the collection to others over HTTP."""
    with edge.verb("mods-serve", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import mods_serve as story
        story.mods_serve(run.settings, edge.number(port, "PORT"), listen or "", from_ or "")


@task
def mods_mirror(context, provider=None, to=None, dry=None, verbose=None, json=None, unattended=None):
    """Mirror a whole provider."""
    with edge.verb("mods-mirror", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import mods_mirror as story
        with run.holding(story.mods_collection.CHANGING):
            output.show_json([story.mods_mirror(run.settings, provider or "", to or "")])


def _changing_with_mods(instance):
    """The locks of a verb that changes a site by what the collection of mods holds."""
    from scripts.steps import mods_collection
    return [*edge.changing(instance), *mods_collection.READING]


def _mods_wishes(run, mod=None, provider=None, answers_given=None, answers=None, force=None, yes=None, confirm=None):
    """Return what a change of mods was asked for, and its variables as they were given."""
    from scripts.notify.secrets import HIDDEN
    from scripts.steps import mods_changing
    # Messages say how to go on after a run that broke, and mails hold them.
    answered = HIDDEN if answers_given else None
    given = {"MOD": mod, "PROVIDER": provider, "SET": answered, "ANSWERS": answers, "FORCE": force, "YES": yes,
             "CONFIRM": confirm}
    return mods_changing.Wishes(mod or "", provider or "", answers_given or "",
                                run.settings.top / answers if answers else None, edge.switch(force, "FORCE"),
                                edge.switch(yes, "YES"), confirm or "",
                                {name: value for name, value in given.items() if value})


def _called() -> Collection:
    """Return the task that is called, or all of them for invoke's own questions.

    invoke takes apart the options of all that it is given, a fifth of a verb's start-up, before it looks for the one.
    """
    known = {name.replace("_", "-"): one for name, one in globals().items() if isinstance(one, Task)}
    return Collection(*([known[word] for word in sys.argv[1:] if word in known] or known.values()))


namespace = _called()
