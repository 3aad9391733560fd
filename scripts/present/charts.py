"""Small charts as figures for inline SVG: bars for sizes, a line for durations. Templates draw them.

Coordinates are in a box of WIDTH by HEIGHT whose lower edge is zero, so that a small change looks small.
"""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 160, 44
TOP = 4             # room above the highest value, for the stroke and the dot
GAP = 0.28          # of a bar's room
WIDEST = 12         # of a bar: a single one must not be a wall


class Bar(NamedTuple):
    """One bar, and what is told of it when a pointer rests there."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Chart(NamedTuple):
    """One chart; label says in a sentence what is seen in it, for those who cannot see it."""

    label: str
    bars: tuple[Bar, ...] = ()
    points: str = ""
    area: str = ""
    end: tuple[float, float] = (0, 0)
    width: int = WIDTH
    height: int = HEIGHT


def bars(values: Sequence[float], labels: Sequence[str], label: str) -> Chart:
    """Return one bar a value, in their order."""
    highest, room = max(values, default=0) or 1, WIDTH / max(len(values), 1)
    wide = min(room * (1 - GAP), WIDEST)
    room = min(room, WIDEST / (1 - GAP))
    first = WIDTH - room * len(values) + room - wide    # the last one stands at the right edge, as now does
    made = []
    for place, (value, told) in enumerate(zip(values, labels)):
        high = max(value / highest * (HEIGHT - TOP), 1)
        made.append(Bar(_short(first + place * room), _short(HEIGHT - high), _short(wide), _short(high), told))
    return Chart(label, tuple(made))


def line(values: Sequence[float], label: str) -> Chart:
    """Return a line through the values, in their order, and the area below it."""
    highest, step = max(values, default=0) or 1, (WIDTH - 2 * TOP) / max(len(values) - 1, 1)
    first = WIDTH - TOP - step * (len(values) - 1)
    places = [(_short(first + number * step), _short(HEIGHT - 1 - value / highest * (HEIGHT - 2 * TOP)))
              for number, value in enumerate(values)]
    if not places:
        return Chart(label)
    points = " ".join(f"{x},{y}" for x, y in places)
    area = f"{places[0][0]},{HEIGHT} {points} {places[-1][0]},{HEIGHT}"
    return Chart(label, points=points, area=area if len(places) > 1 else "", end=places[-1])


def _short(number: float) -> float:
    return round(number, 1)
