//! `gosumcheck doctor` where proxies never end their answers, and where a setting would act on a terminal.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::doctor::machine;

/// The URL of a server that sends these bytes as soon as it is asked, and then the last of them again and again.
fn never_ending(start: &'static str, again: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]); // the request
                let _ = stream.write_all(start.as_bytes());
                // Slowly, or as fast as it is taken where that is an answer of its own.
                while stream.write_all(again.as_bytes()).is_ok() {
                    std::thread::yield_now();
                    if again.len() < 2 {
                        std::thread::park_timeout(std::time::Duration::from_millis(50));
                    }
                }
            });
        }
    });
    url
}

#[test]
fn a_proxy_that_never_ends_its_answer_is_not_waited_for() {
    let drips = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let all = [
        never_ending(drips, "x"),
        never_ending("HTTP/1.1 200 O", "K"),
        never_ending("", "HTTP/1.1 100 Continue\r\n\r\n"),
        never_ending("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n", "x"),
        never_ending("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "x"),
        silent,
    ];
    let mut machine = machine("go1.26.8");
    let ran = machine.set("GOPROXY", all.join(",")).run_to_the_end(&["doctor", "--timeout", "1s"]);
    assert_eq!(ran.out.matches("ERROR    proxy-unreachable: ").count(), all.len(), "{}", ran.show());
    ran.says(1, &["timed out: "]);
}

#[test]
fn what_is_said_is_ascii_in_json() {
    let mut machine = machine("go1.26.8");
    machine.set("GOPROXY", "https://a.example/\u{202e}\u{9b}2J,direct");
    for options in [&["doctor", "--offline", "--format", "json"][..], &["doctor", "--offline"]] {
        let ran = machine.run(options);
        assert!(ran.out.is_ascii() && !ran.out.contains('\u{1b}'), "{:?}", ran.out);
    }
}
