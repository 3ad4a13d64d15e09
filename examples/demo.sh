#!/bin/sh
# Takes the example routes from file to PBX, on a sandbox, in a folder that is removed afterwards.
set -eu

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

run() {
    printf '\n$ %s\n' "$*"
    "$@"
}

command -v pbxsync >/dev/null || fail 'pbxsync is not on PATH: run "make demo", or activate the venv it is installed in'

# The caller's own settings and secrets have no part in this.
for name in $(env | sed -n 's/^\(PBXSYNC_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp "$root/routes.example.yaml" "$folder"
cd "$folder"

run pbxsync validate routes.example.yaml
run pbxsync plan --sandbox routes.example.yaml
run pbxsync apply --sandbox --yes routes.example.yaml

status=0
run pbxsync plan --sandbox --detailed-exitcode routes.example.yaml || status=$?
case $status in
    0) printf '\nThe PBX holds what the file says.\n' ;;
    2) fail 'after apply, the plan still has changes: the sandbox does not hold what the file says' ;;
    *) fail "after apply, the plan failed with exit code $status" ;;
esac
