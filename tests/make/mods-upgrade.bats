# make mods-upgrade: the newest revision of mods, with the SQL of those between.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-upgrade runs the blocks above what is installed and keeps the answers" {
  trim mods-install INSTANCE=blog MOD=features-note SET="note_title=Ours" YES=1
  assert_success
  # shellcheck disable=SC2016  # the variable is the mod's
  note 1.2 'sql-upgrade:' ':1.2' "UPDATE tiki_preferences SET value = CONCAT(value, ' and \$note_title') WHERE name = 'feature_note';" \
    ':1.0' 'DROP TABLE tiki_pages;'
  trim mods-upgrade INSTANCE=blog MOD=all YES=1
  assert_success
  assert_output_contains "upgrade to features-note 1.2 (is 1.0)"
  refute_output_contains "DROP TABLE"
  [ "$(preference)" = "Ours and Ours" ]
  trim mods-upgrade INSTANCE=blog MOD=all YES=1
  assert_success
  assert_output_contains "features-note 1.2 is the newest that there is for it"
}
