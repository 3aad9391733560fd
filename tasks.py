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
             contact=None, mirror_of=None, mirror_delay=None, dry=None, verbose=None, json=None, unattended=None):
    """Take over the Tiki found in a web root."""
    given = _given(locals())
    with edge.verb("instance", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import instance as story
        story.instance(run.settings, name, given)


@task
def blank(context, name=None, access=None, ssh_host=None, ssh_user=None, ssh_port=None, ssh_key=None, run_as=None,
          web_root=None, web_url=None, php=None, site=None, stage=None, parent=None, protected=None, tags=None,
          extra_paths=None, exclude=None, data_root=None, compress=None, keep=None, no_index=None, contact=None,
          mirror_of=None, mirror_delay=None, dry=None, verbose=None, json=None, unattended=None):
    """Register a place to restore or clone into."""
    given = _given(locals())
    with edge.verb("blank", _common(dry, verbose, json, unattended)) as run:
        from scripts.verbs import blank as story
        story.blank(run.settings, name, given, edge.database_from_environment())


def _given(values: dict) -> dict[str, str]:
    """Return the env file's keys among a task's options, as they were given."""
    others = ("context", "name", "dry", "verbose", "json", "unattended")
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
        with run.holding(edge.changing(target)):
            wishes = story.Wishes(archive=archive or "", from_name=from_ or target.name, confirm=confirm or "",
                                  has_safety=edge.switch(safety or "yes", "SAFETY"),
                                  unverified=edge.switch(unverified, "UNVERIFIED"))
            output.show_json([story.restore(target, wishes)])


@task
def fix(context, instance=None, dry=None, verbose=None, json=None, unattended=None, jobs=None):
    """Give a site's files the owners and modes Tiki needs."""
    with edge.verb("fix", _common(dry, verbose, json, unattended, jobs)) as run:
        from scripts.present import output
        from scripts.verbs import fix as story
        output.show_json(run.each(instance, edge.changing, story.fix))
