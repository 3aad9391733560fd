# make blank: registers a folder and an empty database, to restore or clone into.

setup() {
  load helper
  keep_registry
  remember
  export DB_HOST=$PLACE_HOST DB_NAME=$PLACE_NAME DB_USER=$PLACE_USER DB_PASS=$PLACE_PASS
}

teardown() {
  put_back_registry
}

@test "blank registers an empty folder and an empty database, and says what comes next" {
  trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_success
  assert_output_contains "$EMPTY is empty; database place is empty" "Next: make restore INSTANCE=new FROM=..."
  [ "$(stat -c %a "$TRIM_TOP/instances.d/new.env")" = 600 ]
}

@test "blank registers a folder that restore is to make, also behind ssh" {
  trim blank NAME=new "${far[@]}" "WEB_ROOT=$FAR_SITES/none"
  assert_success
  assert_output_contains "not there yet; restore makes it"
  [ ! -e "$FAR_SITES/none" ]
}

@test "blank keeps every character of the password, and shows it to nobody" {
  trim blank NAME=new "WEB_ROOT=$EMPTY" V=1
  assert_success
  refute_output_contains "$PLACE_PASS"
  "$TRIM_TOP/.venv/bin/python" -c 'import os, sys; from dotenv import dotenv_values
sys.exit(dotenv_values(sys.argv[1], interpolate=False)["DB_PASS"] != os.environ["DB_PASS"])' \
    "$TRIM_TOP/instances.d/new.env"
}

@test "blank says nothing when it is unattended and all is well" {
  trim blank NAME=new "WEB_ROOT=$EMPTY" UNATTENDED=1
  assert_success
  assert_silent
}

@test "blank in a dry run writes nothing" {
  trim blank NAME=new "WEB_ROOT=$EMPTY" DRY=1
  assert_success
  refute_output_contains "wrote"
  refute_output_contains "registered"
  assert_nothing_changed
}

@test "blank takes database keys from the environment, and no other key" {
  NAME=ambient WEB_ROOT=/ambient trim blank NAME=new
  assert_one_line "WEB_ROOT= is missing"
  assert_nothing_changed
}

@test "blank refuses the password on make's command line" {
  trim blank NAME=new "WEB_ROOT=$EMPTY" DB_PASS=secret
  assert_one_line "DB_PASS= stands on make's command line" "DB_PASS=... make blank"
  refute_output_contains secret
  assert_nothing_changed
}

@test "blank refuses a folder that holds something" {
  trim blank NAME=new "WEB_ROOT=$NO_TIKI"
  assert_one_line "$NO_TIKI is not empty" "notes.txt" "make instance NAME=new"
  trim blank NAME=new "WEB_ROOT=$FRESH"
  assert_one_line "$FRESH is not empty" "make instance NAME=new"
  assert_nothing_changed
}

@test "blank refuses a database that holds something" {
  DB_NAME=blog DB_USER=blog trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "database blog is not empty" "33 tables"
  assert_nothing_changed
}

@test "blank refuses a place that another name means already" {
  trim blank NAME=new "WEB_ROOT=$SITES/copy"
  assert_one_line "is already registered as copy"
  assert_nothing_changed
}

@test "blank says that the password is wrong" {
  DB_PASS=wrong trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "the server refuses the account or its password"
  assert_nothing_changed
}

@test "blank says that there is no such database" {
  DB_NAME=nowhere trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "nowhere" "the account may not enter this database"
  assert_nothing_changed
}

@test "blank says that no database server answers" {
  DB_HOST="127.0.0.1:$DEAD_PORT" trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "the database server cannot be reached"
  assert_nothing_changed
}

@test "blank says which database keys are missing" {
  unset DB_NAME DB_USER DB_PASS
  trim blank NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "DB_NAME"
  assert_nothing_changed
}

@test "blank says that nobody listens at the host's port" {
  trim blank NAME=new "${far[@]}" "SSH_PORT=$DEAD_PORT" "WEB_ROOT=$FAR_SITES/none"
  assert_one_line "cannot reach $SSH_USER@127.0.0.1 on port $DEAD_PORT"
  assert_nothing_changed
}

@test "blank refuses a name with a slash, and an unknown variable" {
  trim blank NAME=../new "WEB_ROOT=$EMPTY"
  assert_one_line "'../new' is no instance name"
  trim blank NAME=new "WEBROOT=$EMPTY"
  assert_one_line "WEBROOT= is not a variable of make blank (did you mean WEB_ROOT?)"
  assert_nothing_changed
}
