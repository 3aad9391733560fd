# make backup: one verified archive of a whole instance.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

newest_of() {
  archives_of "$1" | tail -n 1
}

@test "backup makes an archive that bystander tools check and open" {
  trim backup INSTANCE=blog
  assert_success
  local archive
  archive=$(newest_of blog)
  assert_output_contains "blog: $(basename "$archive")" "verified"
  (cd "$(dirname "$archive")" && sha256sum --quiet -c "$(basename "$archive").sha256")
  tar -tf "$archive" | grep -qx blog/database_dump.sql
  [ "$(stat -c %a "$archive" "$(dirname "$archive")" | xargs)" = "600 700" ]
}

@test "backup of several sites side by side tells programs of each archive" {
  trim backup INSTANCE=far,wiki JOBS=2 JSON=1
  assert_success
  assert_json "[one['instance'] for one in found] == ['far', 'wiki'] and all(one['verified'] for one in found)"
}

@test "backup obeys COMPRESS, NO_INDEX, EXCLUDE with blanks and quotes, and KEEP" {
  trim backup INSTANCE=blog COMPRESS=bz2 NO_INDEX=yes KEEP=1 "EXCLUDE=files/odd names/it's \"quoted\".txt, img/wiki_up"
  assert_success
  assert_output_contains "older dropped"
  [[ $(archives_of blog) == *.tar.bz2 ]] || fail "not one archive, packed as bz2"
  local files
  files=$(tar -tf "$(newest_of blog)")
  [[ $files == *"odd names/with space.txt"* && $files != *"it's"* && $files != *img/wiki_up/* ]] || fail "$files"
}

@test "backup says nothing when it is unattended and all is well" {
  trim backup INSTANCE=blog UNATTENDED=1
  assert_success
  assert_silent
}

@test "backup shows its commands with V=1, and never the password" {
  trim backup INSTANCE=blog V=1
  assert_success
  assert_output_contains "+ [blog] "
  refute_output_contains "$SITE_PASS"
}

@test "backup in a dry run shows what it would do and changes nothing" {
  trim backup INSTANCE=blog,far DRY=1
  assert_success
  assert_output_contains "would: pack $SITES/blog" "would: dump database blog, 33 tables" "would: pack $FAR_SITES/far"
  assert_nothing_changed
}

@test "backup of several sites does the others when some fail, and fails at the end" {
  register locked "WEB_ROOT=$LOCKED"
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  local before
  before=$(newest_of blog)
  trim backup "INSTANCE=locked,dead,b*"
  assert_failure 6
  assert_output_contains "cannot reach" "the server refuses the account" "2 of 3 instances failed: dead, locked"
  [ "$(newest_of blog)" != "$before" ] || fail "blog has no new archive"
}

@test "backup wants to know which site, and names the known ones" {
  trim backup
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim backup INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?); known: blog, copy, far, wiki"
  assert_nothing_changed
}

@test "backup refuses names that are none" {
  local name
  # shellcheck disable=SC2016  # make would expand it, not this shell
  for name in ../blog '$(shell touch x)' --all; do
    trim backup "INSTANCE=$name"
    assert_one_line "is no instance name"
  done
  assert_nothing_changed
}

@test "backup refuses values of the wrong kind and variables it does not know" {
  trim backup INSTANCE=blog KEEP=x
  assert_one_line "KEEP=x: expected a whole number from 1 on"
  trim backup INSTANCE=blog KEEP=0
  assert_one_line "KEEP=0: expected a whole number from 1 on"
  trim backup INSTANCE=blog COMPRESS=gz
  assert_one_line "COMPRESS=gz: expected bz2 or zst"
  trim backup INSTANCE=blog NO_INDEX=maybe
  assert_one_line "NO_INDEX=maybe: expected 1, yes, on, or 0, no, off"
  trim backup INSTANCE=blog KEPP=7
  assert_one_line "KEPP= is not a variable of make backup (did you mean KEEP?)"
  assert_nothing_changed
}

@test "backup says where an env file has a bad line, and where a key stands twice" {
  echo "WEB_ROOT /srv" >>"$TRIM_TOP/instances.d/blog.env"
  trim backup INSTANCE=blog
  assert_one_line "instances.d/blog.env:$(wc -l <"$TRIM_TOP/instances.d/blog.env"): not a KEY=value line"
  echo WEB_ROOT=/srv >>"$TRIM_TOP/instances.d/wiki.env"
  remember
  trim backup INSTANCE=wiki
  assert_one_line "instances.d/wiki.env:$(wc -l <"$TRIM_TOP/instances.d/wiki.env"): WEB_ROOT stands here again"
  assert_nothing_changed
}

@test "backup says that nobody listens at the host's port" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  remember
  trim backup INSTANCE=dead
  assert_one_line "cannot reach $SSH_USER@127.0.0.1 on port $DEAD_PORT" "Connection refused"
  assert_nothing_changed
}

@test "backup refuses a host whose key is not the one on record" {
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  remember
  trim backup INSTANCE=far
  assert_one_line "the host key of [127.0.0.1]:$SSH_PORT is not the one on record"
  assert_nothing_changed
}

@test "backup says that the database refuses the site's password" {
  register locked "WEB_ROOT=$LOCKED"
  remember
  trim backup INSTANCE=locked
  assert_one_line "the server refuses the account or its password"
  refute_output_contains "$SITE_PASS"
  assert_nothing_changed
}

@test "backup says which program the host lacks" {
  register bare "${bare[@]}" "WEB_ROOT=$FAR_SITES/far"
  remember
  trim backup INSTANCE=bare
  assert_one_line "bare: there is no program mariadb-dump or mysqldump" "apt install mariadb-client"
  assert_nothing_changed
}

@test "backup works without the PHP that the env file names" {
  echo PHP=php9.9 >>"$TRIM_TOP/instances.d/far.env"
  trim backup INSTANCE=far
  assert_success
}

@test "backup says that there is no space before it begins" {
  remember
  trim_without_space backup INSTANCE=blog
  assert_one_line "blog"
  [ -z "$SMALL_DISK" ] || assert_output_contains "no space" "ARCHIVES_DIR"
  cp -a "$BATS_TEST_TMPDIR/settings.env" "$TRIM_TOP/conf"
  assert_nothing_changed
}

@test "backup leaves nothing behind when the disk fills up half-way" {
  trim_with_small_files backup INSTANCE=blog
  assert_one_line "File too large"
  assert_nothing_changed
}

@test "backup refuses a site that is no Tiki any more, and passes a blank over" {
  register other "WEB_ROOT=$NO_TIKI"
  remember
  trim backup INSTANCE=other
  assert_one_line "this is not a Tiki" "notes.txt"
  trim backup INSTANCE=copy
  assert_success
  assert_output_contains "copy: is a blank: there is nothing to back up yet"
  assert_nothing_changed
}

@test "backup drops nothing while another env file cannot be read, and says so" {
  local before
  before=$(archives_of blog | wc -l)
  echo "NONSENSE" >"$TRIM_TOP/instances.d/broken.env"
  trim backup INSTANCE=blog KEEP=1
  rm "$TRIM_TOP/instances.d/broken.env"
  assert_success
  assert_output_contains "blog: no older archive is dropped" "broken.env:1"
  [ "$(archives_of blog | wc -l)" -eq $((before + 1)) ] || fail "an archive is gone"
}
