"""make bisect: finds the commit of a branch that broke something, on a clone, halving what lies between good and bad.

For each commit that is tried the clone gets the database of the start, the code of that commit, and Tiki's own update
of the database. RUN, or who sits at the terminal, says whether it is good. A run that ended early is gone on with by
the same call. At the end the clone is what it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.code import revisions, trees, words
from scripts.code.history import Commit
from scripts.code.trees import PreparedTree
from scripts.code.words import RELEASE, Word
from scripts.database import dump as dumps
from scripts.database import load
from scripts.errors import BusyError, CommandError, Fault, RefusedError, UsageError
from scripts.hosts import process
from scripts.present import output, prompts
from scripts.registry.instance import Instance
from scripts.steps import (
    archiving,
    bisecting,
    dumping,
    lineage,
    operators,
    replace,
    restoring,
    schema_updates,
    site,
    switch_over,
    updating,
    visitors,
    way_back,
)
from scripts.steps.bisecting import BAD, GOOD, SKIP, Range, State
from scripts.steps.scratch import scratch
from scripts.steps.site import Site
from scripts.tiki import probe
from scripts.verbs import restore, update

REASON = "This copy is used to find the reason of a fault."
UNTESTABLE = 125    # RUN's exit status that says so; git's own bisect has the same
NO_PROGRAM = (126, 127)     # the shell's own: what RUN names is there and no program, or is not there
STOP = "stop"
QUESTION = {GOOD: "good: the fault is not there", BAD: "bad: the fault is there", SKIP: "skip: it cannot be told",
            STOP: "stop, and put the clone back"}


@dataclass(frozen=True)
class Wishes:
    """What the operator asked for: a good and a bad commit or tag, a command line that tells which one is which.

    local is keep or discard, given are the variables of make as they stood there, for the line that goes on.
    """

    good: str = ""
    bad: str = ""
    run: str = ""
    php_check: bool = True
    local: str = "keep"
    given: Mapping[str, str] | None = None


def bisect(instance: Instance, wishes: Wishes) -> dict[str, object] | None:
    """Find the first bad commit and return what is to be told of it; None in a dry run."""
    _refuse(instance, wishes)
    if not process.conduct.dry_run:
        update.recover(instance)
    _refuse_strayed(instance)
    state = _known(instance)
    if state and state.is_over:
        return _put_back(instance, state, {"instance": instance.name, "first_bad": ""})
    word = _word(instance, state)
    good, bad = (_commit(instance, word, key, text) for key, text in (("GOOD", wishes.good), ("BAD", wishes.bad)))
    line = revisions.between(instance.settings, word, good, bad, "bisect")
    commits = {one.id: one for one in line}
    if process.conduct.dry_run:
        found = Range(list(commits), {})
        output.say(f"would: try {instance.name} with {found.steps_left} of the {len(line)} commits between, first with "
                   f"{_told(commits[found.next or bad])}; then put it back")
        return None
    state = _begun(instance, word, good, bad, state, wishes)
    while (tried := Range(list(commits), state.verdicts).next) and not state.is_over:
        _try(instance, word, commits[tried], state, wishes, Range(list(commits), state.verdicts))
    return _put_back(instance, state, _result(instance, Range(list(commits), state.verdicts), commits))


# Before

def _refuse(instance: Instance, wishes: Wishes) -> None:
    """Raise a fault when the call lacks something, or the instance is none that may be broken."""
    for key, text in (("GOOD", wishes.good), ("BAD", wishes.bad)):
        if not text:
            raise UsageError(f"{key}= is missing: a commit of the site's branch, or a tag")
    if not wishes.run and not prompts.can_ask() and not process.conduct.dry_run:
        raise UsageError("RUN= is missing: a command line that ends with 0 when a commit is good, with 125 when that "
                         "cannot be told, else with another code. At a terminal you are asked instead")
    if instance.guarded or lineage.read(instance) is None:
        raise RefusedError(f"{instance.name}: is {'guarded' if instance.guarded else 'no clone'}, and a bisect breaks "
                           "what it works on. Nothing was changed. Next: make clone FROM="
                           f"{instance.name} TO=another, and bisect that one")
    note = restoring.unfinished(instance)
    if note and note.verb not in ("bisect", "restore") and not note.is_update:
        restoring.refuse_half_restored(instance)


def _refuse_strayed(instance: Instance) -> None:
    """Raise RefusedError when the instance leads to another place by now than where it was made a clone."""
    with site.opened(instance) as found:
        strayed = lineage.strayed(found)
    if strayed:
        raise RefusedError(f"{instance.name}: is not where it was made a clone: {'; '.join(strayed)}. It may be "
                           "another site, and a bisect breaks what it works on. Nothing was changed. Next: make clone "
                           f"FROM={instance.name} TO=another, and bisect that one")


def _known(instance: Instance) -> State | None:
    """Return the bisect that was begun; one of a clone that was made anew since is forgotten: its start is no more."""
    state = bisecting.read(instance)
    if state is None or state.clone in ("", _clone(instance)):
        return state
    output.say(f"{instance.name}: was made anew since a bisect of it broke off; that one is forgotten")
    if not process.conduct.dry_run:
        _forget(instance, state)
    return None


def _clone(instance: Instance) -> str:
    return lineage.read(instance).made.isoformat()


def _word(instance: Instance, state: State | None) -> Word:
    """Return the branch whose commits are searched: that of the code which was there at the start."""
    if state:
        return words.parse(state.word)
    word = update.wanted(instance, probe.probe(instance), by_commit=True)
    if word is None or word.kind == RELEASE:
        raise RefusedError(f"{instance.name}: has the code of no branch, and only a branch has commits. Nothing was "
                           "changed")
    return word


def _commit(instance: Instance, word: Word, key: str, text: str) -> str:
    try:
        return revisions.resolve(instance.settings, word, text, "", "bisect")
    except UsageError as error:
        raise UsageError(str(error).replace("REVISION=", f"{key}=", 1)) from error


def _begun(instance: Instance, word: Word, good: str, bad: str, state: State | None, wishes: Wishes) -> State:
    """Return the bisect that goes on, or a new one, whose start is archived; other commits are searched anew."""
    if state and (state.good, state.bad) == (good, bad):
        output.say(f"{instance.name}: goes on; {len(state.verdicts)} commits were tried before")
        return state
    if state:
        state = State(word.text, good, bad, state.archive, made=state.made, clone=state.clone)
    else:
        tree, made = _tree(instance, word, good)
        with site.opened(instance) as found, scratch(instance) as folder:
            _refuse_newer_database(found, tree)
            state = State(word.text, good, bad, archiving.before(found, folder), made=made,
                          clone=_clone(instance))
            dumping.dump_into(bisecting.dump(instance), found, without_index=False)
    bisecting.write(instance, state)
    return state


def _refuse_newer_database(found: Site, tree: PreparedTree) -> None:
    """Raise RefusedError when the database has had what the good commit does not know: older code breaks on that."""
    known = {path.stem for path in (tree.path / "installer/schema").glob("*_*.*")}
    lacking = sorted(schema_updates.recorded(found.client) & schema_updates.patches(found.instance) - known)
    if lacking:
        raise RefusedError(f"{found.instance.name}: its database has had {', '.join(lacking[:3])}, which GOOD does not "
                           "know: older code does not go with it. Nothing was changed. Next: clone a site, or an "
                           "archive of one (ARCHIVE=), from before GOOD")


# One commit

def _try(instance: Instance, word: Word, commit: Commit, state: State, wishes: Wishes, left: Range) -> None:
    """Bring the clone to a commit and write down what is said of it."""
    output.say(f"{instance.name}: {len(left.suspects)} commits left, about {left.steps_left} to try; now "
               f"{_told(commit)}")
    verdict = _brought(instance, word, commit, state, wishes) or _judged(instance, commit, wishes)
    if verdict == STOP:
        state.is_over = True
    else:
        state.verdicts[commit.id] = verdict
        output.say(f"{instance.name}: {_told(commit)}: {verdict}")
    bisecting.write(instance, state)


def _brought(instance: Instance, word: Word, commit: Commit, state: State, wishes: Wishes) -> str:
    """Give the clone code and database of a commit; return a verdict when that alone tells it, else nothing."""
    try:
        tree, made = _tree(instance, word, commit.id)
    except Fault as fault:
        output.warn(f"{instance.name}: {_told(commit)} cannot be prepared, and is skipped: {fault}")
        return SKIP
    state.made += made
    bisecting.write(instance, state)
    _load_start(instance, state, wishes)
    try:
        asked = update.Wishes(local=wishes.local, php_check=wishes.php_check)
        updating.carry_out(instance, tree, asked, archive=state.archive)
        return ""
    except BusyError:
        raise
    except Fault as fault:
        was_tried = switch_over.PUT_BACK in str(fault)
        if not was_tried and not {GOOD, BAD} & set(state.verdicts.values()):
            raise  # it is the clone that cannot be updated, not this commit
        output.warn(f"{instance.name}: {_told(commit)} does not work here, and "
                    f"{'counts as bad' if was_tried else 'is skipped'}: {fault}")
        return BAD if was_tried else SKIP


def _tree(instance: Instance, word: Word, commit: str) -> tuple[PreparedTree, list[str]]:
    """Return the code of a commit, and its name when it was prepared just now."""
    known = {one.name for one in trees.all_trees(instance.settings)}
    tree = trees.prepared(instance.settings, word.text, commit=commit, verb="bisect",
                          tell=lambda line: output.say(f"{instance.name}: {line}"))
    return tree, [tree.name] if tree.name not in known else []


def _load_start(instance: Instance, state: State, wishes: Wishes) -> None:
    """Give the clone the database of the start."""
    note = restoring.begin(instance, "", state.archive, verb="bisect",
                           variables={"INSTANCE": instance.name, **(wishes.given or {})})
    try:
        visitors.keep_out(instance, REASON)
        with site.opened(instance) as found, open(bisecting.dump(instance), "rb") as file:
            load.drop_everything(found.client)
            load.load(dumps.lossless(found.client), out_of=file)
        replace.open_again(instance, None)
    except BaseException:
        output.warn(f"{instance.name}: ended in the middle of {note.what}. {restoring.seen(instance)}. "
                    f"{restoring.way_out(instance, note)}")
        raise
    restoring.end(instance)


def _judged(instance: Instance, commit: Commit, wishes: Wishes) -> str:
    """Return what RUN, or who sits at the terminal, says of the clone as it is now."""
    if not wishes.run:
        where = f" ({instance.web_url})" if instance.web_url else ""
        return list(QUESTION)[prompts.choose(f"{_told(commit)}{where}: is it good", list(QUESTION.values()))]
    ended = operators.run("bisect", instance, "RUN", wishes.run, {"COMMIT": commit.id})
    if (code := ended.code) in NO_PROGRAM:
        raise CommandError(f"{instance.name}: RUN could not be started, exit code {code}{ended.last}. That tells "
                           f"nothing of {_told(commit)}. Next: the same call with a RUN that works here; it goes on, "
                           "and puts the clone back at its end", code=code)
    return GOOD if code == 0 else SKIP if code == UNTESTABLE else BAD


# After

def _result(instance: Instance, found: Range, commits: Mapping[str, Commit]) -> dict[str, object]:
    """Say which commit it was, or which ones it may be, and return the same for programs."""
    suspects = [commits[one] for one in found.suspects]
    if len(suspects) == 1:
        output.say(f"{instance.name}: the first bad commit is {_told(suspects[0])}")
    elif found.next is None:
        output.say(f"{instance.name}: the first bad commit is one of these, which could not be told apart:")
        for one in suspects:
            output.say(f"  {_told(one)}")
    is_found = len(suspects) == 1
    return {"instance": instance.name, "first_bad": suspects[0].id if is_found else "",
            "subject": suspects[0].subject if is_found else "",
            "written": suspects[0].written.isoformat() if is_found else "", "verdicts": dict(found.verdicts),
            "suspects": [one.id for one in suspects]}


def _put_back(instance: Instance, state: State, result: dict[str, object]) -> dict[str, object]:
    """Make the clone what it was at the start, and forget the bisect."""
    state.is_over = True
    bisecting.write(instance, state)
    output.say(f"{instance.name}: putting back what was there at the start, from {state.archive}")
    restore.restore(instance, restore.Wishes(instance.name, state.archive, instance.name, has_safety=False))
    way_back.forget(instance)
    _forget(instance, state)
    return result


def _forget(instance: Instance, state: State) -> None:
    """Remove what is known of a bisect, and the trees that were prepared for it alone."""
    made = {one.name: one for one in trees.all_trees(instance.settings)}
    for name in state.made:
        if name in made:
            trees.forget(instance.settings, made[name], "bisect")
    bisecting.forget(instance)


def _told(commit: Commit) -> str:
    return f"{commit.id[:words.SHOWN_COMMIT]} of {output.local(commit.written)[:10]} ({commit.subject})"
