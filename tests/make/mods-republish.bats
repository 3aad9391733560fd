# make mods-republish: what is newer than before. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-republish publishes what is newer alone" {
  trim mods-republish MOD=all
  assert_output_contains "features-note: is not published. Next: make mods-publish MOD=features-note"
  trim mods-publish MOD=all
  note 1.1 ""
  trim mods-republish MOD=all
  assert_success
  assert_output_contains "published features-note 1.1: Dist/features-note-1.1.tgz"
}
