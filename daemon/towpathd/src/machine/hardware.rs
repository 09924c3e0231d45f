//! What the machine is made of: processors, devices, its kind and serial number.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use api::ApiError;
use api::view::hardware::{Cpu, Pci, PciDevice};

use super::{line, text};

const DEVICES: &str = "/sys/bus/pci/devices";
/// Names of vendors and devices, where one of these lists is installed.
const NAMES: [&str; 2] = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

/// `show hardware cpu`
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn cpu() -> Result<Cpu, ApiError> {
    Ok(cpu_of(&text("/proc/cpuinfo")?))
}

/// `key : value` on each line, a block for each processor; architectures differ in the keys.
fn cpu_of(text: &str) -> Cpu {
    let row = |line: &str| line.split_once(':').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in text.lines().filter_map(row) {
        rows.entry(key).or_insert(value);
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| rows.get(*key)).filter(|value| !value.is_empty()).cloned();
    let count = text.lines().filter(|line| line.starts_with("processor")).count();
    let flags = first(&["flags", "Features"]).unwrap_or_default();
    Cpu {
        architecture: std::env::consts::ARCH.to_owned(),
        processors: u64::try_from(count).unwrap_or(u64::MAX),
        model: first(&["model name", "cpu model", "Model"]),
        vendor: first(&["vendor_id", "CPU implementer"]),
        megahertz: first(&["cpu MHz"]).and_then(|number| number.parse().ok()),
        cache: first(&["cache size"]),
        flags: flags.split_whitespace().map(str::to_owned).collect(),
    }
}

/// `show hardware pci`; a machine without such a bus has no devices on it.
pub(crate) fn pci() -> Pci {
    let list = NAMES.iter().find_map(|path| fs::read(path).ok()).unwrap_or_default();
    let names = names(&String::from_utf8_lossy(&list));
    let entries = fs::read_dir(DEVICES).into_iter().flatten().flatten();
    let mut devices: Vec<PciDevice> = entries.filter_map(|entry| device(&entry.path(), &names)).collect();
    devices.sort_by(|one, other| one.slot.cmp(&other.slot));
    Pci { devices }
}

/// Names by their number: `c02` and `c0200` of classes, `v8086` of vendors, `v80861533` of devices.
type Names = BTreeMap<String, String>;

fn device(folder: &Path, names: &Names) -> Option<PciDevice> {
    let number = |file: &str| line(folder.join(file)).map(|text| text.trim_start_matches("0x").to_owned());
    let (class, vendor, device) = (number("class")?, number("vendor")?, number("device")?);
    let name = |key: String| names.get(&key).map(String::as_str);
    let kind =
        class.get(..4).and_then(|short| name(format!("c{short}"))).or_else(|| name(format!("c{}", class.get(..2)?)));
    let maker = name(format!("v{vendor}"));
    let model = name(format!("v{vendor}{device}"));
    let words = match (kind, maker, model) {
        (Some(kind), Some(maker), model) => Some(format!("{kind}: {maker} {}", model.unwrap_or("Device"))),
        _ => None,
    };
    let driver = fs::read_link(folder.join("driver")).ok();
    let driver = driver.and_then(|target| target.file_name()?.to_str().map(str::to_owned));
    Some(PciDevice { slot: folder.file_name()?.to_str()?.to_owned(), class, vendor, device, name: words, driver })
}

/// The list of the PCI ID project: vendors at the margin, devices behind a tab, classes behind `C`.
fn names(list: &str) -> Names {
    let mut names = Names::new();
    let mut above = String::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (key, text) = match (line.strip_prefix('\t'), line.strip_prefix("C ")) {
            (Some(below), _) if !below.starts_with('\t') => (above.clone(), below),
            (None, Some(class)) => ("c".to_owned(), class),
            (None, None) => ("v".to_owned(), line),
            _ => continue,
        };
        let Some((number, name)) = text.split_once("  ") else { continue };
        let key = format!("{key}{number}");
        if !line.starts_with('\t') {
            above.clone_from(&key);
        }
        names.insert(key, name.trim().to_owned());
    }
    names
}

/// The machine's kind, as its firmware or its device tree names it.
pub(crate) fn model() -> Option<String> {
    let of = |file: &str| line(Path::new("/sys/class/dmi/id").join(file));
    let product = match (of("sys_vendor"), of("product_name")) {
        (Some(vendor), Some(product)) => Some(format!("{vendor} {product}")),
        (vendor, product) => product.or(vendor),
    };
    product.or_else(|| line("/proc/device-tree/model").map(|text| text.trim_end_matches('\0').to_owned()))
}

/// The machine's serial number; only root may read it.
pub(crate) fn serial() -> Option<String> {
    let tree = || line("/proc/device-tree/serial-number").map(|text| text.trim_end_matches('\0').to_owned());
    line("/sys/class/dmi/id/product_serial").or_else(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_tells_its_kind_in_the_words_of_either_architecture() {
        let text = "processor\t: 0\nvendor_id\t: Maker\nmodel name\t: Fast One\ncpu MHz\t\t: 2400.000\ncache size\t: 512 KB\nflags\t\t: fpu aes\n\nprocessor\t: 1\nmodel name\t: Fast One\n";
        let cpu = cpu_of(text);
        assert_eq!((cpu.processors, cpu.model.as_deref(), cpu.megahertz), (2, Some("Fast One"), Some(2400.0)));
        assert_eq!(cpu.flags, ["fpu", "aes"]);
        let cpu = cpu_of("processor : 0\nFeatures : fp\nCPU implementer : 0x41\n");
        assert_eq!((cpu.processors, cpu.model, cpu.vendor.as_deref()), (1, None, Some("0x41")));
        assert_eq!(cpu_of("").processors, 0);
    }

    #[test]
    fn names_of_devices_are_found_by_their_numbers() {
        let names = names(
            "# list\n8086  Maker\n\t1533  Card\n\t\t8086 0001  Sub\nC 02  Network controller\n\t00  Ethernet controller\n",
        );
        let name = |key: &str| names.get(key).map(String::as_str);
        assert_eq!(name("v80861533"), Some("Card"));
        assert_eq!(
            (name("v8086"), name("c02"), name("c0200")),
            (Some("Maker"), Some("Network controller"), Some("Ethernet controller"))
        );
        assert_eq!(names.len(), 4);
    }
}
