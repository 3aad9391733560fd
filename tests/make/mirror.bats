# make mirror: a site stays a fixed time behind another one, from that one's archives.

setup() {
  load helper
  keep_registry
  record=$(archives_of blog | tail -n 1).record.json
  cp "$record" "$BATS_TEST_TMPDIR/record"
}

teardown() {
  cp "$BATS_TEST_TMPDIR/record" "$record"
  if [ -d "$SITES/copy" ]; then
    rm -rf "$SITES/copy" "$SITES/copy-data" "$SITES/copy-restrict" "$TRIM_TOP"/var/status/copy.*
    mariadb --no-defaults --socket="$DB_SOCKET" --user=root -e "DROP DATABASE copy; CREATE DATABASE copy"
  fi
  put_back_registry
}

# Lets blog's archive be this many days old, as far as its record tells.
days_old() {
  python3 -c 'import datetime, json, sys
path, days = sys.argv[1:]
record = json.load(open(path))
moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=float(days))
record["finished"] = record["dumped"] = moment.isoformat()
json.dump(record, open(path, "w"))' "$record" "$1"
}

closed() {
  echo RESTRICT_ALLOW=192.0.2.0/24 >>"$TRIM_TOP/instances.d/copy.env"
}

@test "mirror makes a site what another one was, and then has nothing to do" {
  days_old 7.5
  closed
  trim mirror FROM=blog TO=copy DELAY=1w
  assert_success
  assert_output_contains "copy: shows blog as of " "7 days ago" "copy: is what blog was at"
  grep -q '^MIRROR_OF=blog$' "$TRIM_TOP/instances.d/copy.env"
  grep -q '^MIRROR_DELAY=1w$' "$TRIM_TOP/instances.d/copy.env"
  trim mirror TO=copy
  assert_success
  assert_output_contains "copy: nothing to do"
  trim mirror TO=copy UNATTENDED=1
  assert_success
  assert_silent
  trim mirror TO=copy JSON=1
  assert_json "found[0]['source'] == 'blog' and found[0]['made'] is False and found[0]['finding'] == ''"
}

@test "mirror waits for an archive that is old enough" {
  days_old 3
  closed
  remember_databases
  trim mirror FROM=blog TO=copy DELAY=1w UNATTENDED=1
  assert_failure 10
  assert_output_contains "copy: no archive of blog is 1w old yet" "The site stays as it is. It will work from " \
    "mirror: 1 finding: copy"
  databases | diff "$BATS_TEST_TMPDIR/databases" -
  [ ! -e "$SITES/copy" ] || fail "something was made"
}

@test "mirror refuses to let everybody read the past" {
  days_old 2
  remember
  trim mirror FROM=blog TO=copy DELAY=1d
  assert_failure 9
  assert_one_line "nothing keeps anybody out of it" "make restrict INSTANCE=copy USERS=name" "OPEN=yes"
  assert_nothing_changed
}

@test "mirror wants to know which, whose and how far behind" {
  remember
  trim mirror
  assert_failure 2
  assert_one_line "TO= is missing: which instance shall show the past? known: blog, copy, far, wiki"
  trim mirror TO=copy
  assert_failure 2
  assert_one_line "FROM= is missing: whose past shall copy show? known: blog, copy, far, wiki"
  trim mirror TO=copy FROM=blog
  assert_one_line "DELAY= is missing: how far behind shall copy stay? days, weeks or months, as in 1d, 1w, 1m"
  trim mirror TO=copy FROM=blog DELAY=1y
  assert_failure 2
  assert_one_line "DELAY=1y: expected days, weeks or months, as in 1d, 1w, 1m"
  trim mirror TO=copy FROM=blgo DELAY=1d
  assert_one_line "there is no instance blgo (did you mean blog?)"
  trim mirror TO=tag:mirrors
  assert_one_line "TO=tag:mirrors selects nothing"
  trim mirror TO=copy FROM=blog DELAY=1d KEEP=1
  assert_one_line "KEEP= is not a variable of make mirror"
  assert_nothing_changed
}

@test "mirror refuses a site of its own, and itself" {
  days_old 2
  remember
  trim mirror FROM=blog TO=wiki DELAY=1d OPEN=yes
  assert_failure 9
  assert_one_line "wiki: it holds a Tiki 12.14 that is no clone, and would be overwritten." "CONFIRM=wiki"
  trim mirror FROM=blog TO=blog DELAY=1d OPEN=yes
  assert_failure 9
  assert_one_line "blog: FROM and TO are the same instance. Nothing was changed"
  assert_nothing_changed
}

@test "mirror in a dry run changes nothing" {
  days_old 2
  closed
  remember
  remember_databases
  trim mirror FROM=blog TO=copy DELAY=1d DRY=1
  assert_success
  assert_output_contains "would: make $SITES/copy and its data folders equal to the archive's" \
    "copy: would show blog as of "
  assert_nothing_changed
}
