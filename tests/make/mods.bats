# make mods: what mods there are, and which of them a site has.

setup() {
  load mods
  mods_collection
}

teardown() {
  mods_end
}

@test "mods lists the collection by type with what is installed, as text, JSON and a page" {
  trim mods INSTANCE=far
  assert_success
  assert_output_contains "features" "features-note" "not installed" "LGPL" "Notes on a page"
  trim mods-install INSTANCE=blog MOD=features-note YES=1
  note 1.1 ""
  trim mods INSTANCE=blog FIND=page JSON=1 HTML=1
  assert_success
  assert_json "[(one['installed'], one['local'], one['state']) for one in found] == [('1.0', '1.1', 'upgrade available')]"
  grep -q "<td>upgrade available</td>" "$TRIM_TOP/var/reports/mods_blog.html"
  trim mods INSTANCE=blog TYPE=themes
  assert_success
  refute_output_contains "features-note"
}
