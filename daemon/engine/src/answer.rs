//! Requests of clients, each to the room that answers it.
//!
//! Never renders text: views are values, and their text is the shell's.

use api::reply::{Configuration, Hello};
use api::request::{BgpTarget, Clear, ClearHow, ClearTarget, Show, Which};
use api::{ApiError, Flush, Level, Reply, Request, View};
use bgp::session::{Input, StopReason};
use config::model::bgp::RemoteAs;
use config::print;
use grammar::commands::BalancerShown;
use nouns::Family;
use rib::bgp_table::PeerId;

use crate::effect::{AskedFlow, Effect, Notice, Recall, WantedFlows};
use crate::engine::Engine;
use crate::event::{AskId, Caller, Moment};
use crate::peers::{Peer, settings};
use crate::views;
use crate::views::bgp_table::Look;

/// What a question is answered with.
enum Answered {
    /// The engine knew.
    View(View),
    /// The machine has to be asked.
    AskMachine(Recall),
    /// A whole table has to be looked at.
    Look(Look),
}

impl Engine {
    pub(crate) fn answer(&mut self, at: Moment, ask: AskId, caller: &Caller, request: Request, out: &mut Vec<Effect>) {
        if let Err(error) = request.permit(caller.level) {
            self.notice(
                at,
                Notice::info(format!("refused: {caller} (level {}) may not {}", caller.level, request.deed())),
                out,
            );
            return out.push(Effect::Answer(ask, Reply::Error(error)));
        }
        let reply = match request {
            Request::Hello { .. } => Reply::Hello(self.hello(caller)),
            Request::Configuration(Which::Active) => Reply::Configuration(Configuration {
                revision: self.running.revision,
                text: match caller.level {
                    Level::Admin => print::file(&self.running.tree),
                    Level::Operator => print::masked_file(&self.running.tree),
                },
                unsaved: self.unsaved(),
            }),
            Request::Configuration(Which::Saved) => {
                let (revision, unsaved) = (self.running.revision, self.unsaved());
                let masked = caller.level < Level::Admin;
                return out.push(Effect::Recall(ask, Recall::Saved { revision, unsaved, masked }));
            }
            Request::Revisions => {
                let limit = self.running.model.system.commit_revisions.0;
                return out.push(Effect::Recall(ask, Recall::Revisions { limit }));
            }
            Request::Revision(revision) => {
                let masked = caller.level < Level::Admin;
                return out.push(Effect::Recall(ask, Recall::Revision { revision, masked }));
            }
            Request::Check { candidate } => self.check_candidate(&candidate),
            Request::Commit { candidate, comment, confirm } => {
                return self.commit_candidate(at, ask, caller, (&candidate, comment, confirm), out);
            }
            Request::Confirm => return self.confirm(at, ask, caller, out),
            Request::Save { named } => return self.save(ask, caller, named, out),
            Request::Watch(watch) => return self.watch(ask, watch, out),
            Request::ClearDamping { family, prefix } => {
                self.notice(at, Notice::info(format!("routes that flapped forgotten by {caller}")), out);
                Family::ALL
                    .into_iter()
                    .filter(|one| family.is_none_or(|only| only == *one))
                    .for_each(|family| self.forget_flaps(family, prefix));
                Reply::Done(String::new())
            }
            Request::DumpTable { file } => return self.dump_once(at, ask, file, out),
            Request::Clear(clear) => self.clear(at, caller, &clear, out),
            Request::Show(show) => match self.show(at, show) {
                Ok(Answered::View(view)) => Reply::View(view),
                Ok(Answered::Look(look)) => return self.begin_look(ask, look, out),
                Ok(Answered::AskMachine(recall)) => return out.push(Effect::Recall(ask, recall)),
                Err(error) => Reply::Error(error),
            },
            Request::Flush(flush) => match self.flushable(&flush) {
                Ok(()) => {
                    let what = match flush {
                        Flush::Neighbors { .. } => "neighbors of links",
                        Flush::Balancer => "counters of the balancer",
                        Flush::Counters { .. } => "counters of interfaces",
                    };
                    self.notice(at, Notice::info(format!("{what} cleared by {caller}")), out);
                    return out.push(Effect::Flush(ask, flush));
                }
                Err(error) => Reply::Error(error),
            },
            Request::Names { kind, typed } => Reply::Names(self.names(kind, &typed)),
        };
        out.push(Effect::Answer(ask, reply));
    }

    fn hello(&self, caller: &Caller) -> Hello {
        Hello {
            version: self.facts.version.clone(),
            host_name: self.host_name().to_owned(),
            revision: self.running.revision,
            unsaved: self.unsaved(),
            notices: self.running.notices.clone(),
            level: caller.level,
            boot_file: self.facts.boot_file.clone(),
            confirm: self.pending_confirm(),
        }
    }

    pub(crate) fn host_name(&self) -> &str {
        self.running.model.system.host_name.as_deref().unwrap_or(&self.facts.host_name)
    }

    fn show(&self, at: Moment, show: Show) -> Result<Answered, ApiError> {
        let complete = |view| Ok(Answered::AskMachine(Recall::Complete(Box::new(view))));
        let view = match show {
            Show::Version => return complete(views::system::version(self, at)),
            Show::Log { lines } => Ok(views::system::log(self, lines)),
            Show::Interfaces { name: None } => Ok(views::interface::all(self)),
            Show::Interfaces { name: Some(name) } => return complete(views::interface::one(self, &name)?),
            Show::InterfaceDetails => return complete(views::interface::details(self)),
            Show::InterfaceCounters { name } => return complete(views::interface::counters(self, name.as_ref())?),
            Show::Machine(machine) => return Ok(Answered::AskMachine(Recall::Machine(machine))),
            Show::KernelRoutes { family, table } => {
                return Ok(Answered::AskMachine(Recall::KernelRoutes { family, table }));
            }
            Show::NeighborTable { family, interface } => {
                interface.as_ref().map(|name| views::interface::known(self, name)).transpose()?;
                return Ok(Answered::AskMachine(Recall::Neighbors { family, interface }));
            }
            Show::BalancerExplain { source, source_port, destination, destination_port, protocol } => {
                let flow = AskedFlow { source, source_port, destination, destination_port, protocol };
                return Ok(Answered::AskMachine(Recall::Explain(flow)));
            }
            Show::BalancerPackets { packets, more } => {
                return Ok(Answered::AskMachine(Recall::Trace(packets, more)));
            }
            Show::Balancer { what, service, node, client } => {
                let view = views::balancer::shown(self, at, what, service.as_deref())?;
                let flows = (what == BalancerShown::Connections).then_some(WantedFlows { service, node, client });
                return Ok(Answered::AskMachine(Recall::Balancer(Box::new(view), flows)));
            }
            Show::BfdPeers { brief, peer } => {
                let view = views::bfd::peers(self, brief, peer)?;
                return Ok(Answered::AskMachine(Recall::BfdPeers(Box::new(view))));
            }
            Show::Routes { family, filter } => views::route::routes(self, at, family, filter),
            Show::Fib { family } => Ok(views::route::fib(self, at, family)),
            Show::Policy { list, name } => views::policy::shown(self, list, name.as_deref()),
            Show::PolicyTest { route_map, route } => views::policy_test::tested(self, &route_map, &route),
            Show::BgpTable { family, filter } => return Look::table(self, family, &filter).map(Answered::Look),
            Show::BgpPrefixCounts { family, address } => {
                return Look::counts(self, family, address).map(Answered::Look);
            }
            Show::BgpNeighborRoutes { family, address, which } => {
                return Look::routes_of(self, family, address, which).map(Answered::Look);
            }
            Show::Damping { family, which } => views::damping::shown(self, at, family, which),
            Show::Bmp => Ok(views::bmp::collectors(self, at)),
            Show::Rpki(what) => views::rpki::shown(self, at, what),
            Show::BgpSummary { family: Some(family) } => views::bgp::summary(self, at, family),
            Show::BgpSummary { family: None } => views::bgp::summaries(self, at),
            Show::BgpPrefix { family, target, why } => match target {
                BgpTarget::Prefix(prefix) => views::bgp_path::prefix(self, at, family, prefix, why),
                BgpTarget::Address(address) => views::bgp_path::address(self, at, family, address, why),
            },
            Show::BgpNeighbors { family, address, interface } => {
                views::bgp_neighbor::neighbors(self, at, family, (address, interface.as_ref()))
            }
        };
        view.map(Answered::View)
    }

    /// Whether what shall be forgotten is something that is there.
    fn flushable(&self, flush: &Flush) -> Result<(), ApiError> {
        let interface = match flush {
            Flush::Balancer => None,
            Flush::Neighbors { interface, .. } | Flush::Counters { interface } => interface.as_ref(),
        };
        interface.map_or(Ok(()), |name| views::interface::known(self, name).map(|_| ()))
    }

    fn clear(&mut self, at: Moment, caller: &Caller, clear: &Clear, out: &mut Vec<Effect>) -> Reply {
        let ids: Vec<PeerId> =
            self.peers.iter().filter(|peer| self.meant(peer, &clear.target)).map(|peer| peer.id).collect();
        if ids.is_empty() {
            return Reply::Error(
                ApiError::new("no-neighbor", "no BGP neighbor matches")
                    .hint("'show ip bgp summary' lists the neighbors"),
            );
        }
        let families: Vec<Family> =
            Family::ALL.into_iter().filter(|family| clear.family.is_none_or(|only| only == *family)).collect();
        let sessions = api::text::count(u64::try_from(ids.len()).unwrap_or(u64::MAX), "session", "sessions");
        let how = match clear.how {
            ClearHow::Hard => "",
            ClearHow::ForGood => " with a hard reset",
            ClearHow::SoftIn | ClearHow::SoftOut | ClearHow::Soft => " softly",
        };
        self.notice(at, Notice::info(format!("{sessions} cleared{how} by {caller}")), out);
        for id in ids {
            match clear.how {
                ClearHow::Hard | ClearHow::ForGood => {
                    let text = clear.message.clone().unwrap_or_default();
                    let reason = match clear.how {
                        ClearHow::ForGood => StopReason::HardReset(text),
                        _ => StopReason::AdministrativeReset(text),
                    };
                    self.drive(at, id, Input::Reset(reason), out);
                }
                ClearHow::SoftIn | ClearHow::SoftOut | ClearHow::Soft => {
                    for family in &families {
                        self.clear_softly(at, id, *family, clear.how, out);
                    }
                }
            }
        }
        Reply::Done(String::new())
    }

    fn clear_softly(&mut self, at: Moment, id: PeerId, family: Family, how: ClearHow, out: &mut Vec<Effect>) {
        if matches!(how, ClearHow::SoftIn | ClearHow::Soft) {
            self.reviews.judge(family, id);
            self.drive(at, id, Input::RequestRefresh(family), out);
        }
        if matches!(how, ClearHow::SoftOut | ClearHow::Soft) {
            self.advertise_again(at, id, family, out);
        }
    }

    fn meant(&self, peer: &Peer, target: &ClearTarget) -> bool {
        match target {
            ClearTarget::All => true,
            ClearTarget::Address(address) => peer.address == *address,
            ClearTarget::Interface(name) => peer.interface.as_ref() == Some(name),
            ClearTarget::Asn(asn) => {
                let negotiated = peer.session.negotiated().map(|negotiated| negotiated.remote_as);
                negotiated == Some(*asn) || peer.settings.remote_as == RemoteAs::Asn(*asn)
            }
            ClearTarget::External => {
                self.running.model.bgp.as_deref().is_some_and(|bgp| !settings::is_internal(bgp, &peer.settings))
            }
            ClearTarget::Group(group) => peer.group.as_ref() == Some(group),
        }
    }
}
