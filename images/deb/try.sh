#!/bin/bash
# Installs the package in a clean Debian, looks, runs the daemon with what the unit allows, and takes the package away.
#
#   try.sh PACKAGE [SUITE]          as root; prints a sentence for each thing that holds, and ends with 1 where one does not
set -euo pipefail

package=$(readlink -f "$1") suite=${2:-bookworm}
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
status=0
cleanup() { umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"; }
trap cleanup EXIT
so() {
    local sentence=$1
    shift
    if "$@"; then printf 'ok: %s\n' "$sentence"; else printf 'FAILED: %s\n' "$sentence"; status=1; fi
}
inside() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

mmdebstrap --quiet --variant=minbase --include=libgcc-s1,passwd,iproute2,util-linux "$suite" "$root" "deb http://deb.debian.org/debian $suite main"
mount -t proc proc "$root/proc"
listed() { (cd "$root" && find etc usr var/lib -xdev -type f ! -path 'var/lib/dpkg/*' ! -name '*-' ! -name 'ld.so.cache' | sort); }
listed >"$root/tmp/before"

cp "$package" "$root/tmp/towpath.deb"
so "the package is installed" inside dpkg -i /tmp/towpath.deb
so "it has a user of its own" inside getent passwd _towpath
so "and the groups of those who may use it" inside getent group towpath towpath-operator
so "the shell may be a login shell" grep -qx /usr/bin/towpath "$root/etc/shells"
so "the folder of the configuration is the daemon's alone" test "$(stat -c %a "$root/etc/towpath")" = 750
so "the pages of man are there" test -s "$root/usr/share/man/man8/towpathd.8.gz"

capabilities=$(sed -n 's/^AmbientCapabilities=//p' "$here/towpathd.service" | tr 'A-Z' 'a-z' | sed 's/cap_/+/g; s/ /,/g')
mkdir -p "$root/run/towpath" "$root/var/lib/towpath"
inside chown _towpath: /run/towpath /var/lib/towpath
# Names of its own for the steward, and a system that is this folder.
chroot "$root" unshare --net --ipc --uts -- \
    $(sed -n 's/^ExecStart=//p' "$here/towpath-steward.service") >"$root/tmp/steward" 2>&1 &
# A network of its own, and nothing but what the unit allows.
chroot "$root" unshare --net --ipc -- setpriv --reuid=_towpath --regid=_towpath --clear-groups --no-new-privs \
    --inh-caps="-all,$capabilities" --ambient-caps="-all,$capabilities" --bounding-set="-all,$capabilities" \
    $(sed -n 's/^ExecStart=//p' "$here/towpathd.service") >"$root/tmp/log" 2>&1 &
answers() { for _ in $(seq 150); do inside towpath -c "show version" >/dev/null 2>&1 && return; sleep 0.1; done; cat "$root/tmp/log"; return 1; }
so "the daemon answers with the capabilities of the unit" answers
pid=$(pgrep -n -f "^/usr/sbin/towpathd --config /etc/towpath/config.boot" || true)
effective=$(sed -n 's/^CapEff:\t//p' "/proc/$pid/status" 2>/dev/null || true)
# net_bind_service 10, net_admin 12, net_raw 13, perfmon 38, bpf 39
so "and has these alone ($effective)" test "$effective" = "$(printf '%016x' $((1 << 10 | 1 << 12 | 1 << 13 | 1 << 38 | 1 << 39)))"
so "a commit and a save succeed" inside sh -c 'printf "configure\nset protocols static route 192.0.2.0/24 blackhole\ncommit\nsave\nexit\n" | towpath'
so "words for the system are carried out by the steward" inside sh -c 'printf "configure\nset system login user anna level operator\nset system login banner post-login welcome\ncommit\nexit\n" | towpath >&2 && grep -qx welcome /etc/motd && getent passwd anna >&2'
so "what it has made goes again" inside sh -c 'printf "configure\ndelete system login user anna\ndelete system login banner\ncommit\nexit\n" | towpath >&2 && ! getent passwd anna'
so "it is confined" grep -q "Landlock in force.*calls refused" "$root/tmp/log"
so "the file is the daemon's" test "$(stat -c %U "$root/etc/towpath/config.boot" 2>/dev/null)" != root
so "the kernel has the route" nsenter --net="/proc/$pid/ns/net" ip route show 192.0.2.0/24
steward=$(pgrep -n -f "^/usr/sbin/towpathd --steward-for" || true)
kill "$pid" "$steward"
for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done

so "the package is removed" inside dpkg -r towpath
so "the configuration stays" test -s "$root/etc/towpath/config.boot"
so "it is purged" inside dpkg -P towpath
so "nobody can log in with the shell any more" sh -c "! grep -qx /usr/bin/towpath '$root/etc/shells'"
rm -f "$root/tmp/towpath.deb"
listed >"$root/tmp/after"
so "nothing of it is left" diff "$root/tmp/before" "$root/tmp/after"
exit $status
