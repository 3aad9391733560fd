# What a host offers a Tiki: PHP programs, signs of a control panel, folders that a web server may serve.
# Called by host_facts.py: sh -s -- ROOT, this text on stdin. ROOT stands before every path; it is empty but in tests.
#
# Prints records of fields that end with a tab, each record ended by NUL, the last one "end". Changes nothing.

root=$1
say() {
  printf '%s\t' "$@"
  printf '\0'
}

say me "$(id -un)" "$root$HOME"

for sign in usr/sbin/virtualmin usr/bin/virtualmin usr/local/cpanel usr/local/psa opt/psa usr/local/ispconfig \
  usr/local/directadmin; do
  [ ! -e "$root/$sign" ] || say sign "$sign"
done

look_at() {
  if [ -f "$1/tiki-setup.php" ]; then
    kind=tiki
  elif [ ! -r "$1" ]; then
    kind=closed
  elif [ -z "$(ls -A "$1" 2>/dev/null)" ]; then
    kind=empty
  else
    kind=other
  fi
  say folder "$1" "$(stat -c %U -- "$1")" "$kind"
}

# Of what lies around a web root: its own PHP, and its own folder for temporary files.
look_beside() {
  for beside in "$1/bin/php" "$1/tmp"; do
    [ ! -x "$beside" ] || say beside "$beside"
  done
}

for folder in "$root"/home/*/public_html "$root"/home/*/domains/*/public_html "$root$HOME"/public_html \
  "$root$HOME"/domains/*/public_html "$root"/var/www/vhosts/*/httpdocs "$root"/var/www/clients/client*/web*/web \
  "$root"/var/www/html; do
  [ ! -d "$folder" ] || look_at "$folder"
done
for setup in "$root"/home/*/public_html/*/tiki-setup.php "$root"/home/*/domains/*/public_html/*/tiki-setup.php \
  "$root"/var/www/*/tiki-setup.php "$root"/var/www/html/*/tiki-setup.php "$root"/srv/*/tiki-setup.php \
  "$root"/srv/www/*/tiki-setup.php; do
  [ ! -f "$setup" ] || look_at "${setup%/tiki-setup.php}"
done
for folder in "$root$HOME" "$root"/home/* "$root"/home/*/domains/* "$root"/var/www/vhosts/* \
  "$root"/var/www/clients/client*/web*; do
  [ ! -d "$folder" ] || look_beside "$folder"
done

try_php() {
  case ${1##*/} in
    php | php[4-9] | php[4-9][0-9] | php[4-9].[0-9]) ;;
    *) return ;;
  esac
  if [ -f "$1" ] && [ -x "$1" ]; then
    # shellcheck disable=SC2016  # PHP's own words
    version=$(timeout 10 "$1" -n -r 'echo PHP_VERSION;' 2>/dev/null </dev/null) && say php "$1" "$version"
  fi
}

IFS=:
for folder in $PATH; do
  set -- "$@" "$folder"
done
unset IFS
shift
for folder in "$@" "$root"/usr/bin "$root"/usr/local/bin "$root"/opt/*/bin "$root"/opt/*/*/*/bin \
  "$root"/opt/*/*/root/usr/bin "$root"/opt/*/root/usr/bin "$root"/home/*/bin "$root"/home/*/domains/*/bin; do
  for program in "$folder"/php "$folder"/php[4-9]*; do
    try_php "$program"
  done
done

say end
