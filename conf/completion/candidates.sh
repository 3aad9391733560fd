#!/bin/sh
# Prints what may stand at the end of a make line in TRIM's folder, a line each; the shells' own files call it at TAB.
#
# candidates.sh FOLDER WORD...: the words after `make`, the last one being completed (it may be empty). A candidate is
# a whole word (`INSTANCE=blog`). No Python is started: the Makefile, instances.d/ and the archives' folder are read.
# Ends with 1 when FOLDER is not TRIM's: other projects keep their own completion. Nothing in FOLDER is run.

folder=$1
shift
IFS= read -r first 2>/dev/null <"$folder/Makefile" || exit 1
case $first in '# TRIM: '*) ;; *) exit 1 ;; esac

verb='' instance='' from='' word='' given=' '
while [ $# -gt 0 ]; do
  word=$1
  shift
  [ $# -gt 0 ] || break
  case $word in
    -C | -f | -j | --directory | --file) if [ $# -gt 1 ]; then shift; fi ;;
    -*C) if [ $# -gt 1 ]; then shift; fi ;;
    -*) ;;
    *=*)
      given="$given${word%%=*} "
      case $word in INSTANCE=*) instance=${word#*=} ;; FROM=*) from=${word#*=} ;; esac
      ;;
    *) verb=$word ;;
  esac
done

# Both go into patterns below.
case $verb${word%%=*} in *[!A-Za-z_-]*) exit 0 ;; esac

# verbs: those with a help text; TRIM's other words only once somebody has begun to type one.
verbs() {
  sed -n 's/^\([a-z-]*\):.*## .*/\1/p' "$folder/Makefile"
  [ -z "$word" ] || sed -n 's/^\([a-z-]*\): .*/\1/p' "$folder/conf/old-words.txt" 2>/dev/null
}

# The variables of the rule of one verb, with those that every verb takes.
variables() {
  awk -v verb="$verb" '
    { line = kept $0; kept = "" }
    line ~ /\\$/ { kept = substr(line, 1, length(line) - 1) " "; next }
    { sub(/^override /, "", line) }
    line ~ /^[A-Z_]+ := / { name = line; sub(/ :=.*/, "", name); value = line; sub(/^[^=]*= */, "", value); list[name] = value }
    line ~ "^" verb ":[ a-z]*##" { other = line; sub(/^[^:]*: */, "", other); sub(/ *##.*/, "", other); if (other) verb = other }
    index(line, "$(call trim,") { rest = line; sub(/.*\$\(call trim,/, "", rest); at = rest; sub(/,.*/, "", at)
      sub(/^[^,]*,/, "", rest); sub(/\)$/, "", rest); rule[at] = rest }
    END {
      if (!(verb in rule)) exit
      count = split(rule[verb] " " list["COMMON"], words, " ")
      for (number = 1; number <= count; number++) {
        name = words[number]
        if (name ~ /^\$\(/) { gsub(/[$()]/, "", name); several = split(list[name], more, " ")
          for (one = 1; one <= several; one++) print more[one] } else print name
      }
    }' "$folder/Makefile"
}

instances() {
  for file in "$folder"/instances.d/*.env; do
    [ -e "$file" ] || continue
    file=${file##*/}
    echo "${file%.env}"
  done
}

# The lines that make cron wrote.
crons() {
  for file in "$folder"/var/crons/*.json; do
    [ -e "$file" ] || continue
    file=${file##*/}
    echo "${file%.json}"
  done
}

archives() {
  place=$(sed -n "s/^ARCHIVES_DIR=['\"]\{0,1\}\([^'\"]*\).*/\1/p" "$folder/conf/settings.env" 2>/dev/null)
  case ${place:=var/archives} in /*) ;; *) place=$folder/$place ;; esac
  echo latest
  for file in "$place/${from:-$instance}"/*.tar.bz2 "$place/${from:-$instance}"/*.tar.zst; do
    [ ! -e "$file" ] || echo "${file##*/}"
  done
}

# What a variable may say: as the verb's help text has it (STATE=on|off), else as instances.d/README.md has it.
choices() {
  said=$(sed -n "s/^$verb:.*## .*[[ ]$1=\([a-z0-9]*|[a-z0-9|]*\).*/\1/p" "$folder/Makefile")
  if [ -n "$said" ]; then
    echo "$said" | tr '|' '\n'
    return
  fi
  kind=$(sed -n "s/^| \`$1\` | .* | \([^|]*\) | [^|]* |\$/\1/p" "$folder/instances.d/README.md")
  case $kind in
    'yes or no') printf 'yes\nno\n' ;;
    *with* | text | number) ;;
    *,*) echo "$kind" | tr ',' '\n' | sed 's/^ *//; /^empty$/d' ;;
  esac
}

values() {
  case $verb:$1 in
    *:INSTANCE) instances; echo all ;;
    adopt:FROM) ;;   # a folder
    compare:A | compare:B) instances | sed 'p; s/$/@latest/' ;;
    *:FROM | *:TO | *:PARENT | *:MIRROR_OF | *:CONFIRM | *:PUSH) instances ;;
    *:VERB) sed -n 's/^\([a-z-]*\):.*## .*/\1/p' "$folder/Makefile" ;;
    cron-remove:ID) crons ;;
    *:ARCHIVE) archives ;;
    *:DRY | *:V | *:JSON | *:UNATTENDED | *:WRITE | *:DESTROY | *:SYSTEMD | *:NAGIOS | *:SEND | *:LAST) echo 1 ;;
    *:UNVERIFIED | *:SAFETY) printf 'yes\nno\n' ;;
    *) choices "$1" ;;
  esac
}

begin=''
case $word in
  *=*)
    begin=${word%%=*}=
    case $word in *,*) begin=${word%,*}, ;; esac   # INSTANCE=blog,w: the name after the last comma
    found=$(values "${word%%=*}")
    ;;
  *)
    if [ -z "$verb" ]; then
      found=$(verbs)
    else
      found=$(variables | while IFS= read -r name; do case $given in *" $name "*) ;; *) echo "$name=" ;; esac; done)
    fi
    ;;
esac
printf '%s\n' "$found" | while IFS= read -r one; do
  case $one in '') ;; *) case $begin$one in "$word"*) printf '%s\n' "$begin$one" ;; esac ;; esac
done
exit 0
