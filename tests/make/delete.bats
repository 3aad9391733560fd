# make delete: forget a site, or remove it. Removing for real is in tests/integration/test_delete.py.

setup() {
  load helper
  keep_registry
  remember
}

# Archives go back under their name: other files of this house need them.
teardown() {
  local place
  for place in "$TRIM_TOP"/var/archives/*.forgotten-*; do
    [ ! -d "$place" ] || mv -T "$place" "${place%.forgotten-*}"
  done
  rm -rf "$TRIM_TOP/var/trash"
  put_back_registry
}

@test "delete forgets a site that stays, and says where everything is" {
  remember_databases
  find "$SITES/blog" -printf '%p %s %T@\n' | sort >"$BATS_TEST_TMPDIR/blog"
  trim delete INSTANCE=blog
  assert_success
  assert_output_contains "blog: forgotten; its env file is $TRIM_TOP/var/trash/blog_" \
    "the site stays as it is: $SITES/blog" "kept in $TRIM_TOP/var/archives/blog.forgotten-" "to have it back: cp"
  [ ! -e "$TRIM_TOP/instances.d/blog.env" ]
  find "$SITES/blog" -printf '%p %s %T@\n' | sort | diff "$BATS_TEST_TMPDIR/blog" -
  databases | diff "$BATS_TEST_TMPDIR/databases" -
}

@test "delete lets a new site of the name begin without the old archives" {
  trim delete INSTANCE=blog
  trim instance NAME=blog "WEB_ROOT=$SITES/blog"
  assert_success
  assert_output_contains "of an earlier blog" "mv -n "
  trim archives INSTANCE=blog JSON=1
  assert_json "found == []"
  trim archives JSON=1
  assert_json "any(one['instance'].startswith('blog.forgotten-') for one in found)"
}

@test "delete in a dry run tells what would go and does nothing" {
  remember_databases
  trim delete INSTANCE=blog DESTROY=1 CONFIRM=blog DRY=1
  assert_success
  assert_output_contains "would: make a last archive" "would: remove the content of $SITES/blog" \
    "tables and views of database blog" "would: move $TRIM_TOP/instances.d/blog.env"
  assert_nothing_changed
}

@test "delete removes nothing without the name again" {
  remember_databases
  trim delete INSTANCE=blog DESTROY=1
  assert_failure 9
  assert_one_line "CONFIRM=blog"
  trim delete INSTANCE=blog DESTROY=1 CONFIRM=wiki
  assert_one_line "CONFIRM=blog"
  assert_nothing_changed
}

@test "delete does not even forget a guarded site without its name" {
  echo STAGE=production >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim delete INSTANCE=blog
  assert_failure 9
  assert_one_line "it is guarded" "CONFIRM=blog"
  assert_nothing_changed
}

@test "delete keeps a site that another one names" {
  echo PARENT=blog >>"$TRIM_TOP/instances.d/copy.env"
  remember
  trim delete INSTANCE=blog
  assert_failure 9
  assert_one_line "other instances name it: copy (PARENT)"
  assert_nothing_changed
}

@test "delete removes nothing that another instance uses" {
  register twin "WEB_ROOT=$SITES/blog/../blog"
  remember
  remember_databases
  trim delete INSTANCE=blog DESTROY=1 CONFIRM=blog
  assert_failure 9
  assert_one_line "used by twin"
  assert_nothing_changed
}

@test "delete removes nothing where there is no room for a last archive" {
  remember_databases
  trim_without_space delete INSTANCE=blog DESTROY=1 CONFIRM=blog
  assert_failure
  [ -e "$TRIM_TOP/instances.d/blog.env" ]
  [ -e "$SITES/blog/tiki-setup.php" ]
  databases | diff "$BATS_TEST_TMPDIR/databases" -
  [[ $(visit "$BLOG_URL") == 200* ]]
}

@test "delete wants to know which one, and understands only switches" {
  trim delete
  assert_one_line "INSTANCE= is missing"
  trim delete INSTANCE=blgo
  assert_one_line "there is no instance blgo (did you mean blog?)"
  trim delete INSTANCE=blog DESTROY=perhaps
  assert_one_line "DESTROY=perhaps: expected 1, yes, on, or 0, no, off"
  trim delete INSTANCE=blog DESTORY=1
  assert_one_line "DESTORY= is not a variable of make delete (did you mean DESTROY?)"
  assert_nothing_changed
}
