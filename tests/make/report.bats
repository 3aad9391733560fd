# make report: the page of all sites. What is on it is seen in a browser in tests/integration/test_report.py.

setup() {
  load helper
  keep_registry
}

teardown() {
  put_back_registry
  rm -rf "$TRIM_TOP"/var/report "$TRIM_TOP"/var/status/*.look.json
  sql blog "DELETE FROM tiki_pages WHERE pageName = 'TRIM report'; DELETE FROM tiki_history WHERE pageName = 'TRIM report'"
}

@test "report looks at all sites, writes a page of them and one for each, and puts the digest into a Tiki" {
  trim report PUSH=blog
  assert_success
  assert_output_contains "$TRIM_TOP/var/report/index.html" "blog: page TRIM report: created, version 1"
  [ "$(cd "$TRIM_TOP/var/report" && echo ./*)" = "./blog.html ./copy.html ./far.html ./index.html ./wiki.html" ]
  [ "$(stat -c %a "$TRIM_TOP/var/report")" = 700 ]
  grep -q 'free, [0-9]*%' "$TRIM_TOP/var/report/far.html"
  sql blog "SELECT data FROM tiki_pages WHERE pageName = 'TRIM report'" | grep -q '~np~far~/np~'
}

@test "report says what is wrong with its words, and in a dry run writes nothing" {
  trim report SEND=1 LOOK=no
  assert_failure 3
  assert_output_contains "report: conf/settings.env: MAIL_TO is not set"
  rm -r "$TRIM_TOP/var/report"
  trim report DRY=1 LOOK=no
  assert_success
  [ ! -e "$TRIM_TOP/var/report" ]
  trim report PAGE=x
  assert_failure 2
  assert_one_line "into which Tiki? PUSH=instance"
}
