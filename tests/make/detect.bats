# make detect: what is found, against what the env file says.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "detect shows what it finds of a site, and changes nothing" {
  trim detect INSTANCE=blog
  assert_success
  assert_output_contains "IN THE ENV FILE" "WEB_ROOT" "$SITES/blog" "version" "24.4" "blog on 127.0.0.1:"
  refute_output_contains "$SITE_PASS"
  assert_nothing_changed
}

@test "detect looks at many and tells programs all of it" {
  trim detect INSTANCE=blog,far,copy JSON=1
  assert_success
  assert_json "[one['instance'] for one in found] == ['blog', 'copy', 'far']"
  assert_json "all(not one['written'] for one in found)"
  assert_nothing_changed
}

@test "detect marks a PHP that this Tiki cannot run on" {
  trim detect INSTANCE=wiki
  assert_success
  assert_output_contains "Tiki 12.x needs 5.3 to 5.6" "wrong"
}

@test "detect writes a PHP in the place of a program that is none, and nothing in a dry run" {
  echo "PHP=/nowhere/php  # ours" >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim detect INSTANCE=blog WRITE=1 DRY=1
  assert_success
  assert_nothing_changed
  trim detect INSTANCE=blog WRITE=1
  assert_success
  assert_output_contains "differs" "blog: PHP written"
  grep -qE '^PHP=/.*php[0-9.]*  # ours$' "$TRIM_TOP/instances.d/blog.env"
}

@test "detect says why a host cannot be looked at, and looks at the others" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  trim detect INSTANCE=dead
  assert_one_line "dead: cannot reach"
  trim detect INSTANCE=dead,blog
  assert_failure 4
  assert_output_contains "blog:" "1 of 2 instances failed: dead"
}

@test "detect wants to know which site, and understands only switches" {
  trim detect
  assert_one_line "INSTANCE= is missing"
  trim detect INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?)"
  trim detect INSTANCE=blog WRITE=perhaps
  assert_one_line "WRITE=perhaps: expected 1, yes, on, or 0, no, off"
  trim detect INSTANCE=blog WIRTE=1
  assert_one_line "WIRTE= is not a variable of make detect (did you mean WRITE?)"
  assert_nothing_changed
}
