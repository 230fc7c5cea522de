#!/bin/sh
echo ready >&2
exec /t/actor loop "on standard output"
