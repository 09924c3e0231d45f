interfaces {
    ethernet eth0 {
        address 10.5.0.1/24
        duplex auto
        speed auto
    }
    loopback lo {
    }
}
policy {
    prefix-list FROM-NODES {
        rule 10 {
            action permit
            le 32
            prefix 10.5.100.0/24
        }
    }
    prefix-list TO-NODES {
        rule 10 {
            action deny
            le 32
            prefix 0.0.0.0/0
        }
    }
}
protocols {
    bgp 64512 {
        maximum-paths {
            ebgp 8
        }
        neighbor 10.5.0.11 {
            ebgp-multihop 255
            maximum-prefix 32
            passive
            prefix-list {
                export TO-NODES
                import FROM-NODES
            }
            remote-as 64601
        }
        neighbor 10.5.0.12 {
            ebgp-multihop 255
            maximum-prefix 32
            passive
            prefix-list {
                export TO-NODES
                import FROM-NODES
            }
            remote-as 64601
        }
        parameters {
            router-id 10.5.0.1
        }
    }
}
service {
    ssh {
        port 22
        protocol-version v2
    }
    unms {
        disable
    }
}
system {
    host-name er
    time-zone UTC
}


/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "config-management@1:firewall@5:quagga@2:system@5:ubnt-l2tp@1:ubnt-util@1:webgui@1" === */
/* Release version: v2.0.9.5402463.210511.1317 */
