"""Who may enter, in the words of Apache and nginx; and a .htaccess that comes back as it was, byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import RegistryError, UsageError
from scripts.registry import admitted, change, registry
from scripts.tiki import htpasswd, maintenance_page, restriction, restriction_nginx
from scripts.tiki.maintenance_page import Notice, htaccess, keeping_own, notice_of
from scripts.tiki.restriction import LINK, NONE, Rule, Was
from scripts.verbs import restrict

FROM_TEN = Rule("blog", networks=("10.0.0.0/8", "2001:db8::/32"))
BY_LOGIN = Rule("blog", has_logins=True)
EITHER = Rule("blog", ("10.0.0.0/8",), True)
BOTH = Rule("blog", ("10.0.0.0/8", "192.0.2.7"), True, True)
HASH = "$2y$06$" + "a" * 53
PATH = "/srv/blog-restrict/.htpasswd"


def lines(rule: Rule, path: str = PATH) -> list[str]:
    """Return what Apache reads of a block."""
    return [line for line in restriction.block(rule, path, Was()).decode().splitlines() if not line.startswith("#")]


# The text of .htaccess


@pytest.mark.parametrize("own", [b"", b"# own", b"# own\n", b"a\r\nb\r\n", b"a\r\nb", b"\n\n", b"latin \xff\n"])
@pytest.mark.parametrize("rule", [FROM_TEN, BY_LOGIN, EITHER, BOTH])
def test_what_was_there_comes_back_byte_for_byte(own, rule):
    restricted = restriction.with_block(own, restriction.block(rule, PATH, Was()))
    assert restricted.startswith(restriction.BEGIN) and restricted.endswith(own)
    assert restriction.without(restricted) == own


@given(st.binary(max_size=200))
def test_any_text_comes_back(own):
    own = restriction.without(own)
    again = restriction.with_block(own, restriction.block(EITHER, PATH, Was()))
    assert restriction.without(again) == own


def test_a_new_block_takes_the_place_of_the_old_one():
    once = restriction.with_block(b"own\n", restriction.block(EITHER, PATH, Was()))
    twice = restriction.with_block(once, restriction.block(FROM_TEN, PATH, Was()))
    assert twice == restriction.with_block(b"own\n", restriction.block(FROM_TEN, PATH, Was()))


def test_a_block_that_an_editor_moved_and_gave_other_line_ends_is_found():
    block = restriction.block(EITHER, PATH, Was(NONE)).replace(b"\n", b"\r\n")
    text = b"first\r\n" + block + b"last"
    assert restriction.was_of(text) == Was(NONE)
    assert restriction.without(text) == b"first\r\nlast"


@pytest.mark.parametrize("was", [Was(), Was(NONE), Was(LINK, "_htaccess", "1700000000.123456789", "ab"),
                                 Was(LINK, "/gr\u00fc\udcff/\"x\"\n")])
def test_the_block_remembers_what_was_there(was):
    text = restriction.with_block(b"own\n", restriction.block(EITHER, PATH, was))
    assert restriction.was_of(text) == was
    assert restriction.was_of(b"own\n") is None


def test_what_cannot_be_read_of_the_past_is_a_file_that_stays():
    block = restriction.block(EITHER, PATH, Was(NONE)).replace(b'{"kind": "none"}', b'{"kind": "none", x}')
    assert restriction.was_of(block) == Was()
    assert not Was().is_untouched(b"")


def test_a_link_comes_back_only_when_its_text_is_as_it_was():
    was = Was(LINK, "_htaccess").of_text(b"text\n")
    assert was.is_untouched(b"text\n")
    assert not was.is_untouched(b"text\nand a line of somebody's\n")
    assert Was(NONE).is_untouched(b"") and not Was(NONE).is_untouched(b"new\n")


# What Apache reads


def test_one_of_address_and_login_is_enough():
    found = lines(EITHER)
    assert found[:2] == ['<If "true">', "AuthMerging And"]
    assert found[found.index("<RequireAny>"):] == ["<RequireAny>", "Require ip 10.0.0.0/8", "Require valid-user",
                                                  "</RequireAny>", "</If>"]


def test_both_are_asked_for_when_that_is_wanted():
    found = lines(BOTH)
    assert found[found.index("<RequireAll>"):] == [
        "<RequireAll>", "<RequireAny>", "Require ip 10.0.0.0/8", "Require ip 192.0.2.7", "</RequireAny>",
        "Require valid-user", "</RequireAll>", "</If>"]


@pytest.mark.parametrize("rule", [Rule("blog", ("10.0.0.0/8",), False, True), Rule("blog", (), True, True)])
def test_both_of_one_thing_is_that_thing(rule):
    assert lines(rule) == lines(Rule(rule.name, rule.networks, rule.has_logins))


def test_addresses_alone_need_no_file_of_logins():
    assert not any(line.startswith("Auth") and line != "AuthMerging And" for line in lines(FROM_TEN))
    assert "Require ip 2001:db8::/32" in lines(FROM_TEN)


def test_the_path_of_the_logins_is_quoted():
    assert r'AuthUserFile "/srv/a \"b\" \\c/.htpasswd"' in lines(BY_LOGIN, '/srv/a "b" \\c/.htpasswd')


# What nginx reads


def nginx(rule: Rule, path: str = PATH) -> dict[str, list[str]]:
    """Return the lines of the files, without remarks."""
    return {name: [line.strip() for line in text.decode().splitlines() if not line.startswith("#")]
            for name, text in restriction_nginx.files(rule, path).items()}


def test_nginx_judges_addresses_by_geo_and_refuses_before_any_location():
    assert nginx(FROM_TEN) == {
        "http.conf": ["geo $trim_blog {", "default 1;", "10.0.0.0/8 0;", "2001:db8::/32 0;", "}"],
        "server.conf": ["if ($trim_blog) { return 403; }"]}


def test_nginx_asks_no_login_of_who_comes_from_an_address():
    assert nginx(EITHER) == {
        "http.conf": ["geo $trim_blog {", 'default "Restricted: blog";', "10.0.0.0/8 off;", "}"],
        "server.conf": ["auth_basic $trim_blog;", f'auth_basic_user_file "{PATH}";']}


def test_nginx_asks_for_both():
    found = nginx(BOTH)
    assert found["http.conf"] == ["geo $trim_blog {", "default 1;", "10.0.0.0/8 0;", "192.0.2.7 0;", "}"]
    assert found["server.conf"] == ["if ($trim_blog) { return 403; }", 'auth_basic "Restricted: blog";',
                                    f'auth_basic_user_file "{PATH}";']


def test_nginx_with_logins_alone_needs_nothing_in_http():
    assert nginx(Rule("a-b", has_logins=True), "/a \"b\"/x") == {
        "server.conf": ['auth_basic "Restricted: a-b";', r'auth_basic_user_file "/a \"b\"/x";']}


def test_a_variable_of_nginx_has_no_dash():
    assert nginx(Rule("a-b", ("10.0.0.1",)))["server.conf"] == ["if ($trim_a_b) { return 403; }"]


def test_nginx_starts_also_when_the_files_are_gone():
    assert restriction_nginx.includes("/srv/a b") == ('include "/srv/a b/http*.conf";',
                                                      'include "/srv/a b/server*.conf";')


# What the env file may hold


def test_addresses_and_networks_are_written_in_one_way():
    words = ["10.0.0.0/8", "192.0.2.7", "192.0.2.7/32", "2001:DB8:0::/32", "::1", "10.0.0.0/255.0.0.0"]
    assert admitted.networks(words) == ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1")


@pytest.mark.parametrize(("word", "said"), [
    ("10.0.0.5/8", "is 10.0.0.0/8 meant, or 10.0.0.5"), ("10.0.0", "neither an address nor a network"),
    ("10.0.0.0/33", "neither"), ("example.org", "neither"), ("fe80::1%eth0", "neither"), ("", "neither"),
    ("0.0.0.0/0", "everybody"), ("::/0", "everybody"), ("10.0.0.1\nRequire all granted", "neither")])
def test_what_is_no_address_is_named(word, said):
    with pytest.raises(ValueError, match=said):
        admitted.networks(["127.0.0.1", word])


@pytest.mark.parametrize("login", ["", "a:b", "a,b", "#a", " a", "a ", "a\nb", "a\x00", "a\x7f", "x" * 256])
def test_what_is_no_login_is_named(login):
    with pytest.raises(ValueError, match="is no login"):
        admitted.check_login(login)


def test_logins_may_have_letters_of_any_language_and_blanks_inside():
    assert admitted.logins([f"J\u00fcrgen M\u00fcller:{HASH}", f"ann@example.org:{HASH}"]).keys() == {
        "J\u00fcrgen M\u00fcller", "ann@example.org"}


@pytest.mark.parametrize("entry", ["ann", "ann:", "ann:secret", f"ann:{HASH}x", f"ann:{HASH}:{HASH}"])
def test_a_password_in_the_env_file_is_refused_and_not_shown(entry):
    with pytest.raises(ValueError, match="ann: expected login:hash") as caught:
        admitted.logins([entry])
    assert "secret" not in str(caught.value)


def test_a_wrong_key_is_told_with_file_and_line(settings, register):
    path = register("blog", "RESTRICT_ALLOW=10.0.0.0/8, 10.0.0.5/8\n")
    with pytest.raises(RegistryError, match=f"{path}:2: RESTRICT_ALLOW: 10.0.0.5/8 is an address"):
        registry.load(settings, "blog")


def test_hashes_make_an_env_file_secret(settings, register):
    path = register("blog", f"RESTRICT_USERS='ann:{HASH}'\n")
    path.chmod(0o644)
    with pytest.raises(RegistryError, match="RESTRICT_USERS is a secret"):
        registry.load(settings, "blog")
    register("blog").chmod(0o644)
    change.set_values(settings, "blog", {"RESTRICT_USERS": f"ann:{HASH}"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert registry.load(settings, "blog").restrict_users == (f"ann:{HASH}",)


# Passwords


def test_a_hash_is_one_that_apache_takes_and_fits_its_password_alone():
    made = htpasswd.hashed("p\u00e4ss: word")
    assert admitted.BCRYPT.fullmatch(made) and made.startswith("$2y$")
    assert htpasswd.fits("p\u00e4ss: word", made) and not htpasswd.fits("p\u00e4ss: wor", made)
    assert htpasswd.hashed("p\u00e4ss: word") != made


@pytest.mark.parametrize("password", ["", "x" * 73, "\u00e4" * 37, "a\nb", "a\0b"])
def test_a_password_that_would_not_count_as_a_whole_is_refused(password):
    with pytest.raises(UsageError) as caught:
        htpasswd.hashed(password)
    assert not password or password not in str(caught.value)


def test_the_file_of_logins_has_a_line_each():
    assert htpasswd.text({"ann": HASH, "J\u00fcrgen": HASH}) == f"ann:{HASH}\nJ\u00fcrgen:{HASH}\n".encode()


# What was asked for


@pytest.mark.parametrize(("words", "said"), [
    ((("10.0.0.5/8",), None, None, "", ""), "ALLOW: 10.0.0.5/8"), ((None, ("a:b",), None, "", ""), "USERS: 'a:b'"),
    ((None, None, None, "of", ""), "STATE=of"), ((("::1",), None, None, "off", ""), "STATE=off takes the whole"),
    ((None, None, False, "off", ""), "STATE=off takes the whole"),
    ((None, ("ann",), None, "", "x" * 73), "RESTRICT_PASS: the password is longer")])
def test_what_is_wrong_or_contradicts_itself_is_said(words, said):
    with pytest.raises(UsageError, match=said):
        restrict.wishes(*words)


def test_a_password_in_the_environment_does_nothing_when_no_login_is_named():
    assert restrict.wishes(("::1",), None, None, "", "secret").password == ""


def test_a_given_password_needs_one_login(settings, register):
    register("blog")
    with pytest.raises(UsageError, match="RESTRICT_PASS is the password of one login, and ann, bob need one"):
        restrict.restrict(registry.load(settings, "blog"), restrict.wishes(None, ("ann", "bob"), None, "", "secret"))


@pytest.mark.parametrize(("wished", "said"), [
    (restrict.Wishes(), "who may enter?"), (restrict.Wishes(allow=()), "nobody would be left"),
    (restrict.Wishes(allow=("::1",), needs_both=True), "BOTH=1 wants an address and a login")])
def test_a_restriction_that_lets_in_nobody_is_refused(settings, register, wished, said):
    before = register("blog").read_bytes()
    with pytest.raises(UsageError, match=said):
        restrict.restrict(registry.load(settings, "blog"), wished)
    assert change.read(settings, "blog") == before


# The maintenance page remembers whether the site has a .htaccess of its own


@pytest.mark.parametrize("keeps_own", [True, False])
def test_the_page_can_be_told_later_that_the_site_has_a_htaccess(keeps_own):
    page = htaccess("<p>closed</p>", Notice(None, "why \u00e4", keeps_own)).encode()
    other = keeping_own(page, not keeps_own)
    assert notice_of(other) == Notice(None, "why \u00e4", not keeps_own)
    assert keeping_own(other, keeps_own) == page
    assert json.loads(other.split(b"\n")[1][2:])["keeps_own"] is not keeps_own
    assert other.startswith(maintenance_page.MARK.encode())
