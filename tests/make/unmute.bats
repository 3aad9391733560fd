# make unmute: a muted copy acts for itself again.

setup() {
  load helper
  keep_registry
  sql blog "SELECT * FROM tiki_preferences ORDER BY name" >"$BATS_TEST_TMPDIR/preferences"
  mute blog
}

teardown() {
  trim unmute INSTANCE=blog
  rm -f "$TRIM_TOP"/var/status/*.muted.json
  put_back_registry
}

# What a clone does to its target.
mute() {
  (cd "$TRIM_TOP" && .venv/bin/python - "$1") <<'PYTHON' >"$BATS_TEST_TMPDIR/muted"
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.registry import registry, settings
from scripts.steps import quieting, site

with site.opened(registry.load(settings.load(Path.cwd()), sys.argv[1])) as found:
    print("\n".join(quieting.mute(found, "wiki.example.org", datetime(2026, 11, 21, 2, 10, tzinfo=UTC))))
PYTHON
}

@test "unmute puts back what was muted, lists it, and takes the banner away" {
  [[ $(visit "$BLOG_URL") == *"Copy of wiki.example.org as of 2026-11-21 02:10 UTC. Mail is off."* ]]
  trim unmute INSTANCE=blog
  assert_success
  assert_output_contains "blog: tiki_preferences zend_mail_handler: 'smtp' again" \
    "blog: tiki_mailin_accounts active: 'y' again" "blog: tiki_preferences metatag_robots: Tiki's default again" \
    "blog: tiki_mail_queue: what was removed does not come back" "blog: is not muted any more"
  [[ $(visit "$BLOG_URL") != *"Copy of"* ]]
  sql blog "SELECT * FROM tiki_preferences ORDER BY name" | diff "$BATS_TEST_TMPDIR/preferences" -
}

@test "unmute says what somebody changed on the copy since" {
  sql blog "UPDATE tiki_preferences SET value = 'index' WHERE name = 'metatag_robots'"
  trim unmute INSTANCE=blog
  assert_success
  assert_output_contains \
    "blog: tiki_preferences metatag_robots: was changed on this copy since it was muted, and stays as it is"
  sql blog "DELETE FROM tiki_preferences WHERE name = 'metatag_robots'"
}

@test "unmute refuses a site that is not muted, in one line" {
  trim unmute INSTANCE=wiki
  assert_failure 9
  assert_one_line "wiki: is not muted: there is no list of what was changed. Nothing was changed"
  trim unmute INSTANCE=blog
  trim unmute INSTANCE=blog
  assert_failure 9
  assert_one_line "blog: is not muted: it was unmuted at "
}

@test "unmute in a dry run changes nothing" {
  remember_databases
  remember
  trim unmute INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: blog: tiki_preferences zend_mail_handler: 'smtp' again"
  refute_output_contains "is not muted any more"
  assert_nothing_changed
}

@test "unmute tells programs what it did" {
  trim unmute INSTANCE=blog JSON=1
  assert_success
  assert_json "found[0]['instance'] == 'blog' and any('zend_mail_handler' in line for line in found[0]['unmuted'])"
}

@test "unmute is silent when it is unattended and all is well" {
  trim unmute INSTANCE=blog UNATTENDED=1
  assert_success
  assert_silent
}

@test "unmute wants to know which site" {
  trim unmute
  assert_one_line "INSTANCE= is missing: which instance?"
}
