# make edit: an env file in the operator's editor. What happens at a terminal is in tests/integration/test_edit.py.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "edit needs a terminal and says what to do without one" {
  EDITOR=true trim edit INSTANCE=blog
  assert_one_line "blog: an editor needs a terminal" "instances.d/blog.env"
  assert_nothing_changed
}

@test "editinstance is another name of edit" {
  EDITOR=true trim editinstance INSTANCE=blog
  assert_one_line "edit: blog: an editor needs a terminal"
}

@test "edit in a dry run tells which editor it would open" {
  EDITOR="true --wait" trim edit INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: open $TRIM_TOP/instances.d/blog.env in true --wait"
  assert_nothing_changed
}

@test "edit names an editor that is not there" {
  VISUAL=no-such-editor trim edit INSTANCE=blog
  assert_one_line "EDITOR=no-such-editor: there is no such program"
}

@test "edit wants to know which one, and takes no other variable" {
  trim edit
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim edit INSTANCE=blgo
  assert_one_line "there is no instance blgo (did you mean blog?)"
  trim edit INSTANCE=../blog
  assert_one_line "'../blog' is no instance name"
  trim edit INSTANCE=blog TAGS=a
  assert_one_line "TAGS= is not a variable of make edit"
  assert_nothing_changed
}
