#!/bin/sh
# Prints a line, waits, and ends: SECONDS CODE
echo ready
sleep "$1"
exit "$2"
