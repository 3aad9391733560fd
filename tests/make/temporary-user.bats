# make temporary-user: a login for a helper that expires.

setup() {
  load helper
  sql blog "ALTER TABLE users_usergroups ADD IF NOT EXISTS created int, ADD IF NOT EXISTS expire int;
    ALTER TABLE users_groups ADD IF NOT EXISTS expireAfter int DEFAULT 0"
}

teardown() {
  sql blog "DELETE FROM users_usergroups WHERE expire IS NOT NULL; DELETE FROM users_users WHERE login LIKE 'helper%';
    ALTER TABLE users_usergroups DROP created, DROP expire; ALTER TABLE users_groups DROP expireAfter"
}

@test "temporary-user makes a login and tells its password once" {
  trim temporary-user INSTANCE=blog IN_GROUP=Admins DAYS=3 NAME=helper.anna
  assert_success
  [[ $output =~ "blog: login helper.anna, password "([A-Za-z0-9]{16})" " ]] || fail "no password"
  ! grep -r "${BASH_REMATCH[1]}" "$TRIM_TOP/var" || fail "the password stands in a file"
  [ "$(sql blog "SELECT expire - created FROM users_usergroups WHERE groupName = 'Admins' AND userId > 1")" = 259200 ]
}

@test "temporary-user removes one of its own, and nobody else's" {
  trim temporary-user INSTANCE=blog IN_GROUP=Admins NAME=helper.bob
  trim temporary-user INSTANCE=blog DROP=ann
  assert_failure 9
  assert_one_line "blog: ann is no login that make temporary-user made, and stays" "helper.bob"
  trim temporary-user INSTANCE=blog DROP=helper.bob
  assert_success
  [ "$(sql blog "SELECT GROUP_CONCAT(login ORDER BY login) FROM users_users WHERE login IN ('ann', 'helper.bob')")" = ann ]
}

@test "temporary-user removes those that are over" {
  trim temporary-user INSTANCE=blog IN_GROUP=Admins NAME=helper.old
  sql blog "UPDATE users_usergroups SET expire = 1 WHERE expire IS NOT NULL"
  trim temporary-user INSTANCE=blog DROP=expired
  assert_success
  assert_output_contains "blog: removed helper.old"
}

@test "temporary-user names the groups when one is not there" {
  trim temporary-user INSTANCE=blog IN_GROUP=Admin
  assert_failure 2
  assert_one_line "there is no group Admin to be in" "known: Admins, Registered"
}

@test "temporary-user wants to know which group" {
  trim temporary-user INSTANCE=blog
  assert_failure 2
  assert_one_line "IN_GROUP= is missing"
}

@test "temporary-user takes days as a number" {
  trim temporary-user INSTANCE=blog IN_GROUP=Admins DAYS=soon
  assert_failure 2
  assert_one_line "DAYS=soon: expected a whole number from 1 on"
}

@test "temporary-user in a dry run makes nothing" {
  remember_databases
  remember
  trim temporary-user INSTANCE=blog IN_GROUP=Admins DRY=1
  assert_success
  assert_output_contains "would: make the login helper-"
  assert_nothing_changed
}
