//! Images in a folder that stands for the boot partition.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use super::*;

const KEY: &str = "RWQsJbmrPd9N0ehXdZsmTIoo6xYZ8Amo4ELIhX1u2XB09qeCGrXz+kao";
const FILE: &str = "towpath-image 1
untrusted comment: towpath image
RUQsJbmrPd9N0UUFtSJOSjMybcjiv9r2vhKV2ISfm/5xGUdonw83MT0OZEC4D51My3u3MVMjcSKtQi4WwOPPzKUt1+mH2BGBfAg=
trusted comment: towpath 1.2.3
xo5jUt1OrZGmskobBvw4r+C7uF6nJuIMT3/Ty3e7wgpo404n7aGHVx9PGtAdth+VtIjMoCLtpsuwTzasvHGsCg==
version 1.2.3\nname 1.2.3\narchitecture amd64\nmade 1700000000\nkernel 7\nsystem 6\n\nKERNEL\nSYSTEM";

struct Place(Images);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("init-images-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("grub")).unwrap();
        let images = Images { folder, running: Some(Slot::A) };
        fs::create_dir_all(images.slot(Slot::A)).unwrap();
        fs::write(images.slot(Slot::A).join("vmlinuz"), "kernel").unwrap();
        fs::write(images.slot(Slot::A).join("initrd"), "initrd").unwrap();
        let text = "version 1.2.3\narchitecture amd64\nmade 1\nkernel 6\nsystem 6\n";
        fs::write(images.slot(Slot::A).join("manifest"), text).unwrap();
        images.choose(&Choice { good: Some(Slot::A), ..Choice::default() }).unwrap();
        Self(images)
    }

    fn add(&self, text: &str) -> Result<String, String> {
        let path = self.0.folder.join("file");
        fs::write(&path, text).unwrap();
        self.0.add(&File::open(path).unwrap(), &PublicKey::from_base64(KEY).unwrap(), |_| {})
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0.folder).unwrap();
    }
}

#[test]
fn an_image_is_added_beside_the_one_that_runs_and_tried_next() {
    let place = Place::new("add");
    assert_eq!(place.add(FILE), Ok("1.2.3~2".to_owned()));
    assert_eq!(fs::read_to_string(place.0.slot(Slot::B).join("initrd")).unwrap(), "SYSTEM");
    assert_eq!(place.0.choice().trying, Some((Slot::B, slots::TRIES)));
    assert_eq!(
        place.0.list().lines().skip(2).collect::<Vec<_>>(),
        ["   1: 1.2.3 (running image)", "   2: 1.2.3~2 (default boot) (not proved yet)"]
    );
    let json: String = place.0.json().split_whitespace().collect();
    assert_eq!(
        json,
        r#"{"images":[{"name":"1.2.3","version":"1.2.3","slot":"a","whole":true,"default-boot":false,"running":true,"on-trial":false,"failed":false},{"name":"1.2.3~2","version":"1.2.3","slot":"b","whole":true,"default-boot":true,"running":false,"on-trial":true,"failed":false}]}"#
    );
    assert_eq!(place.add(FILE), Ok("1.2.3~2".to_owned()), "once more takes the place of what was not proved");
}

#[test]
fn what_is_not_whole_or_not_signed_changes_nothing() {
    let place = Place::new("refused");
    place.add(FILE).unwrap();
    let before = (place.0.list(), place.0.choice());
    for file in [&FILE[..FILE.len() - 1], &FILE.replace("SYSTEM", "SYSTEN"), "an ISO"] {
        assert!(place.add(file).is_err());
        assert_eq!((place.0.list(), place.0.choice()), before);
    }
}

#[test]
fn the_good_image_and_the_one_that_runs_are_never_touched() {
    let mut place = Place::new("good");
    place.add(FILE).unwrap();
    place.0.rename("1.2.3~2", "new").unwrap();
    assert!(place.0.rename("new", "1.2.3").unwrap_err().contains("already"));
    assert!(place.0.rename("new", "../x").unwrap_err().contains("no name"));
    assert!(place.0.delete("1.2.3").unwrap_err().contains("runs"));
    // The new one runs and is on trial.
    place.0.running = Some(Slot::B);
    assert!(place.0.delete("1.2.3").unwrap_err().contains("the good one"));
    assert!(place.add(FILE).unwrap_err().contains("has not proved itself yet"));
    let mut choice = place.0.choice();
    assert!(choice.proved(Slot::B));
    place.0.choose(&choice).unwrap();
    assert_eq!(place.0.delete("1.2.3"), Ok("The image '1.2.3' is deleted.".to_owned()));
    assert_eq!(place.0.list().lines().skip(2).collect::<Vec<_>>(), ["   1: new (default boot) (running image)"]);
    assert!(place.0.set_default("1.2.3").unwrap_err().contains("no image '1.2.3'"));
}

#[test]
fn a_slot_that_is_not_whole_is_listed_as_such_and_never_chosen() {
    let place = Place::new("torn");
    place.add(FILE).unwrap();
    fs::write(place.0.slot(Slot::B).join("initrd"), "SYS").unwrap();
    assert!(place.0.list().contains("an image that is not whole"));
    assert!(place.0.json().contains("\"name\": null") && place.0.json().contains("\"whole\": false"));
    assert!(place.0.set_default("1.2.3~2").is_err());
}
