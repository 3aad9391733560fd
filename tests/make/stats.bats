# make stats: key figures of sites.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
}

@test "stats shows every site that is asked for" {
  trim stats INSTANCE=blog,wiki,far
  assert_success
  [[ ${lines[0]} == INSTANCE*VERSION*USERS*GROUPS*PAGES*DATABASE*TREE* ]] || fail "another heading"
  [ "$(awk 'NR > 2 {print $1, $2}' <<<"$output" | xargs)" = "blog 24.4 far 24.4 wiki 12.14" ] || fail "other rows"
}

@test "stats gives programs plain numbers" {
  trim stats INSTANCE=blog JSON=1
  assert_success
  assert_json "found[0]['pages'] == $(sql blog 'SELECT COUNT(*) FROM tiki_pages') and found[0]['tracker_items'] is None"
  trim stats INSTANCE=blog CSV=1
  assert_success
  [ "$(wc -l <<<"$output")" -eq 2 ] || fail "not one row"
  [[ ${lines[0]} == instance,version,users,* && ${lines[1]} == blog,24.4,* ]] || fail "another table"
}

@test "stats shows the other sites when one cannot be reached" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  trim stats INSTANCE=dead,blog
  assert_failure 4
  [[ $output == *"blog"*"24.4"* ]] || fail "blog is not shown"
  assert_output_contains "dead: cannot reach" "1 of 2 instances failed: dead"
}

@test "stats wants CSV as a switch" {
  trim stats INSTANCE=blog CSV=file.csv
  assert_failure 2
  assert_one_line "CSV=file.csv: expected 1, yes, on, or 0, no, off"
}
