# make status: one line a site. What is told, and to monitors, is in tests/integration/test_status.py.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "status tells of each site in a line, and what is wrong with it" {
  cp -p "$TRIM_TOP/instances.d/blog.env" "$TRIM_TOP/instances.d/fresh.env"
  remember
  trim status INSTANCE=blog,fresh
  assert_failure 10
  assert_output_contains "24.4" "critical fresh: backup: " ": fresh"
  assert_nothing_changed
}

@test "status speaks to programs, Nagios and Prometheus" {
  trim status INSTANCE=blog JSON=1
  assert_json "found[0]['name'] == 'blog' and found[0]['version'] == '24.4' and found[0]['size_bytes'] > 1000"
  cp -p "$TRIM_TOP/instances.d/blog.env" "$TRIM_TOP/instances.d/fresh.env"
  trim status INSTANCE=blog,fresh NAGIOS=1
  assert_failure 2
  assert_output_contains "TRIM CRITICAL - " " of 2 instances: " "fresh: " "'blog_backup_age'="
  trim status INSTANCE=blog PROMETHEUS="$BATS_TEST_TMPDIR/trim.prom"
  assert_success
  grep -q '^trim_backup_size_bytes{instance="blog"} [0-9]' "$BATS_TEST_TMPDIR/trim.prom"
}

@test "status says what is wrong with its words" {
  trim status INSTANCE=bolg
  assert_failure 2
  assert_one_line "INSTANCE=bolg selects nothing (did you mean blog?)"
  trim status PROMETHEUS=here.txt
  assert_one_line "PROMETHEUS=here.txt: expected a whole path that ends with .prom"
}
