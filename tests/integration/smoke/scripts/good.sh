#!/bin/sh -e
exec /t/actor "$@"
