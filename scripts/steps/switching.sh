# shellcheck shell=sh disable=SC2016  # for the inner shell
# What a switch does at the site's host: sh -s -- ACTION JOB ROOT WEB_ROOT. JOB is the folder of the switch, ROOT the web
# root without links, WEB_ROOT as it is called. Names in lists end with NUL and begin at the web root. An action that did
# all of its work ends with a record `end`; before that it prints the names that it failed with, or what it found.

set -u
umask 0
LC_ALL=C
export LC_ALL
action=$1 job=$2 root=$3 web_root=$4
cd -- "$root" || exit 1

# Write all names of the web root into a file, folders with a slash, and those in the lists that are given besides:
# without caches, histories and what belongs to the maintenance page. find ends with an empty name: so all were told.
names() {
    list=$1
    shift
    : >"$job/last" && find . "$job/last" @PASSED@ -type d -printf '%P/\0' -o -printf '%P\0' >"$list.raw"
    [ "$(tail -z -n 1 "$list.raw" | wc -c)" = 1 ] || return 1
    { grep -zv '^/*$' "$list.raw" && cat "$@"; } >"$list.found" && sort -zu "$list.found" >"$list.raw" &&
        mv -f "$list.raw" "$list"
}

# Those of the names on stdin that are another file at $1 than at $2. A link whose target is gone counts as another.
differing() {
    xargs -0 -r sh -c 'a=$1 b=$2; shift 2; for name; do [ "$a/$name" -ef "$b/$name" ] || printf "%s\0" "$name"; done' \
        sh "$1" "$2"
}

# Those of the names on stdin that are in the present folder.
there() {
    xargs -0 -r sh -c 'for name; do if [ -e "./$name" ] || [ -L "./$name" ]; then printf "%s\0" "$name"; fi; done' sh
}

# Those of the names on stdin that are no links in the present folder: of links `differing` knows nothing certain.
no_links() {
    xargs -0 -r sh -c 'for name; do [ -L "./$name" ] || printf "%s\0" "$name"; done' sh
}

# Give the files on stdin, named from the present folder, a second name at $1, in place of what is there. perl needs a
# third of the time of cp, and visitors wait.
link_to() {
    if command -v perl >/dev/null; then
        perl -e "$LINK" "$1"
    else
        xargs -0 -r cp -lfP --parents -t "$1" --
    fi
}

LINK='
    use strict;
    my ($to) = @ARGV;
    my ($beside, $failed) = ("$to/.trim-link-$$", 0);
    $/ = "\0";
    sub make_folders {
        my ($made, @words) = ("", split m{/}, $_[0]);
        pop @words;
        for my $word (@words) {
            $made .= $made eq "" ? $word : "/$word";
            mkdir "$to/$made", (stat $made)[2] & 07777 unless -d "$to/$made";
        }
    }
    while (defined(my $name = <STDIN>)) {
        chomp $name;
        next if link $name, "$to/$name";
        if ($! == 2) { # ENOENT
            make_folders($name);
            next if link $name, "$to/$name";
        }
        if (link($name, $beside) && rename $beside, "$to/$name") {
            unlink $beside; # it stays when both are the same file already
            next;
        }
        print STDERR "$name: $!\n" unless $failed++ > 9;
        unlink $beside;
    }
    exit($failed ? 1 : 0);
'

# Files that Tiki's own update may rewrite.
configuration() {
    grep -z '^db/[^/]*\.php$'
}

# What is no folder, and no data of users.
code_of() {
    grep -zv '/$' | grep -zvEf "$job/data"
}

# What an earlier call of this switch started may outlive its connection; so may Tiki's own update.
end_others() {
    for signal in TERM TERM TERM KILL; do
        found=
        for folder in /proc/[0-9]*; do
            [ "${folder#/proc/}" = $$ ] && continue
            if grep -zqxF "TRIM_SWITCH=$job" "$folder/environ" ||
                { grep -zqxF database:update "$folder/cmdline" && grep -zqxF "$web_root/console.php" "$folder/cmdline"; }; then
                kill -s "$signal" "${folder#/proc/}" && found=1
            fi
        done 2>/dev/null
        [ "$found" ] || return 0
        sleep 0.5
    done
}

case $action in
farm) # Give every file of the web root a second name, before the page is up: most of the work, and no visitor waits.
    names "$job/farm" "$job/replaced" "$job/gone" || exit 1
    grep -zv '/$' "$job/farm" | link_to "$job/old" 2>/dev/null
    there <"$job/entrances" >"$job/entrances.there" && link_to "$job/old" <"$job/entrances.there" || exit 1
    configuration <"$job/farm" | cat - "$job/replaced" "$job/gone" "$job/entrances.there" |
        differing . "$job/old" >"$job/stale"
    # Room for the way back, should the disk be full by then: it makes a few lists as long as this one.
    head -c "$((8 * $(wc -c <"$job/farm") + 2000000))" /dev/zero >"$job/reserve" || exit 1
    cd "$job/old" && no_links <"$job/stale" || exit 1
    ;;
mark) # Note what is there now that the page is up, and mend second names of what was changed meanwhile.
    names "$job/before" "$job/replaced" "$job/gone" || exit 1
    configuration <"$job/before" | cat - "$job/replaced" "$job/gone" | differing . "$job/old" >"$job/stale"
    link_to "$job/old" <"$job/stale" || exit 1
    there <"$job/folders" >"$job/folders.there" || exit 1
    tar --no-recursion --null -T "$job/folders.there" -cf "$job/folders.tar" || exit 1
    ;;
put) # Put the new files in place and remove what only the old release had.
    xargs -0 -r rm -f -- <"$job/gone" || exit 1
    xargs -0 -r rmdir --ignore-fail-on-non-empty -- <"$job/folders.there" || exit 1
    (cd "$job/new" && link_to "$root" <"$job/put") || exit 1
    there <"$job/gone" || exit 1
    differing "$job/new" . <"$job/put" >"$job/failed" || exit 1
    cd "$job/new" && no_links <"$job/failed" || exit 1
    ;;
after) # Tell what Tiki's own update did to files beside its database: + came, - went, ~ was replaced.
    names "$job/after" "$job/put" || exit 1
    cat "$job/put" "$job/gone" | sort -zu >"$job/ours" || exit 1
    comm -z -13 "$job/before" "$job/after" | comm -z -23 - "$job/ours" | code_of | sed -z 's/^/+/'
    comm -z -23 "$job/before" "$job/after" | comm -z -23 - "$job/ours" | code_of | sed -z 's/^/-/'
    configuration <"$job/after" | comm -z -12 - "$job/before" | comm -z -23 - "$job/ours" |
        differing . "$job/old" | sed -z 's/^/~/'
    ;;
back) # Make the web root what it was when it was marked; without a mark nothing was changed yet.
    end_others
    rm -f -- "$job/reserve"
    if [ -e "$job/before" ]; then
        { [ -e "$job/after" ] && cp -f "$job/after" "$job/now"; } || names "$job/now" "$job/put" || exit 1
        comm -z -13 "$job/before" "$job/now" | code_of >"$job/added"
        sort -zu "$job/put" | comm -z -23 - "$job/before" >>"$job/added" || exit 1
        xargs -0 -r rm -f -- <"$job/added" || exit 1
        comm -z -13 "$job/before" "$job/now" | grep -z '/$' | sort -zr |
            xargs -0 -r rmdir --ignore-fail-on-non-empty -- 2>/dev/null
        [ ! -e "$job/folders.tar" ] || tar --keep-directory-symlink -xpf "$job/folders.tar" || exit 1
        # Of users' data only what the switch replaced or removed, and what is missing: the rest is what they put there.
        { code_of <"$job/before" | cat - "$job/replaced" "$job/gone"; comm -z -23 "$job/before" "$job/now"; } |
            grep -zv '/$' | sort -zu | comm -z -12 - "$job/before" | (cd "$job/old" && there) >"$job/kept" || exit 1
        differing "$job/old" . <"$job/kept" >"$job/wanted" || exit 1
        (cd "$job/old" && link_to "$root" <"$job/wanted") || exit 1
        differing "$job/old" . <"$job/wanted" >"$job/failed" || exit 1
        (cd "$job/old" && no_links <"$job/failed") || exit 1
    fi
    rm -rf -- "$job/new" # on a full disk what comes next needs the room
    ;;
*) exit 2 ;;
esac
printf 'end\0'
