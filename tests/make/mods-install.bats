# make mods-install: mods come as one change that is shown first, and is done or not done.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-install shows what it will do and does it with YES=1" {
  remember
  trim mods-install INSTANCE=blog MOD=features-note
  assert_failure 9
  assert_output_contains "blog: install features-note 1.0 from the collection" "write lib/note.php" \
    "SQL of features-note: INSERT INTO tiki_preferences" "somebody has to agree to the plan" "YES=1"
  assert_nothing_changed

  trim mods-install INSTANCE=blog MOD=features-note SET="note_title=It's ours" YES=1
  assert_success
  assert_output_contains "blog: features-note 1.0 is installed"
  [ "$(preference)" = "It's ours" ]
  [ "$(cat "$SITES/blog/lib/note.php")" = "<?php \$title = \"It's ours\";" ]
}

@test "mods-install says what is wrong with its words" {
  trim mods-install INSTANCE=blog
  assert_one_line "MOD= is missing"
  trim mods-install INSTANCE=blog MOD=features-notes YES=1
  assert_one_line "MOD=features-notes" "did you mean features-note?"
  trim mods-install INSTANCE=blog MOD=features-note SET="note_titel=x" YES=1
  assert_one_line "did you mean note_title?"
}
