#!/usr/bin/env bash
# Installs what TRIM needs: Debian packages that are missing, and the Python environment .venv with the pinned
# versions of constraints.txt. What is already there is left alone, so a second call takes no time.
#
#   setup.sh run     what the verbs need on the manager
#   setup.sh demo    that, and the servers of the lab
#   setup.sh test    the same as demo
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

packages_in() {
  sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: neither root nor sudo: ask an administrator to run: $*" >&2
    return 1
  fi
}

install_packages() {
  local missing=() name
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system: install what is like: $(packages_in "$@" | tr '\n' ' ')" >&2
    return 0
  fi
  while read -r name; do
    is_installed "$name" || missing+=("$name")
  done < <(packages_in "$@")
  [ "${#missing[@]}" = 0 ] && return 0
  echo "setup: installing ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null
}

make_environment() {
  local wanted
  wanted=$(sha256sum constraints.txt | cut -d ' ' -f 1)
  [ "$(cat .venv/trim-constraints 2>/dev/null)" = "$wanted" ] && return 0
  echo "setup: making the Python environment .venv"
  "${PYTHON:-python3}" -m venv --clear .venv
  .venv/bin/pip --quiet --disable-pip-version-check install --no-deps --requirement constraints.txt
  echo "$wanted" >.venv/trim-constraints
}

# Only setup writes bytecode: Python takes half of it for whole when the disk is full (or `ulimit -f` small), and no verb
# would start any more. Without any, a start takes a little longer.
keep_bytecode() {
  .venv/bin/python -m compileall -q tasks.py scripts || true
  .venv/bin/python -B -c '
import marshal, pathlib
for path in (*pathlib.Path("__pycache__").glob("tasks.*.pyc"), *pathlib.Path("scripts").rglob("__pycache__/*.pyc")):
    try:
        marshal.loads(path.read_bytes()[16:])
    except (EOFError, ValueError, TypeError):
        path.unlink()
'
}

make_folders() {
  (umask 077 && mkdir -p var/archives var/work)
}

case "${1:-run}" in
  run) install_packages conf/system-packages.txt ;;
  demo | test) install_packages conf/system-packages.txt conf/lab-packages.txt ;;
  *)
    echo "setup: run, demo or test, not $1" >&2
    exit 2
    ;;
esac
exec 9>.setup.lock
flock 9
make_environment
keep_bytecode
make_folders
