interfaces {
    ethernet eth0 {
        address 198.51.100.2/30
        duplex auto
        hw-id 00:00:5e:00:53:01
        smp_affinity auto
        speed auto
    }
    loopback lo {
        address 192.0.2.1/32
    }
}
policy {
    as-path-list OURS {
        rule 10 {
            action permit
            regex ^$
        }
    }
    community-list 10 {
        rule 10 {
            action permit
            regex 64500:100
        }
    }
    prefix-list MINE {
        rule 10 {
            action permit
            prefix 192.0.2.0/24
        }
    }
    route-map TO-TRANSIT {
        rule 10 {
            action permit
            match {
                ip {
                    address {
                        prefix-list MINE
                    }
                }
            }
            set {
                as-path-prepend "64500 64500"
                metric 50
            }
        }
    }
}
protocols {
    bgp 64500 {
        neighbor 198.51.100.1 {
            description transit
            password s3cretwords
            remote-as 64496
            route-map {
                export TO-TRANSIT
            }
            timers {
                holdtime 30
                keepalive 10
            }
        }
        network 192.0.2.0/24 {
        }
        parameters {
            log-neighbor-changes
            router-id 192.0.2.1
        }
        redistribute {
            connected {
                metric 10
            }
        }
    }
    static {
        route 192.0.2.0/24 {
            blackhole {
            }
        }
    }
}
service {
    ssh {
        port 22
    }
}
system {
    config-management {
        commit-revisions 20
    }
    console {
        device ttyS0 {
            speed 9600
        }
    }
    gateway-address 198.51.100.1
    host-name vyatta
    login {
        user vyatta {
            authentication {
                encrypted-password $1$salt$notarealhashnotareal.
            }
            level admin
        }
    }
    package {
        auto-sync 1
        repository community {
            components main
            distribution stable
            password ""
            url http://packages.example.net/vyatta
            username ""
        }
    }
    syslog {
        global {
            facility all {
                level notice
            }
        }
    }
    time-zone GMT
}


/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "cluster@1:config-management@1:conntrack@1:dhcp-server@4:firewall@5:nat@4:quagga@2:system@6:vrrp@1" === */
/* Release version: VC6.6R1 */
