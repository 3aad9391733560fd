"""How a site answers, and how fast: several visits of its first page, one after the other."""

import statistics
import time
from dataclasses import dataclass

from scripts.registry.instance import Instance
from scripts.steps import answering

COUNT = 5


@dataclass(frozen=True)
class Visits:
    """The last answer's status and what was wrong with it, and the median time; None where nothing answered."""

    status: int = 0
    problem: str = ""
    milliseconds: int | None = None

    def __str__(self) -> str:
        if self.milliseconds is None:
            return "was not seen"
        return f"{self.problem or f'answers {self.status}'} in {self.milliseconds} ms"


def take(instance: Instance) -> Visits:
    """Visit a site; a first visit, which fills its caches, does not count."""
    if not instance.web_url or answering.visit(instance).status == 0:
        return Visits()
    seconds = []
    for _ in range(COUNT):
        started = time.monotonic()
        answer = answering.visit(instance)
        seconds.append(time.monotonic() - started)
    return Visits(answer.status, answer.problem, round(statistics.median(seconds) * 1000))
