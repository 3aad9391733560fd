# make versions: which Tikis can be had, and which of them a host can run.

setup() {
  load helper
  keep_registry
  releases=$BATS_TEST_TMPDIR/releases
  mkdir "$releases"
  touch "$releases"/tiki-24.{4,10}.tar.gz "$releases/tiki-12.14.zip" "$releases/notes.txt"
  setting "RELEASES_DIR=$releases"
  setting GIT_REMOTE=
  remember
}

teardown() {
  put_back_registry
}

@test "versions shows what can be had, newest first, with the PHP it needs" {
  trim versions
  assert_success
  [[ ${lines[0]} == VERSION*KIND*FROM*PHP* ]] || fail "another heading"
  [ "$(awk 'NR > 2 {print $1}' <<<"$output" | xargs)" = "24.10 24.4 12.14" ] || fail "other versions"
  assert_output_contains "7.4 to" "5.3 to 5.6"
  assert_nothing_changed
}

@test "versions says whether the PHP of a site's host suits" {
  trim versions INSTANCE=far
  assert_success
  assert_output_contains "RUNS ON far" "yes" "no, PHP"
  trim versions INSTANCE=far JSON=1
  assert_json "[one['suits'] == 'yes' for one in found] == [True, True, False] and found[0]['host_php']"
}

@test "versions names a place that cannot be asked and shows the others" {
  setting GIT_REMOTE=/nowhere/tiki.git
  setting RELEASES_URL=http://127.0.0.1:9/
  trim versions
  assert_success
  assert_output_contains "24.10" "warning: http://127.0.0.1:9/: cannot be reached" "/nowhere/tiki.git (GIT_REMOTE)"
}

@test "versions fails in one line when no place can be asked" {
  setting "RELEASES_DIR=$releases/nowhere"
  trim versions
  assert_one_line "there is no such folder" "Next: set RELEASES_DIR"
  assert_failure 4
}

@test "versions says what to do when no place is given" {
  setting RELEASES_DIR=
  trim versions
  assert_success
  assert_output_contains "Next: set RELEASES_DIR"
}

@test "versions refuses an instance that is not there and a variable it does not take" {
  trim versions INSTANCE=blgo
  assert_one_line "there is no instance blgo (did you mean blog?)"
  trim versions VERSION=24.4
  assert_one_line "VERSION= is not a variable of make versions"
}
