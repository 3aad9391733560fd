# make mods-lint: everything that is wrong with mods, by file and line. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-lint is content with a good collection" {
  trim mods-lint
  assert_success
  assert_output_contains "1 mods, nothing wrong"
}

@test "mods-lint ends with 10 and names file and line" {
  note 1.0 "requires:" "lib-a==1"
  trim mods-lint
  assert_failure 10
  assert_output_contains "features-note.info.txt:23: lib-a: == is no test" "mods-lint: 1 problem in 1 of 1 mods"
}
