interfaces {
    dummy dum0 {
        address 192.0.2.20/32
    }
    ethernet eth0 {
        address 10.20.0.1/24
        duplex auto
        hw-id 00:00:5e:00:53:02
        smp-affinity auto
        speed auto
        vif 200 {
            address 10.200.0.1/24
        }
    }
    loopback lo {
    }
}
policy {
    prefix-list SERVICES {
        rule 10 {
            action permit
            le 32
            prefix 10.96.0.0/12
        }
    }
    route-map FROM-NODES {
        rule 10 {
            action permit
            match {
                ip {
                    address {
                        prefix-list SERVICES
                    }
                }
            }
            set {
                local-preference 200
            }
        }
    }
}
protocols {
    bgp 64520 {
        address-family {
            ipv4-unicast {
                network 10.20.0.0/24 {
                }
                redistribute {
                    static {
                    }
                }
            }
            ipv6-unicast {
                network 2001:db8:20::/48 {
                }
            }
        }
        maximum-paths {
            ebgp 4
            ibgp 4
        }
        neighbor 10.20.0.11 {
            address-family {
                ipv4-unicast {
                    maximum-prefix 500
                    nexthop-self {
                    }
                    route-map {
                        import FROM-NODES
                    }
                    soft-reconfiguration {
                        inbound {
                        }
                    }
                }
            }
            peer-group NODES
        }
        neighbor 2001:db8:20::11 {
            address-family {
                ipv6-unicast {
                    soft-reconfiguration {
                        inbound
                    }
                }
            }
            remote-as 64521
        }
        parameters {
            bestpath {
                as-path {
                    multipath-relax
                }
            }
            default {
                no-ipv4-unicast
            }
            router-id 192.0.2.20
        }
        peer-group NODES {
            address-family {
                ipv4-unicast {
                }
            }
            remote-as 64521
        }
    }
    static {
        interface-route 10.21.0.0/16 {
            next-hop-interface eth0 {
            }
        }
        route 0.0.0.0/0 {
            next-hop 10.20.0.254 {
            }
        }
    }
}
service {
    lldp {
        interface all {
        }
    }
    ssh {
        port 22
    }
}
system {
    config-management {
        commit-revisions 100
    }
    console {
        device ttyS0 {
            speed 9600
        }
    }
    host-name vyos12
    login {
        user vyos {
            authentication {
                encrypted-password $6$salt$notarealhashnotarealhashnotarealhash
                plaintext-password ""
            }
            level admin
        }
    }
    ntp {
        server 0.pool.example.net {
        }
    }
    syslog {
        global {
            facility all {
                level info
            }
            facility protocols {
                level debug
            }
        }
    }
    time-zone UTC
}


/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "broadcast-relay@1:cluster@1:config-management@1:conntrack@1:dhcp-server@5:firewall@5:interfaces@0:nat@4:quagga@7:ssh@1:system@11:vrrp@2:zone-policy@1" === */
/* Release version: 1.2.9 */
