# make promote: the next stage up gets the code of one, and keeps its data.

setup() {
  load helper
  keep_registry
  cp -a "$SITES/blog" "$BATS_TEST_TMPDIR"
  cp -a "$FAR_SITES/far" "$BATS_TEST_TMPDIR"
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root blog >"$BATS_TEST_TMPDIR/blog.sql"
  printf '%s\n' STAGE=production >>"$TRIM_TOP/instances.d/blog.env"
  printf '%s\n' STAGE=test PARENT=blog >>"$TRIM_TOP/instances.d/far.env"
  echo "code of far" >"$FAR_SITES/far/lib/far.txt"
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog" "$FAR_SITES/far"
  mv "$BATS_TEST_TMPDIR/blog" "$SITES"
  mv "$BATS_TEST_TMPDIR/far" "$FAR_SITES"
  sql blog "$(cat "$BATS_TEST_TMPDIR/blog.sql")"
  rm -f "$TRIM_TOP"/var/status/blog.*
}

@test "promote brings the code to its PARENT, after an archive, and leaves the data" {
  trim promote INSTANCE=far CONFIRM=blog
  assert_success
  assert_output_contains "blog: what was there is in blog_" "blog: has the code of far, Tiki 24.4"
  [ "$(cat "$SITES/blog/lib/far.txt")" = "code of far" ]
  [[ $(visit "$BLOG_URL") == 200*"Welcome to blog"* ]]
  rm -f "$TRIM_TOP"/var/archives/blog/"$(basename "$(archives_of blog | tail -n 1)")"*
}

@test "promote asks for the name of a guarded target" {
  trim promote INSTANCE=far
  assert_failure 9
  assert_one_line "blog: is guarded" "CONFIRM=blog"
  assert_nothing_changed
}

@test "promote at a terminal takes the typed name" {
  run at_terminal 'Type its name.*: $' $'blog\n' promote INSTANCE=far
  [ "$status" -eq 0 ]
  [[ $output == *"blog: has the code of far"* ]]
  rm -f "$TRIM_TOP"/var/archives/blog/"$(basename "$(archives_of blog | tail -n 1)")"*
}

@test "promote refuses code that would travel down, and a target without a way to it" {
  trim promote INSTANCE=blog TO=far CONFIRM=far
  assert_failure 9
  assert_one_line "far: is test, below blog, which is production: code never travels down" \
    "make clone FROM=blog TO=far"
  trim promote INSTANCE=blog
  assert_failure 3
  assert_one_line "blog: has no PARENT" "make edit INSTANCE=blog"
  trim promote INSTANCE=far TO=blgo
  assert_one_line "there is no instance blgo (did you mean blog?)"
  assert_nothing_changed
}

@test "promote in a dry run tells the plan" {
  trim promote INSTANCE=far CONFIRM=blog DRY=1
  assert_success
  assert_output_contains "would: archive what is in $SITES/blog" "code only" "would: let Tiki's console update"
  assert_nothing_changed
}

@test "promote says what is wrong with its words" {
  trim promote
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim promote INSTANCE=far FROM=blog
  assert_one_line "FROM= is not a variable of make promote"
}
