# make mods-copy: a mod's files from a site into the collection.

setup() {
  load mods
  mods_collection
  mv "$mods/features/note/sample:note.php" "$mods/features/note/note.php"
  sed -i 's/sample://' "$mods/Packages/features-note.info.txt"
}

teardown() {
  mods_end
}

@test "mods-copy brings what was worked on in a site" {
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  assert_success
  echo "better" >"$SITES/blog/lib/note.php"
  trim mods-copy INSTANCE=blog MOD=features-note
  assert_success
  [ "$(cat "$mods/features/note/note.php")" = better ]
  trim mods-copy INSTANCE=blog
  assert_one_line "MOD= is missing"
}
