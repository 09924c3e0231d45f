# The demonstration's network, for the scripts beside this one: a client, a switch and three nodes with GoBGP and a web
# server each, all of them namespaces. Whatever happens, everything is removed at the end.
#
# Needs `root` (the project's folder), `here` and `batch`, and a function `fail`.

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

ask_shop() { at client 'for i in $(seq 30); do curl -sm 2 http://172.16.102.229/; done | sort | uniq -c'; }

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
        -e "s/{port}/-1/; s/{password}//; s/{hold-time}/9/; s/{keepalive}/3/; s/{address}/$address/" \
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
