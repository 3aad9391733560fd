# make prove: shows that an archive restores, without touching the site.

setup() {
  load helper
  keep_registry
  archive=$(archives_of blog | tail -n 1)
  strange="$TRIM_TOP/var/archives/blog/blog_2020-01-01_00-00-00.tar.bz2"
  remember
}

teardown() {
  put_back_registry
  rm -f "$strange" "$strange.sha256"
}

# Gives the file that a test has made at $strange a checksum, as an archive has one.
vouch_for_it() {
  (cd "$(dirname "$strange")" && sha256sum "$(basename "$strange")" >"$strange.sha256")
  remember
}

@test "prove shows that the newest archive restores; archives and instances tell it on" {
  remember_databases
  trim prove INSTANCE=blog
  assert_success
  assert_output_contains "blog: $(basename "$archive") is proven restorable: 33 tables and" "files, in"
  diff <(grep -v record.json "$BATS_TEST_TMPDIR/everything") <(everything | grep -v record.json) >&2
  databases | diff "$BATS_TEST_TMPDIR/databases" - >&2
  trim archives INSTANCE=blog JSON=1
  assert_json "found[0]['proven'] and found[0]['proven_seconds'] > 0"
  trim instances INSTANCE=blog
  assert_output_contains "proven 20"
}

@test "prove tells programs what it found, and an unattended run nothing else" {
  trim prove INSTANCE=blog "ARCHIVE=$(basename "$archive")" JSON=1 UNATTENDED=1
  assert_success
  assert_json "found[0]['proven'] and found[0]['tables'] == 33 and found[0]['archive'] == '$(basename "$archive")'"
  [ -z "$stderr" ] || fail "it speaks beside the document"
}

@test "prove in a dry run changes nothing" {
  trim prove INSTANCE=blog ARCHIVE=1 DRY=1
  assert_success
  assert_output_contains "would prove $(basename "$archive")"
  assert_nothing_changed
}

@test "prove refuses an archive of which one bit is not what it was" {
  cp "$archive" "${strange%bz2}zst"
  strange="${strange%bz2}zst"
  vouch_for_it
  printf '\x01' | dd of="$strange" bs=1 seek=5000 conv=notrunc status=none
  remember
  trim prove INSTANCE=blog "ARCHIVE=$(basename "$strange")"
  assert_one_line "is damaged: its sha256 differs from the one beside it" "make archives INSTANCE=blog"
  assert_nothing_changed
}

@test "prove calls an archive without a checksum unverifiable" {
  tar -cjf "$strange" -C "$NO_TIKI" .
  remember
  trim prove INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "is unverifiable: no $(basename "$strange").sha256 is beside it" "UNVERIFIED=yes"
  assert_nothing_changed
}

@test "prove refuses archives of another kind: of other files, a text with another name, one that was cut" {
  tar -cjf "$strange" -C "$(dirname "$NO_TIKI")" "$(basename "$NO_TIKI")"
  vouch_for_it
  trim prove INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "is no backup of an instance"
  echo "this is a text" >"$strange"
  vouch_for_it
  trim prove INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "$(basename "$strange"): cannot be unpacked"
  tar -cf - -C "$(dirname "$NO_TIKI")" "$(basename "$NO_TIKI")" | head -c 700 | bzip2 >"$strange"
  vouch_for_it
  trim prove INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "$(basename "$strange"): cannot be unpacked"
  rm "$strange.sha256"
  remember
  trim prove INSTANCE=blog "ARCHIVE=$strange" UNVERIFIED=yes
  assert_failure 7
  assert_output_contains "warning: " "unverifiable" "cannot be unpacked"
  assert_nothing_changed
}

@test "prove wants an archive that is there" {
  trim prove INSTANCE=copy
  assert_success
  assert_output_contains "copy: is a blank that was never backed up: there is nothing to prove yet"
  trim prove INSTANCE=blog ARCHIVE=99
  assert_one_line "blog: there is no archive number 99" "Next: make archives INSTANCE=blog"
  trim prove INSTANCE=blog ARCHIVE=blog.tar
  assert_one_line "blog: there is no archive blog.tar"
  trim prove INSTANCE=blog "ARCHIVE=$NO_TIKI/none.tar.bz2"
  assert_one_line "none.tar.bz2: there is no such file"
  trim prove INSTANCE=blog "ARCHIVE=$NO_TIKI/notes.txt"
  assert_one_line "notes.txt: not an archive's name; it reads NAME_YYYY-MM-DD_HH-MM-SS.tar.bz2"
  assert_nothing_changed
}

@test "prove names the known sites when one is unknown, and refuses what is no name" {
  trim prove
  assert_one_line "INSTANCE= is missing" "known: blog, copy, far, wiki"
  trim prove INSTANCE=blgo
  assert_one_line "(did you mean blog?); known: blog, copy, far, wiki"
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim prove INSTANCE=blog 'ARCHIVE=$(shell touch x)'
  assert_one_line 'there is no archive $(shell touch x)'
  assert_nothing_changed
}

@test "prove refuses a switch that is none, and a variable it does not know" {
  trim prove INSTANCE=blog UNVERIFIED=maybe
  assert_one_line "UNVERIFIED=maybe: expected 1, yes, on, or 0, no, off"
  trim prove INSTANCE=blog ARCHVIE=1
  assert_one_line "ARCHVIE= is not a variable of make prove (did you mean ARCHIVE?)"
  assert_nothing_changed
}

@test "prove does not need the host, and says when the server to prove on is not there" {
  sed -i "s/^SSH_PORT=.*/SSH_PORT=$DEAD_PORT/" "$TRIM_TOP/instances.d/far.env"
  printf '[client]\nuser=root\nhost=127.0.0.1\nport=%s\n' "$DEAD_PORT" >"$BATS_TEST_TMPDIR/prove.cnf"
  chmod 600 "$BATS_TEST_TMPDIR/prove.cnf"
  setting "PROVE_DB=$BATS_TEST_TMPDIR/prove.cnf"
  remember
  trim prove INSTANCE=far
  assert_one_line "database server 127.0.0.1" "Can't connect"
  assert_nothing_changed
}

@test "prove says that there is no space to unpack" {
  [ -z "$SMALL_DISK" ] || setting "WORK_DIR=$SMALL_DISK"
  remember
  trim_with_small_files prove INSTANCE=blog
  assert_one_line "blog_"
  [ -z "$SMALL_DISK" ] || assert_output_contains "no space to unpack it" "WORK_DIR"
}
