//! Origin validation with a real cache and with one that misbehaves.
//!
//! The whole way from what a cache says to the kernel's table; no route waits for a cache, and none is lost with it.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Host, Lab, Process};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(20);
const PORT: &str = "8282";
/// What the neighbor announces.
const SHOP: &str = "172.16.102.229/32";
const OTHER: &str = "172.16.103.3/32";

const POLICY: [&str; 8] = [
    "set policy route-map VALIDATED rule 10 action deny",
    "set policy route-map VALIDATED rule 10 match rpki invalid",
    "set policy route-map VALIDATED rule 20 action permit",
    "set policy route-map VALIDATED rule 20 match rpki valid",
    "set policy route-map VALIDATED rule 20 set local-preference 200",
    "set policy route-map VALIDATED rule 30 action permit",
    "set protocols bgp 64512 parameters router-id 192.168.101.1",
    "set protocols bgp 64512 parameters ebgp-requires-policy disable",
];

/// A router with a neighbor of AS 64999 that announces two services, and a cache on another node that nobody has
/// started yet.
struct Stage {
    lab: Lab,
    router: Router,
    session: Session,
    _speaker: Speaker,
}

impl Stage {
    fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        let session = Session::external(&lab.nodes[0], 64999);
        let neighbor = format!("set protocols bgp 64512 neighbor {}", session.local);
        let lines = [
            format!("{neighbor} remote-as 64999"),
            format!("{neighbor} route-map import VALIDATED"),
            format!("set protocols rpki cache {} port {PORT}", lab.nodes[1].ipv4),
            "set protocols rpki retry-interval 1".to_owned(),
        ];
        router.configure(&POLICY.into_iter().chain(lines.iter().map(String::as_str)).collect::<Vec<_>>())?;
        let speaker = Speaker::start(&lab, &lab.nodes[0], Kind::Gobgp, session.clone())?;
        lab.wait_until(SESSIONS, "the session is up", || router.is_established(session.local))?;
        for prefix in [SHOP, OTHER] {
            speaker.announce(prefix)?;
        }
        let stage = Self { lab, router, session, _speaker: speaker };
        stage.until("routes are not held back by a cache that is not there", || stage.has(SHOP) && stage.has(OTHER))?;
        let failed = || stage.caches().contains("Connection refused");
        stage.until("the missing cache is told of", failed)?;
        Ok(stage)
    }

    fn node(&self) -> &Host {
        &self.lab.nodes[1]
    }

    fn until(&self, what: &str, condition: impl FnMut() -> bool) -> Result<()> {
        self.lab.wait_until(SOON, what, condition)
    }

    fn has(&self, prefix: &str) -> bool {
        self.router.gateways(prefix) == [self.session.local.to_string()]
    }

    fn told(&self, prefix: &str) -> String {
        self.router.show(&format!("show ip bgp {prefix} why")).unwrap_or_default()
    }

    fn is(&self, prefix: &str, validity: &str) -> bool {
        self.told(prefix).contains(&format!("rpki validation-state: {validity}"))
    }

    fn caches(&self) -> String {
        self.router.show("show rpki cache-connection").unwrap_or_default()
    }

    /// What StayRTR serves: prefixes with the AS that may announce each.
    fn serves(&self, payloads: &[(&str, u32)]) -> Result<String> {
        let roas = payloads.iter().map(|(prefix, asn)| {
            format!(
                r#"{{"prefix": "{prefix}", "maxLength": 32, "asn": "AS{asn}", "ta": "lab", "expires": 4102444800}}"#
            )
        });
        let text = format!(
            r#"{{"metadata": {{"buildtime": "2026-01-01T00:00:00Z"}}, "roas": [{}]}}"#,
            roas.collect::<Vec<_>>().join(", ")
        );
        Ok(self.node().write("vrps.json", &text)?.to_string_lossy().into_owned())
    }

    fn stayrtr(&self, file: &str) -> Result<Process> {
        let bind = format!("{}:{PORT}", self.node().ipv4);
        let arguments =
            ["-bind", &bind, "-cache", file, "-refresh", "1", "-checktime=false", "-metrics.addr", "127.0.0.1:9847"];
        self.node().start("stayrtr", "stayrtr", &arguments)
    }

    fn mood(&self, text: &str) -> Result<()> {
        self.node().write("mood", text).map(drop)
    }

    fn script(&self, version: &str) -> Result<Process> {
        let file = self.node().write("cache.py", include_str!("validation/cache.py"))?;
        self.node().start("cache", "python3", &[&file.to_string_lossy(), &self.node().ipv4.to_string(), PORT, version])
    }
}

#[test]
fn what_stayrtr_says_decides_what_the_kernel_has() -> Result<()> {
    let stage = Stage::new()?;
    let file = stage.serves(&[("172.16.102.0/24", 64999), ("172.16.103.0/24", 64777)])?;
    let mut cache = stage.stayrtr(&file)?;
    stage.until("what is invalid leaves the kernel", || !stage.has(OTHER))?;
    assert!(stage.is(OTHER, "invalid") && stage.told(OTHER).contains("route-map VALIDATED rule 10"));
    assert!(stage.is(SHOP, "valid") && stage.told(SHOP).contains("localpref 200") && stage.has(SHOP));
    let table = stage.router.show("show ip bgp")?;
    assert!(table.contains("V*>") && table.contains("RPKI validation codes"), "{table}");
    let judged = stage.router.show(&format!("show rpki prefix {OTHER} 64999"))?;
    assert!(judged.contains("is invalid") && judged.contains("64777"), "{judged}");
    let tested = stage.router.show(&format!(
        "show policy test route-map VALIDATED prefix {OTHER} neighbor {} as-path 64999",
        stage.session.local
    ))?;
    assert!(tested.contains("is denied by route-map VALIDATED rule 10"), "{tested}");
    // The cache tells of a change by itself.
    stage.serves(&[("172.16.102.0/24", 64777), ("172.16.103.0/24", 64999)])?;
    stage.until("the change reaches the kernel", || stage.has(OTHER) && !stage.has(SHOP))?;
    // It is killed, and comes back in another session: neither changes a route.
    let before = stage.router.kernel_state()?;
    cache.kill9();
    stage.until("the loss is told of", || stage.caches().contains("down"))?;
    assert_eq!(stage.router.kernel_state()?, before, "{}", stage.caches());
    let _cache = stage.stayrtr(&file)?;
    stage.until("the cache is heard again", || stage.caches().contains("synchronized"))?;
    assert_eq!(stage.router.kernel_state()?, before, "{}", stage.caches());
    assert!(stage.router.is_established(stage.session.local));
    Ok(())
}

#[test]
fn a_cache_that_lies_dies_or_falls_silent_changes_nothing() -> Result<()> {
    let stage = Stage::new()?;
    let good = "1 172.16.102.0/24-32=64999 172.16.103.0/24-32=64777";
    stage.mood(good)?;
    let cache = stage.script("1")?;
    stage.until("what is invalid leaves the kernel", || stage.is(SHOP, "valid") && !stage.has(OTHER))?;
    assert!(cache.output().contains("version 2"), "the newest version is tried first: {}", cache.output());
    let holds = |stage: &Stage| stage.has(SHOP) && !stage.has(OTHER) && stage.is(SHOP, "valid");
    for (mood, failure) in [("dies", "closed the connection"), ("lies", "is announced twice"), ("garbage", "octets")] {
        stage.mood(mood)?;
        stage.until(mood, || stage.caches().contains(failure))?;
        assert!(holds(&stage), "{mood}: {}", stage.caches());
        stage.mood(good)?;
        stage.until("the cache is well again", || stage.caches().contains("synchronized"))?;
        assert!(holds(&stage), "{mood}: {}", stage.caches());
    }
    assert!(cache.output().contains("error 7"), "the lie was reported: {}", cache.output());
    // Another session is another truth; the whole of it is asked for.
    stage.mood("5 9 172.16.103.0/24-32=64999")?;
    stage.until("the new session counts", || stage.has(OTHER) && stage.is(SHOP, "notfound"))?;
    // Where the cache is no longer asked, its word counts no more.
    stage.router.configure(&["delete protocols rpki"])?;
    stage.until("nothing is told of validity", || !stage.told(SHOP).contains("validation-state"))?;
    assert!(stage.has(SHOP) && stage.has(OTHER) && stage.router.is_established(stage.session.local));
    Ok(())
}

#[test]
fn what_customers_say_of_their_providers_decides_which_paths_pass() -> Result<()> {
    let stage = Stage::new()?;
    let neighbor = format!("set protocols bgp 64512 neighbor {}", stage.session.local);
    let role = format!("{neighbor} local-role provider");
    stage.mood("1 64998>64997")?;
    let _cache = stage.script("2")?;
    stage.until("the records are there", || stage.caches().contains("1 ASPA"))?;
    stage.router.configure(&[
        &role,
        "set policy route-map VALIDATED rule 5 action deny",
        "set policy route-map VALIDATED rule 5 match aspa invalid",
    ])?;
    stage.lab.wait_until(SESSIONS, "the session is up with a role", || stage.has(SHOP) && stage.has(OTHER))?;
    let aspa = |validity: &str| stage.told(SHOP).contains(&format!("aspa validation-state: {validity}"));
    assert!(aspa("valid"), "one AS alone hands nothing on: {}", stage.told(SHOP));
    let listed = stage.router.show("show rpki aspa")?;
    assert!(listed.contains("64998") && listed.contains("64997") && listed.contains("entries 1"), "{listed}");
    assert!(stage.router.show("show rpki aspa 64999")?.contains("entries 0"));
    // What the neighbor would hand on of somebody who names another provider.
    let test = |path: &str| {
        let words = format!("show policy test route-map VALIDATED prefix {SHOP} neighbor {}", stage.session.local);
        stage.router.show(&format!("{words} as-path \"{path}\"")).unwrap_or_default()
    };
    assert!(test("64999 64998").contains("is denied by route-map VALIDATED rule 5"), "{}", test("64999 64998"));
    assert!(test("64999 64996").contains("is permitted"), "{}", test("64999 64996"));
    // The neighbor is one of its providers after all.
    stage.mood("2 64998>64997,64999")?;
    stage.until("the new word counts", || test("64999 64998").contains("is permitted"))?;
    // Nobody knows which way routes of a neighbor without a role come.
    stage.router.configure(&[&role.replacen("set", "delete", 1)])?;
    stage.until("nothing is told of paths", || stage.has(SHOP) && !stage.told(SHOP).contains("aspa"))
}
