# make notify-test: a test message through every channel that is set up. The channels themselves: tests/integration.

setup() {
  load helper
  keep_registry
  printf '#!/bin/sh\necho "$@" >%s\ncat >>%s\n' "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/sendmail"
  chmod 755 "$BATS_TEST_TMPDIR/sendmail"
  setting "SENDMAIL=$BATS_TEST_TMPDIR/sendmail"
}

teardown() {
  put_back_registry
}

@test "notify-test sends one mail to all addresses and says so" {
  setting "MAIL_TO=ann@example.org,bob@example.org"
  trim notify-test
  assert_success
  assert_output_contains "mail" "ann@example.org, bob@example.org" "sent" "No message waits to be sent"
  grep -q -- "-- ann@example.org bob@example.org" "$BATS_TEST_TMPDIR/sent"
  grep -q "^Subject: TRIM .*: a test of make notify-test" "$BATS_TEST_TMPDIR/sent"
}

@test "notify-test takes addresses for one call, and says when the channel fails" {
  printf '#!/bin/sh\nexit 75\n' >"$BATS_TEST_TMPDIR/sendmail"
  trim notify-test MAIL_TO=eve@example.org
  assert_failure 4
  assert_output_contains "eve@example.org" "ended with exit code 75" "mail: did not take the test message"
  [ ! -e "$TRIM_TOP/var/outbox" ] || fail "a failure of the test was to be mailed"
}

@test "notify-test sends nothing in a dry run" {
  setting "MAIL_TO=ann@example.org"
  trim notify-test DRY=1 JSON=1
  assert_success
  assert_json "[one['result'] for one in found] == ['would be sent']"
  [ ! -e "$BATS_TEST_TMPDIR/sent" ] || fail "a mail was sent"
}

@test "notify-test says what to set when nothing is set up, and what is wrong with an address" {
  trim notify-test
  assert_failure 3
  assert_one_line "no MAIL_TO, no APPRISE_FILE, no PING_FILE" "Next: MAIL_TO="
  trim notify-test MAIL_TO="ann at home"
  assert_failure 2
  assert_one_line "expected mail addresses"
}
