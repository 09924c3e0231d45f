# Bridges, dummies and VLANs by commits of the real daemon, on a kernel that has them all.

ip link add eth1 type veth peer name far1
ip link add eth2 type veth peer name far2
ip link set far1 up
ip link set far2 up
ip link add foreign0 type dummy

daemon
so "the daemon starts" say "show version"

so "a commit makes a bridge, a dummy and VLANs" commit \
    "set interfaces bridge br0 address 10.30.0.1/24" \
    "set interfaces bridge br0 description \"the rack\"" \
    "set interfaces bridge br0 stp true" \
    "set interfaces bridge br0 aging 60" \
    "set interfaces bridge br0 member interface eth2" \
    "set interfaces bridge br0 vif 7 address 10.31.0.1/24" \
    "set interfaces dummy dum0 address 203.0.113.1/32" \
    "set interfaces dummy dum0 mac 02:53:00:00:00:01" \
    "set interfaces dummy dum0 ipv6 address eui64 2001:db8:1::/64" \
    "set interfaces ethernet eth1 vif 20 address 10.20.0.1/24" \
    "set interfaces ethernet eth1 vif 20 mtu 1400" \
    "set interfaces ethernet eth1 vif 20 ip enable-proxy-arp" \
    "set interfaces ethernet eth1 vif 20 ip source-validation strict" \
    "set interfaces ethernet eth2" \
    "set protocols static route 10.50.0.0/16 next-hop 10.20.0.2"
so "the bridge is as wished" ip_says "-d link show br0" "bridge .*stp_state 1" "ageing_time 6000" "alias the rack" "group 200" "UP"
so "the bridge has its address" ip_says "addr show br0" "10.30.0.1/24"
so "the card is a port of the bridge" ip_says "link show eth2" "master br0"
so "the VLAN of the bridge is there" ip_says "-d link show br0.7" "vlan protocol 802.1Q id 7"
so "the dummy has its hardware address" ip_says "link show dum0" "02:53:00:00:00:01"
so "the dummy has the address that this makes" ip_says "addr show dum0" "2001:db8:1:0:53:ff:fe00:1/64" "203.0.113.1/32"
so "the VLAN of the card is as wished" ip_says "-d link show eth1.20" "id 20" "mtu 1400" "LOOSE_BINDING"
so "its settings are the kernel's" kernel_setting ipv4/conf/eth1.20/proxy_arp 1
so "its source validation too" kernel_setting ipv4/conf/eth1.20/rp_filter 1
so "a static route leads over the VLAN" ip_says "route get 10.50.0.1" "via 10.20.0.2 dev eth1.20"
so "they are listed" say "show interfaces"

so "a commit changes them in place" commit \
    "set interfaces bridge br0 priority 4096" \
    "delete interfaces bridge br0 stp" \
    "set interfaces dummy dum0 disable" \
    "delete interfaces ethernet eth1 vif 20 ip enable-proxy-arp" \
    "set interfaces ethernet eth1 vif 20 description nodes" \
    "delete interfaces ethernet eth1 vif 20 mtu"
so "the bridge has changed" ip_says "-d link show br0" "priority 4096" "stp_state 0"
so "the dummy is down" ip_says "link show dum0" "state DOWN"
so "the setting is the default again" kernel_setting ipv4/conf/eth1.20/proxy_arp 0
so "the VLAN has the size of its card" ip_says "link show eth1.20" "mtu 1500" "alias nodes"

so "a smaller card takes its VLANs along, and back" commit "set interfaces ethernet eth1 mtu 1300"
so "both are smaller" ip_says "link show eth1.20" "mtu 1300"
so "they grow again" commit "delete interfaces ethernet eth1 mtu"
so "both are as before" ip_says "link show eth1.20" "mtu 1500"

# Numbers change where a link is made again, and states come and go.
links() { ip -o link show | sed 's/^[0-9]*: //; s/<[^>]*>//; s/state [A-Z]*//' | sort; }
links >/tmp/before
echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6
so "a commit whose last step fails is refused" refused "IPv6 is disabled on the interface" \
    "delete interfaces bridge br0" \
    "delete interfaces ethernet eth2" \
    "delete interfaces ethernet eth1 vif 20" \
    "set interfaces dummy dum1 address 203.0.113.7/32" \
    "set interfaces ethernet eth1 ip arp-cache-timeout 60" \
    "set interfaces ethernet eth1 address 2001:db8:9::1/64"
unchanged() {
    links >/tmp/after
    cmp -s /tmp/before /tmp/after
}
so "nothing of it is left" absent dum1
so "the links are as they were" unchanged
so "the port is back in its bridge" ip_says "link show eth2" "master br0"
so "the addresses are back" ip_says "addr show br0" "10.30.0.1/24"
so "the route is back" ip_says "route get 10.50.0.1" "via 10.20.0.2 dev eth1.20"

ip link del br0.7
so "a link that somebody deletes is made again" ip_says "addr show br0.7" "10.31.0.1/24"
ip link del eth1.20
so "with the routes over it" ip_says "route get 10.50.0.1" "via 10.20.0.2 dev eth1.20"

ip link add br9 type dummy
so "a bridge cannot take the name of a dummy" refused "exists already and is something else" "set interfaces bridge br9"
ip link del br9

so "other tables and hardware addresses come by a commit" commit \
    "set protocols static table 10 route 10.60.0.0/16 next-hop 10.20.0.2" \
    "set protocols static table 10 route6 2001:db8:60::/48 blackhole" \
    "set protocols static route 10.61.0.0/16 reject" \
    "set protocols static arp 10.20.0.9 hwaddr 02:53:00:00:00:09"
so "it is one of ours" ip_says "route show table 10" "10.60.0.0/16 .*proto 200"
so "the other family too" ip_says "-6 route show table 10" "blackhole 2001:db8:60::/48 .*proto 200"
so "what is rejected is unreachable" ip_says "route show 10.61.0.0/16" "unreachable 10.61.0.0/16 proto 200"
so "the host has its hardware address" ip_says "neigh show dev eth1.20" "10.20.0.9 lladdr 02:53:00:00:00:09 PERMANENT"
ip route del 10.60.0.0/16 table 10
so "a route of a table that somebody deletes is put back" ip_says "route show table 10" "10.60.0.0/16 .*proto 200"
ip link set eth1.20 down
ip link set eth1.20 up
so "the hardware address comes back with its link" ip_says "neigh show dev eth1.20" "10.20.0.9 .*PERMANENT"

{ printf 'configure\nsave\nexit\n'; } | towpath --socket $socket >/tmp/said 2>&1
ip -d link show | grep -v timer >/tmp/before
stop KILL
daemon
so "a daemon that was killed comes back to the same links" say "show interfaces"
same() {
    ip -d link show | grep -v timer >/tmp/after
    cmp -s /tmp/before /tmp/after
}
so "and touches none of them" same

stop TERM
for link in br0.7 br0 dum0 eth1.20; do ip link del $link; done
daemon
so "a start makes what the saved configuration wants" ip_says "addr show br0" "10.30.0.1/24" "group 200"
so "VLANs too" ip_says "addr show br0.7" "10.31.0.1/24"
so "and the route over one of them" ip_says "route get 10.50.0.1" "via 10.20.0.2 dev eth1.20"

stop TERM
ip link add dum77 group 200 type dummy
daemon
so "a link of ours that nobody wants any more goes at a start" absent dum77

so "a commit deletes them all" commit "delete interfaces" "delete protocols"
so "they are gone" absent br0 br0.7 dum0 eth1.20
so "the card is no port any more" eval "! ip_says 'link show eth2' master"
so "what is not ours stays" ip_says "link show foreign0" foreign0
so "no route of ours is left" eval "! ip route show table all proto 200 | grep -q ."
so "no hardware address either" eval "! ip neigh show nud permanent | grep -q lladdr"
