//! What a fault makes of an answer.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;

use super::answer::{Answer, Body, End};
use super::corpus::Corpus;
use super::fault::{Fault, Tamper};
use super::hostile::{self, bomb};
use super::requests::Request;
use super::zips::{Entry, read_zip, write_zip};

/// A byte more than a module zip may have is enough; the protocol's limit is 500 MiB.
const OVERSIZED: u64 = 501 << 20;

/// What a portal or an object store says in the place of a module.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Welcome.</body></html>\n";

impl Answer {
    /// Spoils what is said: status, headers, the whole body.
    pub(super) fn spoil(&mut self, fault: &Fault, corpus: &Corpus, request: &Request, place: usize) {
        match fault {
            Fault::Zip(tamper) => self.zip(*tamper, request),
            Fault::Swap(path) => self.body = Body::Bytes(corpus.file(path).expect("a path of the corpus")),
            Fault::Replace(bytes) => {
                self.status = 200;
                self.body = Body::Bytes(bytes.clone().into());
            }
            Fault::Html => *self = Answer::of(200, "text/html; charset=utf-8", PAGE.into()),
            Fault::Empty => self.body = Body::Bytes(Bytes::new()),
            Fault::WrongGoMod => {
                self.body = Body::Bytes([&self.bytes()[..], b"\nrequire example.com/evil v1.0.0\n"].concat().into());
            }
            Fault::MovedTag(version) => {
                let text = format!("{{\"Version\":{version:?},\"Time\":\"2025-05-05T05:05:05Z\"}}");
                self.body = Body::Bytes(text.into());
            }
            Fault::Status(status, text) => *self = Answer::text(*status, text.clone()),
            Fault::RetryAfter(status, value) => {
                *self = Answer::text(*status, "later\n");
                self.header("Retry-After", value);
            }
            Fault::Redirect(url) => {
                *self = Answer::of(302, "text/html; charset=utf-8", PAGE.into());
                self.header("Location", url);
            }
            Fault::Guard(authorization) if request.header("authorization") != Some(authorization) => {
                *self = Answer::text(401, "who are you?\n");
                self.header("WWW-Authenticate", "Basic realm=\"mirror\"");
            }
            Fault::Oversized { declared } => {
                self.body = Body::Made(OVERSIZED);
                self.length = *declared;
            }
            Fault::Hold(gate) => self.hold = Some(gate.clone()),
            Fault::Drip(gate) => self.drip = Some(gate.clone()),
            Fault::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&self.bytes()).unwrap();
                self.body = Body::Bytes(gzip.finish().unwrap().into());
                self.header("Content-Encoding", "gzip");
            }
            Fault::FalseGzip => self.header("Content-Encoding", "gzip"),
            Fault::Header(name, value) => self.header(name, value),
            Fault::LongHeader(bytes) => self.header("X-Long", "x".repeat(*bytes)),
            Fault::NoRange => self.ranges = false,
            Fault::WrongRange => self.late = 1,
            Fault::RestlessEtag => self.header("ETag", format!("\"{place}\"")),
            Fault::NoLength => self.length = false,
            // These are about how it is sent.
            Fault::Guard(_) | Fault::Truncated | Fault::Short | Fault::Hang(_) | Fault::Reset(_) => {}
        }
    }

    /// Spoils how what is left of the body is sent.
    pub(super) fn cut_short(&mut self, faults: &[Fault]) {
        for fault in faults {
            let half = self.body.len() / 2;
            match fault {
                Fault::Truncated => self.end = End::Cut(half),
                Fault::Short => self.body = Body::Bytes(self.bytes().slice(..half as usize)),
                Fault::Hang(after) => {
                    self.head = after.is_some();
                    self.end = End::Hang(after.unwrap_or(0));
                }
                Fault::Reset(after) => {
                    self.head = after.is_some();
                    self.end = End::Reset(after.unwrap_or(0));
                }
                _ => {}
            }
        }
    }

    fn bytes(&self) -> Bytes {
        self.body.piece(0, u64::MAX)
    }

    /// Changes one thing in a zip. What is none is left as it is.
    fn zip(&mut self, tamper: Tamper, request: &Request) {
        let Some(prefix) = prefix(&request.path).filter(|_| self.status == 200) else { return };
        if let Tamper::Bomb(kind) = tamper {
            self.body = Body::Bytes(bomb(&prefix, kind).into());
            return;
        }
        self.body = Body::Bytes(tampered(&self.bytes(), &prefix, tamper).into());
    }
}

/// `M@V/` of the path `M/@v/V.zip`, unescaped.
fn prefix(path: &str) -> Option<String> {
    let asked = gosumcheck::sumdb::goproxy::ModuleRequest::parse(path).ok()?;
    match asked {
        gosumcheck::sumdb::goproxy::ModuleRequest::File(name, _) if path.ends_with(".zip") => {
            Some(format!("{}@{}/", name.path(), name.version()))
        }
        _ => None,
    }
}

/// The zip with one thing changed.
fn tampered(zip: &[u8], prefix: &str, tamper: Tamper) -> Vec<u8> {
    let mut entries = read_zip(zip);
    let evil = |name: String| Entry { name, content: b"package evil\n".to_vec(), stored: false };
    match tamper {
        Tamper::FlipBit => {
            let largest = entries.iter_mut().max_by_key(|entry| entry.content.len()).expect("a file");
            let middle = largest.content.len() / 2;
            *largest.content.get_mut(middle).expect("a byte") ^= 1;
        }
        Tamper::AddFile => entries.push(evil(format!("{prefix}evil.go"))),
        Tamper::RemoveFile => drop(entries.pop().expect("a file")),
        Tamper::CaseClash => {
            let first = entries.iter().find(|entry| entry.name.ends_with(".go") && !entry.name.contains("_test"));
            let name = first.expect("a Go file").name.clone();
            let (folder, file) = name.rsplit_once('/').expect("a file below the prefix");
            entries.push(evil(format!("{folder}/{}", file.to_uppercase())));
        }
        Tamper::ParentName => return hostile::with_name(&entries, &format!("{prefix}../../escaped.go")),
        Tamper::AbsoluteName => return hostile::with_name(&entries, "/escaped.go"),
        Tamper::ForeignName => entries.push(evil("example.com/foreign@v1.0.0/foreign.go".to_owned())),
        Tamper::Wrapped => return hostile::wrapped(zip),
        Tamper::Repacked => {
            entries.reverse();
            entries.iter_mut().for_each(|entry| entry.stored = !entry.stored);
        }
        Tamper::Bomb(_) => {}
    }
    write_zip(&entries)
}
