# make copysshkey: a login without a password. A key is installed in tests/integration/test_copysshkey.py.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "copysshkey says that the way is open already and changes nothing" {
  trim copysshkey INSTANCE=far
  assert_success
  assert_output_contains "lets us in by key already. Nothing was changed"
  trim copysshkey INSTANCE=far JSON=1
  assert_json "found == [{'instance': 'far', 'changed': False}]"
  assert_nothing_changed
}

@test "copysshkey shows an unknown host key and does not take it unseen" {
  setting "KNOWN_HOSTS=$NO_HOSTS"
  remember
  trim copysshkey INSTANCE=far
  assert_failure 9
  assert_output_contains "is not known yet: 256 SHA256:" "HOST_KEYS=accept-new"
  [ ! -s "$NO_HOSTS" ]
  assert_nothing_changed
}

@test "copysshkey never replaces a host key that is on record" {
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  cp "$WRONG_HOSTS" "$BATS_TEST_TMPDIR/wrong"
  trim copysshkey INSTANCE=far HOST_KEYS=accept-new
  assert_one_line "is not the one on record"
  diff "$WRONG_HOSTS" "$BATS_TEST_TMPDIR/wrong"
}

@test "copysshkey in a dry run makes no key" {
  register new "${far[@]/SSH_KEY=*/SSH_KEY=$BATS_TEST_TMPDIR/new_key}" "WEB_ROOT=$FAR_SITES/new"
  trim copysshkey INSTANCE=new DRY=1
  assert_success
  assert_output_contains "would make the key $BATS_TEST_TMPDIR/new_key"
  [ ! -e "$BATS_TEST_TMPDIR/new_key" ]
}

@test "copysshkey says why a host cannot be reached" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  trim copysshkey INSTANCE=dead
  assert_one_line "dead: cannot reach"
}

@test "copysshkey refuses a local site, and words it does not know" {
  trim copysshkey INSTANCE=blog
  assert_one_line "blog: is on this machine"
  trim copysshkey INSTANCE=far HOST_KEYS=accept
  assert_one_line "HOST_KEYS=accept: expected strict or accept-new (did you mean accept-new?)"
  trim copysshkey
  assert_one_line "INSTANCE= is missing"
  trim copysshkey INSTANCE=far HOST_KEY=strict
  assert_one_line "HOST_KEY= is not a variable of make copysshkey (did you mean HOST_KEYS?)"
  assert_nothing_changed
}
