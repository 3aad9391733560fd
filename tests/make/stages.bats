# make stages: which site is derived from which.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

# key NAME KEY=value...: adds lines to an env file.
key() {
  printf '%s\n' "${@:2}" >>"$TRIM_TOP/instances.d/$1.env"
}

@test "stages draws the tree with stage, kind and version" {
  key blog STAGE=production
  key far STAGE=test PARENT=blog KIND=debug
  key wiki STAGE=development PARENT=far
  trim stages
  assert_success
  assert_output_contains "blog        production" "└─ far      test         debug   24.4" \
    "   └─ wiki  development"
}

@test "stages tells circles and missing parents and follows none of them" {
  key blog PARENT=wiki
  key wiki PARENT=blog
  key far PARENT=lost
  trim stages
  assert_success
  assert_output_contains "circle: blog -> wiki -> blog" "PARENT=lost: there is no such instance"
}

@test "stages speaks JSON, and works though a host is down and an env file is broken" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/dead" PARENT=far
  register broken NONSENSE=1
  trim stages JSON=1
  assert_success
  assert_json "{row['name']: row for row in found}['dead']['tree'] == '└─ dead'"
  assert_json "'NONSENSE' in {row['name']: row for row in found}['broken']['problem']"
}

@test "stages changes nothing and takes no other variable" {
  trim stages DRY=1
  assert_success
  trim stages INSTANCE=blog
  assert_one_line "INSTANCE= is not a variable of make stages"
  assert_nothing_changed
}
