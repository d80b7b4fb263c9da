//! Traces over OTLP, collected by a small receiver: a cold zip has the spans that docs/observability.md names.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

use crate::client::ask;
use crate::kit::{Site, Spec};
use crate::world::Server;

/// A collector; gives the path and the body of each POST.
pub fn collector() -> (SocketAddr, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (sender, posts) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || answer(stream.unwrap(), &sender));
        }
    });
    (at, posts)
}

fn answer(stream: TcpStream, posts: &Sender<(String, Value)>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = first.split(' ').nth(1).unwrap().to_owned();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        if posts.send((path, serde_json::from_slice(&body).unwrap())).is_err() {
            return;
        }
    }
}

/// The spans of the trace with this ID, once all of it came: the span of the request comes with all others.
fn spans(posts: &Receiver<(String, Value)>, trace: &str) -> Vec<Value> {
    loop {
        let (path, body) = posts.recv().unwrap();
        assert_eq!(path, "/v1/traces");
        let all = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(body["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "gosumcheck");
        let found: Vec<Value> = all.iter().filter(|span| span["traceId"] == trace).cloned().collect();
        if !found.is_empty() {
            return found;
        }
    }
}

fn attribute(span: &Value, key: &str) -> String {
    let all = span["attributes"].as_array().unwrap().iter();
    let found = all.clone().find(|attribute| attribute["key"] == key);
    found.unwrap_or_else(|| panic!("{key} in {span}"))["value"]["stringValue"].as_str().unwrap().to_owned()
}

#[test]
fn a_cold_zip_has_the_spans_that_the_documents_name() {
    let site = Site::of(&[Spec::new("example.com/m", "v1.0.0")]);
    let (at, posts) = collector();
    let endpoint = format!("http://{at}");
    let server = Server::start(&site, "", &["--otlp-endpoint", &endpoint, "--read-ahead", "off"]);
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let header = format!("00-{trace}-{parent}-01");
    let path = "/example.com/m/@v/v1.0.0.zip";
    assert_eq!(ask(server.at(), "GET", path, &[("traceparent", &header)]).status, 200);
    let spans = spans(&posts, trace);
    let by_id: BTreeMap<String, &Value> =
        spans.iter().map(|span| (span["spanId"].as_str().unwrap().to_owned(), span)).collect();
    let name_of = |id: &Value| by_id.get(id.as_str().unwrap()).map_or("", |span| span["name"].as_str().unwrap());
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let request = named("request")[0];
    assert_eq!((request["parentSpanId"].as_str().unwrap(), request["kind"].as_u64()), (parent, Some(2)));
    for (key, value) in [
        ("url.path", path),
        ("http.response.status_code", "200"),
        ("http.route", "zip"),
        ("gosumcheck.verdict", "proven"),
    ] {
        assert_eq!(attribute(request, key), value);
    }
    for (name, parents) in [
        ("lookup", &["request"][..]),
        ("proof", &["request"]),
        ("upstream", &["request", "lookup"]),
        ("try", &["upstream"]),
    ] {
        let found = named(name);
        assert!(!found.is_empty(), "{name} in {spans:?}");
        assert!(found.iter().all(|span| parents.contains(&name_of(&span["parentSpanId"]))), "{name} in {spans:?}");
    }
    let upstreams: Vec<String> =
        named("upstream").into_iter().map(|span| attribute(span, "gosumcheck.upstream")).collect();
    assert!(upstreams.contains(&site.mirror.url()) && upstreams.contains(&site.served.url()), "{upstreams:?}");
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    for span in &spans {
        let (began, ended) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
        assert!(nanos(request, "startTimeUnixNano") <= began && began <= ended, "{span}");
    }
    // Upstreams get the trace too, with a span of ours.
    let sent = site.mirror.requests().into_iter().find(|request| request.path.ends_with(".zip")).unwrap();
    let sent = sent.header("traceparent").unwrap().to_owned();
    let tries: Vec<String> = named("try").into_iter().map(|span| span["spanId"].as_str().unwrap().to_owned()).collect();
    let is_ours = |span: &String| sent == format!("00-{trace}-{span}-01");
    assert!(tries.iter().any(is_ours), "{sent} {tries:?}");
    server.stop();
}

/// A client whose trace is not recorded is in none, and without the setting upstreams get no header.
#[test]
fn what_is_not_recorded_is_not_sent() {
    let site = Site::of(&[Spec::new("example.com/m", "v1.0.0")]);
    let (at, posts) = collector();
    let endpoint = format!("http://{at}");
    let server = Server::start(&site, "", &["--otlp-endpoint", &endpoint, "--read-ahead", "off"]);
    let unrecorded = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let path = "/example.com/m/@v/v1.0.0.mod";
    assert_eq!(ask(server.at(), "GET", path, &[("traceparent", unrecorded)]).status, 200);
    assert!(site.mirror.requests().iter().all(|request| request.header("traceparent").is_none()));
    let other = "1af7651916cd43dd8448eb211c80319c";
    let header = format!("00-{other}-b7ad6b7169203331-01");
    assert_eq!(ask(server.at(), "GET", "/example.com/m/@v/list", &[("traceparent", &header)]).status, 200);
    assert!(spans(&posts, other).iter().all(|span| attribute_or(span, "url.path") != path));
    server.stop();
    let off = Server::start(&site, "", &["--read-ahead", "off"]);
    assert_eq!(ask(off.at(), "GET", "/example.com/m/@v/v1.0.0.zip", &[("traceparent", &header)]).status, 200);
    assert!(site.mirror.requests().last().unwrap().header("traceparent").is_none());
    off.stop();
}

fn attribute_or(span: &Value, key: &str) -> String {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == key);
    found.map_or(String::new(), |found| found["value"]["stringValue"].as_str().unwrap().to_owned())
}
