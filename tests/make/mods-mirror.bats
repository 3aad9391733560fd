# make mods-mirror: a whole provider. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-mirror makes a folder what a provider is" {
  trim mods-publish MOD=all
  trim mods-mirror "PROVIDER=$mods" "TO=$BATS_TEST_TMPDIR/mirror"
  assert_success
  cmp "$mods/Dist/features-note-1.0.tgz" "$BATS_TEST_TMPDIR/mirror/Dist/features-note-1.0.tgz"
  cmp "$mods/Packages/00_list.public.txt" "$BATS_TEST_TMPDIR/mirror/Packages/00_list.public.txt"
}
