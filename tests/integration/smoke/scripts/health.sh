#!/bin/sh
[ -e "$1" ] || { echo "no $1" >&2; exit 1; }
