# make reinstall: a demo or test site is made anew, with its profiles.

setup() {
  load helper
  keep_registry
  cp -a "$SITES/blog" "$SITES/blog-data" "$BATS_TEST_TMPDIR"
  archives_of blog >"$BATS_TEST_TMPDIR/archives"
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root blog >"$BATS_TEST_TMPDIR/blog.sql"
  profiles="$BATS_TEST_TMPDIR/profiles"
  mkdir "$profiles"
  printf 'preferences:\n browsertitle: Demo\n' >"$profiles/Demo.yml"
  printf '%s\n' PROFILES=Demo "PROFILE_REPOSITORY=$profiles" >>"$TRIM_TOP/instances.d/blog.env"
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog" "$SITES/blog-data"
  mv "$BATS_TEST_TMPDIR/blog" "$BATS_TEST_TMPDIR/blog-data" "$SITES"
  sql blog "DROP TABLE IF EXISTS tiki_profile_symbols; $(cat "$BATS_TEST_TMPDIR/blog.sql")"
  archives_of blog | grep -vxFf "$BATS_TEST_TMPDIR/archives" | while read -r archive; do rm -f "$archive"*; done
  rm -f "$TRIM_TOP"/var/status/blog.*
}

@test "reinstall makes a site anew with the profiles of its env file, after an archive" {
  trim reinstall INSTANCE=blog CONFIRM=blog
  assert_success
  assert_output_contains "blog: what was there is in blog_" "is now 'Demo'" "blog: Tiki 24.4 is installed anew" \
    "blog: log in as admin with the password"
  [ "$(sql blog "SELECT value FROM tiki_preferences WHERE name = 'browsertitle'")" = Demo ]
  [ -e "$SITES/blog/db/local.php" ]
  [ ! -e "$SITES/blog/files/odd names" ]
  trim reinstall INSTANCE=blog JSON=1
  assert_success
  assert_json 'found[0]["profiles"][0]["profile"] == "Demo" and found[0]["version"] == "24.4"'
}

@test "reinstall asks for the name of a site that TRIM has not made" {
  trim reinstall INSTANCE=blog
  assert_failure 9
  assert_one_line "blog: it holds a Tiki 24.4 that TRIM has neither created nor cloned" "CONFIRM=blog"
  assert_nothing_changed
}

@test "reinstall at a terminal takes the typed name" {
  run at_terminal 'Type its name.*: $' $'blog\n' reinstall INSTANCE=blog
  [ "$status" -eq 0 ]
  [[ $output == *"blog: Tiki 24.4 is installed anew"* ]]
}

@test "reinstall in a dry run tells the plan" {
  trim reinstall INSTANCE=blog CONFIRM=blog DRY=1
  assert_success
  assert_output_contains "would: blog: archive what is there" "would: blog: drop 33 tables" \
    "would: blog: apply the profile Demo of $profiles" "would: blog: take the maintenance page away"
  assert_nothing_changed
}

@test "reinstall says what is wrong with its words before anything is changed" {
  trim reinstall INSTANCE=blog CONFIRM=blog PROFILE=Dmo
  assert_failure 4
  assert_one_line "has no Dmo.yml. It has: Demo"
  trim reinstall
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim reinstall INSTANCE=blog VERSION=24.4
  assert_one_line "VERSION= is not a variable of make reinstall"
  assert_nothing_changed
}
