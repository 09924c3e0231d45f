#!/bin/bash
# The walk-through on the appliance: its image in QEMU, with the ports on the demonstration's namespaces. Somebody logs in on
# the serial console and types it; the client reaches all nodes through the machine.
#
#   vm.sh IMAGE          the disk (.img); it stays as it is
#
# QEMU emulates the processor, so that this runs anywhere. Whatever happens, everything is removed at the end.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
image=$(readlink -f "${1:?usage: vm.sh IMAGE}")
PATH=$PATH:/usr/sbin:/sbin

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || exec sudo DEMO_BATCH="${DEMO_BATCH:-}" TERM="${TERM:-dumb}" "$0" "$image"
[ -e "$image" ] || fail "$image is missing: run \`make demo-vm\`, which builds it"
for program in ip gobgpd gobgp python3 curl qemu-system-x86_64 qemu-img mformat mcopy openssl; do
    command -v "$program" >/dev/null || fail "$program is missing: run \`make setup\`"
done
batch=no
[ -t 0 ] && [ -t 1 ] && [ "${DEMO_BATCH:-}" != 1 ] || batch=yes
. "$here/network.sh"

# The machine's first two cards are the router's ports.
plug_machine() {
    local port
    for port in eth0 eth1; do
        ip_in router addr flush dev $port
        ip_in router tuntap add tap-$port mode tap
        ip_in router link add br-$port type bridge
        ip_in router link set $port master br-$port up
        ip_in router link set tap-$port master br-$port up
        ip_in router link set br-$port addrgenmode none up
    done
}
# A volume with a name and a password for the first start, as clouds leave it.
write_seed() {
    printf '#cloud-config\nhostname: router\npassword: %s\n' "$(openssl passwd -6 secret)" >"$work/user-data"
    truncate -s 2M "$work/seed.img"
    mformat -i "$work/seed.img" -v CIDATA ::
    mcopy -i "$work/seed.img" "$work/user-data" ::user-data
}
start_machine() {
    local number=0 cards=() port
    qemu-img create -q -f qcow2 -F raw -b "$image" "$work/disk.qcow2"
    for port in eth0 eth1; do
        number=$((number + 1))
        cards+=(-netdev "tap,id=$port,ifname=tap-$port,script=no,downscript=no"
            -device "virtio-net-pci,netdev=$port,mac=02:54:00:00:00:0$number,romfile=")
    done
    start router qemu qemu-system-x86_64 -accel tcg -m 512 -nodefaults -no-user-config -display none \
        -serial "unix:$work/serial,server=on,wait=on" "${cards[@]}" \
        -drive "file=$work/disk.qcow2,format=qcow2,if=virtio" \
        -drive "file=$work/seed.img,format=raw,if=virtio,readonly=on"
    until_true "QEMU is there" 30 test -S "$work/serial"
}
type_in() { python3 "$here/serial.py" "$work/serial" "$@"; }
legs_are() { [ "$(ask | sed 's/.* //' | sort -u | wc -l)" = "$1" ]; }
ask() { in_ns client bash -c 'for i in $(seq 20); do curl -sm 5 http://172.16.102.229/; done'; }
established() { local node; for node; do in_ns "node$node" gobgp neighbor | grep -q Establ || return 1; done; }

cat <<'PICTURE'

  client 10.9.0.2 ---- eth0 [ QEMU: ] eth1 ---- switch ---- node1 192.168.101.201  GoBGP, web server
                   10.9.0.1 [ image ] 192.168.101.1   |---- node2 192.168.101.202  GoBGP, web server
                                                       `---- node3 192.168.101.203  GoBGP, web server

  The router is the appliance. Every node announces the web shop, 172.16.102.229, from AS 64512, and only dials out.
PICTURE

build_network
plug_machine
write_seed
for number in 1 2 3; do start_node "$number"; done

chapter "The machine is switched on, and somebody logs in on its serial console"
start_machine
type_in --login towpath secret <<'LINES'
set terminal length 0
show version
show log | match confined
LINES

chapter "Configure, commit, save"
type_in <<'LINES'
configure
delete interfaces ethernet eth0 address dhcp
set interfaces ethernet eth0 address 10.9.0.1/24
set interfaces ethernet eth1 address 192.168.101.1/24
edit protocols bgp 64512
set parameters router-id 192.168.101.1
set neighbor 192.168.101.201 remote-as 64512
set neighbor 192.168.101.202 remote-as 64512
set neighbor 192.168.101.203 remote-as 64512
commit
save
top
exit
LINES

chapter "The nodes dial within ten seconds (GoBGP's own pace)"
until_true "all three nodes are established" 120 established 1 2 3
type_in <<'LINES'
show ip bgp summary
show ip route
LINES

chapter "The client reaches all of them through the machine"
until_true "all three nodes answer" 60 legs_are 3
ask_shop

chapter "node1 withdraws the shop"
at node1 gobgp global rib del 172.16.102.229/32 -a ipv4
until_true "two nodes answer" 60 legs_are 2
type_in <<'LINES'
show ip route bgp
LINES
ask_shop

if [ $batch = yes ]; then
    chapter "The machine is switched off in order; everything is removed"
    # The console ends with the machine.
    type_in <<<'poweroff now' 2>/dev/null || true
    exit 0
fi
chapter "The console is yours: user towpath, password secret; ^] ends the demonstration and removes everything"
python3 "$here/serial.py" "$work/serial" --attach 9>&- || true
