# make instance: takes over a living Tiki, writes one env file here and nothing there.

setup() {
  load helper
  keep_registry
  remember
}

teardown() {
  put_back_registry
}

@test "instance takes over a Tiki and shows what it found" {
  trim instance NAME=new "WEB_ROOT=$FRESH" STAGE=test
  assert_success
  assert_output_contains "Tiki 24.4" "in $FRESH" "PHP 8" "database fresh on" "tables" "data folder" "(preference fgal_use_dir)" \
    "Next: make backup INSTANCE=new"
  [ "$(stat -c %a "$TRIM_TOP/instances.d/new.env")" = 600 ]
  grep -qx "WEB_ROOT=$FRESH" "$TRIM_TOP/instances.d/new.env"
  grep -qx "STAGE=test" "$TRIM_TOP/instances.d/new.env"
}

@test "instance writes the new env file and nothing else" {
  trim instance NAME=new "WEB_ROOT=$FRESH"
  rm "$TRIM_TOP/instances.d/new.env"
  assert_nothing_changed
}

@test "instance neither shows nor keeps the password it found" {
  trim instance NAME=new "WEB_ROOT=$FRESH" V=1
  assert_success
  refute_output_contains "$SITE_PASS"
  run ! grep -rqFf <(printf '%s' "$SITE_PASS") "$TRIM_TOP/instances.d" "$TRIM_TOP/var/logs"
}

@test "instance takes over a site behind ssh, where SSH_HOST alone means ACCESS=ssh" {
  rm "$TRIM_TOP/instances.d/far.env"
  trim instance NAME=there "${far[@]:1}" "WEB_ROOT=$FAR_SITES/far"
  assert_success
  grep -qx ACCESS=ssh "$TRIM_TOP/instances.d/there.env"
}

@test "instance takes over a site without the PHP that was named, and says so" {
  trim instance NAME=new "WEB_ROOT=$FRESH" PHP=php9.9
  assert_success
  assert_output_contains "PHP was not found"
}

@test "instance keeps quotes, blanks, dollars and dashes of a value" {
  local odd="$BATS_TEST_TMPDIR/--it's \"a\" \$(touch x) \`touch x\` #1 \\ site"
  ln -s "$FRESH" "$odd"
  trim instance NAME=new "WEB_ROOT=$odd" "CONTACT=-- O'Neil \$HOME"
  assert_success
  assert_output_contains "in $odd"
  trim instances INSTANCE=new JSON=1
  assert_json "found[0]['web_root'].endswith('--it\\'s \"a\" \$(touch x) \`touch x\` #1 \\\\ site')"
}

@test "instance says nothing when it is unattended and all is well" {
  trim instance NAME=new "WEB_ROOT=$FRESH" UNATTENDED=1
  assert_success
  assert_silent
  [ -e "$TRIM_TOP/instances.d/new.env" ]
}

@test "instance in a dry run shows what it found and writes nothing" {
  trim instance NAME=new "WEB_ROOT=$FRESH" DRY=1
  assert_success
  assert_output_contains "Tiki 24.4" "would: "
  refute_output_contains "wrote"
  refute_output_contains "taken over"
  assert_nothing_changed
}

@test "instance refuses an empty folder and offers blank" {
  trim instance NAME=new "WEB_ROOT=$EMPTY"
  assert_one_line "$EMPTY is empty" "make blank NAME=new WEB_ROOT=$EMPTY"
  assert_nothing_changed
}

@test "instance refuses a folder that is not there and offers blank" {
  trim instance NAME=new "WEB_ROOT=$EMPTY/none"
  assert_one_line "$EMPTY/none is missing" "make blank NAME=new"
  assert_nothing_changed
}

@test "instance refuses a folder that holds no Tiki and says what it holds" {
  trim instance NAME=new "WEB_ROOT=$NO_TIKI"
  assert_one_line "this is not a Tiki" "notes.txt"
  assert_nothing_changed
}

@test "instance refuses a site that another name means already" {
  trim instance NAME=new "WEB_ROOT=$SITES/blog/"
  assert_one_line "$SITES/blog is already registered as blog"
  assert_nothing_changed
}

@test "instance asks for nothing without a terminal: it names what is missing" {
  trim instance "WEB_ROOT=$FRESH"
  assert_one_line "NAME= is missing"
  trim instance NAME=new
  assert_one_line "WEB_ROOT= is missing"
  assert_nothing_changed
}

@test "instance refuses names that could not be a file, a folder and a word of a command" {
  local name
  # shellcheck disable=SC2016  # make would expand it, not this shell
  for name in a/b '$(shell touch x)' Blog -blog; do
    trim instance "NAME=$name" "WEB_ROOT=$FRESH"
    assert_one_line "is no instance name"
  done
  assert_nothing_changed
}

@test "instance refuses a name that is taken" {
  trim instance NAME=blog "WEB_ROOT=$FRESH"
  assert_one_line "instances.d/blog.env is there already"
  assert_nothing_changed
}

@test "instance refuses values of the wrong kind" {
  trim instance NAME=new WEB_ROOT=here
  assert_one_line "WEB_ROOT: expected an absolute path, found 'here'"
  trim instance NAME=new "WEB_ROOT=$FRESH" STAGE=live
  assert_one_line "STAGE: expected" "found 'live'"
  trim instance NAME=new "WEB_ROOT=$FRESH" KEEP=week
  assert_one_line "KEEP: expected a whole number"
  assert_nothing_changed
}

@test "instance refuses a variable it does not know and names the nearest" {
  trim instance NAME=new "WEB_ROT=$FRESH"
  assert_one_line "WEB_ROT= is not a variable of make instance (did you mean WEB_ROOT?)"
  assert_nothing_changed
}

@test "instance takes no database password from the command line" {
  trim instance NAME=new "WEB_ROOT=$FRESH" DB_PASS=secret
  assert_one_line "DB_PASS= stands on make's command line"
  refute_output_contains secret
  assert_nothing_changed
}

@test "instance says that nobody listens at the host's port" {
  trim instance NAME=new "${far[@]}" "SSH_PORT=$DEAD_PORT" "WEB_ROOT=$FAR_SITES/far"
  assert_one_line "cannot reach $SSH_USER@127.0.0.1 on port $DEAD_PORT" "Connection refused"
  assert_nothing_changed
}

@test "instance refuses a host whose key is not the one on record, and a host not known yet" {
  rm "$TRIM_TOP/instances.d/far.env"
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  remember
  trim instance NAME=new "${far[@]}" "WEB_ROOT=$FAR_SITES/far"
  assert_one_line "the host key of [127.0.0.1]:$SSH_PORT is not the one on record" "ssh-keygen -f $WRONG_HOSTS -R"
  setting "KNOWN_HOSTS=$NO_HOSTS"
  trim instance NAME=new "${far[@]}" "WEB_ROOT=$FAR_SITES/far"
  assert_one_line "the host key of [127.0.0.1]:$SSH_PORT is not known yet" "ssh-keyscan -p $SSH_PORT 127.0.0.1"
}

@test "instance says which key the host does not accept" {
  rm "$TRIM_TOP/instances.d/far.env"
  remember
  trim instance NAME=new "${far[@]}" "SSH_KEY=$BARE_KEY" "WEB_ROOT=$FAR_SITES/far"
  assert_one_line "does not let us in by key" "ssh-copy-id"
  assert_nothing_changed
}

@test "instance refuses a site whose database refuses its password" {
  trim instance NAME=new "WEB_ROOT=$LOCKED"
  assert_one_line "the server refuses the account or its password" "db/local.php"
  refute_output_contains "$SITE_PASS"
  assert_nothing_changed
}
