#!/bin/sh
# Leaves a marker and stays, with nothing but the shell, so that it also runs outside of the image.
trap 'exit 0' TERM
echo "ready" && echo left > "$1"
while :; do sleep 0.05; done
