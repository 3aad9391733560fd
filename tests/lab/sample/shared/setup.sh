#!/bin/sh
# Sets owner and rights of the tree: setup.sh [-n] [-u USER] [-g GROUP] fix
# As in Tiki: everything readable for all, the writable folders also writable for the group.
while getopts u:g:n option; do
    case $option in
        u) user=$OPTARG ;;
        g) group=$OPTARG ;;
        *) ;;
    esac
done
shift $((OPTIND - 1))
[ "$1" = fix ] || { echo "Usage: $0 [-n] [-u USER] [-g GROUP] fix"; exit 1; }

writable="@WRITABLE@"
for folder in $writable; do
    mkdir -p "$folder"
done
touch db/virtuals.inc
if [ "$(id -u)" = 0 ] && [ -n "$user" ]; then
    chown -R "$user${group:+:$group}" .
fi
chmod -R u=rwX,go=rX .
# shellcheck disable=SC2086 # a list of words
chmod -R g+w $writable
