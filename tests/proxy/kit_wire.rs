//! Each fault of how an answer is sent, what is noted of requests, and a mirror that is gone and comes back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::client::{Reply, ask, connect, get, head, raw};
use crate::kit::{Corpus, FakeMirror, Fault, Gate, Spec, until};

const ZIP: &str = "/example.com/a/@v/v1.0.0.zip";

fn mirror() -> FakeMirror {
    FakeMirror::serve(&Corpus::of(&[
        Spec::new("example.com/a", "v1.0.0").noise(10_000),
        Spec::new("github.com/BurntSushi/toml", "v1.0.0"),
    ]))
}

fn zip(mirror: &FakeMirror) -> Vec<u8> {
    mirror.corpus().file(&ZIP[1..]).unwrap().to_vec()
}

/// What comes until the end of the connection, whatever its head says.
fn taken(mirror: &FakeMirror) -> Vec<u8> {
    raw(mirror.address(), head("GET", ZIP, &[]).as_bytes())
}

/// Asks, and reads this many bytes of the body and nothing more.
fn begun(mirror: &FakeMirror, bytes: usize) -> (TcpStream, Vec<u8>) {
    let mut stream = connect(mirror.address());
    stream.write_all(head("GET", ZIP, &[]).as_bytes()).unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    let mut body = vec![0; bytes];
    stream.read_exact(&mut body).unwrap();
    (stream, body)
}

#[test]
fn bodies_end_early() {
    let mirror = mirror();
    let whole = zip(&mirror);
    mirror.fault_times("*", 1, Fault::Truncated);
    let cut = Reply::parse(&taken(&mirror));
    assert_eq!(cut.header("content-length"), Some(whole.len().to_string().as_str()));
    assert_eq!(cut.body, whole[..whole.len() / 2]);
    mirror.fault_times("*", 1, Fault::Short);
    let short = get(mirror.address(), ZIP);
    assert_eq!((short.status, &short.body[..]), (200, &whole[..whole.len() / 2]));
    mirror.fault_times("*", 1, Fault::NoLength);
    let unsized_ = Reply::parse(&taken(&mirror));
    assert_eq!((unsized_.header("content-length"), &unsized_.body), (None, &whole));
    let done: Vec<_> = mirror.requests().iter().map(|request| (request.sent, request.done)).collect();
    let half = whole.len() as u64 / 2;
    assert_eq!(done, [(half, false), (half, true), (whole.len() as u64, true)]);
}

#[test]
fn connections_are_reset_or_left_hanging() {
    let mirror = mirror();
    mirror.fault_times("*", 1, Fault::Reset(None));
    let mut stream = connect(mirror.address());
    stream.write_all(head("GET", ZIP, &[]).as_bytes()).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    mirror.fault_times("*", 1, Fault::Reset(Some(100)));
    assert!(taken(&mirror).len() < 1_000, "what was sent may be lost, the rest is never sent");
    assert_eq!((mirror.requests()[1].sent, mirror.requests()[1].done), (100, false));
    mirror.fault_times("*", 1, Fault::Hang(Some(5_000)));
    let (mut stream, body) = begun(&mirror, 5_000);
    assert_eq!(body, zip(&mirror)[..5_000]);
    mirror.fault_times("*", 1, Fault::Hang(None));
    let mut silent = connect(mirror.address());
    silent.write_all(head("GET", ZIP, &[]).as_bytes()).unwrap();
    mirror.wait("*.zip", 4);
    // Nothing more comes as long as it runs; its end is theirs.
    mirror.stop();
    assert_eq!([stream.read(&mut [0]).unwrap_or(0), silent.read(&mut [0]).unwrap_or(0)], [0, 0]);
    let noted = mirror.requests();
    assert_eq!((noted[2].status, noted[2].sent, noted[3].status, noted[3].sent), (200, 5_000, 0, 0));
}

#[test]
fn who_leaves_is_noted() {
    let mirror = mirror();
    mirror.fault_times("*", 1, Fault::Hang(Some(5_000)));
    let (stream, _) = begun(&mirror, 5_000);
    assert!(!mirror.requests()[0].left);
    drop(stream);
    until("it has left", || mirror.requests()[0].left);
    let gate = Gate::new();
    mirror.fault("*", Fault::Hold(gate.clone()));
    mirror.clear_requests();
    let address = mirror.address();
    let asking: Vec<_> = (0..3).map(|_| std::thread::spawn(move || get(address, ZIP).status)).collect();
    gate.wait(3);
    assert_eq!(mirror.busiest(), 3);
    gate.open();
    assert!(asking.into_iter().all(|asking| asking.join().unwrap() == 200));
    assert!(mirror.requests().iter().all(|request| !request.left));
    get(address, ZIP);
    assert_eq!(mirror.busiest(), 3);
}

#[test]
fn a_gate_lets_pass_what_the_test_says() {
    let mirror = mirror();
    let (gate, whole) = (Gate::new(), zip(&mirror));
    mirror.fault("*", Fault::Drip(gate.clone()));
    gate.release(1_000);
    let (mut stream, body) = begun(&mirror, 1_000);
    assert_eq!((body, gate.arrived()), (whole[..1_000].to_vec(), 1));
    assert_eq!(mirror.sent("*.zip"), 1_000);
    let mut more = vec![0; 500];
    gate.release(500);
    stream.read_exact(&mut more).unwrap();
    assert_eq!((more, mirror.sent("*.zip")), (whole[1_000..1_500].to_vec(), 1_500));
    gate.open();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, whole[1_500..]);
    mirror.heal();
    let hold = Gate::new();
    mirror.fault("*", Fault::Hold(hold.clone()));
    let address = mirror.address();
    let asking = std::thread::spawn(move || get(address, ZIP));
    hold.wait(1);
    assert_eq!((mirror.requests()[1].status, mirror.requests()[1].sent), (0, 0), "not even a head");
    hold.release(1);
    assert_eq!(asking.join().unwrap().body, whole);
}

#[test]
fn half_a_gigabyte_comes_and_is_nowhere_held() {
    let mirror = mirror();
    for (declared, length) in [(true, Some((501_u64 << 20).to_string())), (false, None)] {
        mirror.fault_times("*", 1, Fault::Oversized { declared });
        let (mut stream, _) = begun(&mirror, 0);
        let (mut read, mut piece) = (0, vec![0; 1 << 20]);
        loop {
            match stream.read(&mut piece).unwrap() {
                0 => break,
                len => read += len as u64,
            }
        }
        assert_eq!(read, 501 << 20);
        let reply = ask(mirror.address(), "HEAD", ZIP, &[]);
        mirror.fault_times("*", 1, Fault::Oversized { declared });
        let oversized = ask(mirror.address(), "HEAD", ZIP, &[]);
        assert_eq!(oversized.header("content-length").map(str::to_owned), length);
        assert_ne!(reply.header("content-length").map(str::to_owned), length);
    }
}

#[test]
fn a_part_is_sent_where_a_part_is_asked_for() {
    let mirror = mirror();
    let whole = zip(&mirror);
    let part = |headers: &[(&str, &str)]| ask(mirror.address(), "GET", ZIP, headers);
    let etag = part(&[]).header("etag").unwrap().to_owned();
    let rest = part(&[("Range", "bytes=4000-"), ("If-Range", &etag)]);
    assert_eq!((rest.status, &rest.body[..]), (206, &whole[4_000..]));
    let told = format!("bytes 4000-{}/{}", whole.len() - 1, whole.len());
    assert_eq!(rest.header("content-range"), Some(told.as_str()));
    assert_eq!(part(&[("Range", "bytes=5-9")]).body, whole[5..10]);
    assert_eq!(part(&[("Range", "bytes=4000-"), ("If-Range", "\"other\"")]).status, 200);
    assert_eq!(part(&[("Range", &format!("bytes={}-", whole.len()))]).status, 416);
    mirror.fault_times("*", 1, Fault::NoRange);
    assert_eq!(part(&[("Range", "bytes=4000-")]).body, whole);
    mirror.fault_times("*", 1, Fault::WrongRange);
    let wrong = part(&[("Range", "bytes=4000-")]);
    assert_eq!((wrong.status, wrong.header("content-range")), (206, Some(told.as_str())));
    assert_eq!(wrong.body[..100], whole[4_001..4_101]);
    mirror.fault_times("*", 2, Fault::RestlessEtag);
    assert_ne!(part(&[]).header("etag"), part(&[]).header("etag"));
    // A truncated rest is half of the rest.
    mirror.fault_times("*", 1, Fault::Truncated);
    let asked = head("GET", ZIP, &[("Range", "bytes=4000-")]);
    let half = Reply::parse(&raw(mirror.address(), asked.as_bytes()));
    assert_eq!(half.body, whole[4_000..4_000 + (whole.len() - 4_000) / 2]);
}

#[test]
fn every_request_is_noted() {
    let mirror = mirror();
    let path = "/github.com/%21burnt%21sushi/toml/@v/v1.0.0.mod";
    let first = ask(mirror.address(), "GET", path, &[("X-Test", "One")]);
    assert_eq!((first.status, first.text()), (200, "module github.com/BurntSushi/toml\n\ngo 1.21\n".to_owned()));
    ask(mirror.address(), "HEAD", "/corp.example/secret/@latest", &[]);
    let noted = mirror.requests();
    assert_eq!((noted[0].method.as_str(), noted[0].target.as_str()), ("GET", path));
    assert_eq!(noted[0].path, "github.com/!burnt!sushi/toml/@v/v1.0.0.mod");
    assert_eq!(noted[0].module.as_deref(), Some("github.com/BurntSushi/toml"));
    assert_eq!(noted[0].header("x-test"), Some("One"));
    assert_eq!((noted[0].status, noted[0].sent, noted[0].done), (200, first.body.len() as u64, true));
    assert_eq!((noted[1].method.as_str(), noted[1].module.as_deref()), ("HEAD", Some("corp.example/secret")));
    assert_eq!((noted[0].connection, noted[1].connection, noted[1].status), (0, 1, 404));
    assert!(mirror.heard_of("corp.example") && mirror.heard_of("github.com/BurntSushi") && mirror.heard_of("secret"));
    assert!(!mirror.heard_of("corp.example/other"));
    mirror.clear_requests();
    assert!(!mirror.heard_of("corp.example") && mirror.requests().is_empty());
    // Two on one connection, and one as a forwarding proxy is asked.
    let two = "GET /a/@latest HTTP/1.1\r\n\r\nGET http://other.example/b.example/@latest HTTP/1.1\r\nConnection: close\r\n\r\n";
    raw(mirror.address(), two.as_bytes());
    let noted = mirror.requests();
    assert_eq!(noted[0].connection, noted[1].connection);
    assert_eq!(noted[1].path, "b.example/@latest");
    assert!(mirror.heard_of("other.example"));
}

#[test]
fn a_stopped_mirror_refuses_and_comes_back_on_its_port() {
    let mirror = mirror();
    let (address, url) = (mirror.address(), mirror.url());
    assert_eq!(get(address, ZIP).status, 200);
    for _ in 0..3 {
        mirror.stop();
        mirror.stop();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        mirror.start();
        mirror.start();
        assert_eq!(get(address, ZIP).status, 200);
    }
    assert_eq!((mirror.count("*.zip"), mirror.url()), (4, url));
}
