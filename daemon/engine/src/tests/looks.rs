//! What is looked at in whole tables: by which filters, and that nobody waits for it.

use api::View;
use api::request::Show;
use api::view::bgp::BgpTable;
use grammar::commands::TableFilter;
use nouns::Prefix;

use super::policies::{LISTENER, SPEAKER, Stage, prefixes};
use super::*;

const LINES: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set policy prefix-list TEN rule 10 action permit
set policy prefix-list TEN rule 10 prefix 10.0.1.0/24
set policy community-list NODES rule 5 action permit
set policy community-list NODES rule 5 regex 64512:7
set policy large-community-list LARGE rule 5 action permit
set policy large-community-list LARGE rule 5 regex ^1:2:3$
set policy as-path-list SPEAKER rule 5 action permit
set policy as-path-list SPEAKER rule 5 regex ^65002$
set policy route-map FROM rule 10 action permit
set policy route-map FROM rule 10 match peer 192.0.2.3";

fn table(stage: &mut Stage, filter: TableFilter) -> Result<BgpTable, String> {
    match stage.show(Show::BgpTable { family: Family::Ipv4Unicast, filter })? {
        View::BgpTable(table) => Ok(table),
        other => panic!("{other:?}"),
    }
}

/// `10.0.0.0/24 2 3`: destinations, each with the last octet of those who announced it.
fn seen(stage: &mut Stage, filter: TableFilter) -> Vec<String> {
    let line = |route: &api::view::bgp::BgpTableRoute| {
        let from = route.paths.iter().filter_map(|path| path.from).map(|from| match from {
            IpAddr::V4(from) => format!(" {}", from.octets()[3]),
            IpAddr::V6(_) => String::new(),
        });
        format!("{}{}", route.prefix, from.collect::<String>())
    };
    table(stage, filter).unwrap().routes.iter().map(line).collect()
}

#[test]
fn a_filter_shows_the_paths_that_pass_and_no_others() {
    let mut stage = Stage::new(LINES);
    let seven = 0xfc00_0007;
    stage.announced_by(SPEAKER, prefixes(2), seven);
    stage.announced_by(LISTENER, prefixes(1), 1);
    stage.announced_by(LISTENER, ["10.0.0.0/8", "192.0.2.0/24", "10.0.0.128/25"].map(|text| text.parse().unwrap()), 1);
    stage.rest();
    let name = || "NODES".to_owned();
    for (filter, expect) in [
        (TableFilter::All, "10.0.0.0/8 3|10.0.0.0/24 2 3|10.0.0.128/25 3|10.0.1.0/24 2|192.0.2.0/24 3"),
        (TableFilter::CidrOnly, "10.0.0.0/24 2 3|10.0.0.128/25 3|10.0.1.0/24 2"),
        (TableFilter::Communities { values: vec![seven], exact: false }, "10.0.0.0/24 2|10.0.1.0/24 2"),
        (TableFilter::Communities { values: vec![seven], exact: true }, "10.0.0.0/24 2|10.0.1.0/24 2"),
        (TableFilter::Communities { values: vec![seven, 1], exact: false }, ""),
        (TableFilter::LargeCommunities { values: vec![[1, 2, 3]], exact: false }, ""),
        (TableFilter::CommunityList { name: name(), exact: false }, "10.0.0.0/24 2|10.0.1.0/24 2"),
        (TableFilter::LargeCommunityList { name: "LARGE".to_owned(), exact: false }, ""),
        (TableFilter::AsPathList("SPEAKER".to_owned()), "10.0.0.0/24 2|10.0.1.0/24 2"),
        (TableFilter::PrefixList("TEN".to_owned()), "10.0.1.0/24 2"),
        (TableFilter::RouteMap("FROM".to_owned()), "10.0.0.0/8 3|10.0.0.0/24 3|10.0.0.128/25 3|192.0.2.0/24 3"),
        (TableFilter::Regexp("^65003$".to_owned()), "10.0.0.0/8 3|10.0.0.0/24 3|10.0.0.128/25 3|192.0.2.0/24 3"),
        (TableFilter::LongerPrefixes("10.0.0.0/24".parse().unwrap()), "10.0.0.0/24 2 3|10.0.0.128/25 3"),
        (TableFilter::LongerPrefixes("10.0.2.0/23".parse().unwrap()), ""),
    ] {
        assert_eq!(seen(&mut stage, filter.clone()).join("|"), expect, "{filter:?}");
    }
}

#[test]
fn a_filter_that_names_nothing_is_refused_in_words() {
    let mut stage = Stage::new(LINES);
    let name = || "NONE".to_owned();
    for (filter, expect) in [
        (TableFilter::CommunityList { name: name(), exact: false }, "community-list NONE doesn't exist"),
        (TableFilter::LargeCommunityList { name: name(), exact: false }, "large-community-list NONE doesn't exist"),
        (TableFilter::AsPathList(name()), "as-path-list NONE doesn't exist"),
        (TableFilter::PrefixList(name()), "prefix-list NONE doesn't exist"),
        (TableFilter::RouteMap(name()), "route-map NONE doesn't exist"),
        (TableFilter::Regexp("(".to_owned()), "'(' is not a regular expression: '(' without ')'"),
    ] {
        assert_eq!(table(&mut stage, filter.clone()).map(|_| ()), Err(expect.to_owned()), "{filter:?}");
    }
}

#[test]
fn a_large_table_is_shown_piece_by_piece_and_others_are_answered_meanwhile() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(950), 1);
    stage.rest();
    let ask = |client, id, show| Event::Ask(AskId { client: ClientId(client), id }, admin(), Request::Show(show));
    let whole = || Show::BgpTable { family: Family::Ipv4Unicast, filter: TableFilter::All };
    stage.forget_what_was_heard();
    stage.take(ask(1, 1, whole()));
    stage.take(ask(2, 1, whole()));
    assert!(stage.replies.is_empty(), "a large table takes its time");
    assert_eq!(stage.engine.deadline(), Some(stage.engine.started.instant), "the engine wants to go on at once");
    stage.take(ask(3, 1, Show::BgpSummary { family: Some(Family::Ipv4Unicast) }));
    assert!(matches!(&stage.replies[..], [Reply::View(View::BgpSummary(_))]), "{:?}", stage.replies);
    // Whoever leaves is not looked for any more.
    stage.take(Event::Left(ClientId(2)));
    while !stage.engine.looks.is_empty() {
        stage.take(Event::Tick);
    }
    let [_, Reply::View(View::BgpTable(table))] = &stage.replies[..] else { panic!("{:?}", stage.replies.len()) };
    let shown: Vec<Prefix> = table.routes.iter().map(|route| route.prefix).collect();
    assert_eq!(shown, prefixes(950).collect::<Vec<_>>());
    assert_ne!(stage.engine.deadline(), Some(stage.engine.started.instant), "and rests afterwards");
}
