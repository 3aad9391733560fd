# make rollback: back to before the last change of code.

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

@test "rollback takes an update back, code and database, and keeps user files" {
  trim update INSTANCE=blog
  assert_success
  echo later >"$SITES/blog/files/later.txt"
  trim rollback INSTANCE=blog
  assert_success
  assert_output_contains "blog: goes back from Tiki 24.5 to 24.4" "is in the archive that is made now" \
    "blog: is Tiki 24.4 again"
  [ "$(cat "$SITES/blog/files/later.txt")" = later ]
  [ -z "$(sql blog "SHOW TABLES LIKE 'newer'")" ]
  [[ $(visit "$BLOG_URL") == 200*"Welcome to blog"* ]]
  drop_new_archives 2
}

@test "rollback without a way back says so" {
  trim rollback INSTANCE=blog
  assert_failure 9
  assert_one_line "blog: no update, upgrade or promotion of it is on record" "make archives INSTANCE=blog"
  assert_nothing_changed
}

@test "rollback says what is wrong with its words" {
  trim rollback
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim rollback INSTANCE=blog ARCHIVE=latest
  assert_one_line "ARCHIVE= is not a variable of make rollback"
}
