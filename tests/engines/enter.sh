#!/bin/sh
# Becomes an engine: in mount, process and network namespaces of its own, with a Debian system as its root folder.
#
#   unshare --mount --pid --net --fork --kill-child -- \
#       enter.sh SYSTEM STATE LINK HOST GUEST NETWORK … -- dockerd's words … 9</proc/self/ns/net
#
# LINK: the host's end of the cable between the two. HOST, GUEST: its ends' addresses. NETWORK …: what the host reaches
# through it. Descriptor 9 is the host's network namespace.
#
# All that is mounted here goes with the namespaces, as does the cable, and all that runs here goes with its first process.
set -eu

system=$1 state=$2
shift 2
mount --bind "$system" "$system"
# A sysfs shows the links of the network namespace that it was mounted in.
mount -t sysfs sysfs "$system/sys"
mount --rbind /sys/fs/cgroup "$system/sys/fs/cgroup"
mount --rbind /dev "$system/dev"
mount -t proc proc "$system/proc"
mount -t tmpfs tmpfs "$system/run"
mkdir -p "$system/run/engine" "$system/var/lib/docker" "$system/host"
mount --bind "$state/run" "$system/run/engine"
mount --bind "$state/data" "$system/var/lib/docker"
cd "$system"
pivot_root . host
umount -l /host
# shellcheck disable=SC2016 # the inner shell's own words
exec chroot . /bin/sh -euc '
link=$1 host=$2 guest=$3
shift 3
on_host() { nsenter --net=/proc/self/fd/9 -- "$@"; }
# The kernel takes down the cable of a killed predecessor as well, but in its own time.
on_host ip link delete "$link" 2>/dev/null || true
ip link set lo up
ip link add name "$link" type veth peer name host
ip link set "$link" netns /proc/self/fd/9
ip address add "$guest/30" dev host
ip link set host up
on_host ip address add "$host/30" dev "$link"
on_host ip link set "$link" up
while [ "$1" != -- ]; do
    on_host ip route replace "$1" via "$guest" dev "$link"
    shift
done
shift
exec 9<&-
echo 1 > /proc/sys/net/ipv4/ip_forward
# A container of a network without a way out knows only its own neighbours: the host must look like one.
"$(command -v iptables-legacy || echo iptables)" -t nat -A POSTROUTING -s "$host" -j MASQUERADE
# Something has to take in the orphans; dockerd would not.
exec docker-init -- dockerd "$@"' sh "$@"
