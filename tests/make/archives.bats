# make archives: what archives there are, and what is known of each.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/archives/gone"
}

@test "archives shows every archive with what is known of it" {
  trim archives
  assert_success
  [[ ${lines[0]} == NO*INSTANCE*ARCHIVE*SIZE*VERSION*KIND*VERIFIED*PROVEN*TOOK ]] || fail "another heading"
  assert_output_contains "$(basename "$(archives_of wiki | tail -n 1)")" "12.14" "24.4" backup
  assert_nothing_changed
}

@test "archives tells programs all it knows, newest first" {
  trim archives INSTANCE=blog JSON=1
  assert_success
  [ -z "$stderr" ] || fail "it speaks beside the document"
  assert_json "found[0]['path'] == '$(archives_of blog | tail -n 1)' and found[0]['number'] == 1"
  assert_json "all(one['instance'] == 'blog' and one['verified'] and one['size_bytes'] > 9999 for one in found)"
}

@test "archives shows the archives of a site whose env file is gone, and what others made" {
  mkdir "$TRIM_TOP/var/archives/gone"
  echo foreign >"$TRIM_TOP/var/archives/gone/gone_2026-11-21_02-08-57.tar.bz2"
  echo not one >"$TRIM_TOP/var/archives/gone/notes.tar.bz2"
  trim archives JSON=1
  assert_success
  assert_json "[(one['archive'], one['kind']) for one in found if one['instance'] == 'gone'] \
    == [('gone_2026-11-21_02-08-57.tar.bz2', 'foreign')]"
}

@test "archives says what to do when there is none yet" {
  trim archives INSTANCE=copy
  assert_success
  assert_output_contains "No archive yet. Next: make backup INSTANCE="
}

@test "archives is silent when it is unattended" {
  trim archives UNATTENDED=1
  assert_success
  assert_silent
}

@test "archives names the known sites when one is unknown" {
  trim archives INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?); known: blog, copy, far, wiki"
}

@test "archives refuses names that are none, and variables it does not know" {
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim archives 'INSTANCE=$(shell touch x)'
  assert_one_line "is no instance name"
  trim archives INSTANCE=blog/..
  assert_one_line "'blog/..' is no instance name"
  trim archives ARCHIVE=1
  assert_one_line "ARCHIVE= is not a variable of make archives"
  assert_nothing_changed
}

@test "archives does not care that a host is down" {
  sed -i "s/^SSH_PORT=.*/SSH_PORT=$DEAD_PORT/" "$TRIM_TOP/instances.d/far.env"
  trim archives INSTANCE=far
  assert_success
  assert_output_contains "far_"
}
