# make shows: the table of throw-away Tikis.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/shows"
}

@test "shows says how to make one when there is none" {
  trim shows
  assert_success
  assert_output_contains "No show yet. Next: make show VERSION=24.x"
  trim shows JSON=1
  assert_json "found == []"
}

@test "shows tells of a show that a dead run left, and of one whose file is damaged" {
  setting "SHOW_ROOT=$BATS_TEST_TMPDIR/shows"
  setting 'SHOW_URL=https://*.show.example.org'
  setting "SHOW_DB_ADMIN=$BATS_TEST_TMPDIR/admin.cnf"
  [ "$(id -u)" -ne 0 ] || setting SHOW_PHP_USER=nobody
  mkdir -p "$TRIM_TOP/var/shows"
  echo '{"id": "ann-1", "state": "BUILD", "issue": "1", "user": "ann", "pid": 4194305}' >"$TRIM_TOP/var/shows/ann-1.json"
  echo '{half' >"$TRIM_TOP/var/shows/bob-2.json"
  trim shows JSON=1
  assert_success
  assert_json "[(one['id'], one['state'], one['due']) for one in found] == [('ann-1', 'FAIL', True), ('bob-2', 'FAIL', True)]"
  trim shows
  assert_output_contains "https://ann-1.show.example.org/"
}
