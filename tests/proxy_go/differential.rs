//! What does `go` do with a list of upstreams, and what through us in front of the same list? Three hundred generated answers: each
//! is what one upstream or both say to one question about one module. Both must succeed with the same result or both fail, or the
//! difference stands in `differs` with its reason.
//!
//! All modules of one list share two runs of `go`: `go mod download` and `go list -m -versions`, which report on each by itself.

mod answers;

use std::collections::BTreeMap;

use serde_json::{Deserializer, Value};

use answers::{Case, Endpoint, cases};

use crate::fake::Served;
use crate::kit::{Corpus, FakeMirror, Machine, Spec, told};
use crate::real::scratch;
use crate::served::serve;

/// The lists: `A` and `B` are upstreams.
const LISTS: [&str; 4] = ["A", "A,B", "A|B", "B,A"];
/// Of a hundred cases, how many may differ for another reason than that we asked the next upstream.
const MAX_DIFFERING: usize = 5;

/// What became of a module: what go says of it, or that it failed.
type Became = Result<String, String>;

/// Why we do otherwise than go, where we mean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// the first upstream is out, or what it sent does not answer the request: go stops at a comma, and we ask the next one
    Helped,
    /// go reads an HTML page as a list without a version, and the module as one without tags
    Page,
    /// go takes an upstream without `@latest` for one that has the module without a version, and asks no other
    NoLatest,
    /// go lists a version twice, or one that the module cannot have
    Cleaned,
    /// go takes the first answer as it is and then fails on a wrong hash; the next upstream has the right bytes
    WrongBytes,
}

/// The reason for a difference; none where there is none to be.
fn differs(case: &Case, go: &Became, us: &Became) -> Option<Reason> {
    let Case { endpoint, answer, list, .. } = case;
    match (go, us) {
        (Err(_), Ok(_)) if answer.is_wrong_file(*endpoint) => Some(Reason::WrongBytes),
        (Err(_), Ok(_)) if *list != "A" && answer.is_outage(*endpoint) => Some(Reason::Helped),
        (Ok(_), _) if *endpoint == Endpoint::List && answer.is_page() => Some(Reason::Page),
        (Err(_), Ok(_)) if *endpoint == Endpoint::Latest && answer.is_absence() => Some(Reason::NoLatest),
        _ if *endpoint == Endpoint::List && answer.is_cleaned() => Some(Reason::Cleaned),
        _ => None,
    }
}

/// Two upstreams that say what the cases want, and the log.
struct World {
    corpus: Corpus,
    upstreams: [FakeMirror; 2],
    served: Served,
    sumdb: String,
}

impl World {
    fn new(cases: &[Case]) -> World {
        let specs: Vec<Spec> = cases.iter().map(|case| Spec::new(&case.module, case.endpoint.version())).collect();
        let corpus = Corpus::of(&specs);
        for case in cases.iter().filter(|case| case.endpoint == Endpoint::Branch) {
            corpus.query(&case.module, "master", case.endpoint.version());
        }
        let log = corpus.log();
        let served = log.serve();
        let sumdb = format!("{} {}", log.vkey(), served.url());
        let upstreams = [FakeMirror::serve(&corpus), FakeMirror::serve(&corpus)];
        for case in cases {
            for (at, upstream) in upstreams.iter().enumerate() {
                if case.strikes[at] {
                    upstream.fault(&case.path(), case.answer.fault());
                }
            }
        }
        World { corpus, upstreams, served, sumdb }
    }

    /// The list with its upstreams' URLs.
    fn list(&self, list: &str) -> String {
        let [a, b] = &self.upstreams;
        list.replace('A', "{a}").replace('B', "{b}").replace("{a}", &a.url()).replace("{b}", &b.url())
    }
}

/// What go says of each module, with this GOPROXY.
fn go(world: &World, proxy: &str, cases: &[&Case]) -> Option<BTreeMap<String, Became>> {
    let machine = Machine::new(proxy, &world.sumdb)?;
    let (files, others): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.endpoint.is_of_version());
    let mut became = BTreeMap::new();
    for (command, cases) in
        [(&["mod", "download", "-json"][..], files), (&["list", "-m", "-e", "-versions", "-json"][..], others)]
    {
        let queries: Vec<String> = cases.iter().map(|case| format!("{}@{}", case.module, case.query())).collect();
        let mut arguments: Vec<&str> = command.to_vec();
        arguments.extend(queries.iter().map(String::as_str));
        let (_, out, err) = told(&machine.go(&machine.path("."), &arguments));
        for module in Deserializer::from_str(&out).into_iter::<Value>() {
            let module = module.unwrap_or_else(|error| panic!("{error}: {out} {err}"));
            became.insert(module["Path"].as_str().unwrap().to_owned(), judged(&module));
        }
    }
    Some(became)
}

/// What counts of go's words: which version, with which hashes, and which versions there are.
fn judged(module: &Value) -> Became {
    if !module["Error"].is_null() {
        return Err(module["Error"].to_string());
    }
    let fields = ["Version", "Versions", "Sum", "GoModSum", "Time"].map(|field| module[field].to_string());
    Ok(fields.join(" "))
}

#[test]
fn go_does_the_same_with_a_list_and_through_us_in_front_of_it() {
    let cases = cases(&LISTS);
    assert!(cases.len() >= 300, "{}", cases.len());
    let world = World::new(&cases);
    let (mut same, mut reasons, mut wrong) = (0, Vec::new(), Vec::new());
    for list in LISTS {
        let of_list: Vec<&Case> = cases.iter().filter(|case| case.list == list).collect();
        let proxy = world.list(list);
        let data = scratch();
        let settings = data.path().join("gosumcheck.toml");
        let manners = world.upstreams.iter().map(|upstream| format!("[upstreams.\"{}\"]\ntries = 1\n", upstream.url()));
        let manners: String = manners.filter(|manners| proxy.contains(manners.split('"').nth(1).unwrap())).collect();
        std::fs::write(&settings, format!("proxy = \"{proxy}\"\n{manners}")).unwrap();
        let server = serve(data.path(), &["--sumdb", &world.sumdb, "--config", settings.to_str().unwrap()]);
        let Some(by_list) = go(&world, &proxy, &of_list) else { return };
        let Some(by_us) = go(&world, &server.url, &of_list) else { return };
        for case in of_list {
            let nothing = Err("go says nothing of it".to_owned());
            let of = |told: &BTreeMap<String, Became>| told.get(&case.module).cloned().unwrap_or(nothing.clone());
            let (go, us) = (of(&by_list), of(&by_us));
            match (&go, &us) {
                (Ok(one), Ok(other)) if one == other => same += 1,
                (Err(_), Err(_)) => same += 1,
                _ => match differs(case, &go, &us) {
                    Some(reason) => reasons.push(reason),
                    None => wrong.push(format!("{case:?}\n  go: {go:?}\n  us: {us:?}")),
                },
            }
        }
    }
    drop(world.served);
    assert!(world.corpus.modules().len() >= 300);
    let other = reasons.iter().filter(|reason| **reason != Reason::Helped).count();
    assert!(wrong.is_empty(), "{} differ without a reason:\n{}", wrong.len(), wrong.join("\n"));
    assert!(other * 100 <= cases.len() * MAX_DIFFERING, "{same} the same, {reasons:?}");
}
