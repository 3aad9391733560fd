# make tags: the words a site is selected by.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "tags adds and drops words in their line and leaves every other byte" {
  printf "# ours\nTAGS='old one,club'  # why\n" >>"$TRIM_TOP/instances.d/blog.env"
  cp "$TRIM_TOP/instances.d/blog.env" "$BATS_TEST_TMPDIR/before"
  trim tags INSTANCE=blog ADD=new,club DROP=none
  assert_success
  assert_output_contains "blog: has no tag none" "old one, club, new"
  sed "s/^TAGS=.*  #/TAGS='old one,club,new'  #/" "$BATS_TEST_TMPDIR/before" |
    diff - "$TRIM_TOP/instances.d/blog.env"
  [ "$(stat -c %a "$TRIM_TOP/instances.d/blog.env")" = 600 ]
}

@test "tags select afterwards, and are gone when they are dropped" {
  trim tags INSTANCE=blog,wiki ADD=museum
  assert_success
  trim instances INSTANCE=tag:museum JSON=1
  assert_json "[one['name'] for one in found] == ['blog', 'wiki']"
  trim tags INSTANCE=tag:museum DROP=museum JSON=1
  assert_success
  assert_json "found == [{'name': 'blog', 'tags': ''}, {'name': 'wiki', 'tags': ''}]"
  trim tags INSTANCE=tag:museum
  assert_one_line "INSTANCE=tag:museum selects nothing"
}

@test "tags shows those of all sites and changes nothing" {
  trim tags
  assert_success
  assert_output_contains blog copy far wiki
  assert_nothing_changed
}

@test "tags in a dry run changes nothing" {
  trim tags INSTANCE=blog ADD=new DRY=1
  assert_success
  assert_output_contains "would: "
  assert_nothing_changed
}

@test "tags refuses words that could not select, and both at once" {
  trim tags INSTANCE=blog "ADD=two words"
  assert_one_line "ADD=two words: a tag is one word"
  trim tags INSTANCE=blog "ADD=a*"
  assert_one_line "ADD=a*: a tag is one word"
  trim tags INSTANCE=blog ADD=a DROP=b,a
  assert_one_line "ADD and DROP both name a"
  assert_nothing_changed
}

@test "tags wants to know which site before it changes one" {
  trim tags ADD=a
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim tags INSTANCE=blgo ADD=a
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?)"
  trim tags INSTANCE=blog AD=a
  assert_one_line "AD= is not a variable of make tags (did you mean ADD?)"
  assert_nothing_changed
}

@test "tags says where an env file is wrong and leaves it" {
  echo "this is no line" >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim tags INSTANCE=blog ADD=a
  assert_one_line "instances.d/blog.env:" "not a KEY=value line"
  assert_nothing_changed
}
