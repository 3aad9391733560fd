# make update: the newest release of the series, and nothing when there is nothing newer.

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

@test "update brings the newest release of the series, with what it did in one line" {
  trim update INSTANCE=blog
  assert_success
  assert_output_contains "blog: applied 20260101_newer_tiki" "blog: is Tiki 24.5 (was 24.4)" \
    "Back, if need be: make rollback INSTANCE=blog"
  [[ $(visit "$BLOG_URL") == 200*"Welcome to blog"* ]]
  trim update INSTANCE=blog
  assert_success
  assert_output_contains "blog: is Tiki 24.5 already, and there is nothing newer"
  drop_new_archives 1
}

@test "update in a dry run tells the plan" {
  trim update INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: bring blog to Tiki 24.5" "make prepare VERSION=24.5"
  trim prepare VERSION=24.5
  trim prepare VERSION=24.4
  trim update INSTANCE=blog DRY=1
  assert_output_contains "would: archive $SITES/blog" "1 patches come with the code"
  assert_nothing_changed
}

@test "update says what is wrong with its words" {
  trim update
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim update INSTANCE=blog VERSION=24.5
  assert_one_line "VERSION= is not a variable of make update"
  trim update INSTANCE=blog LOCAL=maybe
  assert_one_line "LOCAL=maybe: expected keep or discard"
  trim update INSTANCE=blog LAG=soon
  assert_one_line "LAG=soon: expected days, weeks or months"
  assert_nothing_changed
}
