"""TRIM's table of contents: one task a verb, called by the Makefile.

A task turns words into loaded instances, holds the locks, calls the verb and shows what it returns. Every task
takes the common switches dry, verbose, json and unattended.
"""

from invoke import task

from scripts import edge
from scripts.edge import Common


def _common(dry=None, verbose=None, json=None, unattended=None, jobs=None) -> Common:
    return Common(dry, verbose, json, unattended, jobs)


@task
def refuse_variables(context, verb, given, known):
    """Say which variable of make's command line a verb does not take."""
    with edge.verb(verb, Common()):
        edge.refuse_variables(verb, given, known)


@task
def instance(context, name=None, access=None, ssh_host=None, ssh_user=None, ssh_port=None, ssh_key=None,
             run_as=None, web_root=None, web_url=None, php=None, site=None, stage=None, parent=None, protected=None,
             tags=None, extra_paths=None, exclude=None, data_root=None, compress=None, keep=None, no_index=None,
             contact=None, mirror_of=None, mirror_delay=None, kind=None, expires=None, version=None, source=None,
             db_admin=None, php_check=None, dry=None, verbose=None, json=None, unattended=None):
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
          mirror_of=None, mirror_delay=None, kind=None, expires=None, dry=None, verbose=None, json=None,
          unattended=None):
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
def doctor(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Check everything that could hurt at night."""
    with edge.verb("doctor", _common(dry, verbose, json, unattended)) as run:
        from scripts.registry import registry
        from scripts.verbs import doctor as story
        names = registry.select(run.settings, instance) if instance else registry.names(run.settings)
        story.doctor(run.settings, names)


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
          quiet=None, move=None, changed=None, open_=None, dry=None, verbose=None, json=None, unattended=None):
    """Make one site what another one is."""
    with edge.verb("clone", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.steps import cloning_words
        from scripts.verbs import clone as story
        manner = cloning_words.manner(edge.one_of(only, "ONLY", ("data", "code")),
                                      edge.one_of(kind, "KIND", cloning_words.KINDS), edge.switch(full, "FULL"),
                                      edge.switch(quiet or "yes", "QUIET"), edge.switch(move, "MOVE"), archive or "")
        wishes = story.Wishes(manner, confirm or "", archive or "", cloning_words.expiry(expires),
                              edge.one_of(changed, "CHANGED", ("keep", "discard")) == "discard",
                              edge.switch(open_, "OPEN"), cloning_words.given(only, archive, kind, expires, full, quiet,
                                                                              move, open_))
        source = run.instance(from_, "FROM")
        rows = run.each(cloning_words.targets(run.settings, to or "", source.name),
                        lambda one: [*edge.changing(one), *edge.reading(source)],
                        lambda one: story.clone(source, one, wishes))
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
        with run.holding([*edge.changing(target), *edge.reading(source)], target) as note:
            output.show_json([note(story.promote(source, target, confirm or ""))])


@task
def takeover(context, instance=None, confirm=None, dry=None, verbose=None, json=None, unattended=None):
    """Let a copy take the place of the main site."""
    with edge.verb("takeover", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import takeover as story
        copy = run.instance(instance)
        with run.holding(edge.changing(copy), copy) as note:
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
def restore(context, instance=None, archive=None, from_=None, confirm=None, safety=None, unverified=None, dry=None,
            verbose=None, json=None, unattended=None):
    """Make a site what an archive says."""
    with edge.verb("restore", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import restore as story
        target = run.instance(instance)
        with run.holding(edge.changing(target), target) as note:
            wishes = story.Wishes(archive=archive or "", from_name=from_ or target.name, confirm=confirm or "",
                                  has_safety=edge.switch(safety or "yes", "SAFETY"),
                                  unverified=edge.switch(unverified, "UNVERIFIED"))
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
def detect(context, instance=None, write=None, dry=None, verbose=None, json=None, unattended=None):
    """Look again at a site and its host, and compare with the env file."""
    with edge.verb("detect", _common(dry, verbose, json, unattended)) as run:
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
        with run.holding(edge.changing(target), target) as note:
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


@task
def versions(context, instance=None, dry=None, verbose=None, json=None, unattended=None):
    """Show which Tikis can be had."""
    with edge.verb("versions", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import versions as story
        asked = run.instance(instance) if instance else None
        story.show(story.versions(run.settings, asked), asked)


@task
def prepare(context, version=None, source=None, force=None, dry=None, verbose=None, json=None, unattended=None):
    """Make the complete code of a version."""
    with edge.verb("prepare", _common(dry, verbose, json, unattended)) as run:
        from scripts.present import output
        from scripts.verbs import prepare as story
        output.show_json([story.prepare(run.settings, version, source, edge.switch(force, "FORCE"))])


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
