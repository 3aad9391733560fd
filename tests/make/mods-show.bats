# make mods-show: all that is known of mods. More is tried in tests/integration/test_mods_collection.py.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-show tells what a control file says" {
  trim mods-show MOD=features-note
  assert_success
  assert_output_contains "features/note/sample:note.php -> lib/note.php" "note_title (Title), else Notes" "local: 1.0"
}

@test "mods-show names the nearest" {
  trim mods-show MOD=features-notes
  assert_failure 2
  assert_one_line "did you mean features-note?"
}
