//! Steps of commits on the real system.
//!
//! Never chooses a step; each is told exactly what to change, and its inverse comes from the same place.

use engine::plan::Step;
use kernel::{host, links};

/// Carries out a step that concerns the host or a link.
///
/// # Errors
/// What the kernel said, in words.
pub(crate) async fn carry_out(step: Step) -> Result<(), String> {
    match step {
        Step::HostName { to: Some(name), .. } => {
            host::set_host_name(&name).map_err(|error| denied("host name", &error))
        }
        Step::HostName { to: None, .. } | Step::Listener { .. } | Step::Password { .. } | Step::Routing => Ok(()),
        Step::TimeZone { to, .. } => {
            host::set_time_zone(to.as_deref().unwrap_or("UTC")).map_err(|error| denied("time zone", &error))
        }
        Step::Link { name, from, to } => {
            let links = links::Links::open().map_err(|error| error.to_string())?;
            if from.mtu != to.mtu {
                links.set_mtu(&name, to.mtu).await.map_err(|error| error.to_string())?;
            }
            if from.alias != to.alias {
                links.set_alias(&name, &to.alias).await.map_err(|error| error.to_string())?;
            }
            if from.up != to.up {
                links.set_admin_up(&name, to.up).await.map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        Step::Address { name, address, add } => {
            let links = links::Links::open().map_err(|error| error.to_string())?;
            let done =
                if add { links.add_address(&name, address).await } else { links.delete_address(&name, address).await };
            done.map_err(|error| error.to_string())
        }
    }
}

fn denied(what: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => format!("no permission to set the {what}; run the daemon as root"),
        _ => format!("the {what} could not be set: {error}"),
    }
}
