//! The state, told.
//!
//! Never reads a counter: whoever asks brings them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bpf_common::layout::{Count, NOWHERE, ServiceCount};

use super::{Balancer, Shared, Standing};
use crate::backends::Who;
use crate::explain::BackendFound;
use crate::report::{BackendReport, MemberReport, Report, Room, ServiceReport};
use crate::table::Table;
use crate::wish::{Destination, Service};

/// What the programs have counted, by numbers, of all processors together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Of services.
    pub services: BTreeMap<u32, ServiceCount>,
    /// Of backends.
    pub backends: BTreeMap<u32, Count>,
}

/// Whose the slots of a table are.
#[derive(Default)]
struct Shares {
    current: BTreeMap<u16, u32>,
    former: BTreeMap<u16, u32>,
    learning: u32,
    settling: u32,
}

impl Shares {
    fn of(table: &Table) -> Self {
        let mut shares = Self::default();
        shares.current.extend(table.shares().iter().copied());
        for (_, number) in table.formers() {
            if number == 0 {
                shares.settling += 1;
            } else {
                shares.learning += 1;
                *shares.former.entry(number).or_default() += 1;
            }
        }
        shares
    }
}

impl Standing {
    /// As wished; unknown in the time between an adoption and the first wish.
    pub(crate) fn service(&self) -> Option<&Service> {
        self.service.as_ref()
    }

    /// The flags that the programs read.
    pub(crate) fn flags(&self) -> u32 {
        self.written.flags
    }
}

impl Balancer {
    /// How all of it is; links, drops and what keeps it off are not known here.
    #[must_use]
    pub fn report(&self, now: Instant, counts: &Counts) -> Report {
        let shares = self.tables.iter().map(|(number, shared)| (*number, Shares::of(&shared.table))).collect();
        let services = self.services.iter().filter_map(|(destination, standing)| {
            let service = standing.service.as_ref()?;
            Some(self.report_service(now, (destination, standing, service), &shares, counts))
        });
        let mut memberships = BTreeMap::<Who, u32>::new();
        for service in self.services.values().filter_map(|standing| standing.service.as_ref()) {
            for member in service.backends.iter() {
                *memberships.entry((member.backend.address, member.backend.way)).or_default() += 1;
            }
        }
        let backends = self.backends.all().map(|(number, known)| BackendReport {
            number: u32::from(number),
            address: known.who.0,
            way: known.who.1,
            exit: known.exit,
            mac: self.backends.mac(known),
            mtu: known.written.mtu,
            services: memberships.get(&known.who).copied().unwrap_or_default(),
            count: counts.backends.get(&u32::from(number)).copied().unwrap_or_default(),
        });
        Report {
            services: services.collect(),
            backends: backends.collect(),
            warnings: self.crowded.clone(),
            room: Room {
                tables: u32::try_from(self.tables.len()).unwrap_or(u32::MAX),
                services: self.service_numbers.used(),
                backends: self.backends.used(),
                lines: self.lines.len(),
                flows: self.pins.counted,
            },
            ..Report::default()
        }
    }

    /// Gateways whose hardware address nobody knows, with their links: packets for them are left to the kernel.
    #[must_use]
    pub fn missing(&self) -> Vec<(u32, IpAddr)> {
        self.backends.missing().copied().collect()
    }

    /// What persons call the service of a number.
    #[must_use]
    pub fn name(&self, number: u32) -> Option<Arc<str>> {
        self.found(number)?.2.service().map(|service| Arc::clone(&service.name))
    }

    /// The numbers of all services that persons call so.
    #[must_use]
    pub fn services_called(&self, name: &str) -> Vec<u32> {
        let called = |standing: &&Standing| standing.service.as_ref().is_some_and(|service| &*service.name == name);
        self.services.values().filter(called).map(|standing| standing.number).collect()
    }

    /// The numbers of all backends at a node.
    #[must_use]
    pub fn backends_at(&self, node: IpAddr) -> Vec<u32> {
        self.backends.all().filter(|(_, known)| known.who.0 == node).map(|(number, _)| u32::from(number)).collect()
    }

    /// The node of the backend of a number.
    #[must_use]
    pub fn node(&self, number: u32) -> Option<IpAddr> {
        self.who(number).map(|(address, _)| address)
    }

    /// A service by its number.
    pub(crate) fn found(&self, number: u32) -> Option<(Destination, u32, &Standing)> {
        let destination = self.by_number.get(&number)?;
        Some((*destination, number, self.services.get(destination)?))
    }

    /// The table of a service, and its number.
    pub(crate) fn table_of(&self, standing: &Standing) -> Option<(u32, &Table)> {
        let number = standing.table?;
        Some((number, &self.tables.get(&number)?.table))
    }

    /// Who is meant by the number of a backend.
    pub(crate) fn who(&self, number: u32) -> Option<Who> {
        self.backends.get(u16::try_from(number).ok()?).map(|known| known.who)
    }

    /// Whom packets go to that are for a backend, and how.
    pub(crate) fn backend(&self, number: u32) -> Option<BackendFound> {
        let known = self.backends.get(u16::try_from(number).ok()?).filter(|known| known.written.way != NOWHERE)?;
        let (address, way) = known.who;
        let vlan = Some(known.written.vlan).filter(|tag| *tag != 0);
        let (exit, mac, mtu) = (known.exit, self.backends.mac(known), known.written.mtu);
        Some(BackendFound { number, address, way, exit, mac, vlan, mtu })
    }

    fn report_service(
        &self,
        now: Instant,
        (destination, standing, service): (&Destination, &Standing, &Service),
        shares: &BTreeMap<u32, Shares>,
        counts: &Counts,
    ) -> ServiceReport {
        let shared = standing.table.and_then(|number| self.tables.get(&number));
        let nothing = Shares::default();
        let shares = standing.table.and_then(|number| shares.get(&number)).unwrap_or(&nothing);
        let members = service.backends.iter().filter_map(|member| {
            let (address, way) = (member.backend.address, member.backend.way);
            let number = self.backends.number_of((address, way))?;
            Some(MemberReport {
                number: u32::from(number),
                address,
                way,
                weight: member.weight,
                state: member.state,
                slots: shares.current.get(&number).copied().unwrap_or_default(),
                former: shares.former.get(&number).copied().unwrap_or_default(),
            })
        });
        let until = |shared: &Shared| {
            shared.table.youngest_window().map(|began| (began + shared.idle).saturating_duration_since(now))
        };
        ServiceReport {
            name: Arc::clone(&service.name),
            destination: *destination,
            slots: shared.map_or(0, |shared| shared.table.len()),
            table: standing.table,
            learning: shares.learning,
            settling: shares.settling,
            learned_in: shared.and_then(until),
            members: members.collect(),
            count: counts.services.get(&standing.number).copied().unwrap_or_default(),
        }
    }
}
