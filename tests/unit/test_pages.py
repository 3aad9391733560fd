"""Charts in figures, and templates that take nothing a site says for HTML."""

import pytest
from jinja2 import UndefinedError

from scripts.health import digest, sheets
from scripts.present import charts, pages


def test_bars_stand_on_zero_and_the_last_one_at_the_right_edge():
    made = charts.bars([50, 100], ["one", "two"], "Size")
    assert [bar.height for bar in made.bars] == [20, 40]
    assert all(round(bar.y + bar.height, 1) == charts.HEIGHT for bar in made.bars)
    assert made.bars[0].x < made.bars[1].x
    assert charts.WIDTH - charts.WIDEST <= made.bars[1].x + made.bars[1].width <= charts.WIDTH


@pytest.mark.parametrize("values", [[], [0], [0, 0], [7], list(range(30))])
def test_charts_stay_in_their_box(values):
    drawn = charts.bars(values, [""] * len(values), "")
    assert all(bar.x >= 0 and bar.x + bar.width <= charts.WIDTH + 0.2 and bar.y >= 0 for bar in drawn.bars)
    line = charts.line(values, "")
    places = [tuple(map(float, place.split(","))) for place in line.points.split()]
    assert len(places) == len(values)
    assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in places)


def mail(headline: str) -> str:
    from datetime import UTC, datetime
    return pages.render("mail.html.j2", headline=headline, summary="", found=[], machine="m", now=datetime.now(UTC),
                        columns={}, sites=[])


def test_what_comes_from_a_site_is_text():
    text = mail("<script>alert(1)</script> & \udcff")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\xff" in text
    text.encode("utf-8")


def test_a_value_that_is_not_given_is_a_fault_and_no_gap():
    with pytest.raises(UndefinedError):
        pages.render("mail.html.j2", headline="x")


def test_relations_are_nested_as_the_tree_is_drawn_and_loners_left_out():
    rows = [{"tree": line, "name": line.lstrip("├─│└ "), "parent": "", "stage": "", "kind": "", "version": ""}
            for line in ("alone", "www", "├─ test", "│  └─ dev", "└─ week")]
    tree = sheets.tree([*rows, {"tree": "broken", "name": "broken", "problem": "its env file"}])
    assert [(one["name"], [child["name"] for child in one["children"]]) for one in tree] == [("www", ["test", "week"])]
    assert tree[0]["children"][0]["children"][0]["name"] == "dev"


def test_nobody_says_that_all_is_well_where_no_site_is_known():
    assert digest.subject([], []).endswith(": no site is registered: 0 sites")
    assert sheets.headline([], []) == "No site is registered"


def test_no_instance_s_page_is_the_page_of_all():
    assert sheets.page("index") != "index.html"
    assert "_" in sheets.page("index")  # no name has one
