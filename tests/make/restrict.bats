# make restrict: who may see a site.

setup() {
  load helper
  keep_registry
  visit "$BLOG_URL" >/dev/null  # fills the site's caches, which would count as changed
  remember
}

teardown() {
  make -sC "$TRIM_TOP" restrict INSTANCE=blog STATE=off >/dev/null
  put_back_registry
}

@test "restrict lets in by address, says what it saw, and off gives every byte back" {
  trim restrict INSTANCE=blog ALLOW=10.0.0.0/8,2001:db8::/32
  assert_success
  assert_output_contains "blog: who comes from 10.0.0.0/8, 2001:db8::/32 may enter, nobody else" \
    "$BLOG_URL answered 403: this machine is turned away" 'http { }: include "' 'server { }: include "'
  [[ $(visit "$BLOG_URL") == 403* ]]
  trim restrict INSTANCE=blog ALLOW=127.0.0.1
  assert_success
  [[ $(visit "$BLOG_URL") == 200* ]]
  trim restrict INSTANCE=blog STATE=off
  assert_success
  assert_output_contains "blog: everybody may enter"
  put_back_registry
  assert_nothing_changed
}

@test "restrict lets in by login, with a random password that is shown once" {
  trim restrict INSTANCE=blog USERS=ann
  assert_success
  assert_output_contains "blog: login ann, password " "(shown this once)" "answered 401: a login is asked for"
  password=$(sed -n 's/.*password \([A-Za-z0-9]*\) .*/\1/p' <<<"$output")
  [[ $(visit "$BLOG_URL") == 401* ]]
  [ "$(python3 -c 'import sys, urllib.request as web
asked = web.Request(sys.argv[1])
import base64
asked.add_header("Authorization", "Basic " + base64.b64encode(f"ann:{sys.argv[2]}".encode()).decode())
print(web.urlopen(asked).status)' "$BLOG_URL" "$password")" = 200 ]
  ! grep -rF "$password" "$TRIM_TOP/var/logs" "$TRIM_TOP/instances.d"
  trim restrict INSTANCE=blog USERS=ann
  assert_success
  refute_output_contains "password"
}

@test "restrict takes the password of one login from the environment, and never from the command line" {
  RESTRICT_PASS=secret trim restrict INSTANCE=blog USERS=ann
  assert_success
  refute_output_contains secret
  trim restrict INSTANCE=blog USERS=ann RESTRICT_PASS=secret
  assert_one_line "RESTRICT_PASS= stands on make's command line" "RESTRICT_PASS=... make restrict"
  RESTRICT_PASS=secret trim restrict INSTANCE=blog USERS=bob,eve
  assert_one_line "RESTRICT_PASS is the password of one login, and bob, eve need one"
}

@test "restrict is silent when it is unattended and all is well" {
  trim restrict INSTANCE=blog ALLOW=10.0.0.0/8 UNATTENDED=1
  assert_success
  assert_silent
}

@test "restrict speaks JSON" {
  trim restrict INSTANCE=blog ALLOW=10.0.0.0/8 USERS=ann BOTH=1 JSON=1
  assert_success
  assert_json "found[0]['allow'] == ['10.0.0.0/8'] and found[0]['users'] == ['ann'] and found[0]['both']"
  assert_json "found[0]['answer'] == 403 and list(found[0]['passwords']) == ['ann']"
}

@test "restrict reaches a site behind ssh, and the other ones when one fails" {
  register dead "${far[@]/SSH_PORT=*/SSH_PORT=$DEAD_PORT}" "WEB_ROOT=$FAR_SITES/far"
  trim restrict INSTANCE=dead,far ALLOW=10.0.0.0/8
  assert_failure 4
  assert_output_contains "far: who comes from 10.0.0.0/8 may enter" "cannot reach" \
    "The env file says already what is wanted; when the cause is mended: make restrict INSTANCE=dead" \
    "1 of 2 instances failed: dead"
  trim restrict INSTANCE=far STATE=off
  assert_success
}

@test "restrict in a dry run changes nothing" {
  trim restrict INSTANCE=blog ALLOW=10.0.0.0/8 USERS=ann DRY=1
  assert_success
  assert_output_contains "would: "
  refute_output_contains "password"
  assert_nothing_changed
}

@test "restrict asks at a terminal who may enter" {
  run at_terminal 'networks that may enter.*: $' $'10.0.0.0/8\n\n' restrict INSTANCE=blog
  [[ $output == *"blog: who comes from 10.0.0.0/8 may enter"* ]]
}

@test "restrict wants to know who may enter, and says what is wrong" {
  trim restrict INSTANCE=blog
  assert_one_line "blog: who may enter? ALLOW=10.0.0.0/8,... for addresses, USERS=name,... for logins"
  trim restrict INSTANCE=blog ALLOW=10.0.0.5/8
  assert_one_line "ALLOW: 10.0.0.5/8 is an address with a network's length; is 10.0.0.0/8 meant, or 10.0.0.5?"
  trim restrict INSTANCE=blog ALLOW=example.org
  assert_one_line "ALLOW: 'example.org' is neither an address nor a network"
  trim restrict INSTANCE=blog USERS=a:b
  assert_one_line "USERS: 'a:b' is no login"
  trim restrict INSTANCE=blog STATE=of
  assert_one_line "STATE=of: expected on or off"
  trim restrict INSTANCE=blog STATE=off ALLOW=::1
  assert_one_line "STATE=off takes the whole restriction away"
  trim restrict INSTANCE=blog ALLOW=::1 BOTH=1
  assert_one_line "BOTH=1 wants an address and a login"
  trim restrict INSTANCE=blog ALOW=::1
  assert_one_line "ALOW= is not a variable of make restrict (did you mean ALLOW?)"
  assert_nothing_changed
}

@test "restrict wants to know which site" {
  trim restrict ALLOW=::1
  assert_one_line "INSTANCE= is missing: which instance? known: blog, copy, far, wiki"
  trim restrict INSTANCE=blgo ALLOW=::1
  assert_one_line "INSTANCE=blgo selects nothing (did you mean blog?)"
  assert_nothing_changed
}
