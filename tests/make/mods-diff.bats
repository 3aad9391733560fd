# make mods-diff: a mod's files in a site against the collection.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-diff shows what differs and changes nothing" {
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  assert_success
  echo "better" >"$SITES/blog/lib/note.php"
  remember
  trim mods-diff INSTANCE=blog MOD=features-note
  assert_success
  assert_output_contains "+better" "lib/note.php" "differs"
  trim mods-diff INSTANCE=blog
  assert_success
  assert_output_contains "lib/note.php"
  assert_nothing_changed
}
