"""make versions: which Tikis can be had, from where, which PHP each needs, and whether a site's host has it.

Changes nothing. A place that cannot be asked is named, and the others are shown.
"""

from scripts.code import sources, trees, words
from scripts.code.sources import Offer
from scripts.code.words import RELEASE, Word
from scripts.errors import HostError
from scripts.present import output
from scripts.registry.instance import Instance
from scripts.registry.settings import Settings
from scripts.tiki import probe, requirements

COLUMNS = {"version": "VERSION", "kind": "KIND", "from": "FROM", "php": "PHP"}
PREPARED = "prepared"


def versions(settings: Settings, instance: Instance | None) -> list[dict[str, object]]:
    """Return a row a version, newest first; raise HostError when no place can be asked and nothing is prepared."""
    offers, problems = sources.everything(settings)
    offers += [Offer(words.parse(one.name), PREPARED, str(one.path)) for one in trees.all_trees(settings)
               if not one.is_of_commit]
    if problems and not offers:
        raise HostError(f"{'; '.join(problems)}. Next: set RELEASES_DIR in conf/settings.env to a folder of release "
                        "files, or give one: make prepare VERSION= SOURCE=")
    for problem in problems:
        output.warn(problem)
    php = probe.look(instance).php_version if instance else None
    places: dict[Word, list[Offer]] = {}
    for offer in offers:
        places.setdefault(offer.word, []).append(offer)
    return [_row(word, places[word], php) for word in sorted(places, key=lambda word: word.order, reverse=True)]


def show(rows: list[dict[str, object]], instance: Instance | None) -> None:
    """Print the rows: for people without the releases that a newer one of the same series replaced, unless one is here.

    Two hundred releases of twenty years would hide what is wanted; JSON=1 has them all.
    """
    columns = COLUMNS | ({"suits": f"RUNS ON {instance.name}"} if instance else {})
    shown = rows if output.manner.is_json else worth_a_line(rows)
    output.show(shown, columns, "Nothing can be had. Next: set RELEASES_DIR, RELEASES_URL or GIT_REMOTE in "
                                "conf/settings.env")
    if len(shown) < len(rows):
        output.say(f"and {len(rows) - len(shown)} older releases of these series; all with JSON=1")


def worth_a_line(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows without the releases that a newer one replaced."""
    return [row for row in rows if _is_worth_a_line(row, rows)]


def _is_worth_a_line(row: dict[str, object], rows: list[dict[str, object]]) -> bool:
    if row["kind"] != RELEASE or {sources.DIR, PREPARED} & set(row["places"]):
        return True
    newest = next(one for one in rows if one["kind"] == RELEASE and one["series"] == row["series"])
    return row is newest


def _row(word: Word, offers: list[Offer], php: str | None) -> dict[str, object]:
    needs = requirements.of(word.text)
    # The mirror holds what came from git.
    known = {sources.GIT if offer.origin == sources.MIRROR else offer.origin: offer.place for offer in offers}
    row = {"version": word.text, "kind": word.kind, "series": needs.series if needs else word.numbers[:1],
           "from": ", ".join(known), "places": known, "php": needs.php_range if needs else "not known"}
    if php is not None:
        row |= {"host_php": php, "suits": _suits(needs, php)}
    return row


def _suits(needs: requirements.Requirement | None, php: str) -> str:
    if not php:
        return "no PHP was found"
    if needs is None:
        return "not known"
    return "yes" if needs.php_suits(php) else f"no, PHP {php}"
