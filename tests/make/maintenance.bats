# make maintenance: what visitors see while a site is being worked on.

setup() {
  load helper
  keep_registry
  visit "$BLOG_URL" >/dev/null  # fills the site's caches, which would count as changed
  remember
}

teardown() {
  make -sC "$TRIM_TOP" maintenance INSTANCE=blog STATE=off >/dev/null
  put_back_registry
}

@test "maintenance shows visitors the page with its reason, and then the site again, byte for byte" {
  [[ $(visit "$BLOG_URL") == 200* ]]
  trim maintenance INSTANCE=blog STATE=on "REASON=-- it's \"new\" & \$HOME <b> \`id\`"
  assert_success
  assert_output_contains "blog: visitors see the maintenance page"
  run visit "$BLOG_URL"
  [ "${lines[0]}" = 503 ]
  assert_output_contains "-- it&#x27;s &quot;new&quot; &amp; \$HOME &lt;b&gt; \`id\`"
  trim maintenance INSTANCE=blog STATE=off
  assert_success
  [[ $(visit "$BLOG_URL") == 200* ]]
  assert_nothing_changed
}

@test "maintenance may be asked for twice" {
  trim maintenance INSTANCE=blog STATE=on
  trim maintenance INSTANCE=blog STATE=on "REASON=still at it"
  assert_success
  [[ $(visit "$BLOG_URL") == 503* ]]
  trim maintenance INSTANCE=blog STATE=off
  trim maintenance INSTANCE=blog STATE=off
  assert_success
}

@test "maintenance in a dry run changes nothing" {
  trim maintenance INSTANCE=blog STATE=on DRY=1
  assert_success
  assert_output_contains "would: "
  assert_nothing_changed
}

@test "maintenance is silent when it is unattended and all is well" {
  trim maintenance INSTANCE=blog STATE=off UNATTENDED=1
  assert_success
  assert_silent
}

@test "maintenance reaches the other sites when one fails, and fails at the end" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  trim maintenance INSTANCE=dead,far,blog STATE=off
  assert_failure 4
  assert_output_contains "blog: visitors see the site" "far: visitors see the site" "cannot reach" \
    "1 of 3 instances failed: dead"
}

@test "maintenance wants to know which state" {
  trim maintenance INSTANCE=blog
  assert_one_line "STATE=: expected on or off"
  trim maintenance INSTANCE=blog STATE=of
  assert_one_line "STATE=of: expected on or off"
  assert_nothing_changed
}

@test "maintenance wants to know which site" {
  trim maintenance STATE=on
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim maintenance STATE=on INSTANCE=blgo
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?)"
  # shellcheck disable=SC2016  # make would expand it, not this shell
  trim maintenance STATE=on 'INSTANCE=$(shell touch x)'
  assert_one_line "is no instance name"
  assert_nothing_changed
}

@test "maintenance refuses a site whose folder is not there" {
  trim maintenance INSTANCE=copy STATE=on
  assert_one_line "there is no such folder on the host"
  assert_nothing_changed
}

@test "maintenance says that a host's key is not the one on record" {
  setting "KNOWN_HOSTS=$WRONG_HOSTS"
  remember
  trim maintenance INSTANCE=far STATE=on
  assert_one_line "is not the one on record"
  assert_nothing_changed
}

@test "maintenance says where an env file is wrong" {
  echo "this is no line" >>"$TRIM_TOP/instances.d/blog.env"
  remember
  trim maintenance INSTANCE=blog STATE=on
  assert_one_line "instances.d/blog.env:" "not a KEY=value line"
  cp -a "$BATS_TEST_TMPDIR/instances.d/blog.env" "$TRIM_TOP/instances.d"
}

@test "maintenance refuses a reason of two lines, and a variable it does not know" {
  trim maintenance INSTANCE=blog STATE=on $'REASON=one\ntwo'
  assert_one_line "REASON: expected one line"
  trim maintenance INSTANCE=blog STATE=on RESON=new
  assert_one_line "RESON= is not a variable of make maintenance (did you mean REASON?)"
  assert_nothing_changed
}
