#!/bin/sh
# More processes than it may have.
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 5 & done
exec /t/actor
