# make mods-new: a control file to start from. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-new writes a control file that mods-lint has nothing against" {
  trim mods-new TYPE=features NAME=page-list
  assert_success
  [ -f "$mods/Packages/features-page-list.info.txt" ]
  trim mods-lint MOD=features-page-list
  assert_success
}

@test "mods-new refuses a name that no mod may have" {
  trim mods-new TYPE=features NAME=../page
  assert_failure 2
  assert_one_line "features-../page: is no name that a mod may have"
}
