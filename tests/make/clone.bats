# make clone: makes one site what another one is, and keeps it a site of its own.

setup() {
  load helper
  keep_registry
  remember
  remember_databases
}

teardown() {
  put_back_registry
  rm -rf "$SITES/copy" "$SITES/copy-data" "$TRIM_TOP"/var/status/copy.* "$TRIM_TOP/var/archives/copy"
  sql mysql "DROP DATABASE copy; CREATE DATABASE copy"
}

@test "clone makes a blank what another site is, quiet, and tells what it rewrote" {
  trim clone FROM=blog TO=copy KIND=office EXPIRES=90d
  assert_success
  assert_output_contains "copy: 33 tables reloaded, 0 unchanged" "copy: is what blog was at" \
    "tiki_preferences fgal_use_dir: $SITES/blog-data/fgal/ is now $SITES/copy-data/fgal/" \
    "may name blog's address still, because WEB_URL is not set in instances.d/copy.env"
  diff -r --no-dereference -x temp -x local.php "$SITES/blog" "$SITES/copy" >&2
  [ "$(sql copy "SELECT COUNT(*) FROM tiki_mail_queue")" = 0 ]
  grep -x KIND=office "$TRIM_TOP/instances.d/copy.env"
  grep -x PARENT=blog "$TRIM_TOP/instances.d/copy.env"
  grep -xE 'EXPIRES=[0-9]{4}-[0-9]{2}-[0-9]{2}' "$TRIM_TOP/instances.d/copy.env"
  trim clone FROM=blog TO=copy JSON=1
  assert_success
  assert_json "found[0]['instance'] == 'copy' and found[0]['files'] == 0 and found[0]['safety'] == ''"
  trim clone FROM=blog TO=copy UNATTENDED=1 QUIET=no
  assert_success
  [ -z "$output" ] || fail "it is not silent"
}

@test "clone in a dry run tells its plan and changes nothing" {
  trim clone FROM=far TO=copy DRY=1
  assert_success
  assert_output_contains "would: put the maintenance page up at $SITES/copy" \
    "would: make $SITES/copy equal to $FAR_SITES/far of far" "would: mute copy" "would: take the maintenance page away"
  assert_nothing_changed
}

@test "clone wants to know whom, and never asks without a terminal" {
  trim clone TO=copy
  assert_one_line "FROM= is missing: which instance? known: blog, copy, far, wiki"
  trim clone FROM=blog
  assert_one_line "TO= is missing: which instance shall become equal to blog? known: blog, copy, far, wiki"
  trim clone FROM=blgo TO=copy
  assert_one_line "there is no instance blgo (did you mean blog?)"
  local word
  for word in all tag:x 'co*' 'copy,cpoy' '../copy'; do
    trim clone FROM=blog "TO=$word"
    assert_failure 2
    assert_one_line "clone: "
  done
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim clone FROM=blog 'TO=$(shell touch x)'
  assert_one_line "is no instance name"
  FROM=blog TO=copy trim clone
  assert_one_line "FROM= is missing"
  assert_nothing_changed
}

@test "clone at a terminal offers both sides by number" {
  local shown
  shown=$(at_terminal "TO \[1\]" $'1\n' clone FROM=blog DRY=1) || fail "it failed"
  [[ $shown == *"1) copy"*"2) far"*"3) wiki"*"make $SITES/copy equal to"* ]] || fail "not offered: $shown"
  shown=$(at_terminal "FROM \[1\]" $'1\n' clone TO=copy DRY=1) || fail "it failed"
  [[ $shown == *"equal to $SITES/blog of blog"* ]] || fail "not chosen: $shown"
  shown=$(at_terminal "Type its name" $'far\n' clone FROM=blog TO=far DRY=1) || fail "it failed"
  [[ $shown == *"make $FAR_SITES/far equal to"* ]] || fail "the name was not enough: $shown"
  assert_nothing_changed
}

@test "clone refuses words that are none, and those that do not go together" {
  trim clone FROM=blog TO=copy ONLY=files
  assert_one_line "ONLY=files: expected data or code"
  trim clone FROM=blog TO=copy KIND=prod
  assert_one_line "KIND=prod: expected failover or office"
  local day
  for day in 0d 90 soon 2001-01-01 2027-02-30 99999999d; do
    trim clone FROM=blog TO=copy "EXPIRES=$day"
    assert_one_line "EXPIRES=$day: "
  done
  trim clone FROM=blog TO=copy CHANGED=yes
  assert_one_line "CHANGED=yes: expected keep or discard"
  trim clone FROM=blog TO=copy QUIET=very
  assert_one_line "QUIET=very: expected 1, yes, on, or 0, no, off"
  trim clone FROM=blog TO=copy MOVE=1 ONLY=code
  assert_one_line "it does not go with ONLY="
  trim clone FROM=blog TO=copy ARCHIVE=latest ONLY=data
  assert_one_line "ONLY= does not go with ARCHIVE="
  trim clone FROM=blog TO=copy UNVERIFIED=yes
  assert_one_line "UNVERIFIED=yes is about an archive: give ARCHIVE= too"
  trim clone FORM=blog TO=copy
  assert_one_line "FORM= is not a variable of make clone (did you mean FROM?)"
  assert_nothing_changed
}

@test "clone refuses itself, a guarded site, one that is no clone, and part of a site onto nothing" {
  trim clone FROM=blog TO=blog
  assert_failure 9
  assert_one_line "blog: FROM and TO are the same instance. Nothing was changed"
  trim clone FROM=blog TO=wiki
  assert_failure 9
  assert_one_line "wiki: it holds a Tiki 12.14 that is no clone" "CONFIRM=wiki"
  trim clone FROM=blog TO=copy ONLY=code
  assert_failure 9
  assert_one_line "copy: is no whole site yet, and ONLY=code brings a part" "make clone FROM=blog TO=copy"
  trim clone FROM=copy TO=wiki CONFIRM=wiki
  assert_failure 3
  trim clone FROM=blog TO=copy KIND=before
  assert_failure 9
  assert_one_line "Next: make restrict INSTANCE=copy" "OPEN=yes"
  echo PROTECTED=yes >>"$TRIM_TOP/instances.d/copy.env"
  remember
  trim clone FROM=blog TO=copy CONFIRM=yes
  assert_failure 9
  assert_one_line "copy: is guarded" "Nothing was changed. If that is meant: CONFIRM=copy"
  assert_nothing_changed
}

@test "clone of several stays apart: one that is refused does not stop the other" {
  trim clone FROM=blog TO=wiki,copy
  assert_failure 9
  assert_output_contains "1 of 2 instances failed: wiki" "copy: is what blog was at"
}

@test "clone says that a host cannot be reached, and that there is no such archive" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/dead"
  remember
  trim clone FROM=dead TO=copy
  assert_failure 4
  assert_output_contains "cannot reach $SSH_USER@127.0.0.1 on port $DEAD_PORT"
  trim clone FROM=blog TO=copy ARCHIVE=99
  assert_one_line "blog: there is no archive number 99"
  assert_nothing_changed
}
