# make prepare: the complete code of a version, made once.

setup() {
  load helper
  keep_registry
  releases=$BATS_TEST_TMPDIR/releases
  mkdir -p "$releases" "$BATS_TEST_TMPDIR/tiki-24.4/lib/setup"
  tree=$BATS_TEST_TMPDIR/tiki-24.4
  cp "$FRESH/lib/setup/twversion.class.php" "$tree/lib/setup"
  cp "$FRESH"/tiki-*.php "$tree"
  tar -C "$BATS_TEST_TMPDIR" -czf "$releases/tiki-24.4.tar.gz" tiki-24.4
  setting "RELEASES_DIR=$releases"
  setting GIT_REMOTE=
  remember
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/cache"
}

@test "prepare makes a release from its file, and the second time only compares it" {
  trim prepare VERSION=24.4
  assert_success
  assert_output_contains "24.4: unpacks $releases/tiki-24.4.tar.gz" "Tiki 24.4 is ready in $TRIM_TOP/var/cache/trees/24.4"
  diff -r "$tree" "$TRIM_TOP/var/cache/trees/24.4"
  trim prepare VERSION=24.4
  assert_success
  assert_output_contains "there already" "every file is as it was prepared"
  trim versions
  assert_output_contains "dir, prepared"
  assert_nothing_changed
}

@test "prepare takes the code that SOURCE names" {
  trim prepare VERSION=24.x "SOURCE=$tree" JSON=1
  assert_success
  assert_json "found[0]['version'] == '24.4' and found[0]['is_new'] and found[0]['origin'] == '$tree'"
  [ -f "$TRIM_TOP/var/cache/trees/24.x/tiki-index.php" ]
}

@test "prepare finds a tree that was changed, and FORCE makes it anew" {
  trim prepare VERSION=24.4
  sed -i '1s/php/PHP/' "$TRIM_TOP/var/cache/trees/24.4/tiki-index.php"
  trim prepare VERSION=24.4
  assert_failure 7
  assert_output_contains "something was changed in it" "make prepare VERSION=24.4 FORCE=1"
  trim prepare VERSION=24.4 FORCE=1
  assert_success
  diff -r "$tree" "$TRIM_TOP/var/cache/trees/24.4"
}

@test "prepare changes nothing in a dry run" {
  trim prepare VERSION=24.4 DRY=1
  assert_success
  assert_output_contains "would: prepare $TRIM_TOP/var/cache/trees/24.4 from $releases/tiki-24.4.tar.gz"
  [ ! -e "$TRIM_TOP/var/cache" ] || fail "it made something"
}

@test "prepare is silent when it is unattended" {
  trim prepare VERSION=24.4 UNATTENDED=1
  assert_success
  assert_silent
}

@test "prepare says what is wrong with what it was given" {
  trim prepare
  assert_one_line "VERSION= is missing" "make versions"
  trim prepare VERSION=24
  assert_one_line "VERSION=24: expected a release as in 24.4, a branch as in 24.x, or trunk"
  trim prepare VERSION=../../etc
  assert_one_line "VERSION=../../etc: expected"
  trim prepare VERSION=24.9
  assert_one_line "24.9 cannot be had: no place offers it" "make versions"
  trim prepare VERSION=24.4 SOURCE=/nowhere
  assert_one_line "/nowhere (SOURCE): there is no such file or folder"
  trim prepare VERSION=24.4 FORCE=perhaps
  assert_one_line "FORCE=perhaps: expected"
  trim prepare VERSION=24.4 INSTANCE=blog
  assert_one_line "INSTANCE= is not a variable of make prepare"
  [ ! -e "$TRIM_TOP/var/cache/trees/24.4" ] || fail "something was made"
}

@test "prepare refuses a living site as source" {
  trim prepare VERSION=24.4 "SOURCE=$FRESH"
  assert_failure 9
  assert_output_contains "this is a site, not a release"
  assert_nothing_changed
}

@test "prepare says which program is missing and what to install" {
  mkdir "$tree/vendor_bundled"
  echo '{}' >"$tree/vendor_bundled/composer.json"
  setting COMPOSER=no-such-composer
  trim prepare VERSION=24.4 "SOURCE=$tree"
  assert_failure 4
  assert_output_contains "no-such-composer is not there" "apt-get install composer"
  [ ! -e "$TRIM_TOP/var/cache/trees/24.4" ] || fail "half a tree is there"
}
