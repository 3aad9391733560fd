# make takeover: the main site is gone, and a copy takes its place.

setup() {
  load helper
  keep_registry
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root blog >"$BATS_TEST_TMPDIR/blog.sql"
  printf '%s\n' PARENT=far KIND=failover EXPIRES=2030-01-01 >>"$TRIM_TOP/instances.d/blog.env"
  # A crontab of our own: the account's one is nobody's to touch.
  mkdir "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/crontab" <<SHIM
#!/bin/sh
case \$1 in -l) cat "$BATS_TEST_TMPDIR/crontab" ;; -) cat >"$BATS_TEST_TMPDIR/crontab" ;; *) exit 2 ;; esac
SHIM
  chmod +x "$BATS_TEST_TMPDIR/bin/crontab"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  printf '%s\n' "0 2 * * * make -sC $TRIM_TOP backup INSTANCE=all" \
    "0 3 * * * make -sC $TRIM_TOP clone FROM=far TO=blog" >"$BATS_TEST_TMPDIR/crontab"
}

teardown() {
  put_back_registry
  sql blog "$(cat "$BATS_TEST_TMPDIR/blog.sql")"
  rm -rf "$TRIM_TOP"/var/status/blog.* "$TRIM_TOP"/var/trash
}

@test "takeover switches off what would overwrite it, guards it, cuts its ties and says what is left to do" {
  trim takeover INSTANCE=blog CONFIRM=blog
  assert_success
  assert_output_contains "blog: crontab: is off now: 0 3 * * * make" "blog: STAGE=production, PROTECTED=yes" \
    "blog: nobody's copy any more (PARENT, KIND, EXPIRES)" "blog: DNS: let " "answers 200" \
    "blog: should far come back, close it first"
  grep -q '^0 2 ' "$BATS_TEST_TMPDIR/crontab"
  grep -q '^# TRIM takeover of blog, .*: 0 3 ' "$BATS_TEST_TMPDIR/crontab"
  trim takeover INSTANCE=blog CONFIRM=blog
  assert_success
  assert_output_contains "blog: already: STAGE=production" "blog: already: mail and jobs act" \
    "blog: already: everybody may enter" "blog: already: nobody's copy any more"
}

@test "takeover wants the name, typed or given" {
  remember
  trim takeover INSTANCE=blog
  assert_failure 9
  assert_one_line "blog: would take the place of far" "CONFIRM=blog"
  trim takeover INSTANCE=blog CONFIRM=far
  assert_one_line "CONFIRM=blog"
  assert_nothing_changed
  run at_terminal 'Type its name to go on: $' $'blog\n' takeover INSTANCE=blog
  [ "$status" -eq 0 ]
}

@test "takeover refuses what is nobody's copy" {
  trim takeover INSTANCE=wiki CONFIRM=wiki
  assert_failure 9
  assert_one_line "wiki: is nobody's copy"
}

@test "takeover in a dry run changes nothing" {
  remember
  remember_databases
  cp "$BATS_TEST_TMPDIR/crontab" "$BATS_TEST_TMPDIR/crontab.before"
  trim takeover INSTANCE=blog DRY=1
  assert_success
  assert_output_contains "would: blog: crontab: is off now" "would: blog: STAGE=production"
  cmp "$BATS_TEST_TMPDIR/crontab" "$BATS_TEST_TMPDIR/crontab.before"
  assert_nothing_changed
}

@test "takeover stops when the crontab stays what it was, and goes on when nobody may read it" {
  sed -i 's/-) cat >[^;]*;;/-) cat >\/dev\/null ;;/' "$BATS_TEST_TMPDIR/bin/crontab"
  trim takeover INSTANCE=blog CONFIRM=blog
  assert_failure 5
  assert_output_contains "what was written is not what crontab -l shows" "crontab -e"
  ! grep -q STAGE=production "$TRIM_TOP/instances.d/blog.env"
  printf '#!/bin/sh\necho "You are not allowed to use this program" >&2; exit 1\n' >"$BATS_TEST_TMPDIR/bin/crontab"
  trim takeover INSTANCE=blog CONFIRM=blog
  assert_success
  assert_output_contains "the crontab cannot be read" "are not allowed" "crontab -e"
  grep -q STAGE=production "$TRIM_TOP/instances.d/blog.env"
}

@test "takeover speaks JSON" {
  trim takeover INSTANCE=blog CONFIRM=blog JSON=1
  assert_success
  assert_json "found[0]['main'] == 'far' and len(found[0]['crontab_off']) == 1 and found[0]['protected']"
}

@test "takeover says what is wrong with its words" {
  trim takeover CONFIRM=blog
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim takeover INSTANCE=blog TO=far
  assert_one_line "TO= is not a variable of make takeover"
}
