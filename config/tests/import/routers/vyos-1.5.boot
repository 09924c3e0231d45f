interfaces {
    ethernet eth0 {
        address "10.50.0.1/24"
        address "2001:db8:50::1/64"
        hw-id "00:00:5e:00:53:06"
    }
    loopback lo {
    }
}
protocols {
    bgp {
        address-family {
            ipv4-unicast {
                maximum-paths {
                    ebgp "32"
                }
            }
            ipv6-unicast {
                maximum-paths {
                    ebgp "32"
                }
                network 2001:db8:50::/48 {
                }
            }
        }
        listen {
            range 10.50.0.0/24 {
                peer-group "talos"
            }
        }
        parameters {
            bestpath {
                as-path {
                    multipath-relax
                }
            }
            ebgp-requires-policy
            router-id "10.50.0.1"
        }
        peer-group talos {
            address-family {
                ipv4-unicast {
                    soft-reconfiguration {
                        inbound
                    }
                }
                ipv6-unicast {
                }
            }
            remote-as "external"
        }
        system-as "64550"
    }
    static {
        arp {
            interface eth0 {
                address 10.50.0.200 {
                    mac "00:00:5e:00:53:c8"
                }
            }
        }
        route6 ::/0 {
            next-hop 2001:db8:50::fe {
                distance "10"
            }
        }
    }
}
service {
    ntp {
        server time1.example.net {
        }
    }
    ssh {
        port "2222"
    }
}
system {
    host-name "vyos15"
    login {
        user vyos {
            authentication {
                public-keys vyos@desk {
                    key "AAAAC3NzaC1lZDI1NTE5AAAAIHh4"
                    type "ssh-ed25519"
                }
            }
        }
    }
    option {
        reboot-on-upgrade-failure "5"
    }
    syslog {
        local {
            facility all {
                level "info"
            }
            facility local7 {
                level "debug"
            }
        }
        remote 192.0.2.99 {
            facility all {
                level "notice"
            }
        }
    }
    time-zone "Europe/Berlin"
}


// Warning: Do not remove the following line.
// vyos-config-version: "bgp@6:broadcast-relay@1:config-management@1:conntrack@6:firewall@20:interfaces@33:nat@8:ntp@3:policy@9:quagga@12:ssh@2:system@29:vrf@3"
// Release version: 2025.09.10-0018-rolling
