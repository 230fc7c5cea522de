#!/bin/sh
# Becomes an engine: in a mount and a process namespace of its own, with a Debian system as its root folder.
#
#   unshare --mount --pid --fork --kill-child -- enter.sh SYSTEM STATE BRIDGE ADDRESS dockerd's words …
#
# All that is mounted here goes with the namespace, and all that runs here goes with its first process.
set -eu

system=$1 state=$2 bridge=$3 address=$4
shift 4
mount --bind "$system" "$system"
mount --rbind /sys "$system/sys"
mount --rbind /dev "$system/dev"
mount -t proc proc "$system/proc"
mount -t tmpfs tmpfs "$system/run"
mkdir -p "$system/run/engine" "$system/var/lib/docker" "$system/host"
mount --bind "$state/run" "$system/run/engine"
mount --bind "$state/data" "$system/var/lib/docker"
cd "$system"
pivot_root . host
umount -l /host
# A bridge of its own, by another name than docker0: this machine's engine must not notice its guest.
# shellcheck disable=SC2016 # the inner shell's own words
exec chroot . /bin/sh -euc '
bridge=$1 address=$2
shift 2
ip link show "$bridge" >/dev/null 2>&1 || ip link add name "$bridge" type bridge
ip address replace "$address" dev "$bridge"
ip link set "$bridge" up
# Something has to take in the orphans; dockerd would not.
exec docker-init -- dockerd "$@"' sh "$bridge" "$address" "$@"
