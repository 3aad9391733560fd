# make mods-download: mods of a provider. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-download brings what a provider publishes" {
  trim mods-publish MOD=all
  mv "$mods" "$BATS_TEST_TMPDIR/provider"
  mkdir "$mods"
  trim mods-update "PROVIDER=$BATS_TEST_TMPDIR/provider"
  trim mods-download MOD=all "PROVIDER=$BATS_TEST_TMPDIR/provider"
  assert_success
  cmp "$BATS_TEST_TMPDIR/provider/features/note/sample:note.php" "$mods/features/note/sample:note.php"
}

@test "mods-download says what to do when there is no list yet" {
  trim mods-download MOD=lib-x PROVIDER=/nowhere
  assert_failure 9
  assert_one_line "/nowhere: its list is not here. Next: make mods-update PROVIDER=/nowhere"
}
