# make profile: one of Tiki's profiles is applied, and what it changed is said.

setup() {
  load helper
  keep_registry
  profiles="$BATS_TEST_TMPDIR/profiles"
  mkdir "$profiles"
  printf 'preferences:\n browsertitle: Ours\n zend_mail_smtp_pass: geheim\n' >"$profiles/Ours.yml"
  printf 'preferences:\n browsertitle: Half\nobjects:\n -\n  type: wiki_page\n  ref: bad\n' >"$profiles/Half.yml"
  before=$(sql far "SELECT name, value FROM tiki_preferences ORDER BY name")
}

teardown() {
  sql far "DELETE FROM tiki_preferences WHERE name = 'zend_mail_smtp_pass'; REPLACE INTO tiki_preferences
    VALUES ('browsertitle', '$(sed -n 's/^browsertitle\t//p' <<<"$before")'); DROP TABLE IF EXISTS tiki_profile_symbols"
  put_back_registry
}

@test "profile applies one of a folder here to a site behind ssh and shows no secret" {
  trim profile INSTANCE=far REPOSITORY="$profiles" PROFILE=Ours
  assert_success
  assert_output_contains "far: preference browsertitle: '" "' is now 'Ours'" "zend_mail_smtp_pass" "(not shown)" \
    "far: profile Ours of $profiles is applied: 2 preferences changed"
  refute_output_contains geheim
  [ ! -e "$FAR_SITES/far/temp/trim-profiles" ]
}

@test "profile in a dry run says what would change" {
  trim profile INSTANCE=far PROFILE="$profiles/Ours.yml" DRY=1
  assert_success
  assert_output_contains "would: Ours: Preference set: browsertitle= Ours"
  refute_output_contains geheim
  [ "$(sql far "SELECT name, value FROM tiki_preferences ORDER BY name")" = "$before" ]
}

@test "profile puts back what one that breaks half-way has changed" {
  trim profile INSTANCE=far REPOSITORY="$profiles" PROFILE=Half
  assert_failure 5
  assert_output_contains "far: profile Half: Installation failed: / An error occurred" \
    "What it had changed was put back, tables tiki_preferences"
  [ "$(sql far "SELECT name, value FROM tiki_preferences ORDER BY name")" = "$before" ]
}

@test "profile says what is wrong with its words" {
  trim profile INSTANCE=far
  assert_one_line "PROFILE= is missing"
  trim profile INSTANCE=far REPOSITORY="$profiles" PROFILE=Our
  assert_failure 4
  assert_one_line "has no Our.yml. It has: Half, Ours"
  trim profile INSTANCE=frr PROFILE=x
  assert_one_line "INSTANCE=frr selects nothing (did you mean far?)"
  trim profile INSTANCE=far PROFILES=x
  assert_one_line "PROFILES= is not a variable of make profile (did you mean PROFILE?)"
}
