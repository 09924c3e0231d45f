#!/bin/bash
# The walk-through of the README on a network of namespaces: the router, three nodes with GoBGP and a web server each,
# and a client. The commands are typed into the real shell; afterwards the shell is yours.
#
# With DEMO_BATCH=1 or without a terminal it ends by itself. Whatever happens, it removes everything it has made.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
programs=${TOWPATH_BIN_DIR:-${CARGO_TARGET_DIR:-$root/target}/debug}
PATH=$PATH:/usr/sbin:/sbin

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "namespaces need root: run this as root"
    exec sudo DEMO_BATCH="${DEMO_BATCH:-}" TOWPATH_BIN_DIR="$programs" TERM="${TERM:-dumb}" "$0"
fi
for program in towpathd towpath; do
    [ -x "$programs/$program" ] || fail "$programs/$program is missing: run \`make demo\`, which builds it"
done
for program in ip gobgpd gobgp python3 curl ping unshare; do
    command -v "$program" >/dev/null || fail "$program is missing: run \`make setup\`"
done

batch=no
[ -t 0 ] && [ -t 1 ] && [ "${DEMO_BATCH:-}" != 1 ] || batch=yes

. "$here/network.sh"

# Types lines into the shell of the router and shows what a person would see.
type_in() { python3 "$here/type.py" ip netns exec "$prefix-router" "$programs/towpath" --socket "$work/towpathd.sock"; }
legs_are() { [ "$(count_legs)" = "$1" ]; }
# The next hops of the shop in the kernel, whether the route carries them or points to an object.
count_legs() {
    python3 -c '
import json, sys
routes, objects = (json.loads(text or "[]") for text in sys.argv[1:])
groups = {object["id"]: len(object.get("group", [object])) for object in objects}
route = routes[0] if routes else {}
print(groups.get(route.get("nhid")) or len(route.get("nexthops", [])) or int("gateway" in route))
' "$(ip_in router -j route show exact 172.16.102.229/32)" "$(ip_in router -j nexthop)"
}
established() { [ "$(router_shell 'show ip bgp summary' | awk '/^192\.168\.101\.20/ && $10 ~ /^[0-9]+$/' | wc -l)" = "$1" ]; }
router_shell() { in_ns router "$programs/towpath" --socket "$work/towpathd.sock" -c "$1" 2>/dev/null; }
# The router has a name of its own and cannot write to the machine's /etc, whatever is typed into its shell.
start_daemon() {
    start router towpathd unshare --uts --mount bash -c '
        echo router >/proc/sys/kernel/hostname
        mount --bind /etc /etc && mount -o remount,bind,ro /etc
        exec "$@"' towpathd "$programs/towpathd" --config "$work/config.boot" --state-dir "$work/state" \
        --socket "$work/towpathd.sock"
    daemon=$!
    until_true "towpathd answers" 15 quietly router_shell 'show version'
}

cat <<'PICTURE'

  client 10.9.0.2 ---- eth0 [ router ] eth1 ---- switch ---- node1 192.168.101.201  GoBGP, web server
                   10.9.0.1            192.168.101.1   |---- node2 192.168.101.202  GoBGP, web server
                                                       `---- node3 192.168.101.203  GoBGP, web server

  Every node announces the web shop, 172.16.102.229, from AS 64512, and only dials out, as Cilium does.
PICTURE

build_network
start_daemon
for number in 1 2 3; do start_node "$number"; done

chapter "On the router: configure, commit, save"
type_in <<'LINES'
configure
set protocols bgp 64512 parameters router-id 192.168.101.1
set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512
set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512
set protocols bgp 64512 neighbor 192.168.101.203 remote-as 64512
commit; save
exit
LINES

chapter "The nodes dial within ten seconds (GoBGP's own pace)"
until_true "all three nodes are established" 45 established 3
until_true "the kernel has three next hops" 10 legs_are 3
type_in <<'LINES'
show ip bgp summary
show ip bgp
show ip route
LINES

chapter "The kernel balances the shop over the three nodes"
at router 'ip route show 172.16.102.229; ip nexthop'

chapter "The client reaches all of them"
ask_shop

chapter "The daemon is killed and started again while the client pings: the kernel goes on forwarding"
# Without a function between, so that the signal reaches ping itself.
ip netns exec "$prefix-client" ping -i 0.02 172.16.102.229 >"$work/ping" 2>&1 9>&- &
pings=$!
printf 'router# kill -9 $(pidof towpathd)\n'
kill -9 "$daemon"
sleep 1
printf 'router# towpathd --config %s/config.boot --state-dir %s/state --socket %s/towpathd.sock &\n' "$work" "$work" "$work"
start_daemon
until_true "all three nodes are back" 45 established 3
legs_are 3 || fail "the kernel lost next hops"
kill -INT "$pings"
until_true "ping has told its numbers" 5 grep -q 'packets transmitted' "$work/ping"
printf 'client# ping -i 0.02 172.16.102.229\n'
grep 'packets transmitted' "$work/ping"

chapter "node1 withdraws the shop"
at node1 gobgp global rib del 172.16.102.229/32 -a ipv4
until_true "two next hops are left" 10 legs_are 2
type_in <<'LINES'
show ip route bgp
LINES
ask_shop

chapter "node2 dies without a word: its next hop leaves when the hold time (9 s) ends"
ip netns pids "$prefix-node2" | xargs -r kill -STOP
at node2 ip link set eth0 down
until_true "one next hop is left" 20 legs_are 1
type_in <<'LINES'
show ip bgp summary
show ip bgp 172.16.102.229
LINES
ask_shop

if [ $batch = yes ]; then
    chapter "That was all; everything is removed"
    exit 0
fi

in_ns node1 gobgp global rib add 172.16.102.229/32 origin igp -a ipv4
ip_in node2 link set eth0 up
ip_in node2 route add default via 192.168.101.1
ip netns pids "$prefix-node2" | xargs -r kill -CONT
chapter "All nodes are coming back. The router's shell is yours; \`exit\` ends the demonstration and removes everything"
in_ns router "$programs/towpath" --socket "$work/towpathd.sock" 9>&- || true
