# make restore: makes a site what an archive says.

setup() {
  load helper
  keep_registry
  remember
  remember_databases
}

teardown() {
  put_back_registry
}

# Takes the copy back to a blank.
empty_copy() {
  rm -rf "$SITES/copy" "$SITES/copy-data"
  sql mysql "DROP DATABASE copy; CREATE DATABASE copy"
}

pages_of() {
  sql "$1" "SELECT COUNT(*) FROM tiki_pages"
}

@test "restore makes a blank what another site was, and a second time with an archive for safety" {
  trim restore INSTANCE=copy FROM=blog
  assert_success
  assert_output_contains "copy: $(basename "$(archives_of blog | tail -n 1)") is whole, 33 tables" "copied" \
    "copy: is what blog_" "tiki_preferences fgal_use_dir: $SITES/blog-data/fgal/ is now $SITES/copy-data/fgal/"
  diff -r --no-dereference -x temp -x local.php "$SITES/blog" "$SITES/copy" >&2
  [ "$(pages_of copy)" = "$(pages_of blog)" ]

  echo "only here" >"$SITES/copy/files/mine.txt"
  trim restore INSTANCE=copy FROM=blog ARCHIVE=1 JSON=1
  assert_success
  assert_json "found[0]['instance'] == 'copy' and found[0]['safety'].startswith('copy_')"
  [ ! -e "$SITES/copy/files/mine.txt" ] || fail "what the archive does not hold is still there"
  tar -tf "$(archives_of copy)" | grep -q files/mine.txt
}

@test "restore asks for nothing unattended, and says nothing when all is well" {
  empty_copy
  trim restore INSTANCE=copy FROM=wiki UNATTENDED=1
  assert_success
  assert_silent
  [ "$(pages_of copy)" = "$(pages_of wiki)" ]
}

@test "restore brings a site back to what it was" {
  trim backup INSTANCE=blog
  local pages
  pages=$(pages_of blog)
  remember
  remember_databases
  rm -r "$SITES/blog/files/odd names"
  sql blog "DELETE FROM tiki_pages; CREATE TABLE left_over (x INT)"
  trim restore INSTANCE=blog
  assert_success
  assert_output_contains "blog: what was there is in blog_"
  [ "$(pages_of blog)" = "$pages" ]
  [ -e "$SITES/blog/files/odd names/-rf.txt" ]
  databases | diff "$BATS_TEST_TMPDIR/databases" - >&2
  [[ $(visit "$BLOG_URL") == 200* ]]
}

@test "restore leaves alone what is equal whatever its times say, and with FULL=1 loads equal tables too" {
  trim backup INSTANCE=blog
  local tampered="$SITES/blog/files/odd names/-rf.txt" before
  before=$(cat "$tampered"; stat -c %y "$tampered")
  touch -r "$tampered" "$BATS_TEST_TMPDIR/time"
  tr 'a-z' 'b-za' <"$tampered" >"$BATS_TEST_TMPDIR/text"
  cat "$BATS_TEST_TMPDIR/text" >"$tampered"
  touch -r "$BATS_TEST_TMPDIR/time" "$tampered"
  trim restore INSTANCE=blog SAFETY=no
  assert_success
  assert_output_contains "blog: $SITES/blog: 1 files" "were equal"
  [ "$(cat "$tampered"; stat -c %y "$tampered")" = "$before" ] || fail "what was changed unseen is still there"
  trim restore INSTANCE=blog SAFETY=no FULL=1
  assert_success
  assert_output_contains "blog: $SITES/blog: 0 files, 0 Bytes copied"
  [[ $output != *"were equal"* ]] || fail "tables were not loaded"
  trim restore INSTANCE=blog FULL=perhaps
  assert_one_line "FULL=perhaps: expected 1, yes, on, or 0, no, off"
}

@test "restore in a dry run shows what it would do and changes nothing" {
  trim restore INSTANCE=far DRY=1
  assert_success
  assert_output_contains "is what its sha256 says" "would: archive what is in $FAR_SITES/far" \
    "would: empty database far, which holds 33 tables" "would: take the maintenance page away"
  assert_nothing_changed
}

@test "restore refuses a guarded site without its name as CONFIRM, and changes nothing" {
  local key
  for key in PROTECTED=yes STAGE=production; do
    cp "$BATS_TEST_TMPDIR/instances.d/wiki.env" "$TRIM_TOP/instances.d"
    echo "$key" >>"$TRIM_TOP/instances.d/wiki.env"
    remember
    trim restore INSTANCE=wiki
    assert_failure 9
    assert_one_line "wiki: is guarded" "Nothing was changed. If that is meant: CONFIRM=wiki"
    CONFIRM=wiki trim restore INSTANCE=wiki CONFIRM=yes
    assert_one_line "wiki: is guarded"
    assert_nothing_changed
  done
}

@test "restore overwrites a guarded site when CONFIRM says its name; SAFETY=no says loudly that there is no way back" {
  echo STAGE=production >>"$TRIM_TOP/instances.d/wiki.env"
  trim restore INSTANCE=wiki CONFIRM=wiki SAFETY=no
  assert_success
  assert_output_contains "wiki: is what wiki_"
  [ "$stderr" = "warning: wiki: SAFETY=no: what is there now will be gone, with no way back" ] || fail "not loud"
}

@test "restore refuses a source that is unknown, or has no archive" {
  trim restore INSTANCE=copy FROM=nowhere
  assert_one_line "nowhere" "known: blog, copy, far, wiki"
  register bare "${bare[@]}" "WEB_ROOT=$FAR_SITES/none"
  remember
  trim restore INSTANCE=copy FROM=bare
  assert_one_line "bare: has no archive yet. Next: make backup INSTANCE=bare"
  trim restore INSTANCE=copy FROM=../blog
  assert_one_line "'../blog' is no instance name"
  assert_nothing_changed
}

@test "restore takes one site that is known, and never asks without a terminal" {
  trim restore
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim restore INSTANCE=blgo
  assert_one_line "there is no instance blgo (did you mean blog?); known: blog, copy, far, wiki"
  trim restore INSTANCE=all
  assert_one_line "there is no instance all"
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim restore 'INSTANCE=$(shell touch x)'
  assert_one_line "is no instance name"
  assert_nothing_changed
}

@test "restore refuses an archive that is damaged, cut, or of another kind, before it touches the site" {
  local strange="$BATS_TEST_TMPDIR/blog_2020-01-01_00-00-00.tar.bz2"
  echo "this is a text" >"$strange"
  trim restore INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "is unverifiable" "UNVERIFIED=yes"
  trim restore INSTANCE=blog "ARCHIVE=$strange" UNVERIFIED=yes
  assert_failure 7
  assert_output_contains "cannot be unpacked"
  tar -cjf "$strange" -C "$(dirname "$NO_TIKI")" "$(basename "$NO_TIKI")"
  (cd "$BATS_TEST_TMPDIR" && sha256sum "$(basename "$strange")" >"$strange.sha256")
  trim restore INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "is no backup of an instance"
  printf '\x01' | dd of="$strange" bs=1 seek=50 conv=notrunc status=none
  trim restore INSTANCE=blog "ARCHIVE=$strange"
  assert_one_line "is damaged: its sha256 differs from the one beside it"
  assert_nothing_changed
}

@test "restore wants an archive that is there" {
  trim restore INSTANCE=blog ARCHIVE=99
  assert_one_line "blog: there is no archive number 99"
  trim restore INSTANCE=blog ARCHIVE=blog_2020-01-01_00-00-00.tar.bz2
  assert_one_line "blog: there is no archive blog_2020" "Next: make archives INSTANCE=blog"
  assert_nothing_changed
}

@test "restore says that the target's host cannot be reached, or is not the one on record" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/dead"
  remember
  trim restore INSTANCE=dead FROM=blog
  assert_failure 4
  assert_output_contains "cannot reach $SSH_USER@127.0.0.1 on port $DEAD_PORT"
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  remember
  trim restore INSTANCE=far
  assert_failure 4
  assert_output_contains "is not the one on record"
  assert_nothing_changed
}

@test "restore says that the target's database refuses its password, or is the one of the source" {
  register locked "WEB_ROOT=$LOCKED"
  remember
  trim restore INSTANCE=locked FROM=wiki
  assert_failure 6
  assert_output_contains "the server refuses the account or its password"
  register twin "WEB_ROOT=$EMPTY" "DB_HOST=$PLACE_HOST" DB_NAME=blog DB_USER=blog "DB_PASS='p#a\"s\\\\\\'\$= x'"
  remember
  trim restore INSTANCE=twin FROM=blog
  assert_failure 9
  assert_output_contains "which would be gone. Nothing was changed"
  trim restore INSTANCE=twin FROM=blog CONFIRM=twin
  assert_failure 9
  assert_output_contains "its database blog is also the one of blog, which would be overwritten. Nothing was changed"
  assert_nothing_changed
}

@test "restore says that the target names no database" {
  register nowhere "WEB_ROOT=$EMPTY"
  remember
  trim restore INSTANCE=nowhere FROM=blog
  assert_failure 3
  assert_output_contains "nowhere: no database is known" "add DB_HOST, DB_NAME, DB_USER and DB_PASS"
  assert_nothing_changed
}

@test "restore says that there is no space, and changes nothing" {
  [ -z "$SMALL_DISK" ] || setting "WORK_DIR=$SMALL_DISK"
  remember
  trim_with_small_files restore INSTANCE=blog
  assert_one_line "blog_"
  assert_nothing_changed
}

@test "restore says where an env file is wrong, which switch is none, and which variable is unknown" {
  trim restore INSTANCE=blog SAFETY=perhaps
  assert_one_line "SAFETY=perhaps: expected 1, yes, on, or 0, no, off"
  trim restore INSTANCE=blog FORM=wiki
  assert_one_line "FORM= is not a variable of make restore (did you mean FROM?)"
  echo "STAGE=live" >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim restore INSTANCE=blog
  assert_one_line "instances.d/blog.env:$(wc -l <"$TRIM_TOP/instances.d/blog.env"): STAGE: expected"
  assert_nothing_changed
}
