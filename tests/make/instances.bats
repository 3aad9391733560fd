# make instances: the table of all sites.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "instances shows every site with its last archive" {
  trim instances
  assert_success
  [[ ${lines[0]} == NAME*ACCESS*URL*VERSION*STAGE*"LAST ARCHIVE"*AGE*PROOF ]] || fail "another heading"
  [ "$(awk 'NR > 2 {print $1}' <<<"$output" | xargs)" = "blog copy far wiki" ] || fail "other sites"
  assert_output_contains "ssh 127.0.0.1" "12.14" "24.4" "$BLOG_URL"
  assert_nothing_changed
}

@test "list is another name of instances" {
  trim instances INSTANCE=copy
  local table=$output
  trim list INSTANCE=copy
  assert_success
  [ "$output" = "$table" ] || fail "another table"
}

@test "instances tells programs all it knows" {
  trim instances JSON=1
  assert_success
  [ -z "$stderr" ] || fail "it speaks beside the document"
  assert_json "[one['name'] for one in found] == ['blog', 'copy', 'far', 'wiki']"
  assert_json "found[0]['web_root'] == '$SITES/blog' and found[0]['last_archive'] and not found[1]['last_archive']"
}

@test "instances takes a comma list, a glob and a tag" {
  echo TAGS=museum,old >>"$TRIM_TOP/instances.d/wiki.env"
  trim instances "INSTANCE=b*, copy,tag:old" JSON=1
  assert_success
  assert_json "[one['name'] for one in found] == ['blog', 'copy', 'wiki']"
}

@test "instances says what to do when there is no site yet" {
  rm "$TRIM_TOP"/instances.d/*.env
  trim instances
  assert_success
  assert_output_contains "Next: make instance NAME="
  trim instances JSON=1
  assert_json "found == []"
}

@test "instances is silent when it is unattended" {
  trim instances UNATTENDED=1
  assert_success
  assert_silent
}

@test "instances shows the other sites beside one whose env file is wrong" {
  echo WEB_ROT=/srv >>"$TRIM_TOP/instances.d/blog.env"
  trim instances
  assert_success
  assert_output_contains "instances.d/blog.env:" "WEB_ROT is not a known key (did you mean WEB_ROOT?)" "wiki"
}

@test "instances names the known sites when one is unknown" {
  trim instances INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?); known: blog, copy, far, wiki"
  trim instances 'INSTANCE=x*'
  assert_one_line "INSTANCE=x* selects nothing; known: blog"
  trim instances INSTANCE=tag:none
  assert_one_line "INSTANCE=tag:none selects nothing"
}

@test "instances refuses names that are none, and variables it does not know" {
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim instances 'INSTANCE=$(shell touch x)'
  assert_one_line "is no instance name"
  trim instances INSTANCE=../blog
  assert_one_line "'../blog' is no instance name"
  trim instances KEEP=1
  assert_one_line "KEEP= is not a variable of make instances"
  trim instances JSON=perhaps
  assert_one_line "JSON=perhaps: expected 1, yes, on, or 0, no, off"
  assert_nothing_changed
}

@test "instances does not accept wrong settings" {
  echo KEPP=7 >>"$TRIM_TOP/conf/settings.env"
  trim instances
  assert_one_line "conf/settings.env:" "KEPP is not a known key (did you mean KEEP?)"
}
