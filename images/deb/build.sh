#!/bin/bash
# Builds the package for an ordinary Debian host: the daemon with a hardened unit, the shell, the pages of man.
#
#   build.sh TARGET PROGRAMS          TARGET: where the package goes; PROGRAMS: the folder of towpathd and towpath
#
# The same inputs give the same octets. No root is needed.
set -euo pipefail

target=$1 programs=$2
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
export LC_ALL=C TZ=UTC
umask 022
: "${SOURCE_DATE_EPOCH:=$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 1700000000)}"
export SOURCE_DATE_EPOCH
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$top/Cargo.toml")
name=towpath_${version}_amd64

mkdir -p "$target"
root=$target/$name
rm -rf "$root"
mkdir -p "$root/DEBIAN"
for program in towpathd:usr/sbin towpath:usr/bin; do
    install -D -m 755 "$programs/${program%%:*}" "$root/${program##*:}/${program%%:*}"
    strip "$root/${program##*:}/${program%%:*}"
done
balancer=$programs/../bpf/towpath-balancer.o
[ ! -e "$balancer" ] || install -D -m 644 "$balancer" "$root/usr/lib/towpath/towpath-balancer.o"
for unit in towpathd towpath-steward; do
    install -D -m 644 "$here/$unit.service" "$root/lib/systemd/system/$unit.service"
done
for page in "$top"/docs/manual/man/*.[1-8]; do
    section=${page##*.}
    mkdir -p "$root/usr/share/man/man$section"
    gzip -9n <"$page" >"$root/usr/share/man/man$section/$(basename "$page").gz"
done
install -D -m 644 "$top/LICENSE" "$root/usr/share/doc/towpath/copyright"
gzip -9n <"$top/CHANGELOG.md" | install -D -m 644 /dev/stdin "$root/usr/share/doc/towpath/changelog.gz"
install -m 755 "$here"/{postinst,prerm,postrm} "$root/DEBIAN/"
# The newest symbol of the C library that a program asks for says which one it needs.
libc=$(objdump -T "$root/usr/sbin/towpathd" "$root/usr/bin/towpath" | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1)
cat >"$root/DEBIAN/control" <<EOF
Package: towpath
Version: $version
Architecture: amd64
Maintainer: Towpath <towpath@localhost>
Section: net
Priority: optional
Depends: libc6 (>= ${libc#GLIBC_}), libgcc-s1, passwd
Recommends: iproute2
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: BGP router with an EdgeOS-like shell
 towpathd speaks BGP and keeps the kernel's routes; towpath is its shell. Members
 of the group towpath configure it, members of towpath-operator look. The daemon
 runs as a user of its own with the capabilities of the network alone; a small
 steward changes accounts, host name and files of /etc as the configuration says.
EOF
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$root" "$target/$name.deb" >/dev/null
rm -rf "$root"
printf '%s\n' "$target/$name.deb"
