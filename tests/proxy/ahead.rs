//! Reading ahead: what is brought before it is asked for, what is not, and what it costs others.

use std::net::Ipv4Addr;
use std::time::Duration;

use gosumcheck::proxy::{
    Denied, Mode, Peer, Proxy, ProxyAnswer, ProxyLimits, ReadAhead, ReadAheadCounts, ReadAheadLimits,
};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::module::Patterns;

use crate::kit::{Corpus, Fault, Gate, Spec, until};
use crate::world::{World, absent, bytes};

const A: &str = "example.com/a/@v/v1.0.0";
const B: &str = "example.com/b/@v/v1.0.0";

/// A chain of modules of which each requires the next; `go` is the version of Go that each says.
fn chain(names: &[(&str, &str)]) -> World {
    let spec = |(at, (name, go)): (usize, &(&str, &str))| {
        let path = format!("example.com/{name}");
        let spec = Spec::new(&path, "v1.0.0").noise(10_000).go_mod(&format!("module {path}\n\ngo {go}\n"));
        match names.get(at + 1) {
            Some((next, _)) => spec.requires(&format!("example.com/{next}"), "v1.0.0"),
            None => spec,
        }
    };
    World::new(Corpus::of(&names.iter().enumerate().map(spec).collect::<Vec<_>>()), 1)
}

fn limits(mode: ReadAhead) -> ReadAheadLimits {
    ReadAheadLimits { mode, patience: Duration::from_secs(3600), ..ReadAheadLimits::default() }
}

fn proxy(world: &World, read_ahead: ReadAheadLimits) -> Proxy {
    let options = RelayOptions { private: world.options.private.clone(), ..RelayOptions::default() };
    let relay = Relay::new(world.database(), world.folder().log(world.log.name()).unwrap(), options).unwrap();
    world.within(relay, ProxyLimits { read_ahead, ..ProxyLimits::default() })
}

/// A question of a client.
async fn answer(proxy: &Proxy, number: u8, path: &str) -> Result<ProxyAnswer, Denied> {
    let peer = Some(Peer::of(Ipv4Addr::new(192, 0, 2, number).into()));
    proxy.answer(&ModuleRequest::parse(path).unwrap(), Mode { peer, cached_only: false }).await
}

fn ask(world: &World, proxy: &Proxy, path: &str) -> Result<ProxyAnswer, Denied> {
    world.runtime.block_on(answer(proxy, 1, path))
}

fn get(world: &World, proxy: &Proxy, path: &str) {
    assert!(bytes(ask(world, proxy, path)) == world.corpus.file(path).unwrap(), "{path}");
}

fn all_is_read(proxy: &Proxy) {
    until("all is read", || proxy.read_ahead().clients == 0);
}

/// What was requested of the mirror, sorted.
fn requested(world: &World) -> Vec<String> {
    let mut paths: Vec<String> = world.mirrors[0].requests().into_iter().map(|request| request.path).collect();
    paths.sort();
    paths
}

#[test]
fn one_level_below_a_pruned_go_mod_and_all_below_others() {
    for (go, expected) in [("1.21", &["a", "b"][..]), ("1.16", &["a", "b", "c", "d"])] {
        let world = chain(&[("a", go), ("b", "1.21"), ("c", "1.21"), ("d", "1.21")]);
        let proxy = proxy(&world, limits(ReadAhead::All));
        get(&world, &proxy, &format!("{A}.mod"));
        all_is_read(&proxy);
        let expected: Vec<String> = expected.iter().map(|name| format!("example.com/{name}/@v/v1.0.0.mod")).collect();
        assert_eq!((requested(&world), world.stored()), (expected.clone(), expected.clone()), "go {go}");
        // Their lookups are here too.
        assert_eq!(world.log.requests_for("lookup/").len(), expected.len());
        let ReadAheadCounts { requests, bytes, used_requests, .. } = proxy.read_ahead();
        let read = u64::try_from(expected.len() - 1).unwrap();
        assert_eq!((requests, used_requests), (read, 0), "go {go}");
        // What is asked for then is used, and was not brought twice.
        expected.iter().for_each(|path| get(&world, &proxy, path));
        let ReadAheadCounts { used_requests, used_bytes, .. } = proxy.read_ahead();
        assert_eq!((used_requests, used_bytes), (read, bytes), "go {go}");
        assert!(expected.iter().all(|path| world.mirrors[0].count(path) == 1));
    }
}

#[test]
fn after_the_info_of_a_version_come_its_files() {
    for (mode, expected) in [(ReadAhead::Off, "info"), (ReadAhead::Mod, "info mod"), (ReadAhead::All, "info mod zip")] {
        let world = chain(&[("a", "1.21")]);
        let proxy = proxy(&world, limits(mode));
        assert!(!bytes(ask(&world, &proxy, &format!("{A}.info"))).is_empty());
        all_is_read(&proxy);
        let expected: Vec<String> = expected.split(' ').map(|end| format!("{A}.{end}")).collect();
        assert_eq!(requested(&world), expected);
        // The client's own questions are answered from what is here.
        world.mirrors[0].clear_requests();
        for end in &expected[1..] {
            get(&world, &proxy, end);
        }
        all_is_read(&proxy);
        assert_eq!(requested(&world), [""; 0]);
    }
}

/// A build takes the zip of a module, and then its go.mod.
#[test]
fn the_go_mod_of_a_zip_comes_while_the_zip_does() {
    for mode in [ReadAhead::Mod, ReadAhead::All] {
        let world = chain(&[("a", "1.21"), ("b", "1.21")]);
        let gate = Gate::new();
        world.mirrors[0].fault("*.zip", Fault::Drip(gate.clone()));
        let proxy = proxy(&world, limits(mode));
        let asking = proxy.clone();
        let client = world.runtime.spawn(async move { answer(&asking, 1, &format!("{A}.zip")).await });
        gate.wait(1);
        // With that of what it requires, which is likely to be taken next.
        until("the go.mod is here", || world.stored() == [format!("{A}.mod"), format!("{B}.mod")]);
        gate.open();
        assert!(bytes(world.runtime.block_on(client).unwrap()) == world.corpus.file(&format!("{A}.zip")).unwrap());
        get(&world, &proxy, &format!("{A}.mod"));
        assert_eq!(world.mirrors[0].count(&format!("{A}.mod")), 1);
        all_is_read(&proxy);
        assert!(proxy.read_ahead().used_requests == 1, "{mode:?}");
    }
    let world = chain(&[("a", "1.21")]);
    let proxy = proxy(&world, limits(ReadAhead::Off));
    get(&world, &proxy, &format!("{A}.zip"));
    assert_eq!(requested(&world), [format!("{A}.zip")]);
}

/// A client that asks for what is under way waits for the rest of it.
#[test]
fn nothing_is_brought_twice() {
    let world = chain(&[("a", "1.21"), ("b", "1.21")]);
    let gate = Gate::new();
    world.mirrors[0].fault("example.com/b/*", Fault::Drip(gate.clone()));
    let proxy = proxy(&world, limits(ReadAhead::Mod));
    get(&world, &proxy, &format!("{A}.mod"));
    gate.wait(1);
    gate.release(5);
    let asking = proxy.clone();
    let client = world.runtime.spawn(async move { answer(&asking, 2, &format!("{B}.mod")).await });
    gate.open();
    assert!(bytes(world.runtime.block_on(client).unwrap()) == world.corpus.go_mod("example.com/b", "v1.0.0"));
    all_is_read(&proxy);
    assert_eq!((world.mirrors[0].count("example.com/b/*"), world.log.requests_for("lookup/").len()), (1, 2));
}

#[test]
fn its_failures_are_nobodys_answers() {
    let world = chain(&[("a", "1.21"), ("b", "1.21")]);
    world.mirrors[0].fault("example.com/b/*", Fault::Status(500, "no disk".to_owned()));
    let proxy = proxy(&world, limits(ReadAhead::Mod));
    get(&world, &proxy, &format!("{A}.mod"));
    all_is_read(&proxy);
    assert!(world.mirrors[0].count("example.com/b/*") > 0);
    world.mirrors[0].heal();
    get(&world, &proxy, &format!("{B}.mod"));

    // An absence is remembered as a client's is: every upstream has said it.
    let world = chain(&[("a", "1.21"), ("b", "1.21")]);
    world.corpus.remove(&format!("{B}.mod"));
    let proxy = self::proxy(&world, limits(ReadAhead::Mod));
    get(&world, &proxy, &format!("{A}.mod"));
    all_is_read(&proxy);
    absent(ask(&world, &proxy, &format!("{B}.mod")));
    assert_eq!(world.mirrors[0].count("example.com/b/*"), 1);
}

/// Two hundred public go.mod files that require private modules: no such name leaves.
#[test]
fn no_private_name_leaves() {
    let public = |number: usize| {
        let path = format!("example.com/m{number}");
        let go_mod = format!(
            "module {path}\n\ngo 1.16\n\nrequire (\n\tgit.corp.example/secret{number} v1.0.0\n\texample.com/private/m{number} v1.0.0\n\texample.com/public v1.0.0\n)\n"
        );
        Spec::new(&path, "v1.0.0").go_mod(&go_mod)
    };
    let below = Spec::new("example.com/public", "v1.0.0").requires("git.corp.example/below", "v1.0.0");
    let specs: Vec<Spec> = (0..200).map(public).chain([below]).collect();
    let mut world = World::new(Corpus::of(&specs), 1);
    world.options.private = Patterns::parse("*.corp.example,example.com/private");
    let proxy = proxy(&world, limits(ReadAhead::All));
    for number in 0..200 {
        get(&world, &proxy, &format!("example.com/m{number}/@v/v1.0.0.mod"));
    }
    get(&world, &proxy, "example.com/m7/@v/v1.0.0.zip");
    all_is_read(&proxy);
    assert_eq!(world.mirrors[0].count("example.com/public/@v/v1.0.0.mod"), 1, "what is public is read ahead");
    assert!(!world.mirrors[0].heard_of("corp.example") && !world.mirrors[0].heard_of("example.com/private"));
    let names = |request: &crate::fake::Request| request.path.contains("corp") || request.path.contains("private");
    assert!(!world.log.requests().iter().any(names));
}

/// Nothing is read ahead without a client, and where the client wants only what is cached.
#[test]
fn questions_that_tell_nothing() {
    let world = chain(&[("a", "1.21"), ("b", "1.21")]);
    let proxy = proxy(&world, limits(ReadAhead::All));
    world.expect_true(&proxy, &format!("{A}.mod"));
    let cached = Mode { cached_only: true, peer: Some(Peer::of(Ipv4Addr::new(192, 0, 2, 9).into())) };
    let request = ModuleRequest::parse(&format!("{A}.mod")).unwrap();
    assert!(!bytes(world.runtime.block_on(proxy.answer(&request, cached))).is_empty());
    absent(ask(&world, &proxy, "example.com/nothing/@v/v1.0.0.info"));
    all_is_read(&proxy);
    assert_eq!(requested(&world), ["example.com/a/@v/v1.0.0.mod", "example.com/nothing/@v/v1.0.0.info"]);
    get(&world, &proxy, &format!("{A}.mod"));
    all_is_read(&proxy);
    assert_eq!(world.mirrors[0].count(&format!("{B}.mod")), 1, "and a client's question does");
}

/// The work for a client that asks nothing more ends, and nothing of it is left.
#[test]
fn it_ends_with_its_client() {
    let world = chain(&[("a", "1.21"), ("b", "1.21")]);
    let gate = Gate::new();
    world.mirrors[0].fault("example.com/b/*", Fault::Hold(gate.clone()));
    let proxy = proxy(&world, ReadAheadLimits { patience: Duration::from_millis(300), ..limits(ReadAhead::All) });
    get(&world, &proxy, &format!("{A}.mod"));
    until("nothing is left", || proxy.read_ahead().clients == 0 && proxy.work()[0].tasks == 0);
    assert_eq!((world.stored(), world.arrivals().len()), (vec![format!("{A}.mod")], 0));
}

#[test]
fn it_keeps_within_its_bounds() {
    let requires = |spec: Spec, number: usize| spec.requires(&format!("example.com/m{number}"), "v1.0.0");
    let root = (0..50).fold(Spec::new("example.com/a", "v1.0.0").noise(200_000), requires);
    let leaves = (0..50).map(|number| Spec::new(&format!("example.com/m{number}"), "v1.0.0"));
    let world = World::new(Corpus::of(&leaves.chain([root]).collect::<Vec<_>>()), 1);
    let few = ReadAheadLimits { per_question: 7, file_bytes: 50_000, ..limits(ReadAhead::All) };
    let proxy = proxy(&world, few);
    get(&world, &proxy, &format!("{A}.mod"));
    all_is_read(&proxy);
    assert_eq!(world.mirrors[0].count("example.com/m*.mod"), 7);
    // A zip that is too long is given up, and the client gets it all the same.
    let gate = Gate::new();
    world.mirrors[0].fault(&format!("{A}.zip"), Fault::Drip(gate.clone()));
    gate.release(60_000);
    assert!(!bytes(ask(&world, &proxy, &format!("{A}.info"))).is_empty());
    all_is_read(&proxy);
    assert_eq!((world.mirrors[0].count(&format!("{A}.zip")), world.stored().contains(&format!("{A}.zip"))), (1, false));
    assert!(proxy.read_ahead().bytes - proxy.read_ahead().used_bytes > 50_000, "read ahead for nothing");
    world.mirrors[0].heal();
    get(&world, &proxy, &format!("{A}.zip"));
}

/// Thousands of files on their way, none of which comes: another client's files do not wait for them.
#[test]
fn other_clients_do_not_wait_for_it() {
    const MANY: usize = 1_000;
    let requires = |text: String, number: usize| format!("{text}require example.com/m{number} v1.0.0\n");
    let go_mod = (0..MANY).fold("module example.com/a\n\ngo 1.21\n".to_owned(), requires);
    let few = |name: &str| Spec::new(&format!("example.com/{name}"), "v1.0.0").noise(10_000);
    // The log has them all: its faults strike only what it has.
    let held = (0..MANY).map(|number| Spec::new(&format!("example.com/m{number}"), "v1.0.0"));
    let specs: Vec<Spec> = held.chain([few("a").go_mod(&go_mod), few("warm"), few("cold")]).collect();
    let mut world = World::new(Corpus::of(&specs), 1);
    world.settings.concurrency = 8;
    // What is held is not given up, however busy the machine is.
    (world.settings.silence, world.settings.total) = (Duration::from_secs(3600), Duration::from_secs(3600));
    world.log.fault("slow:3600000:lookup/example.com/m*");
    let gate = Gate::new();
    world.mirrors[0].fault("example.com/m*", Fault::Hold(gate.clone()));
    let proxy = proxy(&world, limits(ReadAhead::All));
    let (warm, cold) = ("example.com/warm/@v/v1.0.0.zip", "example.com/cold/@v/v1.0.0.zip");
    get(&world, &proxy, warm);
    get(&world, &proxy, &format!("{A}.mod"));
    gate.wait(1);
    until("all slots that it may have are taken", || proxy.work()[0].queue.running >= 48);
    for path in [warm, cold] {
        let asked = world.runtime.block_on(answer(&proxy, 2, path));
        assert!(bytes(asked) == world.corpus.file(path).unwrap(), "{path}");
    }
    let held = world.mirrors[0].count("example.com/m*");
    assert!((1..=6).contains(&held), "{held} of 8 requests at once: two stay free for clients");
}
