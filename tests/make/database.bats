# make database: the database client with the site's own account.

setup() {
  load helper
}

@test "database answers a statement, at this machine and behind ssh" {
  local name
  for name in blog far; do
    trim database "INSTANCE=$name" "COMMAND=SELECT login, email FROM users_users WHERE login = 'ann'"
    assert_success
    [[ ${lines[2]} =~ ^ann\ +ann@example.org$ ]] || fail "another answer"
  done
}

@test "database answers programs in JSON" {
  trim database INSTANCE=blog "COMMAND=SELECT NULL n, 'NULL' t" JSON=1
  assert_success
  assert_json "found[0]['answers'] == [[{'n': None, 't': 'NULL'}]] and found[0]['database'] == 'blog'"
}

@test "database opens the client at a terminal" {
  run at_terminal '[[]far[]]> ' $'SELECT CONCAT("se", "en");\nquit\n' database INSTANCE=far V=1
  assert_success
  assert_output_contains "seen" "--defaults-file="
  refute_output_contains "$SITE_PASS"
}

@test "database without a terminal wants a command" {
  trim database INSTANCE=blog
  assert_failure 2
  assert_one_line "database: a database client without COMMAND= wants a terminal"
}

@test "database tells the server's fault in one line" {
  trim database INSTANCE=blog "COMMAND=SELECT nothing"
  assert_failure 6
  assert_one_line "blog: database blog" "Unknown column 'nothing'"
}

@test "database in a dry run runs no statement" {
  remember_databases
  remember
  trim database INSTANCE=blog "COMMAND=DELETE FROM tiki_pages" DRY=1
  assert_success
  assert_output_contains "would: "
  assert_nothing_changed
}
