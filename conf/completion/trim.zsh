# Completion of TRIM's verbs for zsh. Put into ~/.zshrc, behind compinit: source /the/folder/of/trim/conf/completion/trim.zsh
# In other folders make is completed as before.

typeset -g _trim_candidates=${${(%):-%x}:A:h}/candidates.sh
(( ${+_trim_before} )) || typeset -g _trim_before=${_comps[make]:-}

_trim_make() {
  local folder=. at text
  local -a given found
  given=("${(@)words[2,CURRENT-1]}" "$PREFIX")
  for (( at = 1; at < $#given; at++ )); do
    case $given[at] in
      --directory=*) folder=${given[at]#*=} ;;
      -C|--directory) folder=$given[at+1] ;;
      --*) ;;
      -*C) folder=$given[at+1] ;;
      -*C*) folder=${given[at]#*C} ;;
    esac
  done
  folder=${(Q)folder}
  folder=${folder/#\~\//$HOME/}
  if ! text=$(sh $_trim_candidates "$folder" "${(@Q)given}" 2>/dev/null); then
    [[ -n $_trim_before && $_trim_before != _trim_make ]] && { $_trim_before "$@"; return }
    _files
    return
  fi
  found=(${(f)text})
  if (( $#found )); then
    compadd -S '' -- ${(M)found:#*=}   # no blank behind `NAME=`; a whole word gets one
    compadd -- ${found:#*=}
  elif [[ $PREFIX == *=* ]]; then
    compset -P '*=' && _files
  fi
}

compdef _trim_make make
