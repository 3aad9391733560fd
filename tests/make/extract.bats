# make extract: takes files or one table out of an archive, or shows what it holds.

setup() {
  load helper
  keep_registry
  archive=$(archives_of blog | tail -n 1)
  dest=$BATS_TEST_TMPDIR/dest
  remember
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP/var/extracted"
}

@test "extract takes out a file, a folder by its own path, and a pattern, each as it is at the site" {
  trim extract INSTANCE=blog FILE=tiki-index.php "DEST=$dest"
  assert_success
  assert_output_contains "blog: tiki-index.php of $(basename "$archive"): 1 file" "in $dest, in"
  cmp "$SITES/blog/tiki-index.php" "$dest/tiki-index.php" >&2
  trim extract INSTANCE=blog ARCHIVE=1 "FILE=$SITES/blog-data/fgal" "DEST=$dest" JSON=1
  assert_success
  assert_json "found[0]['dest'] == '$dest' and found[0]['files'] > 0 and found[0]['has_index']"
  diff -r "$SITES/blog-data/fgal" "$dest/fgal" >&2
  trim extract INSTANCE=blog "FILE=tiki-*.php" "DEST=$dest/more"
  assert_success
  cmp "$SITES/blog/tiki-setup.php" "$dest/more/tiki-setup.php" >&2
  assert_nothing_changed
}

@test "extract says where things go when no folder is named, and overwrites only what it is told to" {
  trim extract INSTANCE=blog FILE=robots.txt
  assert_success
  local there
  there="$TRIM_TOP/var/extracted/$(basename "${archive%.tar.*}")"
  assert_output_contains "in $there, in"
  echo mine >"$there/robots.txt"
  trim extract INSTANCE=blog FILE=robots.txt
  assert_failure 9
  assert_one_line "$there/robots.txt: is there already. Nothing was written. To replace it: OVERWRITE=yes"
  [ "$(cat "$there/robots.txt")" = mine ]
  trim extract INSTANCE=blog FILE=robots.txt OVERWRITE=yes UNATTENDED=1
  assert_success
  assert_silent
  cmp "$SITES/blog/robots.txt" "$there/robots.txt" >&2
}

@test "extract gives one table as SQL that loads, or to the output" {
  trim extract INSTANCE=blog TABLE=tiki_pages DEST=-
  assert_success
  [ -z "$stderr" ] || fail "it speaks beside the SQL"
  sql mysql "CREATE DATABASE taken"
  mariadb --no-defaults --socket="$DB_SOCKET" --user=root taken <<<"$output"
  local pages
  pages=$(pages_of taken)
  sql mysql "DROP DATABASE taken"
  [ "$pages" = "$(pages_of blog)" ]
  trim extract INSTANCE=blog TABLE=tiki_page "DEST=$dest"
  assert_one_line "its dump has no table tiki_page; near is tiki_pages"
  assert_nothing_changed
}

pages_of() {
  sql "$1" "SELECT COUNT(*) FROM tiki_pages"
}

@test "extract lists what an archive holds" {
  trim extract INSTANCE=blog LIST=1 FILE=db
  assert_success
  [[ $output =~ -rw-r[w-]-{4}\ .*\ db/local.php ]] || fail "db/local.php is not listed"
  refute_output_contains tiki-index.php
  assert_nothing_changed
}

@test "extract says what is not in an archive, what is near, and what it needs to know" {
  trim extract INSTANCE=blog FILE=tiki-indx.php "DEST=$dest"
  assert_one_line "holds no tiki-indx.php; near is tiki-index.php"
  trim extract INSTANCE=blog FILE=/etc/passwd
  assert_one_line "FILE=/etc/passwd: is in none of the folders that the archive holds: $SITES/blog"
  trim extract INSTANCE=blog FILE=../x
  assert_one_line "FILE=../x: leads upwards"
  trim extract INSTANCE=blog
  assert_one_line "what is to be taken out? FILE=path" "TABLE=name" "LIST=1"
  trim extract INSTANCE=blgo FILE=x
  assert_one_line "there is no instance blgo (did you mean blog?)"
  assert_nothing_changed
  [ ! -e "$dest" ]
}
