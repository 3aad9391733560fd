"""A line's id is the same for the same, and another for another."""

import re

import pytest

from scripts.verbs import cron


@pytest.mark.parametrize(("verb", "given", "job_id"), [
    ("backup", {"INSTANCE": "all"}, "backup-all"), ("mirror", {"FROM": "www", "TO": "weekago"}, "mirror-weekago"),
    ("doctor", {}, "doctor"), ("show-destroy", {"ID": "due"}, "show-destroy-due"),
    ("backup", {"INSTANCE": "a,b"}, "backup-a_b"), ("backup", {"INSTANCE": "a-b"}, "backup-a-b"),
    ("mirror", {"TO": "tag:mirrors"}, "mirror-tag_mirrors"), ("backup", {"INSTANCE": "*"}, "backup-_")])
def test_an_id_says_what_a_line_is_for(verb, given, job_id):
    assert cron._id(verb, given) == job_id
    assert re.fullmatch(cron.ID, job_id)


def test_long_lists_of_instances_have_ids_of_their_own():
    first, second = (cron._id("backup", {"INSTANCE": ",".join([*(f"site{number}" for number in range(30)), last])})
                     for last in ("x", "y"))
    assert first != second
    assert re.fullmatch(cron.ID, first)
    assert len(first) == cron.LONGEST_ID
