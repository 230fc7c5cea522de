#!/bin/no-such-shell
exec /t/actor
