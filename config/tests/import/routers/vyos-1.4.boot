firewall {
    ipv4 {
        name INSIDE {
            default-action "drop"
            rule 10 {
                action "accept"
                state "established"
            }
        }
    }
}
interfaces {
    ethernet eth0 {
        address "10.40.0.1/24"
        description "nodes & friends"
        hw-id "00:00:5e:00:53:05"
        offload {
            gro
            gso
        }
    }
    loopback lo {
        address "192.0.2.40/32"
    }
}
policy {
    community-list GOOD {
        rule 10 {
            action "permit"
            regex "64540:.*"
        }
    }
    large-community-list LARGE {
        rule 10 {
            action "permit"
            regex "64540:1:.*"
        }
    }
    route-map EXPORT {
        rule 10 {
            action "permit"
            match {
                community {
                    community-list "GOOD"
                }
            }
            set {
                as-path {
                    prepend "64540 64540"
                }
                community {
                    add "64540:1"
                }
            }
        }
    }
}
protocols {
    bgp {
        address-family {
            ipv4-unicast {
                maximum-paths {
                    ebgp "8"
                }
                network 10.40.0.0/24 {
                }
                redistribute {
                    connected {
                        route-map "EXPORT"
                    }
                }
            }
        }
        neighbor 10.40.0.11 {
            address-family {
                ipv4-unicast {
                    nexthop-self {
                        force
                    }
                    route-map {
                        export "EXPORT"
                    }
                    route-reflector-client
                }
            }
            remote-as "internal"
        }
        neighbor 10.40.0.12 {
            address-family {
                ipv4-unicast {
                    route-map {
                        export "EXPORT"
                    }
                }
            }
            bfd {
            }
            remote-as "64541"
        }
        parameters {
            router-id "192.0.2.40"
        }
        system-as "64540"
    }
    static {
        route 0.0.0.0/0 {
            next-hop 10.40.0.254 {
            }
        }
        route 10.41.0.0/16 {
            blackhole {
                distance "200"
            }
            description "nowhere"
        }
    }
}
service {
    ntp {
        allow-client {
            address "0.0.0.0/0"
            address "::/0"
        }
        server time1.example.net {
        }
    }
    ssh {
        port "22"
    }
}
system {
    config-management {
        commit-revisions "100"
    }
    console {
        device ttyS0 {
            speed "115200"
        }
    }
    host-name "vyos14"
    login {
        user vyos {
            authentication {
                encrypted-password "$6$rounds=656000$salt$notarealhashnotarealhash"
                plaintext-password ""
            }
        }
    }
    syslog {
        global {
            facility all {
                level "info"
            }
            facility local7 {
                level "debug"
            }
        }
    }
}


// Warning: Do not remove the following line.
// vyos-config-version: "bgp@5:broadcast-relay@1:config-management@1:conntrack@5:firewall@15:interfaces@32:nat@8:ntp@3:policy@8:quagga@11:ssh@2:system@27:vrf@3"
// Release version: 1.4.0
