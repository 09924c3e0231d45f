#!/bin/bash
# Makes one signed file out of an image: kernel, initramfs and command line behind systemd's stub, for Secure Boot.
#
#   uki.sh TARGET          what build.sh has made there; the files go there, too
#
# The whole operating system is within the signature: there is nothing else to verify. A disk is made around it, whose boot
# partition holds this one file.
#
#   TOWPATH_SIGN_KEY, TOWPATH_SIGN_CERT   key and certificate; without them those that OVMF's test firmware knows
set -euo pipefail

target=$(cd "$1" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C TZ=UTC
: "${SOURCE_DATE_EPOCH:=$(git -C "$(dirname "$0")" log -1 --format=%ct 2>/dev/null || echo 1700000000)}"
export SOURCE_DATE_EPOCH
fail() { printf 'uki: %s\n' "$*" >&2; exit 1; }
for program in objcopy sbsign mformat mcopy sfdisk openssl python3; do
    command -v "$program" >/dev/null || fail "$program is missing; tests/setup.sh installs it"
done
[ -e "$target/slot/initrd" ] || fail "$target has no image; build it first"
version=$(sed -n 's/^version //p' "$target/slot/manifest")
# Fixed, so that the same inputs give the same disk.
disk_id=70A7E572-1A5E-4D1B-9A7B-54F70000001
work=$target/uki
mkdir -p "$work"

stub=$work/stub/usr/lib/systemd/boot/efi/linuxx64.efi.stub
if [ ! -e "$stub" ]; then
    (cd "$work" && apt-get -q download systemd-boot-efi >&2) || fail "apt-get could not download systemd-boot-efi"
    dpkg-deb -x "$work"/systemd-boot-efi_*.deb "$work/stub"
fi
key=${TOWPATH_SIGN_KEY:-$work/key.pem} certificate=${TOWPATH_SIGN_CERT:-/usr/share/ovmf/PkKek-1-snakeoil.pem}
[ -e "$key" ] || openssl rsa -in /usr/share/ovmf/PkKek-1-snakeoil.key -passin pass:snakeoil -out "$key" 2>/dev/null

printf 'console=tty0 console=ttyS0,115200n8 quiet loglevel=3 panic=1 no_timer_check cryptomgr.notests=1 rootfstype=ramfs towpath.slot=signed' >"$work/cmdline"
printf 'ID=towpath\nVERSION_ID=%s\nPRETTY_NAME="Towpath %s"\n' "$version" "$version" >"$work/osrel"
[ "$(stat -c %s "$target/slot/vmlinuz")" -lt $((16 << 20)) ] || fail "the kernel has no room below the initramfs"
# All of the system is signed, and the firmware reads it.
cat "$target/slot/initrd" "$target/slot/usr" >"$work/initrd"
objcopy --add-section .osrel="$work/osrel" --change-section-vma .osrel=0x20000 \
    --add-section .cmdline="$work/cmdline" --change-section-vma .cmdline=0x30000 \
    --add-section .linux="$target/slot/vmlinuz" --change-section-vma .linux=0x2000000 \
    --add-section .initrd="$work/initrd" --change-section-vma .initrd=0x3000000 \
    "$stub" "$work/unsigned.efi"
python3 "$(dirname "$0")/uki_date.py" "$work/unsigned.efi" "$SOURCE_DATE_EPOCH"
sbsign --key "$key" --cert "$certificate" --output "$work/signed.efi" "$work/unsigned.efi" 2>/dev/null

for kind in signed unsigned; do
    boot=$work/$kind.fat image=$target/towpath-$version-amd64-$kind.img
    rm -f "$boot" "$image"
    truncate -s 128M "$boot"
    mformat -i "$boot" -F -N 70A75EEE -v TOWPATH ::
    mmd -i "$boot" ::/EFI ::/EFI/BOOT
    touch -d "@$SOURCE_DATE_EPOCH" "$work/$kind.efi"
    mcopy -i "$boot" -m "$work/$kind.efi" ::/EFI/BOOT/BOOTX64.EFI
    truncate -s 256M "$image"
    sfdisk -q "$image" <<EOF
label: gpt
label-id: ${disk_id}0
start=2048, size=$((128 * 2048)), type=U, uuid=${disk_id}2, name=towpath-boot
start=$((129 * 2048)), type=L, uuid=${disk_id}3, name=towpath-data
EOF
    dd if="$boot" of="$image" bs=1M seek=1 conv=notrunc,sparse status=none
    rm -f "$boot"
    printf '%s\n' "$image"
done
