# make completion: how TAB comes to know TRIM; and TRIM's other words, which say what takes their place.

setup() {
  load helper
}

@test "completion says for each shell what to put where" {
  trim completion
  assert_success
  assert_output_contains "/.bashrc" "source $TRIM_TOP/conf/completion/trim.bash" "/.zshrc" "trim.zsh" "trim.fish"
}

@test "completion gives the line of one shell, and the line works" {
  trim completion FOR=bash
  assert_success
  [ "$output" = "source $TRIM_TOP/conf/completion/trim.bash" ] || fail "more than the line"
  cd "$TRIM_TOP"
  run bash --norc -c "$output"'; COMP_LINE="make backup INSTANCE=w"; COMP_POINT=${#COMP_LINE}; _trim_make; echo "$COMPREPLY"'
  [ "$output" = wiki ] || fail "the line does not complete"
}

@test "completion knows three shells" {
  trim completion FOR=fsh
  assert_one_line "FOR=fsh: expected bash or zsh or fish (did you mean fish?)"
  trim completion INSTANCE=blog
  assert_one_line "INSTANCE= is not a variable of make completion"
}

@test "each of TRIM's other words says in one line what takes its place" {
  local word words
  words=$(sed -n 's/^\([a-z-]*\): .*/\1/p' "$TRIM_TOP/conf/old-words.txt")
  [ "$(wc -w <<<"$words")" -gt 4 ] || fail "there are words missing"
  for word in $words; do
    trim "$word" INSTANCE=blog ANYTHING=1
    assert_one_line "$word: "
    assert_failure 2
    assert_output_contains "make "
  done
}

@test "help names TRIM's other words under their own heading" {
  trim help
  assert_success
  assert_output_contains "TRIM's other words" "cloneandupgrade" "viewdb" "clean-files"
}
