"""A crontab without what overwrites one instance: lines of its own are off, lists go on without it, the rest stays."""

import pytest

from scripts.steps import overwriting

TOP = "/opt/trim"
MARK = "# off: "


def edited(line: str, tags: tuple[str, ...] = ("copies",)) -> overwriting.Edited:
    return overwriting.without(line, "fo", tags, TOP, MARK)


@pytest.mark.parametrize("line", [
    "30 2 * * * make -sC /opt/trim clone FROM=prod TO=fo UNATTENDED=1",
    "@daily make -sC /opt/trim mirror FROM=prod TO=fo DELAY=1d",
    "@daily make -sC /opt/trim cloneandupdate FROM=prod TO=fo CONFIRM=fo",
    "@daily make -sC /opt/trim cloneandupgrade FROM=prod TO=fo VERSION=27.x",
    "*/5 2-4 * * mon cd /opt/trim && make refresh INSTANCE=fo CONFIRM=fo >/dev/null 2>&1",
    "@weekly make -C /opt/trim restore 'INSTANCE=fo' FROM=prod",
    '@weekly make -C /opt/trim/ -j 2 restore INSTANCE="fo"',
    "@weekly nice -n 19 /usr/bin/make -sC /opt/trim reinstall INSTANCE=fo VERSION=24.x",
    "@daily make -sC /opt/trim promote INSTANCE=dev TO=fo CONFIRM=fo",
    "@daily make -sC $TRIM clone FROM=prod TO=fo",
    "@daily make FROM=prod TO=fo clone 2>&1 | mail -s done root",
    "@daily cd /opt/trim; .venv/bin/invoke clone --from=prod --to=fo",
    '@daily sh -c "make -sC /opt/trim clone FROM=prod TO=fo"',
    "@daily make -sC /opt/trim backup INSTANCE=prod && make -sC /opt/trim clone FROM=prod TO=fo",
])
def test_a_line_that_overwrites_it_alone_becomes_a_comment(line):
    found = edited(line)
    assert found.text == MARK + line
    assert (found.off, found.shortened, found.meant) == ((line,), (), ())


@pytest.mark.parametrize("line", [
    "# 30 2 * * * make -sC /opt/trim clone FROM=prod TO=fo",
    "MAILTO=make clone TO=fo",
    "SHELL = /bin/sh",
    "",
    "30 2 * * * make -sC /opt/trim backup INSTANCE=fo",
    "30 2 * * * make -sC /opt/trim clone FROM=fo TO=office",
    "30 2 * * * make -sC /opt/trim clone FROM=prod TO=fo-two,my-fo",
    "30 2 * * * make -sC /opt/other clone FROM=prod TO=fo",
    "30 2 * * * cd /opt/other && make clone FROM=prod TO=fo",
    "30 2 * * * echo make a clone TO=fo",
    "30 2 * * * make -sC /opt/trim clone FROM=prod TO=office CONFIRM=office,fo",
    "30 2 * * * make -sC /opt/trim refresh INSTANCE=tag:others",
    "30 2 * * * make -sC /opt/trim refresh INSTANCE=d*",
    "30 2 * * * sh -c 'make -sC /opt/trim doctor' TO=fo",
    "30 2 * * * make -sC /opt/trim promote INSTANCE=fo TO=prod",
    "30 2 * * * echo it's broken",
])
def test_what_does_not_overwrite_it_stays_byte_for_byte(line):
    assert edited(line) == overwriting.Edited(line)


@pytest.mark.parametrize(("line", "shorter"), [
    ("@daily make clone FROM=prod TO=a,fo UNATTENDED=1", "@daily make clone FROM=prod TO=a UNATTENDED=1"),
    ("@daily make clone FROM=prod TO=fo,a,fo-two", "@daily make clone FROM=prod TO=a,fo-two"),
    ("@daily make clone FROM=prod TO='a,fo,b' CONFIRM=a,fo", "@daily make clone FROM=prod TO='a,b' CONFIRM=a"),
    ('@daily make refresh "INSTANCE=fo,b" CONFIRM=fo V=1', '@daily make refresh "INSTANCE=b" V=1'),
    ("@daily invoke clone --from=prod --to=a,fo --confirm=fo", "@daily invoke clone --from=prod --to=a"),
    ("@daily make clone TO=a,fo FROM=x; make clone TO=fo,b FROM=y",
     "@daily make clone TO=a FROM=x; make clone TO=b FROM=y"),
])
def test_a_list_goes_on_without_it_and_so_does_its_confirm(line, shorter):
    found = edited(line)
    assert found.text == shorter
    assert (found.off, found.shortened, found.meant) == ((), (line,), ())


@pytest.mark.parametrize("word", ["all", "f*", "f?", "tag:copies"])
def test_a_pattern_stays_and_is_told_and_confirms_it_no_more(word):
    line = f"@daily make -sC /opt/trim refresh INSTANCE={word} CONFIRM=fo,b"
    found = edited(line)
    assert found.meant == (line,)
    assert found.text == f"@daily make -sC /opt/trim refresh INSTANCE={word} CONFIRM=b"


def test_the_other_lines_of_a_crontab_stay_and_a_second_look_finds_nothing():
    text = ("MAILTO=root\n# nightly\n30 2 * * * make -sC /opt/trim backup INSTANCE=all\n"
            "@daily make clone FROM=prod TO=fo\n@hourly true\n")
    found = edited(text)
    assert found.text == text.replace("@daily", f"{MARK}@daily")
    again = edited(found.text)
    assert (again.text, again.off, again.shortened) == (found.text, (), ())
