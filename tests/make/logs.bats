# make logs: what runs did, from their records and their logs.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
}

@test "logs shows the runs of a site with call, result and cause" {
  register locked "WEB_ROOT=$LOCKED"
  trim backup INSTANCE=locked CRON=nightly
  assert_failure
  trim logs INSTANCE=locked
  assert_success
  assert_output_contains "make backup INSTANCE=locked" nightly fault "wrong database password"
  trim logs INSTANCE=locked VERB=backup LAST=1 JSON=1
  assert_json "[(one['outcome'], one['exit_code'], one['cause']) for one in found] == [('fault', 6, 'wrong database password')]"
}

@test "logs with LAST=1 shows all that the newest run did" {
  trim backup INSTANCE=blog NO_INDEX=1
  assert_success
  trim logs INSTANCE=blog VERB=backup LAST=1
  assert_success
  assert_output_contains "make backup INSTANCE=blog NO_INDEX=1  (hand): ok in" "run [blog] " "verified"
  trim logs INSTANCE=blog VERB=prove LAST=2
  assert_output_contains "No run of prove of blog is on record"
}

@test "logs keeps no record of dry runs and of tables, and knows the sites" {
  trim tags INSTANCE=copy ADD=once DRY=1
  trim instances INSTANCE=copy
  trim logs INSTANCE=copy VERB=tags
  assert_output_contains "No run of tags of copy is on record"
  trim logs INSTANCE=nix
  assert_failure 2
  assert_one_line "nix" "known: blog"
  trim logs LAST=many
  assert_failure 2
  assert_one_line "LAST=many: expected"
}
