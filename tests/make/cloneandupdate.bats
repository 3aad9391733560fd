# make cloneandupdate: a clone with newer code, what that changed, and a judge.

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

@test "cloneandupdate clones, updates the clone, compares, and asks TEST" {
  # shellcheck disable=SC2016  # for TEST's own shell
  trim cloneandupdate FROM=blog TO=copy TEST='test "$TRIM_INSTANCE" = copy'
  assert_success
  assert_output_contains "copy: is what blog was at" "copy: is Tiki 24.5 (was 24.4)" "blog (A) and copy (B):" \
    "copy: TEST is content" "copy: cloned from blog and brought to Tiki 24.5"
  trim cloneandupdate FROM=blog TO=copy TEST='echo it is blue; exit 1' CHANGED=discard
  assert_failure 5
  assert_output_contains "copy: TEST ended with exit code 1: it is blue. copy stays as it is, to be looked at"
}

@test "cloneandupdate in a dry run tells the plan" {
  trim cloneandupdate FROM=blog TO=copy DRY=1
  assert_success
  assert_output_contains "would: make $SITES/copy equal to $SITES/blog" "would: bring copy to the newer code"
  assert_nothing_changed
}

@test "cloneandupdate says what is wrong with its words" {
  trim cloneandupdate FROM=blog TO=blog
  assert_failure 9
  assert_one_line "blog: FROM and TO are the same instance"
  trim cloneandupdate FROM=blog
  assert_one_line "TO= is missing"
  trim cloneandupdate FROM=blog TO=copy MOVE=1
  assert_one_line "MOVE= is not a variable of make cloneandupdate"
  assert_nothing_changed
}
