//! `show hardware cpu | pci`, in the layouts of `lscpu` and `lspci`.
//!
//! Only what the machine tells of itself; what it does not tell is left out.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show hardware cpu`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    /// `x86_64`
    pub architecture: String,
    /// Logical processors that work.
    pub processors: u64,
    /// As the processor names itself; absent where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The clock of the first processor in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub megahertz: Option<f64>,
    /// `512 KB`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// What it can do beside the usual.
    pub flags: Vec<String>,
}

impl Text for Cpu {
    fn text(&self) -> String {
        let megahertz = self.megahertz.map(|megahertz| format!("{megahertz:.3}"));
        let flags = (!self.flags.is_empty()).then(|| self.flags.join(" "));
        let rows = [
            ("Architecture:", Some(self.architecture.clone())),
            ("CPU(s):", Some(self.processors.to_string())),
            ("Vendor ID:", self.vendor.clone()),
            ("Model name:", self.model.clone()),
            ("CPU MHz:", megahertz),
            ("Cache size:", self.cache.clone()),
            ("Flags:", flags),
        ];
        let told = rows.into_iter().filter_map(|(title, value)| Some((title, value?)));
        told.map(|(title, value)| format!("{title:<21}{value}\n")).collect()
    }
}

/// `show hardware pci`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pci {
    /// In the order of their places.
    pub devices: Vec<PciDevice>,
}

/// One device on the bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PciDevice {
    /// `0000:00:02.0`
    pub slot: String,
    /// What it is, six hexadecimal digits: `020000` is an Ethernet controller.
    pub class: String,
    /// Four hexadecimal digits.
    pub vendor: String,
    /// Four hexadecimal digits.
    pub device: String,
    /// The names of class, vendor and device, as far as the machine has a list of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The driver that serves it; absent where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

impl Text for Pci {
    fn text(&self) -> String {
        let line = |device: &PciDevice| {
            let PciDevice { slot, class, vendor, device, name, .. } = device;
            let slot = slot.strip_prefix("0000:").unwrap_or(slot);
            let name = name.clone().unwrap_or_else(|| format!("{class}: {vendor}:{device}"));
            format!("{slot} {name}\n")
        };
        self.devices.iter().map(line).collect()
    }
}
