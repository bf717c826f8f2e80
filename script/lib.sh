# shellcheck shell=bash
# What the scripts share. Source it first: it moves to the project's top and makes errors fatal.
set -euo pipefail

SCRIPT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$SCRIPT_DIR/.."

VENV=.build/venv

# One set of flags for every build, so that they all share one warm build directory.
# An undeclared import compiles by luck and breaks later, so it is an error.
BUILD_FLAGS=(--explicit-target-dependency-import-check error)

say() { printf '\n==> %s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# packages_of SECTION: the Debian packages that packages.txt lists for it, one a line.
packages_of() {
    sed -n "/^\[$1\]\$/,/^\[/p" "$SCRIPT_DIR/packages.txt" | grep -E '^[a-z0-9]' || true
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || die "needs root to run '$*': install sudo, or run it as root"
        sudo "$@"
    fi
}

# install_packages SECTION...: installs what is missing; asks apt nothing when nothing is.
install_packages() {
    local section package missing=()
    for section in "$@"; do
        for package in $(packages_of "$section"); do
            is_installed "$package" || missing+=("$package")
        done
    done
    [ "${#missing[@]}" -gt 0 ] || return 0

    command -v apt-get >/dev/null ||
        die "this is no Debian system; install by hand what matches: ${missing[*]}"
    say "Installing ${missing[*]}"
    as_root apt-get update -qq || die "apt-get update failed: is there a network?"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get could not install: ${missing[*]}"
}

# Makes the virtual environment of the black-box tests, again only when its list has changed.
install_python_packages() {
    local list="$SCRIPT_DIR/requirements.txt"
    cmp -s "$list" "$VENV/requirements.txt" && return 0
    say "Installing the tests' Python packages into $VENV"
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list" ||
        die "pip could not install what script/requirements.txt lists: is there a network?"
    cp "$list" "$VENV/requirements.txt"
}

need_swift() {
    command -v swift >/dev/null ||
        die "no Swift toolchain in PATH: install Swift 6.3 or later from https://swift.org/install"
}
