//! Unix sockets: who may connect, and what is replaced.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use crate::common::Serving;
use crate::world::{Files, command};

fn server(files: &Files, args: &[&str]) -> std::process::Command {
    let socket = format!("unix:{}", files.path("http.sock").display());
    command(files, &[&["--listen", &socket, "--offline"], args].concat())
}

fn alive(files: &Files) -> String {
    let mut stream = UnixStream::connect(files.path("http.sock")).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_socket_has_its_mode_and_ends_with_the_server() {
    let files = Files::empty();
    for (args, mode) in [(&[][..], 0o660), (&["--socket-mode", "0600"], 0o600)] {
        let serving = Serving::start(&mut server(&files, args));
        assert_eq!(serving.url, format!("unix:{}", files.path("http.sock").display()));
        assert_eq!(fs::metadata(files.path("http.sock")).unwrap().permissions().mode() & 0o777, mode);
        assert!(alive(&files).ends_with("alive\n"));
        assert_eq!(serving.end("-TERM").0, 0);
        assert!(!files.path("http.sock").exists());
    }
}

#[test]
fn only_a_socket_that_nobody_has_is_replaced() {
    let files = Files::empty();
    // A server that was killed left its socket behind.
    drop(UnixListener::bind(files.path("http.sock")).unwrap());
    let serving = Serving::start(&mut server(&files, &[]));
    assert!(alive(&files).ends_with("alive\n"));
    let other = Files::empty();
    let refused = server(&files, &[]).current_dir(other.dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && told.contains("another process listens there"), "{told}");
    assert!(alive(&files).ends_with("alive\n"));
    assert_eq!(serving.end("-TERM").0, 0);
    // A file with words in it, a folder, a link to a file.
    let words = files.write("words", "mine");
    for make in 0..3 {
        match make {
            0 => fs::write(files.path("http.sock"), "mine").unwrap(),
            1 => fs::create_dir(files.path("http.sock")).unwrap(),
            _ => std::os::unix::fs::symlink(&words, files.path("http.sock")).unwrap(),
        }
        let refused = server(&files, &[]).output().unwrap();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && told.contains("is not a socket; it was left alone"), "{told}");
        match make {
            1 => fs::remove_dir(files.path("http.sock")).unwrap(),
            _ => {
                assert_eq!(fs::read_to_string(files.path("http.sock")).unwrap(), "mine");
                fs::remove_file(files.path("http.sock")).unwrap();
            }
        }
    }
}
