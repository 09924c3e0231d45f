//! Images made of the one under test: the same under another version, with other files in it, or not an image at all.
//!
//! They are signed with the key of the image under test, so that a machine takes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use scenarios::appliance::Place;

/// A file that takes the place of one of the image: its path, which begins with `usr/`, and what is in it.
pub(crate) type Replaced<'a> = (&'a str, &'a [u8]);

/// A file for upgrades of this kernel and this system, signed. What the boot loader need not read of the latter is `rest`.
fn sealed(place: &Place, version: &str, kernel: &[u8], system: &[u8], rest: &[u8]) -> Result<PathBuf> {
    let (payload, signature) = (place.path("payload"), place.path("payload.minisig"));
    let first = if rest.is_empty() { String::new() } else { format!("first {}\n", system.len()) };
    let manifest = format!(
        "version {version}\nname {version}\narchitecture amd64\nmade 1\nkernel {}\nsystem {}\n{first}\n",
        kernel.len(),
        system.len() + rest.len()
    );
    let octets = [manifest.as_bytes(), kernel, system, rest].concat();
    std::fs::write(&payload, &octets)?;
    let mut sign = Command::new("minisign");
    sign.args(["-S", "-W", "-s"]).arg(place.image().key()).arg("-m").arg(&payload).arg("-x").arg(&signature);
    let signed = sign.stdin(Stdio::null()).output()?;
    ensure!(signed.status.success(), "minisign: {}", String::from_utf8_lossy(&signed.stderr));
    let file = place.path(&format!("{version}.image"));
    std::fs::write(&file, [b"towpath-image 1\n".as_slice(), &std::fs::read(&signature)?, &octets].concat())?;
    Ok(file)
}

/// The same software under another version, with some files replaced. With none it comes in two parts, as the image under test
/// does, else as one, as older images do.
pub(crate) fn variant(place: &Place, version: &str, replaced: &[Replaced<'_>]) -> Result<PathBuf> {
    let read = |name: &str| std::fs::read(place.image().slot().join(name));
    if replaced.is_empty() {
        return sealed(place, version, &read("vmlinuz")?, &read("initrd")?, &read("usr")?);
    }
    // The kernel unpacks one archive behind the other; a later file takes the place of an earlier one.
    let system = [read("initrd")?, archive(place, &place.path(&format!("{version}.root")), replaced)?].concat();
    sealed(place, version, &read("vmlinuz")?, &system, &[])
}

/// An image whose kernel finds no first process.
pub(crate) fn without_a_system(place: &Place, version: &str) -> Result<PathBuf> {
    sealed(place, version, &std::fs::read(place.image().slot().join("vmlinuz"))?, &[0; 4096], &[])
}

/// An image whose kernel is none.
pub(crate) fn without_a_kernel(place: &Place, version: &str) -> Result<PathBuf> {
    sealed(place, version, &[0x5a; 4096], &std::fs::read(place.image().slot().join("initrd"))?, &[])
}

/// An archive with `/usr` packed anew, some of its files replaced, and what it is known by.
fn archive(place: &Place, folder: &Path, files: &[Replaced<'_>]) -> Result<Vec<u8>> {
    const PACKED: &str = "packed/usr.squashfs";
    const MARKS: &str = "packed/usr.marks";
    std::fs::create_dir_all(folder.join("packed"))?;
    let mut pack = Command::new("mksquashfs");
    pack.arg(place.image().root().join("usr")).arg(folder.join(PACKED));
    pack.args(["-quiet", "-no-progress", "-all-root", "-no-xattrs", "-comp", "zstd", "-Xcompression-level", "1"]);
    let mut names = Vec::new();
    for (number, (name, octets)) in files.iter().enumerate() {
        let (file, name) = (folder.join(number.to_string()), name.strip_prefix("usr/").context("a file outside /usr")?);
        std::fs::write(&file, octets)?;
        pack.args(["-p", &format!("{name} f 755 0 0 cat {}", file.display())]);
        names.push(name);
    }
    let packed = pack.arg("-e").args(names).output().context("mksquashfs")?;
    ensure!(packed.status.success(), "mksquashfs: {}", String::from_utf8_lossy(&packed.stderr));
    let packed = std::fs::read(folder.join(PACKED))?;
    std::fs::write(
        folder.join(MARKS),
        format!("0 {} {:016x}\n", packed.len(), twox_hash::XxHash64::oneshot(0, &packed)),
    )?;
    let list = folder.join(".list");
    std::fs::write(&list, format!("{PACKED}\n{MARKS}\n"))?;
    let mut pack = Command::new("cpio");
    pack.args(["--quiet", "-o", "-H", "newc", "-R", "0:0"]).current_dir(folder).stdin(std::fs::File::open(&list)?);
    let packed = pack.output()?;
    ensure!(packed.status.success(), "cpio: {}", String::from_utf8_lossy(&packed.stderr));
    Ok(packed.stdout)
}

/// Files of this host on a disk of FAT that the machine shows below [`VOLUME`]: arguments of QEMU.
pub(crate) fn volume(place: &Place, files: &[(&str, &Path)]) -> Result<Vec<String>> {
    let path = place.path("files.img");
    std::fs::File::create(&path)?.set_len(256 << 20)?;
    ensure!(Command::new("mformat").arg("-i").arg(&path).args(["-F", "-v", "FILES", "::"]).status()?.success());
    for (name, file) in files {
        let copied = Command::new("mcopy").arg("-i").arg(&path).arg(file).arg(format!("::{name}")).status()?;
        ensure!(copied.success(), "mcopy {name}");
    }
    Ok(vec!["-drive".to_owned(), format!("file={},format=raw,if=virtio,readonly=on", path.display())])
}

/// Where the machine shows the volume with the files.
pub(crate) const VOLUME: &str = "/media/files";
