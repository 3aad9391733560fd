# shellcheck shell=bash
# Completion of TRIM's verbs for bash. Put into ~/.bashrc: source /the/folder/of/trim/conf/completion/trim.bash
# In other folders make is completed as before.

_trim_candidates=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/candidates.sh
[[ -v _trim_before ]] || _trim_before=$(complete -p make 2>/dev/null)   # what completed make until now

_trim_make() {
  local line=${COMP_LINE:0:COMP_POINT} folder=. words=() found word at
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  words=("${words[@]:1}")
  for at in "${!words[@]}"; do
    word=${words[at]}
    case $word in
      --directory=*) folder=${word#*=} ;;
      -C | --directory) folder=${words[at + 1]-} ;;
      --*) ;;
      -*C) folder=${words[at + 1]-} ;;
      -*C*) folder=${word#*C} ;;
    esac
  done
  [[ ${folder:0:2} != \~/ ]] || folder=$HOME/${folder:2}
  if ! found=$(sh "$_trim_candidates" "$folder" "${words[@]}" 2>/dev/null); then
    _trim_as_before "$@"
    return
  fi
  # bash replaces only what stands behind the last = or : of the word.
  word=${words[-1]}
  mapfile -t COMPREPLY <<<"$found"
  [[ -n $found ]] || COMPREPLY=()
  if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#*=}")
  fi
  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

# Calls what completed make before us; bash-completion brings its own only when it is first needed.
_trim_as_before() {
  local loader
  if [[ -z $_trim_before ]]; then
    for loader in _comp_load _completion_loader; do
      declare -F "$loader" >/dev/null || continue
      "$loader" make >/dev/null 2>&1
      _trim_before=$(complete -p make 2>/dev/null)
      [[ $_trim_before != *_trim_make* ]] || _trim_before=
      break
    done
    complete -o bashdefault -o default -F _trim_make make
  fi
  if [[ $_trim_before =~ ' -F '([^[:space:]]+) && ${BASH_REMATCH[1]} != _trim_make ]]; then
    "${BASH_REMATCH[1]}" "$@"
  fi
}

complete -o bashdefault -o default -F _trim_make make
