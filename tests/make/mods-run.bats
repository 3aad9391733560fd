# make mods-run: the SQL of a maintenance mod, with what the tables held kept before.

setup() {
  load mods
  mods_collection
  printf '%s\n' 'revision:' 1.0 '' 'sql-install:' "UPDATE tiki_preferences SET value = 'x' WHERE name = 'no such';" \
    >"$mods/Packages/maintenance-nothing.info.txt"
}

teardown() {
  mods_end
}

@test "mods-run runs SQL at will and keeps a dump" {
  trim mods-run INSTANCE=blog MOD=maintenance-nothing DRY=1
  assert_success
  assert_output_contains "would: blog: SQL of maintenance-nothing: UPDATE tiki_preferences"
  trim mods-run INSTANCE=blog MOD=maintenance-nothing YES=1 JSON=1
  assert_success
  assert_json "found[0]['tables'] == ['tiki_preferences']"
  grep -q "CREATE TABLE \`tiki_preferences\`" "$TRIM_TOP"/var/mods/blog/before/maintenance-nothing_*.sql
  trim mods-run INSTANCE=blog MOD=features-note YES=1
  assert_one_line "is not of the type maintenance"
}
