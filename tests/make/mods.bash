# shellcheck shell=bash disable=SC2154  # BATS_TEST_TMPDIR
# What the .bats files of mods share: a collection of its own, with one mod that has a question, a file and SQL.

mods_collection() {
  load helper
  keep_registry
  mods="$BATS_TEST_TMPDIR/mods"
  setting "MODS_DIR=$mods"
  mkdir -p "$mods/Packages" "$mods/features/note"
  note 1.0 ""
  # shellcheck disable=SC2016  # a placeholder
  printf '<?php $title = "[:::[note_title]:::]";\n' >"$mods/features/note/sample:note.php"
}

# note REVISION MORE: writes the mod's control file.
note() {
  # shellcheck disable=SC2016  # the variable is the mod's
  printf '%s\n' 'revision:' "$1" '' 'licence:' 'LGPL' '' 'description:' 'Notes on a page' '' 'configuration:' \
    'Title,note_title,Notes' '' 'files:' 'features/note/sample:note.php lib/note.php' '' 'sql-install:' \
    "INSERT INTO tiki_preferences (name, value) VALUES ('feature_note', '\$note_title');" '' 'sql-remove:' \
    "DELETE FROM tiki_preferences WHERE name LIKE 'feature_note%';" '' "${@:2}" >"$mods/Packages/features-note.info.txt"
}

mods_end() {
  if [ -e "$TRIM_TOP/var/mods/blog/installed.json" ]; then
    make -sC "$TRIM_TOP" mods-remove INSTANCE=blog MOD='*' YES=1 </dev/null >/dev/null 2>&1 || true
  fi
  rm -rf "$TRIM_TOP/var/mods"
  put_back_registry
}

preference() {
  sql blog "SELECT value FROM tiki_preferences WHERE name = 'feature_note'"
}
