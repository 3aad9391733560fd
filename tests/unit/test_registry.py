"""Which instances there are, and which are meant."""

import pytest

from scripts.errors import RegistryError, UsageError
from scripts.registry import registry


@pytest.fixture
def five(register) -> None:
    register("blog", "TAGS=club, public\n")
    register("blog-2", "TAGS=public\n")
    register("wiki", "TAGS=club\n")
    register("all-of-it")
    register("tag")


@pytest.mark.parametrize(("wanted", "names"), [
    ("blog", ["blog"]),
    ("wiki,blog", ["blog", "wiki"]),
    (" wiki , blog,, wiki ", ["blog", "wiki"]),
    ("blog*", ["blog", "blog-2"]),
    ("*", ["all-of-it", "blog", "blog-2", "tag", "wiki"]),
    ("bl?g", ["blog"]),
    ("[bw]*", ["blog", "blog-2", "wiki"]),
    ("all", ["all-of-it", "blog", "blog-2", "tag", "wiki"]),
    ("tag:club", ["blog", "wiki"]),
    ("tag:public,wiki", ["blog", "blog-2", "wiki"]),
    ("tag", ["tag"]),
])
def test_what_is_meant_is_selected_once_and_in_order(settings, five, wanted, names):
    assert registry.select(settings, wanted) == names


@pytest.mark.parametrize("wanted", ["wkii", "blog,wkii", "x*", "tag:pub", "tag:"])
def test_a_word_that_selects_nothing_is_refused_though_others_select(settings, five, wanted):
    with pytest.raises(UsageError, match="selects nothing"):
        registry.select(settings, wanted)


def test_an_unknown_name_is_answered_with_the_nearest_and_the_known_ones(settings, five):
    with pytest.raises(UsageError) as caught:
        registry.select(settings, "wkii")
    assert "(did you mean wiki?)" in str(caught.value)
    assert "known: all-of-it, blog, blog-2, tag, wiki" in str(caught.value)


@pytest.mark.parametrize("wanted", ["", " ", ",", " , "])
def test_no_word_at_all_is_refused(settings, five, wanted):
    with pytest.raises(UsageError, match="which instance"):
        registry.select(settings, wanted)


def test_without_any_instance_all_means_none_and_is_refused(settings):
    with pytest.raises(UsageError, match="none is known yet. Next: make instance"):
        registry.select(settings, "all")


@pytest.mark.parametrize("name", ["../blog", "Blog", "-rf", "blog.env", "a b", "", "a/b", "a\n", "é", "a_b", "$(id)"])
def test_a_name_that_could_be_read_as_something_else_is_refused(settings, name):
    with pytest.raises(UsageError):
        registry.load(settings, name)


def test_loading_an_unknown_name_offers_the_nearest(settings, five):
    with pytest.raises(UsageError, match=r"no instance bolg \(did you mean blog\?\)"):
        registry.load(settings, "bolg")


def test_examples_and_other_files_are_no_instances(settings, five, register):
    folder = settings.top / "instances.d"
    for name in ("example.env.dist", "README.md", "wiki.env~", ".wiki.env.swp", ".env"):
        (folder / name).touch()
    assert registry.names(settings) == ["all-of-it", "blog", "blog-2", "tag", "wiki"]


def test_a_tag_is_not_found_past_a_file_that_cannot_be_read(settings, five, register):
    register("broken", "TAGSS=club\n")
    with pytest.raises(RegistryError, match=r"broken\.env:2"):
        registry.select(settings, "tag:club")


def test_a_broken_file_does_not_stop_the_work_on_another(settings, five, register):
    register("broken", "TAGSS=club\n")
    assert registry.select(settings, "blog") == ["blog"]


def test_two_names_of_one_site_are_noticed(settings, register):
    register("blog")
    register("again", "").write_text("WEB_ROOT=/srv/blog/\n")
    assert registry.same_place(settings, registry.load(settings, "again")) == "blog"


def test_the_same_folder_of_another_host_is_another_site(settings, register):
    register("blog")
    register("far", "").write_text("WEB_ROOT=/srv/blog\nACCESS=ssh\nSSH_HOST=web1\n")
    assert registry.same_place(settings, registry.load(settings, "far")) is None


def test_who_may_have_a_key_is_told_without_reading_all_and_who_is_odd_is_among_them(settings, register):
    register("a", "# MIRROR_OF is not set\nKEEP=3\n")
    register("b", "MIRROR_OF=a\n")
    register("c", "\n  # nothing\nKEEP=3\n \n")
    for name, text in (("d", b"NONSENSE\n"), ("e", b"KEEP=3"), ("f", b"KEEP=3\n\xff\n"), ("g", b"")):
        (registry.folder(settings) / f"{name}.env").write_bytes(text)
    assert registry.may_have(settings, "MIRROR_OF") == ["a", "b", "d", "e", "f"]
