//! Real BGP speakers as nodes: GoBGP, FRR, BIRD, OpenBGPD, ExaBGP.
//!
//! One [`Session`] says what is wanted; each kind writes its own configuration from it and knows how to announce and
//! withdraw while it runs. The files are named after the programs and each has the same functions in the same order.
//!
//! It never tells the tests how a speaker is configured, nor a speaker what the test is about.

pub mod bfd;
mod bird;
mod exabgp;
mod frr;
mod frr_kernel;
mod gobgp;
mod openbgpd;

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab::{Host, Lab, Process, ROUTER, ROUTER6};

pub use frr_kernel::FrrRouter;

/// How long a speaker may take to answer its own command line.
const START: Duration = Duration::from_secs(15);

/// Which program plays the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GoBGP with the behaviour of Cilium.
    Gobgp,
    /// FRR's bgpd, without zebra.
    Frr,
    /// BIRD 2.
    Bird,
    /// `OpenBGPD`, portable.
    Openbgpd,
    /// `ExaBGP`.
    Exabgp,
}

/// The session that a node wants with the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The node's own AS number.
    pub local_as: u32,
    /// The AS number that the node expects of the router.
    pub remote_as: u32,
    /// The node's address.
    pub local: IpAddr,
    /// The router's address.
    pub remote: IpAddr,
    /// Hold time in seconds; the keepalive time is a third of it.
    pub hold_time: u16,
    /// The TCP MD5 password (RFC 2385).
    pub password: Option<String>,
    /// The TTL of an eBGP session over several hops.
    pub multihop: Option<u8>,
    /// Whether the node sends with TTL 255 and accepts nothing below (RFC 5082).
    pub ttl_security: bool,
    /// Internal neighbors besides the router: the node is a route reflector, and they and the router are its clients.
    /// All but ExaBGP can do that.
    pub clients: Vec<IpAddr>,
    /// Whether graceful restart is offered (RFC 4724), as a Cilium node does it when told to.
    pub graceful_restart: bool,
    /// Restart time and long-lived stale time in seconds (RFC 9494), with graceful restart; BIRD, FRR and GoBGP
    /// have them here.
    pub long_lived: Option<(u16, u32)>,
    /// Whether several paths of a prefix are sent and received (RFC 7911).
    pub add_path: bool,
    /// What the speaker's own language says besides of its neighbor, one statement each; not by GoBGP.
    pub words: Vec<String>,
    /// What the speaker says besides of itself, other neighbors among it.
    pub speaker_words: Vec<String>,
}

impl Session {
    /// The walk-through's session: AS 64512 on both sides, hold 90.
    #[must_use]
    pub fn internal(node: &Host) -> Self {
        Self {
            local_as: 64512,
            remote_as: 64512,
            local: node.ipv4.into(),
            remote: ROUTER.into(),
            hold_time: 90,
            password: None,
            multihop: None,
            ttl_security: false,
            clients: Vec::new(),
            graceful_restart: false,
            long_lived: None,
            add_path: false,
            words: Vec::new(),
            speaker_words: Vec::new(),
        }
    }

    /// The same from another AS.
    #[must_use]
    pub fn external(node: &Host, local_as: u32) -> Self {
        Self { local_as, ..Self::internal(node) }
    }

    /// The same with statements of the speaker's own language about its neighbor.
    #[must_use]
    pub fn saying(self, words: &[&str]) -> Self {
        Self { words: words.iter().map(|word| (*word).to_owned()).collect(), ..self }
    }

    /// The same over IPv6.
    #[must_use]
    pub fn over_ipv6(self, node: &Host) -> Self {
        Self { local: node.ipv6.into(), remote: ROUTER6.into(), ..self }
    }

    /// Whether both sides are in one AS.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.local_as == self.remote_as
    }

    /// The BGP identifier: the node's IPv4 address, or one made from the end of its IPv6 address.
    fn router_id(&self) -> String {
        match self.local {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [.., high, low] = address.octets();
                format!("10.255.{high}.{low}")
            }
        }
    }

    fn keepalive(&self) -> u16 {
        (self.hold_time / 3).max(1)
    }
}

/// A change of what a node announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Announce,
    Withdraw,
}

/// A running speaker.
#[derive(Debug)]
pub struct Speaker {
    kind: Kind,
    session: Session,
    host: Host,
    process: Process,
}

impl Speaker {
    /// Writes the configuration, starts the program in the host and waits until it takes commands.
    ///
    /// # Errors
    /// When it does not start; the laboratory's logs are in the message.
    pub fn start(lab: &Lab, host: &Host, kind: Kind, session: Session) -> Result<Self> {
        anyhow::ensure!(session.clients.is_empty() || kind != Kind::Exabgp, "{kind:?} reflects nothing");
        let process = match kind {
            Kind::Gobgp => gobgp::start(host, &session),
            Kind::Frr => frr::start(host, &session),
            Kind::Bird => bird::start(host, &session),
            Kind::Openbgpd => openbgpd::start(host, &session),
            Kind::Exabgp => exabgp::start(host, &session),
        }
        .with_context(|| format!("starting {kind:?} in {}", host.role))?;
        let speaker = Self { kind, session, host: host.clone(), process };
        lab.wait_until(START, &format!("{kind:?} in {} answers", host.role), || speaker.is_ready())?;
        Ok(speaker)
    }

    /// Announces a prefix with the node itself as next hop. Words of the speaker's own language may stand behind it,
    /// where it is BIRD, ExaBGP or GoBGP.
    ///
    /// # Errors
    /// When the speaker refuses.
    pub fn announce(&self, prefix: &str) -> Result<()> {
        self.change(Change::Announce, prefix)
    }

    /// Takes an announcement back.
    ///
    /// # Errors
    /// When the speaker refuses.
    pub fn withdraw(&self, prefix: &str) -> Result<()> {
        self.change(Change::Withdraw, prefix)
    }

    /// Whether the speaker has the prefix from the router.
    #[must_use]
    pub fn knows(&self, prefix: &str) -> bool {
        self.table(prefix).contains(prefix)
    }

    /// What the speaker says of a prefix, in its own words; empty when it cannot be asked.
    #[must_use]
    pub fn table(&self, prefix: &str) -> String {
        let table = match self.kind {
            Kind::Gobgp => gobgp::table(&self.host, prefix),
            Kind::Frr => frr::table(&self.host, prefix),
            Kind::Bird => bird::table(&self.host, prefix),
            Kind::Openbgpd => openbgpd::table(&self.host, prefix),
            Kind::Exabgp => exabgp::table(&self.host, prefix),
        };
        table.unwrap_or_default()
    }

    /// Ends the session by hand and says why (RFC 9003); not by ExaBGP.
    ///
    /// # Errors
    /// When the speaker refuses.
    pub fn part(&self, text: &str) -> Result<()> {
        match self.kind {
            Kind::Gobgp => gobgp::part(&self.host, &self.session, text),
            Kind::Frr => frr::part(&self.host, &self.session, text),
            Kind::Bird => bird::part(&self.host, text),
            Kind::Openbgpd => openbgpd::part(&self.host, &self.session, text),
            Kind::Exabgp => anyhow::bail!("ExaBGP is not told how to do that"),
        }
    }

    /// Asks the router for its routes again (RFC 2918); by all but GoBGP.
    ///
    /// # Errors
    /// When the speaker refuses.
    pub fn refresh(&self) -> Result<()> {
        match self.kind {
            Kind::Frr => frr::refresh(&self.host, &self.session),
            Kind::Bird => bird::refresh(&self.host),
            Kind::Openbgpd => openbgpd::refresh(&self.host, &self.session),
            Kind::Exabgp => exabgp::refresh(&self.host),
            Kind::Gobgp => anyhow::bail!("GoBGP has no word for it"),
        }
    }

    /// Whether the speaker itself calls the session established.
    #[must_use]
    pub fn is_established(&self) -> bool {
        let (state, word) = match self.kind {
            Kind::Gobgp => (gobgp::state(&self.host, &self.session), "ESTABLISHED"),
            Kind::Frr => (frr::state(&self.host, &self.session), "BGP state = Established"),
            Kind::Bird => (bird::state(&self.host), "Established"),
            Kind::Openbgpd => (openbgpd::state(&self.host, &self.session), "BGP state = Established"),
            Kind::Exabgp => (exabgp::state(&self.host), " up"),
        };
        state.is_ok_and(|state| state.to_uppercase().contains(&word.to_uppercase()))
    }

    /// Everything the program has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The machine dies: the program neither speaks nor closes its connection any more.
    ///
    /// # Errors
    /// When its link cannot be taken down.
    pub fn die(&self) -> Result<()> {
        self.process.freeze()?;
        self.host.ip(&["link", "set", "eth0", "down"])?;
        Ok(())
    }

    /// The program alone dies (signal 9); the kernel of its machine closes the connection.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Asks the program to end in order.
    ///
    /// # Errors
    /// When it has not ended in time.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop(START)?;
        Ok(())
    }

    fn change(&self, change: Change, prefix: &str) -> Result<()> {
        match self.kind {
            Kind::Gobgp => gobgp::change(&self.host, change, prefix),
            Kind::Frr => frr::change(&self.host, &self.session, change, prefix),
            Kind::Bird => bird::change(&self.host, change, prefix),
            Kind::Openbgpd => openbgpd::change(&self.host, change, prefix),
            Kind::Exabgp => exabgp::change(&self.host, change, prefix),
        }
        .with_context(|| format!("{change:?} of {prefix} by {:?} in {}", self.kind, self.host.role))
    }

    fn is_ready(&self) -> bool {
        match self.kind {
            Kind::Gobgp => gobgp::state(&self.host, &self.session).is_ok(),
            Kind::Frr => frr::state(&self.host, &self.session).is_ok(),
            Kind::Bird => bird::state(&self.host).is_ok(),
            Kind::Openbgpd => openbgpd::state(&self.host, &self.session).is_ok(),
            Kind::Exabgp => self.process.output().contains("loaded new configuration"),
        }
    }
}

/// The word of a prefix's address family.
fn family<'a>(prefix: &str, ipv4: &'a str, ipv6: &'a str) -> &'a str {
    if prefix.contains(':') { ipv6 } else { ipv4 }
}
