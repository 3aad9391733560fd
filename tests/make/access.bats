# make access: a shell in the web root.

setup() {
  load helper
}

@test "access opens a shell in the web root, at this machine and behind ssh" {
  local place
  for place in "blog $SITES/blog" "far $FAR_SITES/far"; do
    run at_terminal '[$#] ' $'echo here=$(pwd -P); exit 3\n' access "INSTANCE=${place% *}"
    assert_success
    assert_output_contains "here=${place#* }"
  done
}

@test "access without a terminal says so" {
  trim access INSTANCE=blog
  assert_failure 2
  assert_one_line "access: a shell wants a terminal, and there is none here"
}

@test "access in a dry run opens nothing" {
  run at_terminal "" "" access INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: open a shell at blog in $SITES/blog"
}

@test "access takes no variable it does not know" {
  trim access INSTANCE=blog COMMAND=ls
  assert_failure 2
  assert_one_line "COMMAND= is not a variable of make access"
}
