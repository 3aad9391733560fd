# make patch: local changes of a site's code, kept with their text.

setup() {
  load helper
  keep_registry
  setting GIT_REMOTE=
  cp -a "$SITES/blog" "$BATS_TEST_TMPDIR"
  fix="$BATS_TEST_TMPDIR/fix.patch"
  cp "$SITES/blog/robots.txt" "$BATS_TEST_TMPDIR/robots.txt"
  { cat "$BATS_TEST_TMPDIR/robots.txt"; echo "Disallow: /fixed"; } >"$BATS_TEST_TMPDIR/fixed.txt"
  diff -u --label a/robots.txt --label b/robots.txt "$BATS_TEST_TMPDIR/robots.txt" "$BATS_TEST_TMPDIR/fixed.txt" >"$fix" || true
  remember
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog" "$TRIM_TOP/var/patches"
  mv "$BATS_TEST_TMPDIR/blog" "$SITES"
}

@test "patch applies a file once, lists it and drops it" {
  trim patch INSTANCE=blog ACTION=apply FILE="$fix"
  assert_success
  assert_output_contains "blog: fix.patch is applied; files changed (1): robots.txt"
  cmp "$SITES/blog/robots.txt" "$BATS_TEST_TMPDIR/fixed.txt"
  trim patch INSTANCE=blog ACTION=apply FILE="$fix"
  assert_success
  assert_output_contains "blog: fix.patch is applied already"
  echo "by hand" >>"$SITES/blog/tiki-index.php"
  trim patch INSTANCE=blog
  assert_success
  assert_output_contains "fix.patch" "applied" "tiki-index.php" "changed here, by no patch" \
    "its release is known from the list of sums"
  trim patch INSTANCE=blog ACTION=list JSON=1
  assert_json '[row["state"] for row in found if row["what"] == "patch"] == ["applied"]'
  trim patch INSTANCE=blog ACTION=drop FILE=fix.patch
  assert_success
  assert_output_contains "blog: fix.patch is taken out"
  cmp "$SITES/blog/robots.txt" "$BATS_TEST_TMPDIR/robots.txt"
}

@test "patch refuses what does not fit, what is outside, and a guarded site without its name" {
  echo "all new" >"$SITES/blog/robots.txt"
  remember
  trim patch INSTANCE=blog ACTION=apply FILE="$fix"
  assert_failure 9
  assert_one_line "blog: fix.patch: does not fit: robots.txt:" "Nothing was changed"
  sed 's|robots.txt|../../etc/passwd|' "$fix" >"$BATS_TEST_TMPDIR/out.patch"
  trim patch INSTANCE=blog ACTION=apply FILE="$BATS_TEST_TMPDIR/out.patch"
  assert_failure 9
  assert_one_line "out.patch: it changes '../../etc/passwd', which is outside the web root"
  assert_nothing_changed
  printf '%s\n' STAGE=production >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim patch INSTANCE=blog ACTION=apply FILE="$fix"
  assert_failure 9
  assert_one_line "blog: is guarded" "CONFIRM=blog"
  assert_nothing_changed
}

@test "patch at a terminal lets the patch that goes be chosen" {
  trim patch INSTANCE=blog ACTION=apply FILE="$fix"
  assert_success
  run at_terminal 'FILE \[1\]: $' $'1\n' patch INSTANCE=blog ACTION=drop
  [ "$status" -eq 0 ]
  [[ $output == *"blog: fix.patch is taken out"* ]]
}

@test "patch in a dry run tells and changes nothing" {
  trim patch INSTANCE=blog ACTION=apply FILE="$fix" DRY=1
  assert_success
  assert_output_contains "would: apply fix.patch to blog; files changed (1): robots.txt"
  assert_nothing_changed
}

@test "patch says what is wrong with its words" {
  trim patch INSTANCE=blog ACTION=aply FILE="$fix"
  assert_failure 2
  assert_one_line "ACTION=aply: expected list or apply or drop (did you mean apply?)"
  trim patch INSTANCE=blog ACTION=apply
  assert_one_line "FILE= is missing: a patch file, or its https address"
  trim patch INSTANCE=blog ACTION=apply FILE=/nowhere.patch
  assert_one_line "FILE=/nowhere.patch: there is no such file"
  trim patch INSTANCE=blog ACTION=apply FILE=http://example.org/a.patch
  assert_one_line "only https is taken"
  trim patch INSTANCE=blog ACTION=drop FILE=fix.patch
  assert_one_line "blog: no patch is kept"
  trim patch INSTANCE=blog FILE="$fix"
  assert_one_line "FILE= goes with ACTION=apply or ACTION=drop"
  trim patch INSTANCE=blog PATCH=x
  assert_one_line "PATCH= is not a variable of make patch"
}
