//! `show bmp`

use crate::commands::op::Op;
use crate::commands::tree::Step;

pub(super) static BMP: Step =
    Step::word("bmp", "Collectors that are told what goes on (BMP)", &[]).op(|_| Some(Op::ShowBmp));
