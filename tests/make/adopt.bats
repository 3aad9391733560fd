# make adopt: the data folder of TRIM or Tiki Manager becomes a registry of ours.

setup() {
  load helper
  keep_registry
  OLD=$BATS_TEST_TMPDIR/old
  PYTHONPATH=$BATS_TEST_DIRNAME/../.. python3 -c '
import sys
from pathlib import Path
from tests.lab.old_manager import everybody
everybody(Path(sys.argv[1]), int(sys.argv[2]))' "$OLD" 20
  # The house has a blog of its own: the old one is another site.
  sqlite "UPDATE instance SET name = 'News' WHERE instance_id = 1"
  sqlite "UPDATE instance SET name = 'news' WHERE instance_id = 3"
  mv "$OLD/backup/archive/1-Blog" "$OLD/backup/archive/1-News"
  for path in "$OLD"/backup/archive/1-News/*; do mv "$path" "${path/1-Blog_/1-News_}"; done
  remember
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP"/var/archives/{news,news-2,oharas-wiki}
}

sqlite() {
  python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as one: one.execute(sys.argv[2])' "$OLD/data/trim.db" "$1"
}

# Everything of the old manager, to the byte.
old_state() {
  find "$OLD" -printf '%p %m %s %T@\n' | sort
  find "$OLD" -type f -print0 | sort -z | xargs -0 sha256sum
}

@test "adopt takes every instance it can reach, and says what it leaves" {
  local before
  before=$(old_state)
  trim adopt "FROM=$OLD"
  assert_failure 10
  assert_output_contains "schema 20, 4 instances" "O'Hara's Wiki" "2 of 2" \
    "not taken: instance 4 (Shop): was reached by ftp" "1-forgotten: archives of another instance (1)" \
    "could not be taken"
  [ "$before" = "$(old_state)" ] || fail "the old folder changed"
  trim instances JSON=1
  assert_json "{'news', 'news-2', 'oharas-wiki'} < {one['name'] for one in found}"
  grep -q "^PROTECTED=yes" "$TRIM_TOP/instances.d/news.env" || fail "its tag did not protect it"
  [ "$(stat -c %a "$TRIM_TOP/instances.d/news.env")" = 600 ] || fail "others may read the env file"
}

@test "adopted archives are foreign ones that a restore takes by their number" {
  trim adopt "FROM=$OLD"
  trim archives INSTANCE=news
  assert_success
  assert_output_contains "news_2024-06-01_02-00-00.tar.bz2" "foreign"
  trim prove INSTANCE=news ARCHIVE=2
  assert_failure 7
  assert_output_contains "news_2024-05-01_02-00-00.tar.bz2: is unverifiable" "UNVERIFIED=yes"
}

@test "an adopted archive of a whole site is good for a restore" {
  local tar=$BATS_TEST_TMPDIR/site.tar place=$OLD/backup/archive/1-News
  zstd -qdc "$(archives_of blog | head -1)" >"$tar"
  tar --delete -f "$tar" blog/trim-manifest.json blog/trim-files.sha256   # the old managers knew neither
  bzip2 -c "$tar" >"$place/1-News_2024-07-01_02-00-00.tar.bz2"
  trim adopt "FROM=$OLD"
  trim prove INSTANCE=news ARCHIVE=1 UNVERIFIED=yes
  assert_success
  assert_output_contains "news_2024-07-01_02-00-00.tar.bz2"
}

@test "adopt called twice doubles nothing" {
  trim adopt "FROM=$OLD/data"
  remember
  trim adopt "FROM=$OLD/data/trim.db"
  assert_failure 10
  [ "$(grep -c "there already" <<<"$output")" -eq 3 ] || fail "not said of each"
  assert_nothing_changed
}

@test "adopt shows in a dry run what it would do" {
  trim adopt "FROM=$OLD" DRY=1
  assert_failure 10
  assert_output_contains "would be taken" "would: [manager] write" "instances.d/oharas-wiki.env"
  assert_nothing_changed
}

@test "adopt keeps an instance of ours that has the name of another site" {
  sqlite "UPDATE instance SET name = 'blog' WHERE instance_id = 3"
  trim adopt "FROM=$OLD"
  assert_failure 10
  assert_output_contains "instance 3 (blog): instances.d/blog.env is there already and means another site"
}

@test "adopt leaves no half archive on a full disk, and brings it when there is room" {
  [ -n "$SMALL_DISK" ] || SMALL_DISK=/dev/shm/trim-adopt.$$
  mkdir -p "$SMALL_DISK"
  head -c 200000 /dev/urandom >>"$OLD/backup/archive/1-News/1-News_2024-06-01_02-00-00.tar.bz2"
  setting "ARCHIVES_DIR=$SMALL_DISK"
  trim_with_small_files adopt "FROM=$OLD"
  assert_failure 10
  assert_output_contains "not taken: news: " "1 of 2"
  [ "$(find "$SMALL_DISK/news" -type f -printf '%f\n')" = news_2024-05-01_02-00-00.tar.bz2 ] || fail "something half"
  setting ARCHIVES_DIR=var/archives
  rm -rf "${SMALL_DISK:?}"/{news,oharas-wiki}
  trim adopt "FROM=$OLD"
  [ "$(archives_of news | wc -l)" -eq 2 ] || fail "the rest did not come"
}

@test "adopt tells programs all in one document" {
  trim adopt "FROM=$OLD" JSON=1
  assert_failure 10
  assert_json "[row['instance'] for row in found[0]['instances']] == ['news', 'oharas-wiki', 'news-2', '']"
  assert_json "len(found[0]['not_taken']) == 3"
}

@test "adopt says in one line what is wrong with the call" {
  trim adopt
  assert_one_line "FROM= is missing"
  trim adopt FROM=/nowhere
  assert_one_line "FROM=/nowhere: there is no /nowhere/data/trim.db and no /nowhere/trim.db"
  trim adopt "FROM=$OLD" ARCHIVES=/nowhere
  assert_one_line "ARCHIVES=/nowhere: there is no such folder"
  trim adopt "FROM=$OLD" INSTANCE=blog
  assert_one_line "INSTANCE= is not a variable of make adopt"
  assert_nothing_changed
}

@test "adopt says in one line what is wrong with the old database" {
  sqlite "DROP TABLE access"
  trim adopt "FROM=$OLD"
  assert_one_line "it has no table access (schema 20; known are 1 to 20). Nothing was written"
  echo "no database" >"$OLD/data/trim.db"
  trim adopt "FROM=$OLD"
  assert_one_line "file is not a database"
  assert_nothing_changed
}
