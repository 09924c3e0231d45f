#!/bin/bash
# Builds what a guest boots: Debian's kernel, an initramfs with busybox, iproute2, the programs under test, and a scenario.
#
#   build.sh CACHE PROGRAMS SCENARIO INITRD     prints the path of the kernel
#
# What changes seldom is made once and kept in CACHE; the programs and the scenario are a second archive behind it, as
# the kernel allows. Nothing is installed: the kernel's package is unpacked where it lies.
set -euo pipefail

cache=$1 programs=$2 scenario=$3 initrd=$4
here=$(cd "$(dirname "$0")" && pwd)
fail() { printf 'guest: %s\n' "$*" >&2; exit 1; }

# Kinds of links that Debian has as modules, and what a guest of its own network needs.
modules=(dummy 8021q bridge veth vrf bonding ip_gre ip6_gre ipip ip6_tunnel sit fou fou6 vxlan virtio_pci virtio_net
    sch_ingress cls_bpf cls_u32)

PATH=$PATH:/usr/sbin:/sbin
for program in qemu-system-x86_64 busybox cpio depmod modprobe dpkg-deb apt-get ip tc; do
    command -v "$program" >/dev/null || fail "$program is missing; tests/setup.sh installs it"
done
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# Copies a program with the libraries that it is linked to.
with_libraries() {
    local program=$1 root=$2 as=$3
    install -D "$program" "$root$as"
    ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$root$library" ] || install -D "$library" "$root$library"
    done
}

archive() { (cd "$1" && find . | cpio --quiet -o -H newc -R 0:0); }

unpack_kernel() {
    local package
    rm -rf "$cache/kernel" "$cache/download"
    mkdir -p "$cache/download"
    newest() { apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-\)/\1/p' | head -n 1; }
    package=$(newest)
    if [ -z "$package" ]; then
        apt-get -q update >&2 || true
        package=$(newest)
    fi
    [ -n "$package" ] || fail "apt knows no linux-image-cloud-amd64"
    (cd "$cache/download" && apt-get -q download "$package" >&2) || fail "apt-get could not download $package"
    dpkg-deb -x "$cache"/download/*.deb "$cache/kernel"
    release=$(ls "$cache/kernel/lib/modules")
    depmod -b "$cache/kernel" "$release"
    rm -rf "$cache/download"
}

build_base() {
    local root=$cache/base release=$1 file
    rm -rf "$root"
    mkdir -p "$root"/{bin,sbin,dev,etc,proc,run,sys,tmp,root}
    install "$(command -v busybox)" "$root/bin/busybox"
    for applet in $(busybox --list); do
        [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
    done
    ln -sf ../bin/busybox "$root/sbin/modprobe"
    rm -f "$root/bin/ip" "$root/bin/tc"
    with_libraries "$(command -v ip)" "$root" /bin/ip
    with_libraries "$(command -v tc)" "$root" /bin/tc
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    for module in "${modules[@]}"; do
        modprobe -d "$cache/kernel" -S "$release" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | sort -u | while read -r file; do
        file=${file#"$cache/kernel"}
        install -D -m 644 "$cache/kernel$file" "$root$file"
    done
    # The kernel asks for a module by the name of a kind of link; the lists say which file that is.
    cp "$cache/kernel/lib/modules/$release"/modules.{alias,builtin,dep,symbols} "$root/lib/modules/$release/"
    archive "$root" | zstd -q -3 -f -o "$cache/base.cpio.zst"
}

[ -d "$cache/kernel/lib/modules" ] && [ -e "$cache/kernel/lib/modules/$(ls "$cache/kernel/lib/modules")/modules.dep" ] ||
    unpack_kernel
release=$(ls "$cache/kernel/lib/modules")
[ "$cache/base.cpio.zst" -nt "$here/build.sh" ] || build_base "$release"

top=$(mktemp -d "$cache/top.XXXXXX")
trap 'rm -rf "$top"' EXIT
install -D "$here/init" "$top/init"
install -D -m 644 "$here/words.sh" "$top/words.sh"
install -D -m 644 "$scenario" "$top/scenario.sh"
for program in towpathd towpath; do
    # Half a gigabyte of debugging information would be unpacked at each start.
    if [ ! "$cache/$program" -nt "$programs/$program" ]; then
        strip -o "$cache/$program.new" "$programs/$program"
        mv "$cache/$program.new" "$cache/$program"
    fi
    with_libraries "$cache/$program" "$top" "/bin/$program"
done
# The balancer's programs, beside the daemon, which looks there.
object=$(dirname "$programs")/bpf/towpath-balancer.o
[ ! -e "$object" ] || install -D -m 644 "$object" "$top/bin/towpath-balancer.o"
{ cat "$cache/base.cpio.zst"; archive "$top" | zstd -q -1; } >"$initrd"
printf '%s\n' "$cache/kernel/boot/vmlinuz-$release"
