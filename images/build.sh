#!/bin/bash
# Builds the appliance: a disk image, the same as .qcow2, the file for upgrades, and the list of what is in them.
#
#   build.sh TARGET PROGRAMS          TARGET: where everything goes; PROGRAMS: the folder of towpathd and towpath
#
# Debian's packages are unpacked where they lie; nothing is installed, no loop device and no root is needed. The same
# inputs (sources, packages, SOURCE_DATE_EPOCH, key) give the same octets. The system is one initramfs of two archives. The
# boot loader reads the first, which gets at the disk; the second holds `/usr` as a packed file system, which the first process
# fetches by the kernel's drivers, several times as fast as firmware. It stays packed in memory, so that a start unpacks only
# what it reads. A boot loader that reads both starts the same system, without a disk.
#
#   TOWPATH_KEY     the secret key of minisign that signs images; without it one is made beside the packages and kept
#   TOWPATH_LEVEL   how hard the system is compressed, 19 without
#   TOWPATH_VERSION what the image is called, the version of the workspace without
#   TOWPATH_PACKAGES where Debian's packages are kept, TARGET without
set -euo pipefail

target=$1 programs=$2
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C TZ=UTC
umask 022

: "${SOURCE_DATE_EPOCH:=$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 1700000000)}"
: "${TOWPATH_LEVEL:=19}"
: "${TOWPATH_VERSION:=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")}"
export SOURCE_DATE_EPOCH
version=$TOWPATH_VERSION

# What persons and the router call.
packages=(busybox-static openssh-server openssh-client chrony passwd login libpam-modules e2fsprogs fdisk util-linux iproute2
    iputils-ping curl ca-certificates traceroute tcpdump netbase tzdata linux-image-amd64)
files=(usr/sbin/sshd usr/bin/ssh usr/bin/scp usr/bin/ssh-keygen usr/sbin/chronyd usr/bin/chronyc usr/sbin/useradd
    usr/sbin/usermod usr/sbin/userdel usr/sbin/groupadd usr/sbin/chpasswd sbin/mke2fs sbin/e2fsck sbin/sfdisk
    usr/bin/partx bin/login bin/ip sbin/bridge bin/ss bin/ping usr/bin/curl usr/bin/tcpdump usr/bin/traceroute.db
    lib/x86_64-linux-gnu/security/pam_unix.so lib/x86_64-linux-gnu/security/pam_deny.so
    lib/x86_64-linux-gnu/libgcc_s.so.1 lib/x86_64-linux-gnu/libnss_files.so.2 lib/x86_64-linux-gnu/libnss_dns.so.2
    etc/services etc/protocols etc/mke2fs.conf etc/ssh/moduli)

# Fixed, so that the same inputs give the same disk. An installation gives a disk numbers of its own.
disk_id=70A7E572-1A5E-4D1B-9A7B-54F700000000
boot_serial=70A75EED
boot_mib=256 data_mib=96
# How much of a file is packed at a time.
block=512K

fail() { printf 'image: %s\n' "$*" >&2; exit 1; }
say() { printf '== %s\n' "$*"; }
for program in apt-get apt-cache dpkg-deb depmod modprobe cpio zstd mksquashfs mformat mcopy sfdisk grub-mkimage minisign qemu-img python3 objdump xxhsum; do
    command -v "$program" >/dev/null || fail "$program is missing; tests/setup.sh installs it"
done
for program in towpathd towpath; do
    [ -x "$programs/$program" ] || fail "$programs/$program is missing; build it first"
done

mkdir -p "$target" "${TOWPATH_PACKAGES:=$target}"
target=$(cd "$target" && pwd)
store=$(cd "$TOWPATH_PACKAGES" && pwd)
exec 9>"$store/lock"
flock 9

product=towpath-$version-amd64
init=$programs/../x86_64-unknown-linux-musl/${programs##*/}/init
[ -x "$init" ] || fail "$init is missing: cargo build -p init --target x86_64-unknown-linux-musl"
inputs="$TOWPATH_LEVEL $SOURCE_DATE_EPOCH ${TOWPATH_KEY:-}"
if [ "$(cat "$target/$product.inputs" 2>/dev/null)" = "$inputs" ] &&
    [ -z "$(find "$here" "$programs/towpathd" "$programs/towpath" "$init" -newer "$target/$product.inputs" -print -quit)" ]; then
    say "$target/$product.img is fresh"
    exit
fi

# --- Debian's packages: downloaded once, unpacked once -------------------------------------------------------------

unpack_packages() {
    local kernel names unwanted='^(perl.*|adduser|c?debconf|dpkg|ucf|runit.*|install-info|init-system-helpers|lsb-base|libelogind0|libdebian-installer4|libfile-find.*|libnumber.*|libtext.*|sensible-utils|sysvinit-utils|tar|usr-is.*|usrmerge|libperl.*|libdb5.*|libgdbm.*|libnewt.*|libslang.*|.*-common|openssl|libproc2-0|procps|udev|tiny-init.*|gcc-.*-base|cdebconf|libpam-modules-bin|libpam-runtime|util-linux-extra|logsave)$'
    rm -rf "$store/packages" "$store/tree"
    mkdir -p "$store/packages" "$store/tree"
    newest() { apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-\)/\1/p' | head -n 1; }
    kernel=$(newest)
    [ -n "$kernel" ] || { apt-get -q update >&2 || true; kernel=$(newest); }
    [ -n "$kernel" ] || fail "apt knows no linux-image-amd64"
    mapfile -t names < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "${packages[@]/linux-image-amd64/$kernel}" |
        grep '^[a-z0-9]' | grep -Ev "$unwanted" | grep -Ev '^(linux-base|initramfs-tools.*|linux-initramfs-tool|kmod|klibc.*|busybox|dracut.*)$' | sort -u)
    say "downloading ${#names[@]} packages"
    (cd "$store/packages" && apt-get -q download "${names[@]}" >&2) || fail "apt-get could not download the packages"
    say "unpacking them"
    for package in "$store"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$store/tree" --keep-directory-symlink --no-same-owner
    done
    for package in "$store"/packages/*.deb; do
        dpkg-deb -c "$package" | awk -v name="$(basename "$package")" '$1 !~ /^d/ { print $6, name }'
    done | sed 's,^\./,,' | sort >"$store/owners"
    depmod -b "$store/tree" "$(ls "$store/tree/lib/modules")"
    say "packing the kernel anew (a minute)"
    rm -f "$store/vmlinuz"
    "$here/kernel.sh" "$store/tree" "$store" "$store/vmlinuz" || {
        say "the kernel stays packed as Debian has it: each start takes some seconds more"
        cp "$store"/tree/boot/vmlinuz-* "$store/vmlinuz"
    }
    touch "$store/unpacked"
}
for file in build.sh kernel.sh kernel_copies.py; do
    [ "$store/unpacked" -nt "$here/$file" ] || { unpack_packages; break; }
done
tree=$store/tree
release=$(ls "$tree/lib/modules")

# --- The initramfs -------------------------------------------------------------------------------------------------

root=$target/root
rm -rf "$root"
mkdir -p "$root"/{bin,sbin,dev,etc,proc,run,sys,tmp,root,var,home,config,data,boot,media,usr/bin,usr/sbin,usr/lib/towpath,lib64}
: >"$target/used"

# A file of a package, wherever the package has it.
locate_file() {
    local name=$1 folder
    for folder in "" usr/; do
        [ -e "$tree/$folder$name" ] && { printf '%s' "$folder$name"; return; }
    done
    return 1
}

take() {
    local name path
    path=$(locate_file "$1") || fail "no package has $1"
    name=${1/#lib\//usr/lib/}
    name=${name/#usr\/usr\//usr/}
    [ ! -e "$root/$name" ] || return 0
    install -D -m "$(stat -L -c %a "$tree/$path")" "$tree/$path" "$root/$name"
    printf '%s\n' "$path" >>"$target/used"
    take_libraries "$root/$name"
}

# The libraries that a program names, and theirs, by their names in the packages' folders.
take_libraries() {
    local library
    { objdump -p "$1" 2>/dev/null || true; } | awk '$1 == "NEEDED" { print $2 }' | while read -r library; do
        if [ "$library" = ld-linux-x86-64.so.2 ]; then continue; fi
        take "lib/x86_64-linux-gnu/$library"
    done
}

ln -s usr/lib "$root/lib"
rmdir "$root/lib64" && ln -s usr/lib64 "$root/lib64"
mkdir -p "$root/usr/lib64"
say "copying what is needed"
take lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/usr/lib64/ld-linux-x86-64.so.2"
for file in "${files[@]}"; do take "$file"; done
mv "$root/usr/bin/traceroute.db" "$root/usr/bin/traceroute"
take bin/busybox
"$root/bin/busybox" --list | while read -r applet; do
    case $applet in
    busybox | init | linuxrc | modprobe | insmod | rmmod | depmod | lsmod | reboot | poweroff | halt | shutdown | ip* | ping* | traceroute* | brctl) continue ;;
    adduser | addgroup | deluser | delgroup | chpasswd | mke2fs | ssh* | passwd | rpm* | dpkg* | httpd | ftp* | telnetd | tftp* | udhcpd) continue ;;
    esac
    [ -e "$root/bin/$applet" ] || [ -e "$root/sbin/$applet" ] || [ -e "$root/usr/bin/$applet" ] ||
        [ -e "$root/usr/sbin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
# What HTTPS is checked by, in one file.
mkdir -p "$root/etc/ssl/certs"
cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
printf 'usr/share/ca-certificates/mozilla/ACCVRAIZ1.crt\n' >>"$target/used"
# Time zones, without the copies with leap seconds.
mkdir -p "$root/usr/share/zoneinfo"
(cd "$tree/usr/share/zoneinfo" && tar -c --exclude=./posix --exclude=./right --exclude='./*.list' --exclude='./leap*' .) |
    tar -x -C "$root/usr/share/zoneinfo"
printf 'usr/share/zoneinfo/UTC\n' >>"$target/used"
cp -a "$here/root/." "$root/"
chmod 640 "$root/etc/shadow" "$root/etc/gshadow"

say "adding the programs"
for program in towpathd:usr/sbin/towpathd towpath:usr/bin/towpath; do
    strip -o "$root/${program##*:}" "$programs/${program%%:*}"
    take_libraries "$root/${program##*:}"
done
# What the balancer runs in the kernel, where it was built.
balancer=$programs/../bpf/towpath-balancer.o
[ ! -e "$balancer" ] || install -m 644 "$balancer" "$root/usr/lib/towpath/towpath-balancer.o"
strip -o "$root/sbin/init" "$init"
# Not where the kernel looks for it by itself: it would call it while nothing is there that it could load.
ln -s ../../sbin/init "$root/usr/sbin/modprobe"
for name in shutdown reboot poweroff halt systemctl towpath-image; do ln -s ../../sbin/init "$root/usr/bin/$name"; done
ln -s ../../../sbin/init "$root/usr/lib/towpath/console-login"
ln -s sbin/init "$root/init"
printf 'VERSION="%s"\nID=towpath\nNAME="Towpath"\nVERSION_ID="%s"\n' "$version" "$version" >"$root/etc/os-release"

say "adding the kernel's modules"
grep -v '^#' "$here/modules.list" | tr ' ' '\n' | grep . | while read -r module; do
    if ! grep -qE "/${module//[-_]/[-_]}\.ko" "$tree/lib/modules/$release/modules.dep" "$tree/lib/modules/$release/modules.builtin"; then
        fail "the kernel has no module $module"
    fi
    modprobe -d "$tree" -S "$release" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | sed "s,^$tree/,," | sort -u | while read -r file; do
    install -D -m 644 "$tree/$file" "$root/usr/$file"
done
cp "$tree/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/usr/lib/modules/$release/"
depmod -b "$root/usr" "$release" 2>/dev/null || depmod -b "$root" "$release"
rm -f "$root/usr/lib/modules/$release"/modules.{dep.bin,alias.bin,symbols.bin,builtin.bin,builtin.alias.bin,builtin.modinfo,order,devname,softdep,symbols}

# --- The key, the slot, the file for upgrades ----------------------------------------------------------------------

key=${TOWPATH_KEY:-$store/key/towpath.key}
if [ ! -e "$key" ]; then
    say "making a key of your own in $store/key"
    mkdir -p "$(dirname "$key")"
    minisign -G -W -f -s "$key" -p "${key%.key}.pub" </dev/null >/dev/null
fi
install -D -m 644 "${key%.key}.pub" "$root/etc/towpath/image.pub"

slot=$target/slot
rm -rf "$slot"
mkdir -p "$slot"
say "packing (level $TOWPATH_LEVEL)"
first=$target/first second=$target/second
rm -rf "$first" "$second"
mkdir -p "$first" "$second/packed"
# What is there before `/usr` is what the first process needs: programs and long files of other folders lie in `/usr`, too.
find "$root/bin" "$root/sbin" "$root/etc" -type f -size +15k ! -path '*/sbin/init' -printf '%P %H\n' | while read -r file folder; do
    place=$root/usr/lib/towpath/${folder##*/}/$file
    mkdir -p "${place%/*}"
    mv "$folder/$file" "$place"
    ln -s "/usr/lib/towpath/${folder##*/}/$file" "$folder/$file"
done
# The modules that bring disks to light are the first archive's for good.
disks='^kernel/drivers/(ata|block|hv|message|mmc|nvme|scsi|usb/host|usb/storage|virtio)/|/(vfat|nls_cp437|nls_ascii|squashfs)[.]ko'
others='/(loop|hv_utils|hv_balloon|virtio_balloon|sr_mod)[.]ko'
lists=$root/usr/lib/modules/$release
packed=$root/packed/modules
mkdir -p "$packed"
awk -F: -v disks="$disks" -v others="$others" '$1 ~ disks && $1 !~ others' "$lists/modules.dep" |
    tr -d : | tr ' ' '\n' | grep . | sort -u >"$target/early"
awk -F: 'NR == FNR { early[$1]; next } $1 in early' "$target/early" "$lists/modules.dep" >"$packed/modules.dep"
sed 's,.*/,,; s,[.]ko.*,,; y/-/_/' "$target/early" |
    awk 'NR == FNR { early[$1]; next } { name = $3; gsub("-", "_", name) } name in early' - "$lists/modules.alias" >"$packed/modules.alias"
while read -r file; do
    mkdir -p "$packed/${file%/*}"
    mv "$lists/$file" "$packed/$file"
    ln -s "/packed/modules/$file" "$lists/$file"
done <"$target/early"
env -u SOURCE_DATE_EPOCH mksquashfs "$root/usr" "$second/packed/usr.squashfs" -quiet -no-progress -noappend -all-root -no-xattrs \
    -no-exports -comp zstd -Xcompression-level "$TOWPATH_LEVEL" -b "$block" -mkfs-time "$SOURCE_DATE_EPOCH" \
    -all-time "$SOURCE_DATE_EPOCH"
cp -a "$root/." "$first/"
rm -rf "$first/usr"
mkdir "$first/usr"
archive() {
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$1" && find "$2" -mindepth 1 -print0 | sort -z | cpio --quiet --null -o -H newc --reproducible -R 0:0)
}
# A file in front of it lets it begin with a page: in an archive each has a header of 110 octets and its name, a multiple of four.
packed=packed/usr.squashfs before=packed/usr.before
heading() { printf '%s' $(((110 + ${#1} + 4) / 4 * 4)); }
truncate -s $((4096 - $(heading "$before") - $(heading "$packed"))) "$second/$before"
archive "$second" packed >"$slot/usr"
# Where it lies in the archive, its octets, and its checksum: the first archive takes no other one.
sum=$(xxhsum -q -H64 <"$second/$packed") sum=${sum%% *}
python3 - "$slot/usr" "$second/$packed" "$sum" >"$first/packed/usr.marks" <<'E2'
import sys
archive, packed = (open(name, "rb").read() for name in sys.argv[1:3])
begin = archive.index(packed)
print(begin, len(packed), sys.argv[3])
sys.exit(begin % 4096)
E2
archive "$first" . | zstd -q -T1 "-$TOWPATH_LEVEL" >"$slot/initrd"
# The kernel looks for what follows at the next four octets.
truncate -s %512 "$slot/initrd"
size() { stat -c %s "$slot/$1"; }
cp "$store/vmlinuz" "$slot/vmlinuz"
printf 'version %s\nname %s\narchitecture amd64\nmade %s\nkernel %s\nsystem %s\nfirst %s\n' "$version" "$version" \
    "$SOURCE_DATE_EPOCH" "$(size vmlinuz)" "$(($(size initrd) + $(size usr)))" "$(size initrd)" >"$slot/manifest"

payload=$target/payload
{ cat "$slot/manifest"; echo; cat "$slot"/{vmlinuz,initrd,usr}; } >"$payload"
minisign -S -W -s "$key" -m "$payload" -x "$payload.minisig" -t "$product" -c "image of Towpath" </dev/null >/dev/null
{ echo 'towpath-image 1'; cat "$payload.minisig" "$payload"; } >"$target/$product.image"
rm -f "$payload"

# --- The disk ------------------------------------------------------------------------------------------------------

say "making the disk"
modules=(part_gpt fat normal configfile loadenv serial terminal test true echo sleep ls cat reboot halt minicmd keystatus)
# A folder of GRUB's modules as it is, but for one file that a program changes; what it means where that could not be.
change_grub() {
    local from=/usr/lib/grub/$1 file=$2 program=$3 otherwise=$4 to=$5
    rm -rf "$to"
    mkdir -p "$to"
    ln -s "$from"/* "$to/"
    rm "$to/$file"
    python3 "$here/$program" "$from/$file" "$to/$file" || {
        say "GRUB stays as it is: $otherwise"
        cp "$from/$file" "$to/$file"
    }
}
change_grub i386-pc biosdisk.mod grub_reads.py "a start with BIOS takes a little more" "$target/grub-bios"
change_grub x86_64-efi kernel.img grub_heap.py "with UEFI, 256 MiB of memory may be too few" "$target/grub-efi"
# With BIOS the loader unpacks itself so slowly that it holds only what reads the others.
grub-mkimage -O i386-pc -d "$target/grub-bios" -p '(,gpt2)/grub' -o "$target/core.img" biosdisk part_gpt fat
grub-mkimage -O x86_64-efi -d "$target/grub-efi" -p /grub -o "$target/bootx64.efi" efi_gop chain "${modules[@]}"

# Modules of GRUB for BIOS with all that they need, in order.
grub_modules() {
    awk -F: -v wanted="$*" '
        function take(name, needs, count, at) {
            if (seen[name]++) return
            print name
            count = split(all[name], needs, " ")
            for (at = 1; at <= count; at++) take(needs[at])
        }
        { all[$1] = $2 }
        END { count = split(wanted, names, " "); for (at = 1; at <= count; at++) take(names[at]) }
    ' "$target/grub-bios/moddep.lst" | sort
}

boot=$target/boot.fat
rm -f "$boot"
truncate -s "${boot_mib}M" "$boot"
mformat -i "$boot" -F -N "$boot_serial" -v TOWPATH ::
staging=$target/boot
rm -rf "$staging"
mkdir -p "$staging"/{EFI/BOOT,grub/i386-pc,slots/a,slots/b}
grub_modules linux16 iorw "${modules[@]}" | while read -r module; do
    cp -L "$target/grub-bios/$module.mod" "$staging/grub/i386-pc/"
done
cp -L "$target/grub-bios/command.lst" "$staging/grub/i386-pc/"
cp "$target/bootx64.efi" "$staging/EFI/BOOT/BOOTX64.EFI"
# A key is named by its letter, and that of Escape has no place in a text.
sed "s/@ESCAPE@/$(printf '\033')/" "$here/grub.cfg" >"$staging/grub/grub.cfg"
{ printf '# GRUB Environment Block\ngood=a\ntry=\ntries=\nfailed=\nstarts=\n'; head -c 1024 /dev/zero | tr '\0' '#'; } |
    head -c 1024 >"$staging/grub/grubenv"
cp "$slot"/{vmlinuz,initrd,usr,manifest} "$staging/slots/a/"
find "$staging" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
mcopy -i "$boot" -s -p -m -Q "$staging"/* ::

image=$target/$product.img
sectors=$(((2 + boot_mib + data_mib + 1) * 2048))
rm -f "$image"
truncate -s $((sectors * 512)) "$image"
sfdisk -q "$image" <<EOF
label: gpt
label-id: $disk_id
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, uuid=${disk_id%0}1, name=towpath-bios
start=4096, size=$((boot_mib * 2048)), type=U, uuid=${disk_id%0}2, name=towpath-boot
start=$(((2 + boot_mib) * 2048)), type=L, uuid=${disk_id%0}3, name=towpath-data
EOF
dd if="$boot" of="$image" bs=1M seek=2 conv=notrunc,sparse status=none
python3 "$here/bios_boot.py" "$image" "$target/core.img" /usr/lib/grub/i386-pc/boot.img 2048
# What is only tried is packed quickly, and needs no second form.
[ "$TOWPATH_LEVEL" -lt 10 ] || qemu-img convert -c -O qcow2 "$image" "$target/$product.qcow2"

say "listing what is in it"
python3 "$here/bill.py" "$target" "$store" "$version" "$here/.." >"$target/$product.cdx.json"
printf '%s' "$inputs" >"$target/$product.inputs"
ls -l "$target/$product".* "$slot"
