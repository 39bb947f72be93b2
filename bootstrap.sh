#!/bin/sh
# Make the Python environment with uv in it:  sh bootstrap.sh PYTHON FOLDER
# Works on a bare Debian or Ubuntu (as root it installs python3-venv itself) and wherever Python is whole.
set -eu

python=${1:-python3}
folder=${2:-.venv}

stop() {
    echo "fangkong: $*" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    stop "there is no $python here. Install Python 3.11 or newer, or name one: make PY=/path/to/python3.12"

version=$("$python" -c 'import sys; print(".".join(map(str, sys.version_info[:3])))' 2>/dev/null) ||
    stop "$python does not start. Install Python 3.11 or newer, or name one: make PY=/path/to/python3.12"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "$python is Python $version, Fangkong needs 3.11 or newer. Install one, or name one: make PY=/path/to/python3.12"

# What printing (PDF) needs of the system. Without it all else works, so its lack stops nothing.
printing="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk"
if command -v dpkg >/dev/null 2>&1; then
    missing=""
    for package in $printing; do
        dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        if [ "$(id -u)" = 0 ]; then
            echo "      installing$missing …"
            # shellcheck disable=SC2086  # a list of names
            { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing; } >/dev/null ||
                echo "      not installed: PDF will not work until then" >&2
        else
            echo "      to print PDF, run: sudo apt-get install$missing" >&2
        fi
    fi
fi

if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "$python" "$folder"
    uv pip install --quiet --python "$folder/bin/python" uv
    exit 0
fi

# Debian's own Python comes without ensurepip, the part of venv that brings pip.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    command -v apt-get >/dev/null 2>&1 ||
        stop "$python has no venv and no pip. Install them, or install uv."
    [ "$(id -u)" = 0 ] ||
        stop "a package of the system is missing. Run this, then make again: sudo apt-get install python3-venv"
    echo "      installing python3-venv …"
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-venv; } >/dev/null ||
        stop "apt-get could not install python3-venv; its own message is above."
fi

"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv
