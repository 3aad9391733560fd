# make show-gate: what sshd runs for a key; tests/integration/test_show_gate.py asks it through a real sshd.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
}

# asked REQUEST WORD...: runs the gate with what sshd puts into its environment.
asked() {
  run --separate-stderr env SSH_ORIGINAL_COMMAND="$1" make -sC "$TRIM_TOP" show-gate "${@:2}" </dev/null 3>&-
}

@test "show-gate answers in JSON, a refusal too" {
  asked "info issue=1 user=ann" ROLE=front
  assert_success
  assert_json "found == {'state': 'NONE'}"
  asked "info; rm -rf /" ROLE=front
  assert_failure 2
  assert_json "found['state'] == 'NONE' and found['code'] == 2"
}

@test "show-gate takes nothing that make would expand" {
  # shellcheck disable=SC2016
  asked '$(shell touch '"$BATS_TEST_TMPDIR"'/attacked)$(info x)`touch '"$BATS_TEST_TMPDIR"'/attacked`' ROLE=front
  assert_failure 2
  [ ! -e "$BATS_TEST_TMPDIR/attacked" ]
}

@test "show-gate wants to know whose key it is" {
  asked "info issue=1 user=ann"
  assert_failure 2
  assert_output_contains "ROLE=: expected front, user, admin"
  asked "info issue=1 user=ann" ROLE=user
  assert_failure 2
  assert_output_contains "FOR_USER="
}
