# make fix: owners and modes as Tiki needs them.

setup() {
  load helper
  keep_registry
  trim fix INSTANCE=blog
  remember
}

teardown() {
  trim fix INSTANCE=blog
  put_back_registry
}

@test "fix lists what is wrong and mends it, and the second time there is nothing to do" {
  chmod 777 "$SITES/blog/lib"
  chmod 600 "$SITES/blog/tiki-index.php"
  trim fix INSTANCE=blog
  assert_success
  assert_output_contains "lib: mode 0777 to 0755" "tiki-index.php: mode 0600 to 0644" "2 owners and modes changed"
  trim fix INSTANCE=blog
  assert_output_contains "0 owners and modes changed"
}

@test "fix in a dry run tells what it would do and does nothing" {
  chmod 777 "$SITES/blog/lib"
  trim fix INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "lib: mode 0777 to 0755" "would be changed"
  [ "$(stat -c %a "$SITES/blog/lib")" = 777 ]
}

@test "fix never opens the database account to more people" {
  chmod 600 "$SITES/blog/db/local.php"
  trim fix INSTANCE=blog
  [ "$(stat -c %a "$SITES/blog/db/local.php")" = 600 ]
  chmod 640 "$SITES/blog/db/local.php"
}

@test "fix works behind ssh" {
  trim fix INSTANCE=far
  chmod 700 "$FAR_SITES/far/templates"
  trim fix INSTANCE=far
  assert_success
  assert_output_contains "templates: mode 0700 to 0775"
}

@test "fix empties the caches and leaves their guards" {
  echo stale >"$SITES/blog/temp/cache/stale"
  trim fix INSTANCE=blog
  [ ! -e "$SITES/blog/temp/cache/stale" ]
  [ -e "$SITES/blog/temp/cache/index.php" ]
}

@test "fix names the known instances when it does not know the one that is meant" {
  trim fix INSTANCE=blgo
  assert_one_line "blgo" "did you mean blog?"
  assert_nothing_changed
}

@test "fix says what is not a Tiki" {
  register odd "WEB_ROOT=$SITES"
  trim fix INSTANCE=odd
  assert_one_line "this is not a Tiki"
}
