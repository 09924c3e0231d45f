//! The store on disk behaves as its twin in memory, survives reopening, and shrugs off damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::PathBuf;

use config::store::MemoryStore;

use super::*;
use crate::open_or_fresh;

/// A directory that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("towpath-store-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn revisions(&self) -> PathBuf {
        self.0.join("revisions")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn revision(number: u64) -> RevisionRecord {
    RevisionRecord {
        revision: Revision(number),
        time: 1_700_000_000 + number,
        user: "admin".into(),
        via: "cli".into(),
        comment: number.is_multiple_of(2).then(|| format!("comment {number}")),
        text: format!("system {{\n    host-name edge{number}\n}}\n"),
    }
}

fn commit(store: &mut dyn Store, number: u64) {
    store.journal(&JournalRecord::Pending(revision(number))).unwrap();
    store.journal(&committed(number)).unwrap();
}

fn committed(number: u64) -> JournalRecord {
    JournalRecord::Committed { revision: Revision(number), keep: 100 }
}

fn unconfirmed(number: u64) -> JournalRecord {
    JournalRecord::Unconfirmed(Unconfirmed {
        revision: Revision(number),
        user: "admin".into(),
        span: 600,
        until: 1_700_000_600,
        before: revision(number - 1).text,
        after: revision(number).text,
    })
}

fn assert_same(disk: &dyn Store, memory: &dyn Store) {
    assert_eq!(disk.pending().unwrap(), memory.pending().unwrap());
    assert_eq!(disk.unconfirmed().unwrap(), memory.unconfirmed().unwrap());
    assert_eq!(disk.latest().unwrap(), memory.latest().unwrap());
    assert_eq!(disk.list(2).unwrap(), memory.list(2).unwrap());
    assert_eq!(disk.list(usize::MAX).unwrap(), memory.list(usize::MAX).unwrap());
    for number in 0..6 {
        assert_eq!(disk.revision(Revision(number)).unwrap(), memory.revision(Revision(number)).unwrap());
    }
}

#[test]
fn the_disk_answers_as_its_twin_in_memory_after_every_record_and_after_reopening() {
    let scratch = Scratch::new("twin");
    let mut memory = MemoryStore::default();
    let records = [
        JournalRecord::Pending(revision(1)),
        committed(1),
        JournalRecord::Pending(revision(2)),
        JournalRecord::Aborted(Revision(2)),
        unconfirmed(2),
        JournalRecord::Pending(revision(2)),
        committed(2),
        committed(2),
        JournalRecord::Settled,
        unconfirmed(3),
        JournalRecord::Pending(revision(3)),
        JournalRecord::Aborted(Revision(3)),
        unconfirmed(3),
        JournalRecord::Pending(revision(3)),
        JournalRecord::Committed { revision: Revision(3), keep: 2 },
        JournalRecord::Pending(revision(4)),
        JournalRecord::Aborted(Revision(4)),
        JournalRecord::Pending(revision(4)),
        JournalRecord::Committed { revision: Revision(4), keep: 0 },
        JournalRecord::Pending(revision(5)),
        committed(6),
    ];
    for record in &records {
        let mut disk = SledStore::open(&scratch.revisions()).unwrap();
        disk.journal(record).unwrap();
        memory.journal(record).unwrap();
        assert_same(&disk, &memory);
        drop(disk);
        assert_same(&SledStore::open(&scratch.revisions()).unwrap(), &memory);
    }
    assert_eq!(memory.pending().unwrap(), Some(revision(5)));
    assert!(memory.unconfirmed().unwrap().is_some_and(|unconfirmed| unconfirmed.revision == Revision(3)));
    assert_eq!(memory.list(10).unwrap().len(), 1, "the newest revision is always kept");
}

#[test]
fn a_text_larger_than_a_segment_comes_back_whole() {
    let scratch = Scratch::new("large");
    let large = RevisionRecord { text: "# line of a long configuration\n".repeat(20_000), ..revision(1) };
    let mut store = SledStore::open(&scratch.revisions()).unwrap();
    store.journal(&JournalRecord::Pending(large.clone())).unwrap();
    store.journal(&committed(1)).unwrap();
    drop(store);
    assert_eq!(SledStore::open(&scratch.revisions()).unwrap().latest().unwrap(), Some(large));
}

#[test]
fn a_second_daemon_is_refused_in_words_and_moves_nothing() {
    let scratch = Scratch::new("lock");
    let first = SledStore::open(&scratch.revisions()).unwrap();
    let refused = open_or_fresh(&scratch.revisions()).err().unwrap();
    assert!(refused.reason.contains("another towpathd uses this state directory"), "{refused}");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    drop(first);
    assert!(open_or_fresh(&scratch.revisions()).unwrap().1.is_none());
}

#[test]
fn a_store_that_is_let_go_while_another_waits_for_it_is_opened() {
    let scratch = Scratch::new("wait");
    let first = SledStore::open(&scratch.revisions()).unwrap();
    assert_eq!(open_now(&scratch.revisions()).err(), Some(Trouble::InUse));
    let path = scratch.revisions();
    let second = std::thread::spawn(move || SledStore::open(&path).map(drop));
    drop(first);
    second.join().unwrap().unwrap();
}

#[test]
fn a_damaged_record_is_left_out_and_the_rest_stays() {
    let scratch = Scratch::new("record");
    let mut store = SledStore::open(&scratch.revisions()).unwrap();
    for number in 1..=3 {
        commit(&mut store, number);
    }
    let mut octets = store.db().unwrap().get(key(Revision(3))).unwrap().unwrap().to_vec();
    octets[20] ^= 0x10;
    store.db().unwrap().insert(key(Revision(3)), octets).unwrap();
    assert_eq!(store.latest().unwrap(), Some(revision(2)));
    assert_eq!(store.revision(Revision(3)).unwrap(), None);
    assert_eq!(store.list(10).unwrap().len(), 2);
}

#[test]
fn whatever_stands_in_the_files_a_store_opens_and_takes_a_commit() {
    for (name, octets) in [
        ("zeros", vec![0; 200_000]),
        ("ones", vec![0xff; 200_000]),
        ("text", b"not a database\n".repeat(10_000)),
        ("short", vec![7; 3]),
    ] {
        for file in ["db", "conf"] {
            let scratch = Scratch::new(&format!("damage-{name}-{file}"));
            commit(&mut SledStore::open(&scratch.revisions()).unwrap(), 1);
            fs::write(scratch.revisions().join(file), &octets).unwrap();
            let (mut store, _) = open_or_fresh(&scratch.revisions()).unwrap();
            commit(store.as_mut(), 2);
            assert_eq!(store.latest().unwrap(), Some(revision(2)), "{name} in {file}");
        }
    }
}

#[test]
fn a_damaged_store_is_moved_aside_and_said_so() {
    let scratch = Scratch::new("aside");
    commit(&mut SledStore::open(&scratch.revisions()).unwrap(), 1);
    fs::remove_file(scratch.revisions().join("db")).unwrap();
    fs::create_dir(scratch.revisions().join("db")).unwrap();
    let (store, wrong) = open_or_fresh(&scratch.revisions()).unwrap();
    assert_eq!(store.latest().unwrap(), None);
    assert!(wrong.unwrap().reason.contains("revisions.damaged-1 and history starts anew"));
    assert!(scratch.0.join("revisions.damaged-1").is_dir());
}

#[test]
fn where_nothing_can_be_written_revisions_are_kept_in_memory() {
    let scratch = Scratch::new("nowhere");
    let file = scratch.0.join("a-file");
    fs::write(&file, "").unwrap();
    let (mut store, wrong) = open_or_fresh(&file.join("revisions")).unwrap();
    assert!(wrong.unwrap().reason.contains("kept in memory"));
    commit(store.as_mut(), 1);
    assert_eq!(store.latest().unwrap(), Some(revision(1)));
    for (errno, damaged) in [(28, false), (30, false), (13, false), (5, true)] {
        let trouble = Trouble::of(&sled::Error::Io(std::io::Error::from_raw_os_error(errno)));
        assert_eq!(matches!(trouble, Trouble::Damaged(_)), damaged, "a full disk is no damage: {errno}");
    }
}

#[test]
fn the_oldest_revisions_go_when_there_are_too_many() {
    let scratch = Scratch::new("many");
    let mut store = SledStore::open(&scratch.revisions()).unwrap();
    for number in 1..=103 {
        commit(&mut store, number);
    }
    assert_eq!(store.list(usize::MAX).unwrap().len(), 100);
    assert_eq!(store.revision(Revision(3)).unwrap(), None);
    assert_eq!(store.latest().unwrap(), Some(revision(103)));
    store.journal(&JournalRecord::Pending(revision(104))).unwrap();
    store.journal(&JournalRecord::Committed { revision: Revision(104), keep: 10 }).unwrap();
    assert_eq!(store.list(usize::MAX).unwrap().len(), 10, "a smaller number takes effect at once");
}
