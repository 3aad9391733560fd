# make rehearse: an update is tried on a throw-away clone, and the site itself is only read.

setup() {
  load helper
  keep_registry
  releases_for_blog
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP"/var/cache
}

@test "rehearse says whether it migrates, whether it answers, how long it takes, and leaves nothing" {
  # shellcheck disable=SC2016  # for TEST's own shell
  trim rehearse INSTANCE=blog TEST='test -d "$TRIM_WEB_ROOT" && echo "at $TRIM_WEB_URL"' JSON=1
  assert_success
  assert_json 'found[0]["version"] == "24.5" and found[0]["answers"] == 200 and found[0]["updated"]'
  assert_output_contains "blog: TEST: at http://127.0.0.1:" "blog: TEST is content" "under the maintenance page" \
    "the site itself was not touched"
  assert_nothing_changed
}

@test "rehearse fails when TEST is not content" {
  trim rehearse INSTANCE=blog TEST='exit 4'
  assert_failure 5
  assert_output_contains "blog: TEST ended with exit code 4" "The site itself was not touched"
  assert_nothing_changed
}

@test "rehearse in a dry run tells the plan" {
  trim rehearse INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: clone blog into $TRIM_TOP/var/work"
  assert_nothing_changed
}

@test "rehearse says what is wrong with its words" {
  trim rehearse INSTANCE=blog VERSION=23.1
  assert_failure 9
  assert_one_line "blog: has Tiki 24.4, and VERSION=23.1 is not above it"
  trim rehearse INSTANCE=blog VERSION=24.5 LAG=3d
  assert_one_line "LAG=3d: 24.5 is a release"
  trim rehearse INSTANCE=blog TO=copy
  assert_one_line "TO= is not a variable of make rehearse"
  assert_nothing_changed
}
