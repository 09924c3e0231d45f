#!/bin/bash
# Installs what is missing for the tests (or, with `demo`, for the demonstration) on Debian 12, and says what it does.
#
# Debian starts a routing daemon as soon as its package is installed; here the daemons are only programs for the
# laboratory, so they are kept from starting now and at the next boot. It never touches a daemon that was there before.
set -euo pipefail

what=${1:-all}
say() { printf '== %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "neither root nor sudo: run this as root"
    as_root=(sudo)
fi

# program or file -> package
needed=(ip:iproute2 ping:iputils-ping sysctl:procps curl:curl python3:python3 gobgpd:gobgpd gobgp:gobgpd)
if [ "$what" = all ]; then
    needed+=(/usr/lib/frr/bgpd:frr vtysh:frr bird:bird2 /usr/sbin/bgpd:openbgpd exabgp:exabgp setpriv:util-linux
        traceroute:traceroute qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio depmod:kmod
        mformat:mtools sfdisk:fdisk grub-mkimage:grub-common /usr/lib/grub/i386-pc/boot.img:grub-pc-bin
        /usr/lib/grub/x86_64-efi/normal.mod:grub-efi-amd64-bin /usr/share/OVMF/OVMF_CODE_4M.fd:ovmf minisign:minisign
        qemu-img:qemu-utils sbsign:sbsigntool openssl:openssl ssh:openssh-client zstd:zstd mksquashfs:squashfs-tools xxhsum:xxhash strip:binutils flock:util-linux
        mmdebstrap:mmdebstrap mke2fs:e2fsprogs make:make gcc-12:gcc-12 bc:bc xz:xz-utils awk:mawk tmux:tmux less:less stayrtr:stayrtr)
fi
# Rust needs a linker, whatever else is there.
command -v cc >/dev/null || needed+=(cc:build-essential)
# The fuzzer is written in C++.
[ "$what" = demo ] || needed+=(c++:g++)

PATH=$PATH:/usr/sbin:/sbin
missing=()
for entry in "${needed[@]}"; do
    program=${entry%%:*} package=${entry##*:}
    command -v "$program" >/dev/null || [ -e "$program" ] || missing+=("$package")
done

install_packages() {
    command -v apt-get >/dev/null || fail "missing: ${missing[*]}; there is no apt-get here, install them by hand"
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    say "installing ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d ours=no
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
    local status=0
    # Tools of a newer QEMU would have to go for Debian's QEMU; they are taken to its version instead.
    if printf '%s\n' "${missing[@]}" | grep -qx qemu-system-x86 && dpkg -s qemu-utils >/dev/null 2>&1; then
        missing+=('qemu-utils=1:7.2*')
    fi
    "${as_root[@]}" apt-get -q update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qy install --no-install-recommends --allow-downgrades "${missing[@]}" || status=$?
    [ "$ours" = no ] || "${as_root[@]}" rm -f "$policy"
    [ "$status" = 0 ] || fail "apt-get could not install ${missing[*]}"
    if [ -d /run/systemd/system ]; then
        for package in "${missing[@]}"; do
            case $package in
                bird2) service=bird ;;
                frr | openbgpd | exabgp | gobgpd | stayrtr) service=$package ;;
                *) continue ;;
            esac
            say "keeping the service $service from starting"
            "${as_root[@]}" systemctl disable --now "$service" >/dev/null 2>&1 || true
        done
    fi
}

[ ${#missing[@]} = 0 ] || install_packages

command -v cargo >/dev/null || fail "cargo is missing: install Rust from https://rustup.rs"
if [ "$what" = all ] && ! ls -d "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-musl" >/dev/null 2>&1; then
    say "installing Rust's target for static programs"
    rustup target add x86_64-unknown-linux-musl || fail "rustup could not add x86_64-unknown-linux-musl"
fi
if [ "$what" = all ] && ! cargo nextest --version >/dev/null 2>&1; then
    say "installing cargo-nextest (this takes some minutes)"
    cargo install cargo-nextest --locked || fail "cargo could not install cargo-nextest"
fi

# The balancer's programs are compiled for the kernel's virtual machine: its core library is built from source, and its
# linker goes with the LLVM of the compiler.
if [ "$what" = all ]; then
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library/core" ]; then
        command -v rustup >/dev/null || fail "the sources of Rust's core library are missing, and there is no rustup to add them"
        say "adding rust-src"
        rustup component add rust-src || fail "rustup could not add rust-src"
    fi
    if ! command -v bpf-linker >/dev/null; then
        llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
        if [ ! -x "/usr/lib/llvm-$llvm/bin/llvm-config" ]; then
            missing=("llvm-$llvm-dev" "libpolly-$llvm-dev")
            install_packages
        fi
        say "installing bpf-linker (this takes some minutes)"
        LLVM_PREFIX=/usr/lib/llvm-$llvm cargo install bpf-linker --version 0.13.0 --locked \
            --no-default-features --features "llvm-$llvm" || fail "cargo could not install bpf-linker"
    fi
    needed+=(bpf-linker:bpf-linker)
fi

for entry in "${needed[@]}"; do
    program=${entry%%:*}
    command -v "$program" >/dev/null || [ -e "$program" ] || fail "$program is still missing after installing ${entry##*:}"
done
say "everything needed is installed"
