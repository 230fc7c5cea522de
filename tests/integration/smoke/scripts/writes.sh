#!/bin/sh
set -e
mkdir -p "$1"
echo state > "$1/state"
exec /t/actor
