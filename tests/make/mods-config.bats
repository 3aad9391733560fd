# make mods-config: the answers to what a mod asks.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods-config keeps answers, which install then takes" {
  trim mods-config INSTANCE=blog MOD=features-note SET="note_title=Our notes" JSON=1
  assert_success
  assert_json "found[0]['value'] == 'Our notes'"
  [ "$(stat -c %a "$TRIM_TOP/var/mods/blog/installed.json")" = 600 ]
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  assert_success
  [ "$(preference)" = "Our notes" ]
}
