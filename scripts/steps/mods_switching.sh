# shellcheck shell=sh disable=SC2016  # for the inner shells
# What putting a mod's files in place does at the site's host: sh -s -- ACTION JOB ROOT. JOB is the folder of the change,
# ROOT the web root without links. Names in JOB's lists end with NUL and begin at the web root. An action that did all of
# its work ends with a record `end`.

set -u
umask 022
LC_ALL=C
export LC_ALL
action=$1 job=$2 root=$3
cd -- "$root" || exit 1

# Give our own folders that are not to be written into the right to be, and note what they were; a note that is there is
# older, and true.
open_folders() {
    if [ ! -e "$job/opened" ]; then
        # With a point behind the mode: without one it was cut off.
        xargs -0 -r sh -c 'for name; do [ ! -d "./$name" ] || [ -w "./$name" ] || {
            mode=$(stat -c %a. -- "./$name") && [ "${mode%.}" != "$mode" ] || exit 1
            printf "%s %s\0" "${mode%.}" "$name"
            }; done' sh <"$job/parents" >"$job/opened.new" &&
            mv -f "$job/opened.new" "$job/opened" || exit 1
    fi
    xargs -0 -r sh -c 'for record; do chmod u+w -- "./${record#* }" || exit 1; done' sh <"$job/opened" || exit 1
}

close_folders() {
    [ ! -e "$job/opened" ] ||
        { xargs -0 -r sh -c 'for record; do [ ! -d "./${record#* }" ] || chmod "${record%% *}" -- "./${record#* }" ||
            exit 1; done' sh <"$job/opened" && rm -f "$job/opened"; } || exit 1
}

# What an earlier call of this change started may outlive its connection, the client of the database too.
end_others() {
    for signal in TERM TERM TERM KILL; do
        found=
        for folder in /proc/[0-9]*; do
            [ "${folder#/proc/}" = $$ ] && continue
            if grep -zqxF "TRIM_SWITCH=$job" "$folder/environ"; then
                kill -s "$signal" "${folder#/proc/}" && found=1
            fi
        done 2>/dev/null
        [ "$found" ] || return 0
        sleep 0.3
    done
}

# Give the files on stdin, those that are there, a second name below $1; where there can be none, a copy.
PUT_BESIDE='
    to=$1
    shift
    for name; do
        [ -e "./$name" ] || [ -L "./$name" ] || continue
        case $name in */*) mkdir -p -- "$to/${name%/*}" || exit 1 ;; esac
        rm -f -- "$to/$name"
        ln -P -- "./$name" "$to/$name" 2>/dev/null || cp -aP -- "./$name" "$to/$name" || exit 1
    done
'

case $action in
keep) # Keep what is there of all that will be changed.
    mkdir -p "$job/new" "$job/old" || exit 1
    xargs -0 -r sh -c "$PUT_BESIDE" sh "$job/old" <"$job/touched" || exit 1
    xargs -0 -r sh -c 'for name; do [ ! -d "./$name" ] || printf "%s\0" "$name"; done' sh <"$job/emptied" \
        >"$job/emptied.there" && tar --no-recursion --null -T "$job/emptied.there" -cf "$job/emptied.tar" || exit 1
    sync -f "$job" || exit 1
    ;;
put) # Put what is new in place, and take away what goes.
    open_folders
    IFS= read -r mode <"$job/mode" || exit 1
    xargs -0 -r sh -c 'mode=$1; shift; for name; do
        [ -d "./$name" ] || mkdir -m "$mode" -- "./$name" || exit 1
        above=.; case $name in */*) above=./${name%/*} ;; esac
        [ "$(id -u)" != 0 ] || chown --reference="$above" -- "./$name" || exit 1
        done' sh "$mode" <"$job/folders" || exit 1
    xargs -0 -r sh -c 'new=$1; shift; for name; do
        [ ! -d "./$name" ] || [ -L "./$name" ] || exit 1
        mv -fT -- "$new/$name" "./$name" || exit 1; done' sh "$job/new" <"$job/put" || exit 1
    xargs -0 -r rm -f -- <"$job/gone" || exit 1
    xargs -0 -r rmdir --ignore-fail-on-non-empty -- <"$job/emptied.there" || exit 1
    close_folders
    ;;
back) # Make everything what it was when it was kept.
    end_others
    [ ! -e "$job/opened.new" ] || rm -f "$job/opened.new"
    open_folders
    [ ! -e "$job/emptied.tar" ] || tar --keep-directory-symlink -xpf "$job/emptied.tar" || exit 1
    xargs -0 -r sh -c 'job=$1; shift; for name; do
        if [ ! -e "$job/old/$name" ] && [ ! -L "$job/old/$name" ]; then rm -f -- "./$name" || exit 1
        elif [ ! "./$name" -ef "$job/old/$name" ] || [ -L "$job/old/$name" ]; then
            rm -f -- "$job/back"
            ln -P -- "$job/old/$name" "$job/back" 2>/dev/null || cp -aP -- "$job/old/$name" "$job/back" || exit 1
            mv -fT -- "$job/back" "./$name" || exit 1
        fi
        done' sh "$job" <"$job/touched" || exit 1
    sort -zr "$job/folders" | xargs -0 -r sh -c 'for name; do
        [ ! -d "./$name" ] || rmdir --ignore-fail-on-non-empty -- "./$name" || exit 1; done' sh || exit 1
    close_folders
    ;;
*)
    exit 1
    ;;
esac
printf 'end\0'
