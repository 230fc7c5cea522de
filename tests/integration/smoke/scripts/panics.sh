#!/bin/sh
echo "thread 'worker' panicked at src/main.rs:7:5:" >&2
exec /t/actor
