# make cloneandupgrade: the same with another branch or release.

setup() {
  load helper
  keep_registry
  releases_for_blog
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "${SITES:?}/copy" "$SITES/copy-data" "$TRIM_TOP"/var/cache "$TRIM_TOP"/var/archives/copy "$TRIM_TOP"/var/status/copy.* \
    "$TRIM_TOP"/var/waysback
  sql copy "DROP DATABASE copy; CREATE DATABASE copy"
}

@test "cloneandupgrade clones and brings the clone to the version" {
  trim cloneandupgrade FROM=blog TO=copy VERSION=24.5
  assert_success
  assert_output_contains "copy: is Tiki 24.5 (was 24.4)" "blog (A) and copy (B):" "brought to Tiki 24.5"
}

@test "cloneandupgrade refuses a version that is not above before it clones" {
  trim cloneandupgrade FROM=blog TO=copy VERSION=24.4
  assert_failure 9
  assert_one_line "blog: has Tiki 24.4, and VERSION=24.4 is not above it"
  trim cloneandupgrade FROM=blog TO=copy
  assert_one_line "VERSION= is missing"
  assert_nothing_changed
}

@test "cloneandupgrade in a dry run tells the plan" {
  trim cloneandupgrade FROM=blog TO=copy VERSION=24.5 DRY=1
  assert_success
  assert_output_contains "would: make $SITES/copy equal to $SITES/blog" "would: bring copy to the newer code"
  assert_nothing_changed
}
