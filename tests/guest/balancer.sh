# The balancer's programs on Debian's kernel: the verifier accepts them, and they do what they do elsewhere.

ip link add eth1 type veth peer name far1
ip link add eth2 type veth peer name far2
for link in eth1 eth2 far1 far2; do ip link set $link up; done

without_program() { ! ip_says "-d link show $1" "prog/xdp"; }

daemon
so "the daemon starts" say "show version"

so "a commit loads the programs and puts one into the driver" commit \
    "set interfaces ethernet eth1 address 10.1.0.1/24" \
    "set interfaces ethernet eth2 address 10.2.0.1/24" \
    "set balancer interface eth1 hook native" \
    "set balancer service web address 192.0.2.80" \
    "set balancer service web port 80" \
    "set balancer service web backend 10.2.0.11" \
    "set balancer service web backend 10.2.0.12"
so "it is there" ip_says "-d link show eth1" "prog/xdp"
so "a commit puts another one behind the driver" commit "set balancer interface eth2 hook generic"
so "it is there, too" ip_says "-d link show eth2" "xdpgeneric"
so "what this kernel has no place for is refused" refused "6.6" "set balancer interface eth2 hook tc"
so "the balancer tells of itself" say "show balancer"
so "a commit takes them away" commit "delete balancer"
so "nothing is left on the link" without_program eth1
