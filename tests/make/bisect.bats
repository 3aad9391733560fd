# make bisect: finds the commit that broke something, on a clone.

setup() {
  load helper
  keep_registry
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -f "$TRIM_TOP"/var/status/copy.*
}

@test "bisect breaks no site that is no clone" {
  trim bisect INSTANCE=blog GOOD=abcd BAD=dcba RUN=true
  assert_failure 9
  assert_one_line "blog: is no clone, and a bisect breaks what it works on" "make clone FROM=blog TO=another"
  assert_nothing_changed
}

@test "bisect says what is missing" {
  trim bisect INSTANCE=blog BAD=dcba RUN=true
  assert_one_line "GOOD= is missing"
  trim bisect INSTANCE=blog GOOD=abcd RUN=true
  assert_one_line "BAD= is missing"
  trim bisect INSTANCE=blog GOOD=abcd BAD=dcba
  assert_one_line "RUN= is missing" "125"
  trim bisect INSTANCE=blog GOOD=abcd BAD=dcba TEST=true
  assert_one_line "TEST= is not a variable of make bisect"
  assert_nothing_changed
}
