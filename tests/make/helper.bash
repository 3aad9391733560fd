# shellcheck shell=bash disable=SC2154,SC2120,SC2119
# What the .bats files share; `run` sets status, output and stderr. The lab behind the variables in capitals is
# house.py. A helper that does not hold shows what it saw.

bats_require_minimum_version 1.5.0

# The keys of an instance behind the lab's sshd, and behind one that has no program to dump a database with.
far=(ACCESS=ssh SSH_HOST=127.0.0.1 "SSH_USER=$SSH_USER" "SSH_PORT=$SSH_PORT" "SSH_KEY=$SSH_KEY")
# shellcheck disable=SC2034
bare=("${far[@]:0:3}" "SSH_PORT=$BARE_PORT" "SSH_KEY=$BARE_KEY")

# Runs make as cron does: from another folder and without a terminal.
trim() {
  run --separate-stderr make -sC "$TRIM_TOP" "$@" </dev/null 3>&-
}

# The same with no room for an archive: on a tiny disk where one can be mounted, else with a limit on file sizes.
trim_without_space() {
  if [ -n "$SMALL_DISK" ]; then
    setting "ARCHIVES_DIR=$SMALL_DISK"
    trim "$@"
  else
    trim_with_small_files "$@"
  fi
}

# The same where no file may grow beyond 16 kB: what is being written breaks half-way, as on a disk that fills up.
trim_with_small_files() {
  # shellcheck disable=SC2016  # for the inner shell
  run --separate-stderr bash -c 'ulimit -f 16 && exec make -sC "$TRIM_TOP" "$@"' bash "$@" </dev/null 3>&-
}

fail() {
  printf '%s\nstatus: %s\nstdout: %s\nstderr: %s\n' "$1" "$status" "$output" "$stderr" >&2
  return 1
}

assert_success() {
  [ "$status" -eq 0 ] || fail "it failed"
}

# make itself always ends with 2; the verb's own code stands in its last line.
assert_failure() {
  [ "$status" -ne 0 ] || fail "it did not fail"
  [ $# -eq 0 ] || [[ $stderr == *"make: *** "*" Error $1" ]] || fail "it failed with another code than $1"
}

assert_output_contains() {
  local text
  for text in "$@"; do
    [[ $output$'\n'$stderr == *"$text"* ]] || fail "not said: $text"
  done
}

refute_output_contains() {
  [[ $output$'\n'$stderr != *"$1"* ]] || fail "said: $1"
}

# One fault is one line on stderr besides make's own, and nothing on stdout; the line says each of these.
assert_one_line() {
  assert_failure
  [ "$(grep -cv '^make: \*\*\* ' <<<"$stderr")" -eq 1 ] || fail "the fault is not one line"
  [ -z "$output" ] || fail "a fault spoke on stdout"
  assert_output_contains "$@"
}

assert_silent() {
  [ -z "$output$stderr" ] || fail "it is not silent"
}

# stdout is one JSON document, for which this Python expression over `found` holds.
assert_json() {
  python3 -c 'import json, sys; found = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' \
    "${1:-True}" <<<"$output" || fail "stdout is not the JSON that was expected: ${1:-any}"
}

# Keeps the registry and the settings of this test from the next one.
keep_registry() {
  cp -a "$TRIM_TOP/instances.d" "$TRIM_TOP/conf/settings.env" "$BATS_TEST_TMPDIR"
}

put_back_registry() {
  rm -f "$TRIM_TOP"/instances.d/*.env
  cp -a "$BATS_TEST_TMPDIR"/instances.d/. "$TRIM_TOP/instances.d"
  cp -a "$BATS_TEST_TMPDIR/settings.env" "$TRIM_TOP/conf"
}

# register NAME KEY=value...: writes an env file by hand.
register() {
  printf '%s\n' "${@:2}" >"$TRIM_TOP/instances.d/$1.env"
  chmod 600 "$TRIM_TOP/instances.d/$1.env"
}

# setting KEY=value: sets one value of conf/settings.env.
setting() {
  local others
  others=$(grep -v "^${1%%=*}=" "$TRIM_TOP/conf/settings.env")
  printf '%s\n%s\n' "$others" "$1" >"$TRIM_TOP/conf/settings.env"
}

# Everything that a run without effect must leave alone: registry, settings, archives, all trees of all sites.
everything() {
  find "$TRIM_TOP"/{instances.d,conf,var/archives,var/status} "$SITES" "$FAR_SITES" \
    -printf '%y %m %u %g %p' \( -type d -o -printf ' %l %s %T@' \) -printf '\n' 2>/dev/null | sort
}

databases() {
  # shellcheck disable=SC2086  # a list of names
  mariadb-dump --no-defaults --socket="$DB_SOCKET" --user=root --skip-dump-date --databases $DATABASES | sha256sum
}

remember() {
  everything >"$BATS_TEST_TMPDIR/everything"
}

remember_databases() {
  databases >"$BATS_TEST_TMPDIR/databases"
}

assert_nothing_changed() {
  diff "$BATS_TEST_TMPDIR/everything" <(everything) >&2 || fail "something changed"
  [ ! -e "$BATS_TEST_TMPDIR/databases" ] || databases | diff "$BATS_TEST_TMPDIR/databases" - >&2 ||
    fail "a database changed"
}

# sql DATABASE STATEMENT: asks the lab's server as its root.
sql() {
  mariadb --no-defaults --socket="$DB_SOCKET" --user=root -N -B "$1" -e "$2"
}

archives_of() {
  find "$TRIM_TOP/var/archives/$1" -name "$1_*.tar.*" ! -name '*.sha256' ! -name '*.json' ! -name '*.index' | sort
}

# visit URL: what a visitor gets, the HTTP status in the first line and the page after it.
visit() {
  python3 -c 'import sys, urllib.error, urllib.request as web
try: answer = web.urlopen(sys.argv[1])
except urllib.error.HTTPError as error: answer = error
print(answer.status, answer.read().decode(), sep="\n")' "$1"
}

# at_terminal PROMPT KEYS WORD...: runs make at a terminal, types the keys once the terminal shows the prompt (a
# regular expression), and gives what it shows.
at_terminal() {
  python3 -c 'import os, pty, re, sys
prompt, keys, *words = sys.argv[1:]
pid, terminal = pty.fork()
if not pid: os.execvp("make", ["make", "-sC", os.environ["TRIM_TOP"], *words])
shown = ""
try:
    while True:
        shown += os.read(terminal, 4096).decode("utf-8", "replace")
        if keys and re.search(prompt, shown):
            os.write(terminal, keys.encode())
            keys = ""
except OSError: pass  # nobody is left at the other end
print(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}

# Puts the release that blog has, and two newer ones, into a folder for RELEASES_DIR.
releases_for_blog() {
  local version tree folder=$BATS_TEST_TMPDIR/releases
  mkdir "$folder"
  for version in 24.4 24.5 25.0; do
    tree=$BATS_TEST_TMPDIR/tiki-$version
    cp -a "$FRESH" "$tree"
    rm -rf "$tree"/db/{local.php,virtuals.inc,lock} "$tree/.htaccess" "$tree"/files/* "$tree"/img/wiki_up/*.jpg \
      "$tree/themes/own" "$tree/lang"
    sed -i "s/'24\\.4'/'$version'/" "$tree/lib/setup/twversion.class.php"
    [ "$version" = 24.4 ] || echo "CREATE TABLE newer (id int);" >"$tree/installer/schema/20260101_newer_tiki.sql"
    tar -C "$BATS_TEST_TMPDIR" --zstd -cf "$folder/tiki-$version.tar.zst" "tiki-$version"
    rm -r "$tree"
  done
  setting "RELEASES_DIR=$folder"
  setting GIT_REMOTE=
}
