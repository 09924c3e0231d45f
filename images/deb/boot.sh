#!/bin/bash
# Boots a clean Debian with the package under QEMU and lets its systemd do what `try.sh` cannot: start the units, bring a
# daemon back that was killed or hangs, carry words for the system out, and take the package away.
#
#   boot.sh PACKAGE [SUITE]         as root; prints a sentence for each thing that holds, and ends with 1 where one does not
set -euo pipefail

package=$(readlink -f "$1") suite=${2:-bookworm}
work=$(mktemp -d)
root=$work/root
qemu=
cleanup() {
    [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
    umount "$root/proc" 2>/dev/null || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
for program in mmdebstrap mke2fs qemu-system-x86_64; do
    command -v "$program" >/dev/null || { echo "boot: $program is missing; tests/setup.sh installs it" >&2; exit 1; }
done

mmdebstrap --quiet --variant=minbase \
    --include=systemd-sysv,linux-image-cloud-amd64,initramfs-tools,zstd,libgcc-s1,passwd,iproute2,procps \
    "$suite" "$root" "deb http://deb.debian.org/debian $suite main"
mount -t proc proc "$root/proc"
cp "$package" "$root/root/towpath.deb"
inside() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
inside dpkg -i /root/towpath.deb >/dev/null
echo router >"$root/etc/hostname"

# What is looked at from within; its words go to the serial line.
cat >"$root/root/look.sh" <<'LOOK'
#!/bin/bash
exec >/dev/ttyS0 2>&1
so() {
    local sentence=$1
    shift
    if "$@"; then printf 'ok: %s\n' "$sentence"; else printf 'FAILED: %s\n' "$sentence"; fi
}
# Asks once a second, a minute and a half at most.
soon() { for _ in $(seq 90); do "$@" >/dev/null 2>&1 && return; sleep 1; done; "$@"; }
pid() { systemctl show -P MainPID towpathd; }
answers() { towpath -c "show version" >/dev/null; }
route() { ip route show 192.0.2.0/24 | grep -q blackhole; }
active() { systemctl -q is-active towpathd && systemctl -q is-active towpath-steward; }
# Another process than the one that was there, and the route at each look until then.
is_back() {
    for _ in $(seq 90); do
        route || return
        if [ "$(pid)" != "$1" ] && [ "$(pid)" != 0 ] && active && answers 2>/dev/null; then return; fi
        sleep 1
    done
    return 1
}
says() { printf '%s\n' "$@" | towpath; }

so "the units start with the system and are active" soon active
so "the daemon answers" soon answers
so "a commit and a save succeed" says configure "set protocols static route 192.0.2.0/24 blackhole" commit save exit
so "the kernel has the route" route
so "words for the system are carried out by the steward" \
    says configure "set system host-name edge" "set system login user anna level operator" commit exit
so "the account is there" getent passwd anna
so "the host has its name" test "$(hostname)" = edge
one=$(pid)
kill -9 "$one"
so "a daemon that was killed is back, and its route never went" is_back "$one"
one=$(pid)
kill -STOP "$one"
so "a daemon that hangs is ended by the watchdog and is back, and its route never went" is_back "$one"
so "the daemon confines itself besides" sh -c "journalctl -q -u towpathd -g 'Landlock in force.*calls refused' >/dev/null"
so "nothing it needs is denied to it" test -z "$(journalctl -q -u towpathd -u towpath-steward -g 'not permitted|EPERM|[Pp]ermission denied')"
systemctl stop towpathd
so "a stop is orderly" test "$(systemctl show -P Result towpathd)" = success
systemctl start towpathd
so "a start takes the saved configuration" soon answers
so "with its route" route
so "the package is removed" dpkg -r towpath
so "and its units are gone" sh -c '! systemctl -q is-active towpathd towpath-steward'
journalctl -q --no-pager -o cat -u towpathd -u towpath-steward | tail -n 60 | sed 's/^/    /'
echo "the end"
systemctl poweroff
LOOK
chmod 755 "$root/root/look.sh"
cat >"$root/etc/systemd/system/look.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStart=/root/look.sh
UNIT
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
inside systemctl -q set-default graphical.target
# The line is the checks' alone: a login there would hang it up.
inside systemctl -q mask serial-getty@ttyS0.service
ln -s ../look.service "$root/etc/systemd/system/graphical.target.wants/look.service"

cp -L "$root/vmlinuz" "$root/initrd.img" "$work/"
umount "$root/proc"
mke2fs -q -t ext4 -d "$root" "$work/disk" 1500M
qemu-system-x86_64 -accel tcg -m 512 -nodefaults -display none -no-reboot -kernel "$work/vmlinuz" -initrd "$work/initrd.img" \
    -append "root=/dev/vda rw console=ttyS0 quiet" -drive "file=$work/disk,format=raw,if=virtio" -serial "file:$work/said" &
qemu=$!
for _ in $(seq 600); do
    kill -0 "$qemu" 2>/dev/null || break
    sleep 1
done
tr -d '\r' <"$work/said" | sed -n '/^ok: \|^FAILED: \|^    /p'
if ! grep -q "^the end" "$work/said" || grep -q "^FAILED: " "$work/said"; then
    tail -n 20 "$work/said" >&2
    exit 1
fi
