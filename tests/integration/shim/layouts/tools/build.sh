#!/bin/sh
set -e
for what in build; do
    cargo "$what" --quiet
done
