# make cli: Tiki's console.php at an instance.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
}

@test "cli runs a command of the console and tells its exit code" {
  trim cli INSTANCE=blog "COMMAND=tiki:info tiki"
  assert_success
  [ "${lines[0]}" = 24.4 ] || fail "another line"
  assert_output_contains "blog: tiki:info: exit code 0"
}

@test "cli hands words over as they are, behind ssh too" {
  trim cli INSTANCE=far "COMMAND=preferences:set browsertitle 'two  \$(words)'"
  assert_success
  [ "$(sql far "SELECT value FROM tiki_preferences WHERE name = 'browsertitle'")" = 'two  $(words)' ] || fail "changed"
}

@test "cli runs at several sites and says whose line it is" {
  trim cli INSTANCE=blog,far "COMMAND=tiki:info tiki" JOBS=2
  assert_success
  assert_output_contains "blog: 24.4" "far: 24.4"
}

@test "cli lists the commands when none is given" {
  trim cli INSTANCE=blog
  assert_success
  assert_output_contains "cache:clear" "database:update"
}

@test "cli takes the console's words for failure, not its exit code" {
  trim cli INSTANCE=blog "COMMAND=preferences:get nothing" UNATTENDED=1
  assert_failure 10
  assert_one_line "blog: preferences:get: ended with exit code 0, but it says: Preference not found."
}

@test "cli carries a bad exit code" {
  trim cli INSTANCE=blog "COMMAND=no:such" UNATTENDED=1
  assert_failure 5
  assert_one_line 'blog: no:such: ended with exit code 1: Command "no:such" is not defined.'
}

@test "cli wants a guarded site confirmed before it is emptied" {
  echo PROTECTED=yes >>"$TRIM_TOP/instances.d/blog.env"
  remember_databases
  remember
  trim cli INSTANCE=blog "COMMAND=database:install --force"
  assert_failure 9
  assert_one_line "blog: is guarded" "CONFIRM=blog"
  assert_nothing_changed
}

@test "cli refuses a site that nobody checked" {
  trim cli INSTANCE=blog "COMMAND=--site=other tiki:info"
  assert_failure 2
  assert_one_line "--site is not taken"
}

@test "cli in a dry run runs nothing" {
  remember
  remember_databases
  trim cli INSTANCE=blog "COMMAND=preferences:set browsertitle other" DRY=1
  assert_success
  assert_output_contains "would: " "preferences:set browsertitle other"
  assert_nothing_changed
}

@test "cli answers programs in JSON" {
  trim cli INSTANCE=blog "COMMAND=tiki:info tiki" JSON=1
  assert_success
  assert_json "found == [{'instance': 'blog', 'command': ['tiki:info', 'tiki'], 'exit': 0, 'output': ['24.4']}]"
}
