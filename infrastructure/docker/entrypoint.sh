#!/bin/sh
# Checks what the container was given, then becomes the program. Standard output belongs to the program alone.
set -eu

fail() {
    printf 'entrypoint: %s\n' "$1" >&2
    exit 2
}

# check_port <value>
# The service itself accepts 0 for "any free port", but nobody could publish or probe such a port from outside.
check_port() {
    case $1 in
        '' | *[!0-9]* | ??????*) ;;
        *) [ "$1" -lt 1 ] || [ "$1" -gt 65535 ] || return 0 ;;
    esac
    fail "BACKEND_PORT: found \"$1\", expected a port from 1 to 65535"
}

# prepare_folder <variable> <"set" if the variable is set> <folder>
# The root file system may be read-only. A folder that somebody asked for has to work; the default only serves to find
# faults, and the service runs without it.
prepare_folder() {
    if mkdir -p -- "$3" 2>/dev/null && [ -w "$3" ]; then
        return 0
    fi
    problem="$1: found \"$3\", expected a folder that user $(id -u) can write to"
    [ -z "$2" ] || fail "$problem"
    printf 'entrypoint: warning: %s\n' "$problem" >&2
}

[ "$#" -gt 0 ] || fail 'found no command, expected one such as /usr/local/bin/backend'

check_port "${BACKEND_PORT-8080}"

marker=${BACKEND_MARKER_FILE-/tmp/backend-main-called.txt}
prepare_folder BACKEND_MARKER_FILE "${BACKEND_MARKER_FILE+set}" "$(dirname -- "$marker")"
prepare_folder BACKEND_PANIC_DIR "${BACKEND_PANIC_DIR+set}" "${BACKEND_PANIC_DIR-/tmp}"

# exec, so that the program is process 1 and receives the signals of the engine.
exec "$@"
