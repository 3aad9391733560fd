# make mods-remove: what a mod brought goes, and what it replaced comes back.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-remove leaves the site as it was and keeps what was changed by hand" {
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  assert_success
  echo "by hand" >"$SITES/blog/lib/note.php"
  trim mods-remove INSTANCE=blog MOD=features-note YES=1
  assert_success
  assert_output_contains "lib/note.php was changed by hand: kept in $TRIM_TOP/var/mods/blog/saved"
  [ ! -e "$SITES/blog/lib/note.php" ]
  [ -z "$(preference)" ]
  trim mods-remove INSTANCE=blog MOD=features-note YES=1
  assert_one_line "MOD=features-note" "has no such mod"
}
