firewall {
    all-ping enable
    broadcast-ping disable
    ipv6-receive-redirects disable
    name OUTSIDE_IN {
        default-action drop
        description "from the provider to the inside"
        rule 10 {
            action accept
            description "answers"
            state {
                established enable
                related enable
            }
        }
        rule 20 {
            action drop
            state {
                invalid enable
            }
        }
    }
    send-redirects enable
    syn-cookies enable
}
interfaces {
    bridge br0 {
        address 192.168.7.1/24
        aging 300
        hello-time 2
        max-age 20
        priority 32768
        promiscuous disable
        stp false
    }
    ethernet eth0 {
        address dhcp
        description "to the provider"
        duplex auto
        firewall {
            in {
                name OUTSIDE_IN
            }
        }
        speed auto
    }
    ethernet eth1 {
        address 192.168.101.1/24
        address 2001:db8:101::1/64
        description nodes
        duplex auto
        mtu 9000
        speed auto
        vif 30 {
            address 192.168.30.1/24
            description guests
        }
    }
    ethernet eth2 {
        bridge-group {
            bridge br0
        }
        disable
        duplex auto
        poe {
            output off
        }
        speed auto
    }
    loopback lo {
        address 192.0.2.10/32
    }
}
protocols {
    bgp 64512 {
        maximum-paths {
            ibgp 32
        }
        neighbor 192.168.101.201 {
            description "node 1"
            remote-as 64512
            soft-reconfiguration {
                inbound
            }
        }
        neighbor 192.168.101.202 {
            description "node 2"
            remote-as 64512
            soft-reconfiguration {
                inbound
            }
        }
        parameters {
            router-id 192.168.101.1
        }
    }
    static {
        interface-route 10.9.0.0/16 {
            next-hop-interface eth1 {
                distance 5
            }
        }
        route 10.8.0.0/16 {
            next-hop 192.168.101.250 {
                description lab
                distance 10
            }
        }
        route 10.66.0.0/16 {
            blackhole {
                distance 250
            }
        }
    }
}
service {
    dhcp-server {
        disabled false
        hostfile-update disable
        shared-network-name NODES {
            authoritative enable
            subnet 192.168.101.0/24 {
                default-router 192.168.101.1
                lease 86400
                start 192.168.101.50 {
                    stop 192.168.101.99
                }
            }
        }
        use-dnsmasq disable
    }
    gui {
        http-port 80
        https-port 443
        older-ciphers enable
    }
    nat {
        rule 5010 {
            outbound-interface eth0
            type masquerade
        }
    }
    ssh {
        port 22
        protocol-version v2
    }
}
system {
    domain-name example.net
    gateway-address 203.0.113.1
    host-name edge
    login {
        user ops {
            authentication {
                encrypted-password $6$salt$notarealhashnotarealhashnotarealhashnotarealhash
                plaintext-password ""
            }
            full-name "The operators"
            level admin
        }
        user watch {
            authentication {
                encrypted-password $6$salt$notarealhashnotarealhashnotarealhashnotarealhash
                public-keys watch@desk {
                    key AAAAB3NzaC1yc2EAAAADAQABAAABAQC7
                    type ssh-rsa
                }
            }
            level operator
        }
    }
    name-server 192.0.2.53
    name-server 2001:db8::53
    ntp {
        server 0.pool.example.net {
        }
        server 1.pool.example.net {
            prefer
        }
    }
    offload {
        hwnat disable
        ipsec enable
    }
    static-host-mapping {
        host-name node1.example.net {
            alias node1
            inet 192.168.101.201
        }
    }
    syslog {
        global {
            facility all {
                level notice
            }
            facility protocols {
                level debug
            }
        }
        host 192.0.2.99 {
            facility all {
                level err
            }
        }
    }
    time-zone Europe/Berlin
    traffic-analysis {
        dpi disable
        export disable
    }
}


/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "config-management@1:conntrack@1:cron@1:dhcp-relay@1:dhcp-server@4:firewall@5:ipsec@5:nat@3:qos@1:quagga@2:suspend@1:system@4:ubnt-pptp@1:ubnt-udapi-server@1:ubnt-unms@1:ubnt-util@1:vrrp@1:webgui@1:webproxy@1:zone-policy@1" === */
/* Release version: v1.10.7.5127989.181001.1227 */
