# make show: a throw-away Tiki in seconds.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

places_for_shows() {
  printf '[client]\nuser=root\nsocket=%s\n' "$DB_SOCKET" >"$BATS_TEST_TMPDIR/admin.cnf"
  chmod 600 "$BATS_TEST_TMPDIR/admin.cnf"
  setting "SHOW_ROOT=$BATS_TEST_TMPDIR/shows"
  setting 'SHOW_URL=https://*.show.example.org'
  setting "SHOW_DB_ADMIN=$BATS_TEST_TMPDIR/admin.cnf"
  setting GIT_REMOTE=
  [ "$(id -u)" -ne 0 ] || setting SHOW_PHP_USER=nobody
}

@test "show says which settings it needs first" {
  trim show VERSION=24.4
  assert_one_line "SHOW_ROOT is not set in conf/settings.env" "docs/show.md"
}

@test "show asks for nothing without a terminal, and takes no word that is no version" {
  trim show
  assert_one_line "VERSION= is missing"
  trim show VERSION=../../etc
  assert_one_line "VERSION=../../etc: expected a release"
}

@test "show refuses owners and lifetimes that could not stand in a host's name" {
  places_for_shows
  trim show VERSION=24.4 'FOR=1;rm'
  assert_one_line "FOR=1;rm: expected an issue's number"
  # shellcheck disable=SC2016
  local odd='$(shell touch x)'  # make would expand it, not this shell
  trim show VERSION=24.4 "FOR_USER=$odd"
  assert_one_line "FOR_USER=$odd: expected a user"
  trim show VERSION=24.4 EXPIRES=soon
  assert_one_line "EXPIRES=soon: expected hours, days or weeks"
  trim show VERSION=24.4 EXPIRE=7d
  assert_one_line "EXPIRE= is not a variable of make show (did you mean EXPIRES?)"
  [ ! -e "$BATS_TEST_TMPDIR/shows" ] || fail "something was made"
}

@test "show makes nothing of a version that cannot be had, and nothing under maintenance" {
  places_for_shows
  trim show VERSION=24.9
  assert_one_line "24.9 cannot be had"
  setting 'SHOW_MAINTENANCE=a new disk'
  trim show VERSION=24.9
  assert_failure 9
  assert_output_contains "shows are under maintenance: a new disk"
  trim show VERSION=24.9 PREPARE=1
  assert_failure 9
  assert_output_contains "shows are under maintenance: a new disk"
  [ ! -e "$BATS_TEST_TMPDIR/shows" ] || fail "something was made"
}

@test "show wants PHP to run as another account than root, or as TRIM's own" {
  places_for_shows
  if [ "$(id -u)" -eq 0 ]; then setting SHOW_PHP_USER=root; else setting SHOW_PHP_USER=nobody; fi
  trim show VERSION=24.4
  assert_failure 3
  assert_output_contains SHOW_PHP_USER
}
