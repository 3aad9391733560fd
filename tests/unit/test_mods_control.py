"""Control files: what is read is what was meant, every fault has its line, and what is written reads the same."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import ArchiveError, UsageError
from scripts.mods import control, demands, names
from scripts.mods.parts import ConfigLine, ControlFile, FileLine
from scripts.mods.revision import Revision

PATH = "Packages/features-chat.info.txt"

# In the manner of real packages: label case, colons, keywords, columns with several blanks, a label without values.
WHOLE = """\
contributor:
$Author: ann $

Revision
$Revision: 1.12 $

lastmodif :
$Date: 2007-03-15 15:35:20 $

FILES:
# the page
features/chat/chat.php   chat.php
features/chat/sample:chat.conf lib/chat/chat.conf

requires:
lib-ajax>=1.2<2.0 & lib-json
modules-who

suggests:

Description:
A room to talk in,
with smileys

licence:
GNU/LGPL

Version:
1.9
2.0+

configuration:
Name of the server,server,$HTTP_HOST
Port,port

configuration help:
: RewriteRule ^/chat$ /chat.php
files are written below temp/

sql-install:
CREATE TABLE chat (id int);
INSERT INTO chat VALUES (1, '$server', 'a,b');

sql-upgrade:
: 1.3.10
ALTER TABLE chat ADD a int;
:1.3.7
ALTER TABLE chat ADD b int;
ALTER TABLE chat ADD c int;

sql-remove:
DROP TABLE chat;

ChangeLog
1.1 first
1.2 second"""


def read(text: str, path: str = PATH) -> ControlFile:
    found, problems = control.read(text, path)
    assert problems == []
    return found


def told(text: str) -> list[tuple[int, bool, str]]:
    return [(one.line, one.certain, one.message) for one in control.read(text, PATH)[1]]


def test_a_whole_file_says_what_it_means():
    found = read(WHOLE)
    assert (found.mod, found.type, found.name) == ("features-chat", "features", "chat")
    assert (found.revision.text, found.contributor, found.lastmodif) == ("1.12", ("ann",), "2007-03-15 15:35:20")
    assert found.files == (FileLine("features/chat/chat.php", "chat.php"),
                           FileLine("features/chat/sample:chat.conf", "lib/chat/chat.conf"))
    assert [line.is_sample for line in found.files] == [False, True]
    assert list(map(str, found.requires)) == ["lib-ajax>=1.2<2.0", "lib-json", "modules-who"]
    assert (found.suggests, found.description) == ((), "A room to talk in, with smileys")
    assert (found.licence, found.versions) == ("GNU/LGPL", ("1.9", "2.0+"))
    assert found.configuration == (ConfigLine("Name of the server", "server", "$HTTP_HOST"), ConfigLine("Port", "port"))
    assert found.configuration_help == (": RewriteRule ^/chat$ /chat.php", "files are written below temp/")
    assert found.sql_install[1] == "INSERT INTO chat VALUES (1, '$server', 'a,b');"
    assert [(block.text, len(lines)) for block, lines in found.sql_upgrade] == [("1.3.10", 1), ("1.3.7", 2)]
    assert (found.sql_remove, found.changelog) == (("DROP TABLE chat;",), ("1.1 first", "1.2 second"))


def test_line_ends_of_windows_and_a_byte_order_mark_do_not_count():
    data = b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode()
    assert read(control.text_of(data, PATH)) == read(WHOLE)


def test_a_line_may_be_as_long_as_it_likes():
    statement = "INSERT INTO chat VALUES (" + ", ".join(map(str, range(2000))) + ");"
    assert read(f"revision:\n1\n\nsql-install:\n{statement}\n").sql_install == (statement,)


def test_what_is_written_reads_the_same_in_text_too():
    found = read(WHOLE)
    again = read(control.write(found))
    assert again == found
    assert again.revision.text == found.revision.text


@pytest.mark.parametrize(("text", "line", "certain", "said"), [
    ("revision:\n1\n\nsql-install:\nCREATE TABLE a (b int);\nsql-remove:\nDROP TABLE a;\n", 6, True, "no blank line"),
    ("revision:\n1\n\nsql-install:\nCREATE TABLE a (b int);\nsql-remove\nDROP TABLE a;\n", 6, False,
     "reads as a label"),
    ("revision:\n1\n\nfiles:\na b\nsql-remove: DROP TABLE a;\n", 6, False, "reads as a label with a value"),
    ("revision:\n1\n\nfiles:\na b\nlicence\nLGPL x\n", 6, False, "reads as a label"),
    ("revision: 1\n", 1, True, "a value on the line of its label"),
    ("revision:\n1\n\nlicense:\nLGPL\n", 4, True, "the label is 'licence'"),
    ("revision:\n1\n\nhomepage:\nhttp://example.org\n", 4, True, "is no known label"),
    ("revision:\n1\n\nsql_install:\nCREATE TABLE a (b int);\n", 4, False, "did you mean sql-install?"),
    ("revision:\n1\n\nrequires:\nlib-a==1\n", 5, False, "== is no test"),
    ("revision:\n1\n\nrequires:\nlib-a<>1\n", 5, False, "<> is no test"),
    ("revision:\n1\n\nrequires:\nlib-a!=1\n", 5, False, "!= is no test"),
    ("revision:\n1\n\nrequires:\nlib-a>=\n", 5, False, "compares with nothing"),
    ("revision:\n1\n\nrequires:\nlib-a>=beta\n", 5, False, "compares with nothing"),
    ("revision:\n1\n\nrequires:\nlib-a>=1.2b\n", 5, True, "counts as 1.2"),
    ("revision:\n1\n\nconflicts:\n../x\n", 5, False, "is not the name of a mod"),
    ("revision:\n1\n\nrequires:\nlib\n", 5, False, "is not the name of a mod"),
    ("revision:\n1\n\nfiles:\na.php\n", 5, False, "has one column"),
    ("revision:\n1\n\nfiles:\na.php\tb.php\n", 5, True, "a tab between the columns"),
    ("revision:\n1\n\nfiles:\na.php b.php c.php\n", 5, True, "3 columns"),
    ("revision:\n1\n\nfiles:\na.php lib/a/\n", 5, True, "is a folder"),
    ("revision:\n1\n\nfiles:\na.php /etc/passwd\n", 5, False, "'/etc/passwd' is absolute"),
    ("revision:\n1\n\nfiles:\na.php ../a.php\n", 5, False, "leads out of its folder"),
    ("revision:\n1\n\nfiles:\na.php lib/../../a.php\n", 5, False, "leads out of its folder"),
    ("revision:\n1\n\nfiles:\n../secret a.php\n", 5, False, "the source '../secret' leads out"),
    ("revision:\n1\n\nfiles:\n/etc/passwd a.php\n", 5, False, "the source '/etc/passwd' is absolute"),
    ("revision:\n1\n\nfiles:\nPackages/00_list.txt a.php\n", 5, False, "a folder of the collection itself"),
    ("revision:\n1\n\nfiles:\na.php b\\..\\c.php\n", 5, False, "has a backslash"),
    ("revision:\n1\n\nfiles:\na.php c:/c.php\n", 5, False, "is absolute"),
    ("revision:\n1\n\nfiles:\na.php b//c.php\n", 5, False, "is not written plainly"),
    ("revision:\n1\n\nfiles:\na.php x.php\nb.php x.php\n", 6, False, "gets a second file"),
    ("revision:\n1\n\nfiles:\na.php x.php\na.php x.php\n", 6, True, "stands here again"),
    ("revision:\n1\n\nfiles:\na.php x\nb.php x/y.php\n", 6, False, "x is a file of this mod and a folder"),
    ("revision:\n1\n\nconfiguration:\nName of it\n", 5, False, "is no question"),
    ("revision:\n1\n\nconfiguration:\nName,my var,x\n", 5, False, "is no question"),
    ("revision:\n1\n\nconfiguration:\nName,a,x,y\n", 5, True, "the default has a comma"),
    ("revision:\n1\n\nconfiguration:\nName,a\nOther,a\n", 6, False, "asked for twice"),
    ("revision:\n1\n\nsql-upgrade:\nALTER TABLE a ADD b int;\n", 5, False, "before the first :revision"),
    ("revision:\n1\n\nsql-upgrade:\n: soon\nALTER TABLE a ADD b int;\n", 5, False, "begins the statements of no"),
    ("revision:\n1\n\nchangelog:\n0\n1.1 first\n", 5, False, "a line with 0 alone"),
    ("revision:\n1\n\nsha256:\nabc\n", 5, False, "is no sha256 sum"),
    ("revision:\nRevision: 1.2\n", 2, True, "old Tikis compare the words"),
    ("revision:\n$Revision$\n", 2, False, "was never replaced"),
    ("revision:\n1/../../x\n", 2, False, "is no revision"),
    ("revision:\n1\n\ndescription:\none\rtwo\n", 5, False, "a line end of old Macs"),
    ("description:\nno revision\n", 1, False, "has no revision"),
])
def test_a_fault_is_told_with_its_line(text, line, certain, said):
    found = told(text)
    assert (line, certain) in [(one[0], one[1]) for one in found if said in one[2]], found


def test_a_forgotten_blank_line_does_not_run_the_removal_when_installing():
    found, _ = control.read("revision:\n1\n\nsql-install:\nCREATE TABLE a (b int);\nsql-remove:\nDROP TABLE a;\n", PATH)
    assert (found.sql_install, found.sql_remove) == (("CREATE TABLE a (b int);",), ("DROP TABLE a;",))


def test_what_is_certain_is_taken():
    found, _ = control.read("revision: Revision: 1.2\n\nlicense: LGPL\n\nfiles:\na.php\tlib/x/\n", PATH)
    assert (found.revision.text, found.licence, found.files) == ("1.2", "LGPL", (FileLine("a.php", "lib/x/a.php"),))


def test_a_word_that_is_a_label_too_may_stand_in_a_text():
    assert read("revision:\n1\n\ndescription:\nSee the\nhelp\n").description == "See the help"


@pytest.mark.parametrize("name", ["x.info.txt", "a-..info.txt", "../a-b.info.txt.txt", "a b-c.info.txt",
                                  "a-b;c.info.txt",
                                  "-a-b.info.txt", "a-b.txt", "a--b/../c.info.txt", "a-b..c.info.txt"])
def test_a_name_that_could_lead_elsewhere_is_no_name(name):
    assert any("TYPE-NAME" in problem.message for problem in control.read("revision:\n1\n", f"Packages/{name}")[1])


def test_a_file_in_doubt_is_not_trusted_and_names_the_line():
    with pytest.raises(ArchiveError, match=r"features-chat\.info\.txt:5: .*== is no test.*1 more"):
        control.trusted("revision:\n1\n\nrequires:\nlib-a==1\nlib-b!=2\n", PATH)


def test_sums_stand_in_remarks_that_old_tikis_pass_over():
    md5, sha256 = "a" * 32, "b" * 64
    text = control.with_sums(WHOLE, md5, sha256)
    found = read(text)
    assert (found.md5, found.sha256) == (md5, sha256)
    assert control.with_sums(text, md5, sha256) == text
    assert read(control.write(found)) == found
    assert "\n# sha256: " in control.write(found)


def test_blocks_may_come_again_and_lists_grow():
    found = read("revision:\n1\n\nlicence:\nA\n\nhelp:\none\n\nrevision:\n2\n\nlicence:\nB\n\nhelp:\ntwo\n")
    assert (found.revision.text, found.licence, found.help) == ("1", "B", ("one", "two"))


def test_a_file_that_is_no_text_is_refused_by_its_size(tmp_path: Path):
    path = tmp_path / "a-b.info.txt"
    with open(path, "wb") as file:
        file.truncate(control.LARGEST + 1)
    with pytest.raises(ArchiveError, match="no control file"):
        control.load(path)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0\x0b\t ", exclude_categories=["Cs", "Cc"]),
                min_size=1, max_size=8)
LINES = st.lists(WORDS, min_size=1, max_size=5).map(" ".join).filter(
    lambda line: not line.startswith("#") and line != "0" and not line.endswith(":") and "$" not in line)
TEXTS = st.lists(LINES, max_size=3).map(tuple)
NUMBERS = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
REVISIONS = NUMBERS.map(Revision)
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,6}-[a-z0-9_][a-z0-9_+-]{0,6}\Z")
TESTS = st.lists(st.builds(demands.VersionTest, st.sampled_from(sorted(demands.OPERATORS)), REVISIONS), max_size=2)
DEMANDS = st.lists(st.builds(demands.Demand, NAMES, TESTS.map(tuple)), max_size=3).map(tuple)
PIECE = st.from_regex(r"\A[a-zA-Z0-9_:~+@][a-zA-Z0-9_.:~+@]{0,8}\Z")
PATHS = st.lists(PIECE, min_size=2, max_size=4).map("/".join).filter(lambda path: not names.fault_of_path(path))
FILES = st.lists(st.builds(FileLine, PATHS.map("payload/{}".format), PATHS), max_size=4,
                 unique_by=lambda file: file.target.split("/")[0]).map(tuple)
QUESTIONS = st.lists(st.builds(
    ConfigLine, LINES.filter(lambda text: "," not in text), st.from_regex(r"\A[A-Za-z0-9_]{1,8}\Z"),
    st.one_of(st.just(""), LINES)), max_size=3, unique_by=lambda line: line.variable).map(tuple)
STATEMENTS = LINES.map("INSERT {}".format)
UPGRADES = st.lists(st.tuples(REVISIONS, st.lists(STATEMENTS, max_size=2).map(tuple)), max_size=3).map(tuple)


@st.composite
def controls(draw) -> ControlFile:
    type_, name = draw(NAMES).split("-", 1)
    fields = {label: draw(TEXTS) for label in ("contributor", "author", "url", "changelog", "help",
                                               "configuration_help", "versions")}
    return ControlFile(
        type=type_, name=name, revision=draw(REVISIONS), lastmodif=draw(st.one_of(st.just(""), LINES)),
        description=draw(st.one_of(st.just(""), LINES)), licence=draw(st.one_of(st.just(""), LINES)),
        requires=draw(DEMANDS), suggests=draw(DEMANDS), conflicts=draw(DEMANDS), files=draw(FILES),
        configuration=draw(QUESTIONS), sql_install=draw(st.lists(STATEMENTS, max_size=3).map(tuple)),
        sql_upgrade=draw(UPGRADES), sql_remove=draw(st.lists(STATEMENTS, max_size=2).map(tuple)),
        md5=draw(st.sampled_from(["", "0" * 32])), sha256=draw(st.sampled_from(["", "f" * 64])), **fields)


@settings(max_examples=60, deadline=None)
@given(controls())
def test_reading_what_was_written_gives_the_same(found: ControlFile):
    again, problems = control.read(control.write(found), f"{found.mod}.info.txt")
    assert again == found
    assert again.revision.text == found.revision.text
    assert [problem for problem in problems if not problem.certain] == []


PIECES = st.sampled_from([*control.LABELS, *control.MEANT, ":", ": ", "\n", "\n\n", "\r\n", "#", " ", "\t", "0", "1.2",
                          ":1.2", "$Rev: 3$", "a b", "lib-x>=1", "q,v,d", "../x", "é", "\udcff", "\0", "text"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30).map("".join))
def test_whatever_a_file_holds_is_read_and_written_again_the_same(text: str):
    first, _ = control.read(text, PATH)
    try:
        written = control.write(first)
    except UsageError:
        assert any(not problem.certain for problem in control.read(text, PATH)[1])
        return
    assert control.read(written, PATH)[0] == first


def test_a_keyword_that_says_nothing_is_no_contributor():
    found, problems = control.read("revision:\n1\n\ncontributor:\n$Author: $\nAnn\n", PATH)
    assert (found.contributor, problems) == (("Ann",), [])
    assert control.read(control.write(found), PATH)[0] == found


def test_a_sum_that_is_none_is_told_with_its_line():
    assert [(one.line, one.certain) for one in control.read("revision:\n1\n\n# md5: abc\n", PATH)[1]] == [(4, False)]


def test_a_comma_that_may_begin_another_demand_is_in_doubt():
    assert [one.certain for one in demands.read("lib-a>=1.2,lib-b")[1]] == [False]
    assert demands.read("lib-a>=1.2,<2,")[1] == []
