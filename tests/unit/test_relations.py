"""Data goes down only, code up only; a circle of PARENTs and a missing one are told."""

import pytest

from scripts.errors import RefusedError, RegistryError
from scripts.registry import registry, relations


@pytest.fixture
def chain(settings, register):
    """prod <- test <- dev."""
    register("prod", "STAGE=production\n")
    register("test", "STAGE=test\nPARENT=prod\n")
    register("dev", "STAGE=development\nPARENT=test\n")
    return lambda name: registry.load(settings, name)


@pytest.mark.parametrize(("one", "other", "is_above"), [
    ("production", "acceptance", True), ("acceptance", "test", True), ("test", "development", True),
    ("production", "development", True), ("development", "production", False), ("test", "test", False),
    ("production", "", True), ("", "production", False), ("", "test", False), ("test", "", False),
    ("", "", False), ("production", "production", False)])
def test_production_is_above_acceptance_above_test_above_development(settings, register, one, other, is_above):
    register("a", f"STAGE={one}\n" if one else "")
    register("b", f"STAGE={other}\n" if other else "")
    assert relations.is_above(registry.load(settings, "a"), registry.load(settings, "b")) is is_above


def test_data_goes_down_and_code_goes_up(chain):
    relations.refuse_data_upwards(chain("prod"), chain("dev"))
    relations.refuse_code_downwards(chain("dev"), chain("prod"))
    with pytest.raises(RefusedError, match="prod: is production, above dev, which is development: data never travels"):
        relations.refuse_data_upwards(chain("dev"), chain("prod"))
    with pytest.raises(RefusedError, match="dev: is development, below prod, which is production: code never travels"):
        relations.refuse_code_downwards(chain("prod"), chain("dev"))


def test_the_names_above_are_the_parents_nearest_first(chain):
    assert relations.above(chain("dev")) == ["test", "prod"]
    assert relations.above(chain("prod")) == []
    assert relations.parent(chain("dev")).name == "test"


def test_a_parent_that_is_missing_or_not_there_is_told_with_the_way_to_set_it(settings, register, chain):
    with pytest.raises(RegistryError, match="prod: has no PARENT.*known: dev, prod, test. Next: make edit INSTANCE=pr"):
        relations.parent(chain("prod"))
    register("lost", "PARENT=prd\n")
    with pytest.raises(RegistryError, match=r"lost: PARENT=prd: there is no instance prd \(did you mean prod\?\)"):
        relations.parent(chain("lost"))
    assert relations.above(chain("lost")) == ["prd"]


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}])
def test_a_circle_is_refused_with_its_way(settings, register, parents):
    for name, above in parents.items():
        register(name, f"PARENT={above}\n")
    with pytest.raises(RefusedError, match=f"a: its PARENTs lead back to itself .a -> {parents['a']}.* make edit"):
        relations.refuse_circle(registry.load(settings, "a"))


def test_a_circle_further_up_ends_the_look_and_is_not_this_one_s(settings, register):
    for name, above in {"a": "b", "b": "c", "c": "b"}.items():
        register(name, f"PARENT={above}\n")
    one = registry.load(settings, "a")
    assert relations.above(one) == ["b", "c"]
    relations.refuse_circle(one)


def test_who_names_an_instance_is_known_though_another_env_file_is_broken(settings, register, chain):
    register("week", "MIRROR_OF=prod\nMIRROR_DELAY=1w\n")
    register("broken", "NONSENSE=1\n")
    assert relations.named_by(settings, "prod") == [("test", "PARENT"), ("week", "MIRROR_OF")]
