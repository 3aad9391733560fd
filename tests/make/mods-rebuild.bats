# make mods-rebuild: the collection's list anew. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-rebuild lists what the control files say" {
  echo stale >"$mods/Packages/00_list.txt"
  trim mods-rebuild
  assert_success
  [ "$(cat "$mods/Packages/00_list.txt")" = "'features','note','1.0','Notes on a page','LGPL','','',''" ]
}
