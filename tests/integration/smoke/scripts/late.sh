#!/bin/sh
sleep "$1"
exec /t/actor loop ready
