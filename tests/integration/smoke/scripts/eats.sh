#!/bin/sh
# Takes ten times the memory that it may have.
eaten=$(head -c 200000000 /dev/zero | tr '\0' x)
echo "${#eaten}"
