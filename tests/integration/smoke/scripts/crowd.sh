#!/bin/sh
# Children print at the same time, in whatever order.
trap 'exit 0' TERM
for name in a b c d e f g h; do
    (sleep 0.0"$(($$ % 7))"; echo "worker $name is up") &
done
wait
echo "ready"
while :; do sleep 0.05; done
