"""Two sites meet neither in a search index nor in a cache, and no cookie of one is sent to the other."""

import pytest

from scripts.tiki import ties


def test_a_prefix_that_is_set_is_made_the_target_s_own():
    found = {"memcache_prefix": "wiki_"}
    assert ties.own_values("my-copy", found, found, {}) == {"memcache_prefix": "my_copy_"}


def test_a_place_in_use_under_tiki_s_default_is_left_too():
    source = {"unified_search_engine": "elastic", "redis_enabled": "y"}
    assert ties.own_values("copy", source, source, {}) == {"unified_elastic_index_prefix": "copy_",
                                                           "redis_prefix": "copy_"}


def test_what_nobody_uses_and_nobody_set_stays_unset():
    source = {"unified_search_engine": "mysql", "memcache_enabled": "n"}
    assert ties.own_values("copy", source, source, {}) == {}


def test_the_target_keeps_the_value_it_had():
    source = {"memcache_prefix": "wiki_"}
    assert ties.own_values("copy", source, source, {"memcache_prefix": "own_"}) == {"memcache_prefix": "own_"}


def test_a_value_the_target_had_from_its_source_is_not_its_own():
    source = {"memcache_prefix": "wiki_"}
    assert ties.own_values("copy", source, source, {"memcache_prefix": "wiki_"}) == {"memcache_prefix": "copy_"}


def test_a_source_that_uses_the_target_s_name_gets_no_company():
    source = {"memcache_prefix": "copy_"}
    assert ties.own_values("copy", source, source, {}) == {"memcache_prefix": "copy_clone_"}


def test_the_index_of_the_source_is_not_read():
    source = {"unified_search_engine": "elastic", "unified_elastic_index_current": "tiki_main_1"}
    assert ties.own_values("copy", source, source, {})["unified_elastic_index_current"] == ""
    assert ties.needs_new_index(source)


@pytest.mark.parametrize(("now", "wanted"), [(".example.org", {"cookie_domain": ""}), (".copy.example.org", {})])
def test_a_cookie_domain_stays_only_when_its_address_was_rewritten(now, wanted):
    assert ties.own_values("copy", {"cookie_domain": ".example.org"}, {"cookie_domain": now}, {}) == wanted


@pytest.mark.parametrize(("engine", "wanted"), [("elastic", {ties.ENGINE: "mysql"}),
                                                ("manticore", {ties.ENGINE: "mysql"}), ("mysql", {}), ("", {})])
def test_a_copy_that_goes_again_has_its_index_inside(engine, wanted):
    assert ties.index_inside({ties.ENGINE: engine}) == wanted
