//! What a machine gets from others: its configuration from QEMU, its address by DHCP, its time from a server.

use anyhow::Result;
use scenarios::appliance::{Parts, Place};
use scenarios::lab::Lab;

use crate::HASH;

/// A server of the time, on a namespace's own loopback, to which QEMU's network leads: it is five years ahead (RFC 5905,
/// section 7.3).
const TIME_SERVER: &str = "\
import socket, struct, time
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind(('127.0.0.1', 123))
while True:
    asked, whom = door.recvfrom(512)
    now = time.time() + 5 * 31557600 + 2208988800
    stamp = struct.pack('!II', int(now), int(now % 1 * 2**32))
    door.sendto(struct.pack('!BBBbII4s', 0x24, 1, 6, -20, 0, 0, b'TEST') + stamp + asked[40:48] + stamp + stamp, whom)
";

#[test]
fn a_machine_takes_its_configuration_from_qemu_its_address_by_dhcp_and_its_time_from_a_server() -> Result<()> {
    let (lab, place) = (Lab::new()?, Place::new("services")?);
    let server = lab.client.write("time.py", TIME_SERVER)?;
    let _server = lab.client.start("time", "python3", &[&server.to_string_lossy()])?;
    let config = place.path("config.boot");
    std::fs::write(
        &config,
        format!(
            "interfaces {{\n    ethernet eth0 {{\n        address dhcp\n    }}\n}}\nsystem {{\n    host-name told\n    login {{\n        \
             user towpath {{\n            authentication {{\n                encrypted-password \"{HASH}\"\n            }}\n            \
             level admin\n        }}\n    }}\n    ntp {{\n        server 10.0.2.2 {{\n        }}\n    }}\n}}\n"
        ),
    )?;
    let others = vec!["-fw_cfg".to_owned(), format!("name=opt/org.towpath/config,file={}", config.display())];
    let mut machine = place.boot_in(&lab.client, &Parts { others, ..Parts::default() })?;
    machine.sees("told login:")?;
    machine.enters("towpath")?;
    machine.sees("assword:")?;
    machine.enters("secret")?;
    machine.sees(":~$")?;
    machine.shows("show interfaces | no-more", "10.0.2.15/24")?;
    machine.shows("show ip route forward | no-more", "10.0.2.2")?;
    let year = |seconds: u64| 1970 + seconds / 31_556_952;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    machine.shows("show date", &year(now + 5 * 31_557_600).to_string())
}
