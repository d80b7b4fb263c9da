//! What does `go` do with a list of upstreams, and what through us in front of the same list? Three hundred generated answers: each
//! is what one upstream or both say to one question about one module. Both must succeed with the same result or both fail, or the
//! difference stands in `differs` with its reason.
//!
//! Most modules of one list share two runs of `go`: `go mod download` and `go list -m -versions`, which report on each by itself.

mod answers;

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Deserializer, Value};

use answers::{Case, Endpoint, cases};

use crate::fake::Served;
use crate::kit::{Corpus, FakeMirror, Fault, Machine, Spec, told};
use crate::real::scratch;
use crate::served::serve;

/// The lists: `A` and `B` are upstreams.
const LISTS: [&str; 4] = ["A", "A,B", "A|B", "B,A"];
/// Of a hundred cases, how many may differ, all reasons together.
const MAX_DIFFERING: usize = 5;

/// Modules that A lacks, and B: a question about each shows that both upstreams answer.
const LACKED: [&str; 2] = ["example.com/lacked-by-a", "example.com/lacked-by-b"];

/// What became of a module: what go says of it, or that it failed.
type Became = Result<String, String>;

/// Why we do otherwise than go, where we mean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
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
    let Case { endpoint, answer, .. } = case;
    match (go, us) {
        (Err(_), Ok(_)) if answer.is_wrong_file(*endpoint) => Some(Reason::WrongBytes),
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
        let lacked = LACKED.iter().map(|module| Spec::new(module, "v1.0.0"));
        let specs = cases.iter().map(|case| Spec::new(&case.module, case.endpoint.version())).chain(lacked);
        let corpus = Corpus::of(&specs.collect::<Vec<_>>());
        for case in cases.iter().filter(|case| case.endpoint == Endpoint::Branch) {
            corpus.query(&case.module, "master", case.endpoint.version());
        }
        let log = corpus.log();
        let served = log.serve();
        let sumdb = format!("{} {}", log.vkey(), served.url());
        let upstreams = [FakeMirror::serve(&corpus), FakeMirror::serve(&corpus)];
        for (at, upstream) in upstreams.iter().enumerate() {
            upstream.fault(&format!("{}/*", LACKED[at]), Fault::Status(404, String::new()));
            for case in cases.iter().filter(|case| case.strikes[at]) {
                upstream.fault(&case.path(), case.answer.fault());
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
    let (silent, others): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.answer.is_silence());
    let (files, hints): (Vec<&Case>, Vec<&Case>) = others.iter().partition(|case| case.endpoint.is_of_version());
    let mut became = BTreeMap::new();
    // An upstream that breaks off again and again is out for us, and go asks it on: such answers come one at a time, each beside
    // questions that are answered.
    for cases in silent.iter().map(std::slice::from_ref).chain([&files[..], &hints[..]]) {
        let command = match cases.iter().all(|case| case.endpoint.is_of_version()) {
            true => &["mod", "download", "-json"][..],
            false => &["list", "-m", "-e", "-versions", "-json"][..],
        };
        let lacked = LACKED.iter().map(|module| format!("{module}@v1.0.0"));
        let queries = cases.iter().map(|case| format!("{}@{}", case.module, case.query())).chain(lacked);
        let queries: Vec<String> = queries.collect();
        let arguments: Vec<&str> = command.iter().copied().chain(queries.iter().map(String::as_str)).collect();
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
        // What is read ahead would meet the broken answers of all cases at once, and the upstream would be taken for dead.
        let settings = ["--sumdb", &world.sumdb, "--config", settings.to_str().unwrap(), "--read-ahead", "off"];
        let server = serve(data.path(), &settings);
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
    let all = cases.len();
    let _ = writeln!(std::io::stderr(), "{same} of {all} agree, {} differ: {reasons:?}", all - same);
    assert!(wrong.is_empty(), "{} differ without a reason:\n{}", wrong.len(), wrong.join("\n"));
    assert!((all - same) * 100 <= all * MAX_DIFFERING, "{same} of {all} agree, {reasons:?}");
}
