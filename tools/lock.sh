#!/bin/sh
# Write requirements/*.txt:  sh tools/lock.sh UV [arguments of uv lock, such as --upgrade]
# uv.lock names the registry of whoever ran it, so it stays out of git; these exports name packages
# and hashes only.
set -eu
uv=$1
shift
"$uv" lock --quiet "$@"
export_group() {
    name=$1
    shift
    "$uv" export --quiet --frozen --no-header --no-annotate --no-emit-project --no-default-groups "$@" -o "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c '^[a-zA-Z]' "requirements/$name.txt") packages"
}
mkdir -p requirements
export_group app --extra linkage
for group in build test check node; do
    export_group "$group" --only-group "$group"
done
