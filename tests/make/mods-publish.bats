# make mods-publish: archives for others. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-publish packs a mod and lists it" {
  trim mods-publish MOD=all JSON=1
  assert_success
  assert_json "found[0]['archive'] == 'features-note-1.0.tgz'"
  [ "$(tar -tzf "$mods/Dist/features-note-1.0.tgz" | head -1)" = Packages/features-note.info.txt ]
  trim mods-publish MOD=all
  assert_output_contains "features-note: 1.0 is published already"
}

@test "mods-publish wants to know which mods" {
  trim mods-publish
  assert_failure 2
  assert_one_line "MOD= is missing"
}
