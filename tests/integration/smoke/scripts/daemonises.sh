#!/bin/sh
# Goes into the background, in a session of its own.
setsid /bin/sleep "$1" >/dev/null 2>&1 &
sleep 0.2
exit 0
