# make show-destroy: a last snapshot, then all of a show goes.

setup() {
  load helper
  keep_registry
  printf '[client]\nuser=root\nsocket=%s\n' "$DB_SOCKET" >"$BATS_TEST_TMPDIR/admin.cnf"
  chmod 600 "$BATS_TEST_TMPDIR/admin.cnf"
  setting "SHOW_ROOT=$BATS_TEST_TMPDIR/shows"
  setting 'SHOW_URL=https://*.show.example.org'
  setting "SHOW_DB_ADMIN=$BATS_TEST_TMPDIR/admin.cnf"
  [ "$(id -u)" -ne 0 ] || setting SHOW_PHP_USER=nobody
  mkdir -p "$TRIM_TOP/var/shows" "$BATS_TEST_TMPDIR/shows/ann-1/.new/files" "$BATS_TEST_TMPDIR/shows/bob-2"
  echo '{"id": "ann-1", "state": "BUILD", "pid": 0}' >"$TRIM_TOP/var/shows/ann-1.json"
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/shows"
}

@test "show-destroy removes what a killed run left, and nothing beside it" {
  trim show-destroy ID=ann-1
  assert_success
  assert_output_contains "ann-1: gone"
  [ ! -e "$BATS_TEST_TMPDIR/shows/ann-1" ] || fail "its folder is still there"
  [ ! -e "$TRIM_TOP/var/shows/ann-1.json" ] || fail "its file is still there"
  [ -d "$BATS_TEST_TMPDIR/shows/bob-2" ]
}

@test "show-destroy of what is due is silent at night" {
  trim show-destroy ID=due UNATTENDED=1
  assert_success
  assert_silent
  [ ! -e "$BATS_TEST_TMPDIR/shows/ann-1" ] || fail "its folder is still there"
  trim show-destroy ID=due UNATTENDED=1
  assert_success
  assert_silent
}

@test "show-destroy of all asks for CONFIRM=all" {
  trim show-destroy ID=all
  assert_failure 9
  assert_output_contains "all 1 shows would go" "CONFIRM=all"
  [ -e "$TRIM_TOP/var/shows/ann-1.json" ]
  trim show-destroy ID=all CONFIRM=all
  assert_success
  [ ! -e "$TRIM_TOP/var/shows/ann-1.json" ]
}

@test "show-destroy keeps a show whose last snapshot cannot be made, unless that is meant" {
  echo '{"id": "ann-1", "state": "ACTIV"}' >"$TRIM_TOP/var/shows/ann-1.json"
  trim show-destroy ID=ann-1
  assert_failure 4
  assert_output_contains "Without a last snapshot ann-1 stays" "SNAPSHOT=no"
  [ -d "$BATS_TEST_TMPDIR/shows/ann-1" ]
  trim show-destroy ID=ann-1 SNAPSHOT=no
  assert_success
  [ ! -e "$BATS_TEST_TMPDIR/shows/ann-1" ] || fail "its folder is still there"
}

@test "show-destroy removes nothing for a name that is no show, and nothing in a dry run" {
  local name
  for name in bob-2 ../bob-2 . ''; do
    trim show-destroy "ID=$name"
    assert_failure 2
  done
  trim show-destroy ID=ann-1 DRY=1
  assert_success
  assert_output_contains "would: destroy ann-1"
  [ -d "$BATS_TEST_TMPDIR/shows/ann-1" ]
  [ -d "$BATS_TEST_TMPDIR/shows/bob-2" ]
}
