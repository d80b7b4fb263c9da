//! Many requests at once, most of them abandoned: they leave nothing behind, ask nobody, and keep no other client waiting.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use gosumcheck::fault::Fault as ServerFault;
use gosumcheck::proxy::{Denied, Mode, Peer, Proxy, ProxyAnswer, ProxyLimits, Work};
use gosumcheck::relay::{Relay, RelayOptions};
use gosumcheck::server::{AccessLog, Config, Limits as ServerLimits, ServedDatabase, run};
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::upstream::{Bounds, MAX_CONNECTIONS};
use tokio::task::JoinHandle;

use crate::client::{Reply, get, one};
use crate::kit::{Corpus, Fault, Gate, Spec, until};
use crate::world::{World, ask, bytes};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
/// Requests of one client that waits for what nobody answers.
const MANY: usize = 1000;

/// A database that answers for two modules, and takes an hour for the others that it has.
fn world() -> World {
    let paths = ["example.com/a".to_owned(), "example.com/b".to_owned()];
    let paths = paths.into_iter().chain((0..MANY).map(|number| format!("evil.example/a{number}")));
    let specs: Vec<_> = paths.map(|path| Spec::new(&path, "v1.0.0")).collect();
    let world = World::new(Corpus::of(&specs), 1);
    world.log.fault("slow:3600000:lookup/evil.example/*");
    world
}

fn client(number: u8) -> Mode {
    Mode { peer: Some(Peer::of(Ipv4Addr::new(192, 0, 2, number).into())), ..Mode::default() }
}

async fn answer(proxy: &Proxy, path: &str, manner: Mode) -> Result<ProxyAnswer, Denied> {
    proxy.answer(&ModuleRequest::parse(path).unwrap(), manner).await
}

/// So many requests of client 1, each for another module.
fn flood(world: &World, proxy: &Proxy, count: usize, file: &'static str) -> Vec<JoinHandle<()>> {
    let one = |number: usize| {
        let proxy = proxy.clone();
        let path = format!("evil.example/a{number}/{file}");
        world.runtime.spawn(async move { drop(answer(&proxy, &path, client(1)).await) })
    };
    (0..count).map(one).collect()
}

fn contacts(world: &World) -> usize {
    world.log.requests().iter().filter(|request| request.path.contains("evil.example")).count()
}

fn work(proxy: &Proxy, kind: &str) -> Work {
    proxy.work().into_iter().find(|work| work.kind == kind).unwrap()
}

fn asked(world: &World) -> usize {
    contacts(world) + world.mirrors[0].count("evil.example/*")
}

/// The client of `clients` hangs up all its requests, the newest first: nothing is left of them, and nobody is asked any more.
fn hang_up(world: &World, proxy: &Proxy, clients: Vec<JoinHandle<()>>, kind: &str) {
    clients.iter().rev().for_each(JoinHandle::abort);
    until("nothing is left", || {
        let Work { queue, tasks, detached, .. } = work(proxy, kind);
        queue.running == 0 && queue.waiting == 0 && tasks == 0 && detached == 0
    });
    let before = asked(world);
    assert!(before < MANY / 2, "{before} questions for one client that left");
    world.log.clear_faults();
    world.mirrors[0].heal();
    // Whatever was still in line would have been asked before this. What was on the wire may be counted late: at most the places.
    world.expect_true(proxy, ZIP);
    let late = asked(world) - before;
    assert!(late <= 64, "{late} asked after the clients left");
}

#[test]
fn a_thousand_abandoned_zips_leave_nothing_and_starve_nobody() {
    let world = world();
    let proxy = world.proxy();
    let clients = flood(&world, &proxy, MANY, "@v/v1.0.0.zip");
    until("they all run or wait", || work(&proxy, "files").queue.waiting >= (MANY - 64) as u64);
    until("the database is asked", || contacts(&world) > 0);
    // While they wait, and the database answers none of them, another client's new module is proven and given.
    let truth = world.corpus.zip("example.com/b", "v1.0.0");
    let given = world.runtime.block_on(answer(&proxy, "example.com/b/@v/v1.0.0.zip", client(2)));
    assert!(bytes(given) == truth);
    assert!(contacts(&world) < 64, "{} of them at once", contacts(&world));
    hang_up(&world, &proxy, clients, "files");
}

#[test]
fn a_thousand_abandoned_lists_leave_nothing_and_starve_nobody() {
    let world = world();
    let proxy = world.proxy();
    let gate = Gate::new();
    world.mirrors[0].fault("evil.example/*", Fault::Hold(gate.clone()));
    let clients = flood(&world, &proxy, MANY, "@v/list");
    until("they all run or wait", || work(&proxy, "hints").queue.waiting >= (MANY - 64) as u64);
    gate.wait(1);
    let given = world.runtime.block_on(answer(&proxy, "example.com/b/@v/list", client(2)));
    assert_eq!(bytes(given), b"v1.0.0\n");
    hang_up(&world, &proxy, clients, "hints");
}

/// A server of this world with small queues, in this process.
fn serve(world: &World, limits: ProxyLimits) -> (SocketAddr, Arc<Proxy>) {
    let log = world.folder().log(world.log.name()).unwrap();
    let relay = Relay::new(world.database(), log.clone(), RelayOptions::default()).unwrap();
    let proxy = Arc::new(world.within(relay.clone(), limits));
    let listener = world.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let at = listener.local_addr().unwrap();
    let config = Config { limits: ServerLimits::default(), access: AccessLog::Off, ..Config::default() };
    let served = vec![ServedDatabase::new(relay, log)];
    world.runtime.spawn(run(config, served, Some(Proxy::clone(&proxy)), vec![listener], std::future::pending()));
    (at, proxy)
}

/// A request from another address of this machine: another client.
fn send_from(address: [u8; 4], at: SocketAddr, path: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(IpAddr::from(address), 0).into()).unwrap();
    socket.connect(&at.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    stream
}

fn get_from(address: [u8; 4], at: SocketAddr, path: &str) -> Reply {
    one(&mut send_from(address, at, path))
}

#[test]
fn a_full_queue_is_503_for_its_client_and_open_to_another_one() {
    let world = world();
    let bounds = Bounds { running: 4, waiting: 100, waiting_per_peer: 5, longest_wait: Duration::from_secs(600) };
    let (at, proxy) = serve(&world, ProxyLimits { downloads: bounds, ..ProxyLimits::default() });
    let evil = |number: usize| format!("/evil.example/a{number}/@v/v1.0.0.zip");
    let waiting: Vec<_> = (0..8).map(|number| send_from([127, 0, 0, 1], at, &evil(number))).collect();
    until("three run and five wait", || work(&proxy, "files").queue.waiting == 5);
    let busy = get_from([127, 0, 0, 1], at, &evil(8));
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("10")), "{busy:?}");
    assert_eq!(busy.header("content-type"), Some("text/plain; charset=utf-8"));
    let words = busy.text();
    assert!(words.starts_with("this server is busy") && words.lines().all(|line| line.len() <= 80), "{words}");
    let truth = world.corpus.zip("example.com/b", "v1.0.0");
    assert!(get_from([127, 0, 0, 2], at, "/example.com/b/@v/v1.0.0.zip").body == truth);
    // What is stored is given to everybody.
    assert!(get_from([127, 0, 0, 1], at, "/example.com/b/@v/v1.0.0.zip").body == truth);
    let metrics = get(at, "/metrics").text();
    for line in
        ["queue_length{kind=\"files\"} 5", "queue_running{kind=\"files\"} 3", "queue_rejected_total{kind=\"files\"} 1"]
    {
        assert!(metrics.contains(&format!("\ngosumcheck_proxy_{line}\n")), "{line}: {metrics}");
    }
    // A lookup waits in the same line of the database as a module does, and is turned away no more than that.
    assert_eq!(get_from([127, 0, 0, 2], at, "/lookup/example.com/a@v1.0.0").status, 200);
    drop(waiting);
    until("nothing is left", || work(&proxy, "files").tasks == 0);
}

#[test]
fn a_thousand_lookups_of_one_client_do_not_starve_another_ones() {
    let world = world();
    let (at, _proxy) = serve(&world, ProxyLimits::default());
    let path = |number: usize| format!("/lookup/evil.example/a{number}@v1.0.0");
    let waiting: Vec<_> = (0..MANY).map(|number| send_from([127, 0, 0, 1], at, &path(number))).collect();
    let queue = |name: &str| {
        let text = get(at, "/metrics").text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.rsplit(' ').next().map(str::to_owned));
        value.unwrap().parse::<usize>().unwrap()
    };
    // A source over HTTP/1.1 that does not answer at once is sent 128 requests.
    until("they all run or wait", || queue("gosumcheck_upstream_queue_length") >= MANY - MAX_CONNECTIONS);
    assert_eq!(get_from([127, 0, 0, 2], at, "/lookup/example.com/b@v1.0.0").status, 200);
    let asked = contacts(&world);
    assert!(asked < MAX_CONNECTIONS, "{asked} of them at once: some stay free for others");
    // The newest first, as those who still wait take the place of those who leave.
    waiting.into_iter().rev().for_each(drop);
    until("nothing is left", || {
        queue("gosumcheck_upstream_queue_length") + queue("gosumcheck_upstream_queue_running") == 0
    });
    assert!(contacts(&world) < MANY / 2, "{} questions for one client that left", contacts(&world));
}

/// Through all of the proxy: thousands of modules that no upstream has, each with the longest words.
#[test]
fn thousands_of_absent_paths_take_no_more_memory_than_their_share() {
    let world = world();
    world.mirrors[0].fault("*", Fault::Status(404, "not found: ".to_owned() + &"words ".repeat(300)));
    let limits = ProxyLimits { refusal_bytes: 256 << 10, ..ProxyLimits::default() };
    let relay = Relay::new(world.database(), world.folder().log(world.log.name()).unwrap(), RelayOptions::default());
    let proxy = world.within(relay.unwrap(), limits);
    let asking = (0..3000).map(|number| {
        let path = format!("example.com/{}/{number}/@v/list", "a/".repeat(900).trim_end_matches('/'));
        let proxy = proxy.clone();
        world.runtime.spawn(async move { answer(&proxy, &path, client((number % 8) as u8)).await })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert!(matches!(world.runtime.block_on(asked).unwrap(), Err(Denied::NotFound(_))));
    }
    let taken = proxy.remembered_bytes();
    assert!((64 << 10..=256 << 10).contains(&taken), "{taken}");
}

#[test]
fn a_request_that_waits_in_line_too_long_is_busy() {
    let world = world();
    let bounds = Bounds { running: 1, waiting: 9, waiting_per_peer: 9, longest_wait: Duration::from_millis(50) };
    let relay = Relay::new(world.database(), world.folder().log(world.log.name()).unwrap(), RelayOptions::default());
    let proxy = world.within(relay.unwrap(), ProxyLimits { downloads: bounds, ..ProxyLimits::default() });
    let clients = flood(&world, &proxy, 1, "@v/v1.0.0.zip");
    until("the database is asked", || contacts(&world) > 0);
    let turned_away = world.runtime.block_on(ask(&proxy, ZIP));
    assert!(matches!(turned_away, Err(Denied::Fault(ServerFault::Busy { .. }))), "{turned_away:?}");
    hang_up(&world, &proxy, clients, "files");
}
