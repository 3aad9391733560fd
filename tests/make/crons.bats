# make crons: what runs by itself, with its next and last run.

setup() {
  load helper
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\ncat "%s/crontab"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/bin/crontab"
  chmod +x "$BATS_TEST_TMPDIR/bin/crontab"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  printf '%s\n' "# mine" "30 2 * * * make -sC $TRIM_TOP archives INSTANCE=blog UNATTENDED=1 CRON=night" \
    "@weekly cd $TRIM_TOP && make -s prove INSTANCE=blog" "0 1 * * * make -sC /elsewhere backup INSTANCE=all" \
    >"$BATS_TEST_TMPDIR/crontab"
}

@test "crons shows the lines of this toolkit, those that a person wrote too" {
  trim crons
  assert_success
  assert_output_contains "night  30 2 * * *  archives  blog" "02:30" "without CRON="
  refute_output_contains elsewhere
}

@test "crons speaks JSON" {
  trim crons JSON=1
  assert_success
  assert_json "[(one['id'], one['verb'], one['instances'], one['result']) for one in found] == \
    [('night', 'archives', 'blog', ''), ('', 'prove', 'blog', '')]"
}

@test "crons says when there is none, and when nobody may read them" {
  : >"$BATS_TEST_TMPDIR/crontab"
  trim crons
  assert_success
  assert_output_contains "Nothing runs by itself yet. Next: make cron VERB=backup"
  printf '#!/bin/sh\necho "cannot open your crontab" >&2; exit 1\n' >"$BATS_TEST_TMPDIR/bin/crontab"
  trim crons
  assert_one_line "the crontab cannot be read" "cannot open your crontab"
}
