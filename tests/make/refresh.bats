# make refresh: a stage gets the data of the one it is derived from.

setup() {
  load helper
  keep_registry
  cp -a "$SITES/blog" "$SITES/blog-data" "$BATS_TEST_TMPDIR"
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root blog >"$BATS_TEST_TMPDIR/blog.sql"
  printf '%s\n' STAGE=test PARENT=far >>"$TRIM_TOP/instances.d/blog.env"
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog" "$SITES/blog-data"
  mv "$BATS_TEST_TMPDIR/blog" "$BATS_TEST_TMPDIR/blog-data" "$SITES"
  sql blog "$(cat "$BATS_TEST_TMPDIR/blog.sql")"
  rm -f "$TRIM_TOP"/var/status/blog.*
}

@test "refresh brings the data of its PARENT, quiet, and says what it did" {
  trim refresh INSTANCE=blog CONFIRM=blog CHANGED=discard
  assert_success
  assert_output_contains "blog: is what far was at " "zend_mail_handler"
  [[ $(visit "$BLOG_URL") == *"Copy of far"* ]]
  trim refresh INSTANCE=blog JSON=1
  assert_success
  assert_json "found[0]['source'] == 'far' and found[0]['instance'] == 'blog'"
  trim refresh INSTANCE=blog UNATTENDED=1 CHANGED=discard
  assert_success
  assert_silent
}

@test "refresh asks for the name of what is no clone yet" {
  trim refresh INSTANCE=blog
  assert_failure 9
  assert_one_line "blog: it holds a Tiki 24.4 that is no clone" "CONFIRM=blog"
  assert_nothing_changed
}

@test "refresh refuses data that would travel up, a circle and a missing PARENT" {
  printf '%s\n' STAGE=development >>"$TRIM_TOP/instances.d/far.env"
  trim refresh INSTANCE=blog CONFIRM=blog
  assert_failure 9
  assert_one_line "blog: is test, above far, which is development: data never travels up"
  printf '%s\n' PARENT=blog >>"$TRIM_TOP/instances.d/far.env"
  trim refresh INSTANCE=far CONFIRM=far
  assert_one_line "far: its PARENTs lead back to itself (far -> blog -> far)" "make edit INSTANCE=far"
  trim refresh INSTANCE=wiki
  assert_failure 3
  assert_one_line "wiki: has no PARENT" "known: blog, copy, far, wiki" "make edit INSTANCE=wiki"
}

@test "refresh in a dry run tells the plan" {
  trim refresh INSTANCE=blog CONFIRM=blog DRY=1
  assert_success
  assert_output_contains "would: make " "data only" "would: mute blog"
  assert_nothing_changed
}

@test "refresh says what is wrong with its words" {
  trim refresh
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim refresh INSTANCE=blog CHANGED=drop
  assert_one_line "CHANGED=drop: expected keep or discard"
  trim refresh INSTANCE=blog FROM=far
  assert_one_line "FROM= is not a variable of make refresh"
}
