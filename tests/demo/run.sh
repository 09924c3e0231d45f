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

exec 9>/run/towpath-demo.lock
flock -n 9 || fail "another demonstration is running on this machine"

prefix=towpath-demo
work=/run/towpath-demo

remove_namespaces() {
    local name
    for name in $(ip netns list | awk -v p="^$prefix-" '$1 ~ p { print $1 }'); do
        ip netns pids "$name" | xargs -r kill -9 2>/dev/null || true
        ip netns del "$name" || true
    done
}
clean_up() {
    trap - EXIT HUP INT TERM
    remove_namespaces
    rm -rf "$work" /run/towpath-demo.lock
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# A demonstration that was killed could not clean up.
remove_namespaces
rm -rf "$work"
mkdir -m 700 "$work"

bold='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'
chapter() { printf '\n%s### %s%s\n' "$bold" "$*" "$plain"; [ $batch = yes ] || sleep 1; }
# Shows a command at the prompt of a machine, then runs it there.
at() {
    local name=$1
    shift
    printf '%s# %s\n' "$name" "$*"
    in_ns "$name" bash -c "$*"
}
in_ns() { local name=$1; shift; ip netns exec "$prefix-$name" "$@"; }
ip_in() { local name=$1; shift; ip -n "$prefix-$name" "$@"; }
# Background programs neither hold the lock nor the terminal.
start() {
    local name=$1 log=$2
    shift 2
    ip netns exec "$prefix-$name" "$@" >>"$work/$log.log" 2>&1 9>&- </dev/null &
    # The shell is not to report its end.
    disown
}
quietly() { "$@" >/dev/null 2>&1; }
until_true() {
    local what=$1 end=$((SECONDS + $2))
    shift 2
    until "$@"; do
        if [ $SECONDS -ge $end ]; then
            tail -n 20 "$work"/*.log >&2 || true
            fail "waited in vain until $what"
        fi
        sleep 0.2
    done
}

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
ask_shop() { at client 'for i in $(seq 30); do curl -sm 2 http://172.16.102.229/; done | sort | uniq -c'; }
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

build_network() {
    local name
    for name in router switch client node1 node2 node3; do
        ip netns add "$prefix-$name"
        in_ns "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
        ip_in "$name" link set lo up
    done
    ip_in switch link add br0 type bridge
    ip_in switch link set br0 up
    plug router eth1 192.168.101.1/24
    for number in 1 2 3; do
        plug "node$number" eth0 "192.168.101.20$number/24"
        ip_in "node$number" addr add 172.16.102.229/32 dev lo
        ip_in "node$number" addr add 172.16.101.10/32 dev lo
        ip_in "node$number" route add default via 192.168.101.1
    done
    ip_in router link add eth0 type veth peer name eth0 netns "$prefix-client"
    ip_in router addr add 10.9.0.1/24 dev eth0
    ip_in router link set eth0 up
    ip_in client addr add 10.9.0.2/24 dev eth0
    ip_in client link set eth0 up
    ip_in client route add default via 10.9.0.1
}
plug() {
    ip_in "$1" link add "$2" type veth peer name "to-$1" netns "$prefix-switch"
    ip_in switch link set "to-$1" master br0 up
    ip_in "$1" addr add "$3" dev "$2"
    ip_in "$1" link set "$2" up
}

# A node: the configuration is the tests' own text, with the hold time that Cilium's documentation recommends.
start_node() {
    local number=$1 address=192.168.101.20$1
    sed -e "s/{local-as}/64512/; s/{router-id}/$address/; s/{router}/192.168.101.1/; s/{remote-as}/64512/" \
        -e "s/{password}//; s/{hold-time}/9/; s/{keepalive}/3/; s/{address}/$address/" \
        -e "s/{multihop}/false/; s/{ttl}/0/; s/{ttl-security}/false/; s/{graceful-restart}/false/; s/{several}/false/" \
        -e "s/{paths}/0/; s/{restart-time}/120/; s/{long-lived}/false/; s/{stale-time}/0/; s/{words}//" \
        "$root/tests/src/peers/gobgp.toml" >"$work/node$number.toml"
    start "node$number" "gobgpd$number" gobgpd -t toml -f "$work/node$number.toml" --pprof-disable \
        --api-hosts 127.0.0.1:50051
    start "node$number" "web$number" python3 "$root/tests/src/lab/web_server.py" "node$number"
    until_true "gobgpd of node$number answers" 15 quietly in_ns "node$number" gobgp neighbor
    in_ns "node$number" gobgp global rib add 172.16.102.229/32 origin igp -a ipv4
    in_ns "node$number" gobgp global rib add 172.16.101.10/32 origin igp -a ipv4
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
