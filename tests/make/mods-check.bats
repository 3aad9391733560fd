# make mods-check: the files of mods against what was installed.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-check finds a file that was changed" {
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  assert_success
  trim mods-check INSTANCE=blog
  assert_success
  echo "by hand" >"$SITES/blog/lib/note.php"
  trim mods-check INSTANCE=blog
  assert_failure 10
  assert_output_contains "lib/note.php" "changed" "1 files of mods are not as they were installed: blog"
}
