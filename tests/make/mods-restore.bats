# make mods-restore: a mod's files from the collection into a site.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-restore puts a mod's files into a site again" {
  trim mods-install INSTANCE=blog MOD=features-note SET="note_title=Ours" YES=1
  assert_success
  echo "broken" >"$SITES/blog/lib/note.php"
  trim mods-restore INSTANCE=blog MOD=features-note
  assert_success
  assert_output_contains "blog: written (1): lib/note.php"
  [ "$(cat "$SITES/blog/lib/note.php")" = '<?php $title = "Ours";' ]
}
