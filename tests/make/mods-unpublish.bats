# make mods-unpublish: off the public list. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-unpublish takes a mod off the list and keeps its archive" {
  trim mods-publish MOD=all
  trim mods-unpublish MOD=features-note
  assert_success
  [ ! -s "$mods/Packages/00_list.public.txt" ]
  [ -f "$mods/Dist/features-note-1.0.tgz" ]
}
