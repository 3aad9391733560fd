# make compare: in what two sites differ, or a site and an archive.

setup() {
  load helper
  keep_registry
  archive=$(archives_of blog | tail -n 1)
  remember
}

teardown() {
  put_back_registry
  rm -rf "$SITES/blog/themes/came" "$TRIM_TOP/var/reports"
}

@test "compare finds nothing between a site and the archive that was just made of it" {
  trim backup INSTANCE=blog
  assert_success
  remember
  remember_databases
  trim compare A=blog B=blog@latest
  assert_success
  assert_output_contains "files: the same" "tables and columns: the same" "rows: the same" "preferences: the same"
  assert_nothing_changed
}

@test "compare tells of findings in a summary, ends as with findings, and touches neither side" {
  mkdir "$SITES/blog/themes/came"
  echo '<b>here</b>' >"$SITES/blog/themes/came/x.css"
  remember
  remember_databases
  trim compare A=far B=blog DIFF=themes/came/x.css
  assert_failure 10
  assert_output_contains "files: " "  added: themes/came: folder, with 1 in it" "+<b>here</b>" "expected: "
  [[ $stderr == "compare: far and blog: "*" difference"* ]] || fail "not told as findings"
  assert_nothing_changed
}

@test "compare gives programs one document, and people a page that is theirs alone" {
  mkdir "$SITES/blog/themes/came"
  trim compare A=far B=blog JSON=1 HTML=1 UNATTENDED=1
  assert_failure 10
  assert_json "('files', 'added', 'themes/came') in [(one['section'], one['what'], one['name']) for one in found[0]['differences']]"
  page=$(python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["page"])' <<<"$output")
  [ "$(stat -c %a "$page")" = 600 ] || fail "others may read the page"
  grep -q '<title>far and blog</title>' "$page"
}

@test "compare in a dry run compares living sites, and only tells of an archive" {
  trim compare A=blog "B=blog@$(basename "$archive")" DRY=1
  assert_success
  assert_output_contains "would: read $(basename "$archive")"
  trim compare A=far B=blog DRY=1 HTML=1
  assert_output_contains "would: " "files: "
  assert_nothing_changed
}

@test "compare refuses a side that is missing, unknown, or the other one" {
  trim compare A=blog
  assert_one_line "B= is missing" "blog@latest" "known: blog, copy, far, wiki"
  trim compare A=blgo B=blog
  assert_one_line "there is no instance blgo (did you mean blog?)"
  trim compare A=blog B=blog
  assert_one_line "A and B are both blog: nothing can differ" "make compare A=blog B=blog@latest"
  trim compare A=blog@1 B=blog@latest
  assert_one_line "A and B are both blog@"
  trim compare A=blog B=blog@99
  assert_one_line "there is no archive number 99"
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim compare A=blog 'B=$(shell touch x)'
  assert_one_line 'is no instance name'
  assert_nothing_changed
}

@test "compare refuses a file, a table and a variable that are none" {
  trim compare A=far B=blog DIFF=robot.txt
  assert_one_line "DIFF=robot.txt: neither side has such a file"
  trim compare A=far B=blog TABLE=tiki_page
  assert_one_line "TABLE=tiki_page: neither side has such a table"
  trim compare A=far B=blog EXPECTED=maybe
  assert_one_line "EXPECTED=maybe: expected 1, yes, on, or 0, no, off"
  trim compare A=far B=blog TABEL=all
  assert_one_line "TABEL= is not a variable of make compare (did you mean TABLE?)"
  assert_nothing_changed
}

@test "compare tells a host that is not reached as a fault and not as a finding" {
  sed -i "s/^SSH_PORT=.*/SSH_PORT=$DEAD_PORT/" "$TRIM_TOP/instances.d/far.env"
  remember
  trim compare A=blog B=far
  assert_failure 4
  assert_one_line "compare: far: cannot reach"
  assert_nothing_changed
}

@test "compare asks at a terminal for the sides that were not given" {
  run at_terminal "Side A" $'1\n' compare B=wiki DRY=1
  assert_output_contains "1) blog" "blog (A) and wiki (B)"
}
