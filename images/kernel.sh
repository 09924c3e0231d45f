#!/bin/bash
# Packs Debian's kernel anew, so that it unpacks itself in a fifth of the time.
#
#   kernel.sh TREE STORE OUT          TREE: the unpacked packages; STORE: where packages are kept; OUT: the kernel packed anew
#
# The kernel itself stays what Debian has built, bit by bit; only what unpacks it is linked again, out of Debian's sources
# of the same version, for zstd instead of XZ, and with another way to copy and to fill memory (kernel_copies.py). Before that
# the same is done for XZ, with nothing changed: what comes out has to be Debian's own file but for its signature, or nothing
# is written. Ends with 1, and says why, where the kernel has to stay as it is.
set -euo pipefail

tree=$1 store=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C TZ=UTC KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=towpath KBUILD_BUILD_HOST=towpath
fail() { printf 'kernel: %s\n' "$*" >&2; exit 1; }
for program in gcc-12 make bc xz zstd python3 readelf objcopy awk; do
    command -v "$program" >/dev/null || fail "$program is missing; tests/setup.sh installs it"
done

release=$(ls "$tree/lib/modules")
packed=$tree/boot/vmlinuz-$release
package=$(ls "$store/packages/linux-image-$release"_*.deb)
version=$(dpkg-deb -f "$package" Version)
source=linux-source-$(printf '%s' "$release" | cut -d. -f1,2)

# --- The sources of what unpacks, and the headers that Debian's build has made ---------------------------------------

work=$store/kernel
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download "$source=$version" "linux-headers-$release=$version" >&2 ||
    fail "apt-get has no sources of the kernel $version"
dpkg-deb --fsys-tarfile "${source}"_*.deb | tar -xO "./usr/src/$source.tar.xz" |
    tar -xJ --strip-components=1 "$source"/{Makefile,Kbuild,arch/x86,drivers/{Makefile,firmware/{Makefile,efi}},include,lib,scripts,tools/{include,arch}}
dpkg-deb -x "linux-headers-$release"_*.deb headers
rm -- *.deb
made=headers/usr/src/linux-headers-$release
cp -a "$made/include/." include/
cp -a "$made/arch/x86/include/." arch/x86/include/
cp "$made/.config" .config
rm -rf headers

# --- What is packed: the kernel as an ELF file without symbols, and the list of what moves with it ------------------

# The setup header says where it lies (Documentation/x86/boot.rst, payload_offset); its length stands behind it.
python3 - "$packed" payload <<'E2'
import struct, sys
with open(sys.argv[1], "rb") as file:
    whole = file.read()
sectors, (offset, length) = whole[0x1F1] or 4, struct.unpack_from("<II", whole, 0x248)
begin = (sectors + 1) * 512 + offset
with open(sys.argv[2], "wb") as file:
    file.write(whole[begin : begin + length])
E2
head -c -4 payload | xz -dc >unpacked || fail "Debian's kernel is not packed as XZ"
# The four names that the linker script of what unpacks asks for; each section's length stands behind its name.
end=$(readelf -SW unpacked | sed -n 's/.* \.brk  *NOBITS  *[0-9a-f]*  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p')
objcopy --add-symbol _text=.text:0 --add-symbol __start_rodata=.rodata:0 --add-symbol __bss_start=.bss:0 \
    --add-symbol "_end=.brk:0x$end" unpacked vmlinux
objcopy -R .comment -S vmlinux bare
length=$(stat -c %s bare)
cmp -s -n "$length" bare unpacked || fail "Debian's kernel does not come out of objcopy as it went in"
tail -c "+$((length + 1))" unpacked >moving
printf '#!/bin/sh\n[ "$1" = --abs-relocs ] || cat "%s/moving"\n' "$work" >relocs
chmod 755 relocs

# --- Linked again ----------------------------------------------------------------------------------------------------

build() {
    local kind=$1
    shift
    sed -i -E "s/^CONFIG_KERNEL_(GZIP|BZIP2|LZMA|XZ|LZO|LZ4|ZSTD)=y/CONFIG_KERNEL_$kind=y/" include/config/auto.conf .config
    sed -i -E "s/^#define CONFIG_KERNEL_(GZIP|BZIP2|LZMA|XZ|LZO|LZ4|ZSTD) 1/#define CONFIG_KERNEL_$kind 1/" include/generated/autoconf.h
    touch include/config/auto.conf{,.cmd} include/generated/autoconf.h
    rm -f arch/x86/boot/compressed/*.o arch/x86/boot/bzImage
    # The kernel is there, and so is what its build prepares.
    local make=(make -s ARCH=x86 "KERNELRELEASE=$release" CC=gcc-12 "CMD_RELOCS=$work/relocs" -o vmlinux -o prepare
        -o archprepare -o prepare0 -o include/config/auto.conf "$@")
    "${make[@]}" drivers/firmware/efi/libstub/ >>log 2>&1 && "${make[@]}" bzImage >>log 2>&1 ||
        { tail -n 20 log >&2; fail "it could not be linked for $kind"; }
}

cc -O2 -o scripts/basic/fixdep scripts/basic/fixdep.c
CONFIG_SHELL=sh sh arch/x86/kernel/cpu/mkcapflags.sh arch/x86/kernel/cpu/capflags.c \
    arch/x86/include/asm/{cpufeatures,vmxfeatures}.h
awk -f arch/x86/tools/gen-insn-attr-x86.awk arch/x86/lib/x86-opcode-map.txt >arch/x86/lib/inat-tables.c

# shellcheck disable=SC2016
build XZ 'cmd_xzkern_with_size=cp payload $@'
# What a signature changes: the checksum, where the certificate lies, and the certificate behind the file.
python3 - "$packed" arch/x86/boot/bzImage <<'E2' || fail "these tools do not make Debian's own file again"
import struct, sys
debian, ours = (bytearray(open(name, "rb").read()) for name in sys.argv[1:])
header = struct.unpack_from("<I", debian, 0x3C)[0]
for file in (debian, ours):
    # The optional header of a PE32+ file: CheckSum, and the fifth data directory.
    file[header + 24 + 64 : header + 24 + 68] = bytes(4)
    file[header + 24 + 144 : header + 24 + 152] = bytes(8)
sys.exit(debian[: len(ours)] != ours)
E2
python3 "$here/kernel_copies.py" arch/x86/boot/compressed/string.c || fail "what unpacks the kernel copies in another way than that of 6.1"
build ZSTD
cp arch/x86/boot/bzImage "$out.new"
mv "$out.new" "$out"
