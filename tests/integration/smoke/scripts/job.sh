#!/bin/sh
# A job: CODE TEXT
[ -z "$2" ] || echo "$2"
exit "$1"
