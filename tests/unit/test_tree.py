"""A tree on paper."""

from scripts.present import tree


def test_branches_are_drawn_with_trunks_where_more_comes():
    children = {"prod": ["fo", "test"], "fo": ["week"], "test": ["dev", "try"], "dev": ["mine"]}
    assert list(tree.drawn(children, ["prod", "wiki"]).values()) == [
        "prod", "├─ fo", "│  └─ week", "└─ test", "   ├─ dev", "   │  └─ mine", "   └─ try", "wiki"]


def test_a_circle_is_drawn_once():
    children = {"a": ["b"], "b": ["c"], "c": ["a"]}
    assert list(tree.drawn(children, ["a", "b"]).items()) == [("a", "a"), ("b", "└─ b"), ("c", "   └─ c")]
