#!/usr/bin/env bash
# Runs a command on a private session bus with a real, unlocked gnome-keyring and a fresh HOME,
# and leaves neither a process nor a file behind.
#
# usage: session.sh PASSWORD COMMAND [ARGUMENT]...
#   KEYRING_HOME=DIR   keeps HOME and the keyring there, for a later session to find
#
# The password must not be empty: gnome-keyring never unlocks with an empty one.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ] || [ -z "$1" ]; then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 64
fi
PASSWORD=$1
shift

# Outputs go to files only. A daemon that outlived the session would hold a pipe open, and
# whoever reads the pipe would wait for ever.
run_in_session() {
    printf %s "$PASSWORD" |
        gnome-keyring-daemon --foreground --unlock --components=secrets \
            >"$XDG_RUNTIME_DIR/keyring.log" 2>&1 &
    local status=0
    wait_for_secret_service && "$@" || status=$?
    kill "$(cat "$XDG_RUNTIME_DIR/keyring.pid" 2>/dev/null)" 2>/dev/null || true
    return "$status"
}

# Also notes the daemon's process id, which the bus knows best.
wait_for_secret_service() {
    local ask=(dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus)
    local try
    for try in $(seq 250); do
        if "${ask[@]}" org.freedesktop.DBus.GetConnectionUnixProcessID \
            string:org.freedesktop.secrets 2>/dev/null |
            sed -n 's/.*uint32 //p' | grep . >"$XDG_RUNTIME_DIR/keyring.pid"; then
            return 0
        fi
        sleep 0.02
    done
    echo "session.sh: gnome-keyring did not appear on the bus within 5 s" >&2
    return 74
}

# The script runs twice: first outside the private bus, then, by dbus-run-session, inside it.
if [ "${KEYRING_SESSION_STAGE:-outer}" = inner ]; then
    unset KEYRING_SESSION_STAGE
    exec 2>&3 3>&-
    rm "$XDG_RUNTIME_DIR/bus.log"
    run_in_session "$@"
    exit
fi

ROOT=${KEYRING_HOME:-$(mktemp -d "${TMPDIR:-/tmp}/keyring.XXXXXX")}
mkdir -p "$ROOT"/{home,run,config,data,cache}
chmod 700 "$ROOT/run"
unset DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY GNOME_KEYRING_CONTROL

# The bus has complaints of its own (as root in a container: about limits) that matter only where
# it does not come up, so the inner stage drops them and takes stderr back.
status=0
env HOME="$ROOT/home" XDG_RUNTIME_DIR="$ROOT/run" XDG_CONFIG_HOME="$ROOT/config" \
    XDG_DATA_HOME="$ROOT/data" XDG_CACHE_HOME="$ROOT/cache" KEYRING_SESSION_STAGE=inner \
    dbus-run-session --config-file="$HERE/bus.conf" -- \
    "$HERE/session.sh" "$PASSWORD" "$@" 3>&2 2>"$ROOT/run/bus.log" || status=$?
[ ! -e "$ROOT/run/bus.log" ] || cat "$ROOT/run/bus.log" >&2
[ -n "${KEYRING_HOME:-}" ] || rm -rf "$ROOT"
exit "$status"
