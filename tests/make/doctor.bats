# make doctor: everything that could hurt at night. Each finding and its mending is tried in tests/integration.

setup() {
  load helper
  keep_registry
  setting "PROVE_DB="
  remember
}

teardown() {
  put_back_registry
}

@test "doctor tells of a good blank that all is well" {
  trim doctor INSTANCE=copy
  assert_success
  assert_output_contains "ok       manager: programs" "ok       copy: database rights"
  refute_output_contains finding
  assert_nothing_changed
}

@test "doctor ends with 10 when it finds something, and names the command that mends it" {
  trim doctor INSTANCE=wiki
  assert_failure 10
  assert_output_contains "finding  wiki: archives: no archive was ever proven" "prove INSTANCE=wiki" \
    "doctor: 1 finding: wiki"
}

@test "doctor tells programs its findings" {
  trim doctor INSTANCE=wiki JSON=1
  assert_failure 10
  assert_json "[(one['instance'], one['check']) for one in found] == [('wiki', 'archives')]"
  trim doctor INSTANCE=copy JSON=1
  assert_success
  assert_json "found == []"
}

@test "doctor is silent when it is unattended and all is well" {
  trim doctor INSTANCE=copy UNATTENDED=1
  assert_success
  assert_silent
}

@test "doctor tells an unattended run its findings" {
  trim doctor INSTANCE=wiki UNATTENDED=1
  assert_failure 10
  [ -z "$output" ] || fail "cron would mail what is well"
  assert_output_contains "finding  wiki: archives"
}

@test "doctor changes nothing" {
  trim doctor DRY=1
  trim doctor
  assert_nothing_changed
}

@test "doctor names the known sites when one is unknown" {
  trim doctor INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?); known: blog, copy, far, wiki"
}

@test "doctor tells of a wrong line, and of a repeated one, where it stands, and looks at the other sites" {
  echo SSH_PROT=22 >>"$TRIM_TOP/instances.d/blog.env"
  echo WEB_ROOT=/srv >>"$TRIM_TOP/instances.d/wiki.env"
  trim doctor INSTANCE=blog,wiki,copy
  assert_failure 10
  assert_output_contains "blog.env:$(wc -l <"$TRIM_TOP/instances.d/blog.env"): SSH_PROT is not a known key" \
    "wiki.env:$(wc -l <"$TRIM_TOP/instances.d/wiki.env"): WEB_ROOT stands here again" "ok       copy: host"
}

@test "doctor tells of a host that does not answer, and of one whose key has changed" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  trim doctor INSTANCE=dead,far
  assert_failure 10
  assert_output_contains "finding  dead: host: cannot reach" "Connection refused" \
    "finding  far: host: the host key of [127.0.0.1]:$SSH_PORT is not the one on record"
}

@test "doctor tells of a password that the database refuses, and of a program that the host lacks" {
  register locked "WEB_ROOT=$LOCKED"
  register bare "${bare[@]}" "WEB_ROOT=$FAR_SITES/far"
  trim doctor INSTANCE=locked,bare
  assert_failure 10
  assert_output_contains "finding  locked: database: " "the server refuses the account or its password" \
    "finding  bare: programs: the host has no mariadb-dump or mysqldump" "apt-get install -y mariadb-client"
  refute_output_contains "$SITE_PASS"
}

@test "doctor refuses a variable it does not know" {
  trim doctor INSTANCES=blog
  assert_one_line "INSTANCES= is not a variable of make doctor (did you mean INSTANCE?)"
}
