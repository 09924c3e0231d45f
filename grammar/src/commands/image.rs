//! `add system image`, `delete system image`, `install image`, `rename system image`, `set system image`, `show system image`.
//!
//! The words of VyOS. Never says where images lie.

use super::op::Op;
use super::tree::{Arguments, Step};
use crate::value::ValueKind;

/// What is done with the images of the software; no text in it begins with a hyphen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageWork {
    /// `show system image`
    List,
    /// `add system image FROM`
    Add {
        /// A file or a URL.
        from: String,
    },
    /// `set system image default-boot NAME`
    Default {
        /// The image.
        name: String,
    },
    /// `delete system image NAME`
    Delete {
        /// The image.
        name: String,
    },
    /// `install image`
    Install,
    /// `rename system image NAME NEW`
    Rename {
        /// The image.
        name: String,
        /// What it shall be called.
        new: String,
    },
}

pub(super) static ADD: Step = Step::word(
    "add",
    "Add an image of the software",
    &[&Step::word(
        "system",
        "The software of the machine",
        &[&Step::word(
            "image",
            "An image beside the one that runs",
            &[&Step::value(
                ValueKind::Text { max: 1000 },
                "File or URL",
                "https://example.net/towpath-1.2.3-amd64.image",
                &[],
            )
            .op(|a| work(ImageWork::Add { from: plain(a)? }))],
        )],
    )],
);

pub(super) static DELETE: Step = Step::word(
    "delete",
    "Delete an image of the software",
    &[&Step::word(
        "system",
        "The software of the machine",
        &[&Step::word(
            "image",
            "An image that neither runs nor is the good one",
            &[&NAME.op(|a| work(ImageWork::Delete { name: plain(a)? }))],
        )],
    )],
);

pub(super) static INSTALL: Step = Step::word(
    "install",
    "Install the software on a disk",
    &[&Step::word("image", "The image that runs, after some questions", &[]).op(|_| work(ImageWork::Install))],
);

pub(super) static RENAME: Step = Step::word(
    "rename",
    "Call an image of the software otherwise",
    &[&Step::word(
        "system",
        "The software of the machine",
        &[&Step::word(
            "image",
            "The image",
            &[&Step::value(
                ValueKind::Text { max: 64 },
                "Image",
                "1.2.3",
                &[&Step::value(ValueKind::Text { max: 64 }, "Its new name", "spare", &[])
                    .op(|a| work(ImageWork::Rename { name: plain(a)?, new: clean(a.second()?)? }))],
            )],
        )],
    )],
);

/// Below `set system`.
pub(super) static DEFAULT: Step = Step::word(
    "image",
    "Images of the software",
    &[&Step::word(
        "default-boot",
        "The image that is started from now on",
        &[&NAME.op(|a| work(ImageWork::Default { name: plain(a)? }))],
    )],
);

/// Below `show system`.
pub(super) static SHOW: Step = Step::word("image", "Images of the software", &[]).op(|_| work(ImageWork::List));

const NAME: Step = Step::value(ValueKind::Text { max: 64 }, "Image", "1.2.3", &[]);

#[expect(clippy::unnecessary_wraps, reason = "commands are made by functions that may refuse")]
fn work(work: ImageWork) -> Option<Op> {
    Some(Op::Image(work))
}

fn plain(arguments: &Arguments) -> Option<String> {
    clean(arguments.first()?)
}

/// No word of a person becomes an option of a program.
fn clean(word: String) -> Option<String> {
    (!word.starts_with('-') && !word.contains(char::is_whitespace)).then_some(word)
}
