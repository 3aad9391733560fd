"""The console's words: how a command is split, what it may lose, and what its printed lines mean."""

import pytest

from scripts.errors import RegistryError, UsageError
from scripts.registry.instance import Instance
from scripts.tiki import console
from scripts.tiki.probe import Probe
from scripts.tiki.version import Edition, Version


@pytest.fixture
def blog(settings) -> Instance:
    return Instance(name="blog", settings=settings, web_root="/srv/blog", php="php8.1")


def tiki(version: str = "24.4", **more) -> Probe:
    return Probe(**{"state": "tiki", "edition": Edition(Version(version)), "has_console": True, **more})


def test_words_are_split_as_a_shell_does_and_never_interpreted():
    assert console.split("preferences:set browsertitle 'a  b' \"$(id)\" *;x \\\"") == [
        "preferences:set", "browsertitle", "a  b", "$(id)", "*;x", '"']


def test_no_words_ask_for_the_list():
    assert console.split("") == ["list"]


@pytest.mark.parametrize("command", ["cache:clear 'all", "tiki:info --site=blog", "tiki:info --site blog"])
def test_words_that_cannot_be_meant_are_refused(command):
    with pytest.raises(UsageError, match="COMMAND"):
        console.split(command)


def test_the_call_uses_the_instances_php_and_gives_the_words_last(blog):
    words = console.call(blog, tiki(), ["cache:clear", "all"])
    assert words[0] == "php8.1"
    assert words[words.index("/srv/blog/console.php") + 1:] == ["--ansi", "cache:clear", "all"]


def test_a_virtual_site_is_named_only_when_the_tree_knows_it(blog):
    shop = blog.with_(site="shop")
    assert "--site=shop" in console.call(shop, tiki(sites=("shop",)), ["list"])
    with pytest.raises(RegistryError, match="does not name the site shop.*Known: wiki"):
        console.call(shop, tiki(sites=("wiki",)), ["list"])


def test_a_tiki_before_the_console_says_so(blog):
    with pytest.raises(RegistryError, match=r"Tiki 9\.2 has no console\.php; it came with 11"):
        console.call(blog, tiki("9.2", has_console=False), ["list"])


@pytest.mark.parametrize("command", ["database:install --force", "database:redact", "-n d:red", "da:ins -n --force",
                                     "--as-user admin tracker:clear 3"])
def test_what_loses_something_is_known_also_by_a_shortened_name(command):
    assert console.is_destructive(command.split())


@pytest.mark.parametrize("command", ["database:install", "database:update", "cache:clear", "list", "redact", ":"])
def test_what_loses_nothing_needs_no_word_of_confirmation(command):
    assert not console.is_destructive(command.split())


@pytest.mark.parametrize("command", ["list", "-n", "tiki:info php", "preferences:get x", "users:list", "d:up --help"])
def test_looking_commands_leave_the_site_to_others(command):
    assert not console.is_changing(command.split())


@pytest.mark.parametrize("command", ["cache:clear", "database:update", "unheard:of", "l", "list:execute Page plan"])
def test_all_other_commands_want_the_site_alone(command):
    assert console.is_changing(command.split())


@pytest.mark.parametrize(("line", "told"), [
    ("\x1b[37;41mPreference not found.\x1b[39;49m", "Preference not found."),
    ("on it: \x1b[37;41m broken \x1b[39;49m\x1b[37;41mtwice\x1b[39;49m", "broken twice"),
    ("Command not available at this stage.", "Command not available at this stage."),
    ("  Failed: 20200101_x_tiki  ", "Failed: 20200101_x_tiki"),
    ("Fatal error: Uncaught Error in /srv/x.php:3", "Fatal error: Uncaught Error in /srv/x.php:3"),
    ("\x1b[32mUpdate completed.\x1b[39m", ""),
    ("Removed 3 pages, Failed: none", ""),
])
def test_a_printed_line_tells_of_failure(line, told):
    assert console.failure(line) == told


def test_a_line_is_shown_without_colours():
    assert console.plain("\x1b[33mUsage:\x1b[39m  command\x1b[K\r") == "Usage:  command"
