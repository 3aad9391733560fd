# make mods-serve: a provider over HTTP. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-serve says what to do when nothing is published" {
  trim mods-serve LISTEN=127.0.0.1
  assert_failure 2
  assert_one_line "publishes nothing" "Next: make mods-publish MOD=all"
}

@test "mods-serve refuses a port that is none" {
  trim mods-publish MOD=all
  trim mods-serve PORT=99999
  assert_failure 2
  assert_one_line "the highest port is 65535"
}
