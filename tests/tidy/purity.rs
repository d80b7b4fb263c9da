//! The core reads no file, socket, clock, random number or environment, and prints nothing.

use super::Fault;
use super::source::{Source, Token};

/// Crates and standard modules that are doors to the world.
const DOORS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "tokio",
    "reqwest",
    "hyper",
    "rand",
    "getrandom",
    "tempfile",
    "walkdir",
];
/// Names that reach the world from whatever module they are in.
const NAMES: &[&str] = &["SystemTime", "Instant", "stdin", "stdout", "stderr"];
/// Macros that print, or read the environment of the build.
const MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg", "env", "option_env"];

/// Every use of a door.
pub(crate) fn check(source: &Source) -> Vec<Fault> {
    let fault = |line, what: &str| {
        let why = format!("`{what}` in the pure core: hand the value in from outside");
        Fault { path: source.path.clone(), line, why }
    };
    let mut faults = Vec::new();
    for (path, line, _) in source.paths() {
        let spelled = path.join("::");
        let door = |door: &&&str| spelled == **door || spelled.starts_with(&format!("{door}::"));
        let named = path.len() > 1 && path.iter().any(|segment| NAMES.contains(&segment.as_str()));
        let alias = spelled.starts_with("std::*");
        if DOORS.iter().find(door).is_some() || named || alias {
            faults.push(fault(line, &spelled));
        }
    }
    macros(&source.tokens, &mut |token| faults.push(fault(token.line, &format!("{}!", token.text))));
    faults
}

fn macros(tokens: &[Token], found: &mut impl FnMut(&Token)) {
    for (at, token) in tokens.iter().enumerate() {
        if MACROS.contains(&token.text.as_str()) && tokens.get(at + 1).is_some_and(|next| next.is("!")) {
            found(token);
        }
        macros(&token.inside, found);
    }
}

#[test]
fn doors_are_caught_and_nothing_else() {
    let faults = |text: &str| check(&Source::parse("src/sumdb/x.rs", text)).len();
    for text in [
        "use std::fs;",
        "use std::{fmt, env};",
        "use std::time::{Duration, Instant};",
        "fn f() { std::time::SystemTime::now(); }",
        "fn f() -> bool { std::net::TcpStream::connect(a).is_ok() }",
        "use tokio::sync::Mutex;",
        "use ::reqwest::Client;",
        "fn f() { rand::random::<u8>() }",
        "fn f() { println!(\"x\") }",
        "fn f() { g(|| { eprintln!(\"x\") }) }",
        "use std::io::stdout;",
        "use std::*;",
    ] {
        assert!(faults(text) > 0, "{text}");
    }
    for text in [
        "use std::{fmt, time::Duration, thread};",
        "//! std::fs is not used.\n/// Nor `std::env`.\nconst A: &str = \"std::fs println!\";",
        "#[cfg(test)]\nmod tests { use std::fs; }",
        "fn env(fs: u8) -> u8 { self.rand(fs) }",
        "fn f() { write!(f, \"x\") }",
    ] {
        assert_eq!(faults(text), 0, "{text}");
    }
}
