# make upgrade: another version, which has to be above the present one.

setup() {
  load helper
  keep_registry
  cp -a "$SITES/blog" "$BATS_TEST_TMPDIR"
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root blog >"$BATS_TEST_TMPDIR/blog.sql"
  releases_for_blog
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog"
  mv "$BATS_TEST_TMPDIR/blog" "$SITES"
  sql blog "DROP DATABASE blog; CREATE DATABASE blog"
  sql blog "$(cat "$BATS_TEST_TMPDIR/blog.sql")"
  rm -rf "$TRIM_TOP"/var/status/blog.* "$TRIM_TOP"/var/waysback "$TRIM_TOP"/var/cache
}

# The archives that a change made go, so that the next test finds what it expects.
drop_new_archives() {
  local name
  for name in $(archives_of blog | tail -n "$1"); do
    rm -f "$TRIM_TOP/var/archives/blog/$(basename "$name")"*
  done
}

@test "upgrade brings the version that is asked for" {
  trim upgrade INSTANCE=blog VERSION=25.0 PHP_CHECK=no JSON=1
  assert_success
  assert_json "found[0]['version'] == '25.0' and found[0]['updated'] == ['20260101_newer_tiki'] and found[0]['archive']"
  [[ $(visit "$BLOG_URL") == 200*"Welcome to blog"* ]]
  drop_new_archives 1
}

@test "upgrade refuses a version that is not above, and one whose PHP is not there" {
  trim upgrade INSTANCE=blog VERSION=24.4
  assert_failure 9
  assert_one_line "blog: has Tiki 24.4, and VERSION=24.4 is not above it" "make update INSTANCE=blog"
  trim upgrade INSTANCE=blog VERSION=25.0
  assert_failure 4
  assert_output_contains "needs PHP 7.4" "PHP_CHECK=no"
  assert_nothing_changed
}

@test "upgrade asks for the version at a terminal and names it without one" {
  trim upgrade INSTANCE=blog
  assert_failure 2
  assert_one_line "VERSION= is missing" "make versions INSTANCE=blog"
  run at_terminal 'Which version .*: $' $'1\n' upgrade INSTANCE=blog
  [[ $output == *"25.0  needs PHP 7.4; blog has PHP"* ]]
  assert_nothing_changed
}
