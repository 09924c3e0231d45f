interfaces {
    bridge br1 {
        address 10.30.0.1/24
        member {
            interface eth1 {
            }
        }
    }
    ethernet eth0 {
        address 203.0.113.30/24
        hw-id 00:00:5e:00:53:03
    }
    ethernet eth1 {
        hw-id 00:00:5e:00:53:04
    }
    loopback lo {
    }
}
nat {
    source {
        rule 100 {
            outbound-interface eth0
            translation {
                address masquerade
            }
        }
    }
}
protocols {
    bgp 64530 {
        address-family {
            ipv4-unicast {
                aggregate-address 10.30.0.0/16 {
                    summary-only
                }
                maximum-paths {
                    ebgp 16
                    ibgp 16
                }
                redistribute {
                    connected {
                        metric 20
                    }
                }
            }
        }
        listen {
            limit 200
            range 10.30.0.0/24 {
                peer-group CLUSTER
            }
        }
        neighbor 203.0.113.1 {
            address-family {
                ipv4-unicast {
                    default-originate {
                    }
                    prefix-list {
                        export OUT
                        import IN
                    }
                    remove-private-as
                }
            }
            ebgp-multihop 2
            password another-s3cret
            remote-as 64531
            update-source 203.0.113.30
        }
        parameters {
            distance {
                global {
                    external 20
                    internal 180
                    local 200
                }
            }
            graceful-restart {
                stalepath-time 120
            }
            router-id 203.0.113.30
        }
        peer-group CLUSTER {
            address-family {
                ipv4-unicast {
                    soft-reconfiguration {
                        inbound
                    }
                }
            }
            remote-as internal
        }
        timers {
            holdtime 30
            keepalive 10
        }
    }
    static {
        route 10.31.0.0/16 {
            interface br1 {
            }
        }
        route6 2001:db8:31::/48 {
            next-hop fe80::1 {
                interface eth0
            }
        }
    }
}
policy {
    prefix-list IN {
        rule 5 {
            action permit
            ge 8
            le 24
            prefix 0.0.0.0/0
        }
    }
    prefix-list OUT {
        rule 5 {
            action permit
            prefix 10.30.0.0/16
        }
    }
}
service {
    ssh {
        port 22
    }
}
system {
    host-name vyos13
    login {
        user vyos {
            authentication {
                encrypted-password $6$salt$notarealhashnotarealhashnotarealhash
                plaintext-password ""
            }
        }
    }
    name-server 192.0.2.53
    ntp {
        server time1.example.net {
        }
    }
    syslog {
        global {
            facility all {
                level info
            }
        }
    }
}


// Warning: Do not remove the following line.
// vyos-config-version: "bgp@1:broadcast-relay@1:config-management@1:conntrack@2:firewall@5:interfaces@22:nat@5:quagga@8:ssh@2:system@21:vrrp@2"
// Release version: 1.3.4
