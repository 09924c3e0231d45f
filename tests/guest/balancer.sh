# The balancer's programs on Debian's kernel: the verifier accepts each of them, and they carry connections where that kernel
# has places for them: in the driver, behind it, and as a filter of traffic control.

# A client behind eth1 and a node behind eth2, each in a namespace of its own.
service=192.0.2.80
for number in 1 2; do
    ip netns add far$number
    ip link add eth$number type veth peer name far$number netns far$number
    ip link set eth$number up
    ip -n far$number link set lo up
    ip -n far$number link set far$number up
    ip -n far$number addr add 10.$number.0.11/24 dev far$number
    ip -n far$number route add default via 10.$number.0.1
done
ip -n far2 addr add $service/32 dev lo
mkdir /tmp/www
echo "the node's page" >/tmp/www/index.html
serve() { ip netns exec far2 httpd -p 80 -h /tmp/www; }
serve

tc qdisc add dev eth1 clsact
tc filter add dev eth1 ingress pref 300 protocol ip u32 match u32 0 0 flowid 1:1

without_program() { ! ip_says "-d link show $1" "prog/xdp"; }
# Programs of BPF that a daemon holds: the kernel gives none that its verifier has not accepted. Without one of those in the
# file the commit before had been refused.
accepted() { [ "$(grep -l prog_tag /proc/"$pid"/fdinfo/* 2>/dev/null | wc -l)" -ge "$1" ]; }
page() { ip netns exec far1 timeout 3 wget -q -O /tmp/said http://$service/ && grep -q "node's page" /tmp/said; }
# Packets are counted that leave for a service, more than before.
forwarded() { say "show balancer services | json" && grep -o '"packets": *[0-9]*' /tmp/said | head -n 1 | tr -dc 0-9; }
more() { "$@" || return 1; count=$(forwarded); [ "${count:-0}" -gt "${before:-0}" ] && before=$count; }
filters() { tc filter show dev "$1" "$2" >/tmp/said 2>&1; [ "$(grep -c "$3" /tmp/said)" = "$4" ]; }
# The state of the node, and of the service.
state() { say "show balancer service web | json" && [ "$(grep -c "\"state\": \"$1\"" /tmp/said)" = "$2" ]; }

daemon
so "the daemon starts" say "show version"

so "a commit loads the programs and puts one into the driver" commit \
    "set interfaces ethernet eth1 address 10.1.0.1/24" \
    "set interfaces ethernet eth2 address 10.2.0.1/24" \
    "set balancer interface eth1 hook native" \
    "set balancer service web address $service" \
    "set balancer service web port 80" \
    "set balancer service web backend 10.2.0.11"
so "it is there" ip_says "-d link show eth1" "prog/xdp"
so "each program in the file was accepted" accepted 10
so "a commit puts another one behind the driver" commit "set balancer interface eth1 hook generic"
so "it is there, too" ip_says "-d link show eth1" "xdpgeneric"
so "a client's connection goes through it" more page
so "in traffic control it is a filter here" commit "set balancer interface eth1 hook tc"
so "it has taken the place of the other" without_program eth1
so "it stands beside another's" filters eth1 ingress "towpath_tc" 1
so "the balancer says so" say "show balancer"
grep -q clsact /tmp/said || echo "@@ failed the balancer says clsact"
so "a client's connection goes through the filter" more page
so "a commit asks the node for its health" commit \
    "set protocols static route $service/32 next-hop 10.1.0.11" \
    "set balancer service web check http" \
    "set balancer service web check interval 1000" \
    "set balancer service web check fall 2"
so "questions leave by a filter, too" filters eth2 egress "towpath_probe" 1
so "the node is well" state active 2
killall httpd
so "a node whose server is gone is found to be unwell" state unwell 1
serve
so "it is found to be well again" state active 2
stop KILL
so "the daemon is gone, and connections go through the filter" page
daemon
so "a daemon after it replaces the filter" filters eth1 ingress "towpath_tc" 1
so "connections go through it" more page
so "the balancer tells of itself" say "show balancer"
so "a commit takes all away" commit "delete balancer"
so "no filter of ours is left" filters eth1 ingress "towpath" 0
so "nor where questions left" filters eth2 egress "towpath" 0
so "another's is" filters eth1 ingress "u32 chain" 3
so "nothing is left on the link" without_program eth1
