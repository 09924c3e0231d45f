//! Steps for `system …`.
//!
//! Never sets anything by itself.

use config::model::System;

use super::Step;

pub(super) fn plan(old: &System, new: &System, steps: &mut Vec<Step>) {
    if old.host_name != new.host_name {
        steps.push(Step::HostName { from: old.host_name.clone(), to: new.host_name.clone() });
    }
    if old.time_zone != new.time_zone {
        steps.push(Step::TimeZone { from: old.time_zone.clone(), to: new.time_zone.clone() });
    }
}
