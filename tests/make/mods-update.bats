# make mods-update: the lists of providers. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-update fetches a list and says what is new" {
  trim mods-publish MOD=all
  trim mods-update "PROVIDER=$mods"
  assert_success
  assert_output_contains "$mods: 1 mods, 1 of them new"
}

@test "mods-update says when it knows no provider" {
  trim mods-update
  assert_failure 2
  assert_one_line "PROVIDER= is missing, and conf/providers.txt names none"
}
