//! What a changed configuration does to a session, decided before anything is changed.
//!
//! Never touches a session: `commit check` asks the same question as `Session::reconfigure`.

use crate::session::SessionConfig;

/// What becomes of a session under a new configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The session goes on.
    Keep,
    /// The session has to be opened anew; the text names the leaves that ask for it.
    Reset(String),
}

/// Compares two configurations of one session, leaf by leaf.
///
/// `maximum-prefix`, `timers keepalive`, `timers connect` and `passive` are obeyed by a running session as it is; what is asked of a peer for
/// our next restart (`restart-time`) it hears when the session is opened anew for some other reason, and `local-role
/// strict` is asked then.
#[must_use]
pub fn classify(old: &SessionConfig, new: &SessionConfig) -> Change {
    let SessionConfig {
        remote_address,
        local_as,
        confederation,
        expected_as,
        router_id,
        hold_time,
        keepalive: _,
        connect_retry: _,
        passive: _,
        families,
        graceful_restart,
        add_path_send,
        add_path_receive,
        filter_send,
        filter_receive,
        restart_time: _,
        role,
        role_strict: _,
        long_lived,
        maximum_prefix: _,
    } = new;
    let changed: Vec<&str> = [
        ("neighbor", old.remote_address != *remote_address),
        ("local-as", old.local_as != *local_as),
        ("parameters confederation", old.confederation != *confederation),
        ("remote-as", old.expected_as != *expected_as),
        ("parameters router-id", old.router_id != *router_id),
        ("timers holdtime", old.hold_time != *hold_time),
        ("address-family", old.families != *families),
        ("graceful-restart long-lived", old.long_lived.is_some() != long_lived.is_some()),
        ("graceful-restart", old.graceful_restart != *graceful_restart),
        ("addpath-tx", old.add_path_send != *add_path_send),
        ("disable-addpath-rx", old.add_path_receive != *add_path_receive),
        ("capability orf", old.filter_send != *filter_send || old.filter_receive != *filter_receive),
        ("local-role", old.role != *role),
    ]
    .into_iter()
    .filter_map(|(leaf, differs)| differs.then_some(leaf))
    .collect();
    if changed.is_empty() { Change::Keep } else { Change::Reset(changed.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;
    use crate::session::{ExpectedAs, RestartRole};
    use nouns::{Asn, Family};

    type Edit = fn(&mut SessionConfig);

    #[test]
    fn each_leaf_keeps_or_resets_the_session() {
        let rows: [(Edit, Option<&str>); 20] = [
            (|_| (), None),
            (|new| new.connect_retry = 7, None),
            (|new| new.passive = true, None),
            (|new| new.maximum_prefix = [(Family::Ipv4Unicast, crate::tests_support::prefixes(9))].into(), None),
            (|new| new.expected_as = ExpectedAs::Exactly(Asn(9)), Some("remote-as")),
            (|new| new.confederation = true, Some("parameters confederation")),
            (|new| new.local_as = Asn(9), Some("local-as")),
            (|new| new.router_id = [9, 9, 9, 9].into(), Some("parameters router-id")),
            (|new| new.hold_time = 9, Some("timers holdtime")),
            (|new| new.keepalive = 1, None),
            (|new| new.families = vec![Family::Ipv4Unicast], Some("address-family")),
            (|new| new.graceful_restart = RestartRole::Helper, Some("graceful-restart")),
            (|new| new.restart_time = 7, None),
            (|new| new.long_lived = Some(60), Some("graceful-restart long-lived")),
            (|new| new.add_path_send = vec![Family::Ipv4Unicast], Some("addpath-tx")),
            (|new| new.add_path_receive.clear(), Some("disable-addpath-rx")),
            (|new| new.filter_send = vec![Family::Ipv4Unicast], Some("capability orf")),
            (|new| new.filter_receive = vec![Family::Ipv4Unicast], Some("capability orf")),
            (|new| new.role = Some(Role::Peer), Some("local-role")),
            (|new| new.role_strict = true, None),
        ];
        for (edit, expected) in rows {
            let old = crate::tests_support::config();
            let mut new = old.clone();
            edit(&mut new);
            let expected = expected.map_or(Change::Keep, |leaf| Change::Reset(leaf.to_owned()));
            assert_eq!(classify(&old, &new), expected);
        }
    }

    #[test]
    fn all_leaves_that_reset_are_named() {
        let old = crate::tests_support::config();
        let new = SessionConfig { hold_time: 9, local_as: Asn(9), ..old.clone() };
        assert_eq!(classify(&old, &new), Change::Reset("local-as, timers holdtime".to_owned()));
    }
}
