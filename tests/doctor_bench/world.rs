//! A module in two versions, their log, and mirrors of them that are each wrong in one way.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Machine, Ran};
use crate::fake::{FakeSumdb, Served};
use crate::front::{Authority, far};
use crate::kit::{Corpus, FakeMirror, Fault, Spec, Tamper};

/// The sample; its module has a newer version.
pub const SAMPLE: &str = "example.com/sample@v1.0.0";
/// Records of other modules: so many that an old head is behind.
const FILLERS: usize = 20_000;

pub struct World {
    pub log: FakeSumdb,
    _served: Served,
    pub machine: Machine,
    pub authority: Authority,
}

/// The modules as a mirror has them that has all.
fn corpus() -> Corpus {
    Corpus::of(&[specs("v1.0.0"), specs("v1.1.0")])
}

fn specs(version: &str) -> Spec {
    Spec::new("example.com/sample", version).noise(200_000)
}

impl World {
    pub fn new() -> World {
        let log = corpus().log_among(FILLERS);
        let (served, authority, mut machine) = (log.serve(), Authority::new(), Machine::new());
        let pem = machine.home().join("ca.pem");
        std::fs::write(&pem, authority.pem()).unwrap();
        machine.set("SSL_CERT_FILE", pem.display().to_string());
        machine.set("GOSUMDB", format!("{} {}", log.vkey(), served.url()));
        World { log, _served: served, machine, authority }
    }

    /// A mirror that lacks nothing.
    pub fn sound(&self) -> FakeMirror {
        self.relaying(&corpus(), self.log.size())
    }

    /// One with the head of the first `size` records.
    pub fn relaying(&self, corpus: &Corpus, size: u64) -> FakeMirror {
        let at = format!("sumdb/{}", self.log.name());
        corpus.publish(&format!("{at}/supported"), "");
        corpus.publish(&format!("{at}/latest"), self.log.head(size));
        FakeMirror::serve(corpus)
    }

    pub fn without_relay(&self) -> FakeMirror {
        FakeMirror::serve(&corpus())
    }

    /// One that has neither the newest version nor the newest head.
    pub fn stale(&self) -> FakeMirror {
        self.relaying(&Corpus::of(&[specs("v1.0.0")]), 100)
    }

    /// One whose zip has a bit that is another.
    pub fn wrong(&self) -> FakeMirror {
        let mirror = self.sound();
        mirror.fault("*v1.0.0.zip", Fault::Zip(Tamper::FlipBit));
        mirror
    }

    /// The URL of one that is far away.
    pub fn slow(&self) -> (FakeMirror, String) {
        let mirror = self.sound();
        let url = far(mirror.address());
        (mirror, url)
    }

    /// The URL of one whose certificate ends in so many days.
    pub fn certified(&self, days: i64) -> (FakeMirror, String) {
        let mirror = self.sound();
        let url = self.authority.front(mirror.address(), days);
        (mirror, url)
    }

    /// The URL of one that is no more.
    pub fn dead(&self) -> (FakeMirror, String) {
        let mirror = self.sound();
        mirror.stop();
        let url = mirror.url();
        (mirror, url)
    }

    /// Where the data folder is.
    pub fn data(&self) -> PathBuf {
        self.machine.home().parent().unwrap().join("data")
    }

    /// `doctor --bench` of these proxies.
    pub fn bench(&self, proxies: &[&str], options: &[&str]) -> Ran {
        let data = self.data().display().to_string();
        let mut words = vec!["doctor", "--bench", "--sample", SAMPLE, "--data", &data];
        words.extend(proxies.iter().flat_map(|url| ["--proxy", url]));
        words.extend(options);
        self.machine.run(&words)
    }

    /// The same as JSON.
    pub fn ranked(&self, proxies: &[&str]) -> Value {
        self.bench(proxies, &["--format", "json"]).json()
    }

    /// Lookups that the log got.
    pub fn lookups(&self) -> usize {
        self.log.requests_for("lookup/").len()
    }
}

/// The URLs of a ranking with what they are good for, in order.
pub fn order(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = report["proxies"].as_array().unwrap();
    rows.iter().map(|row| (text(&row["url"]), text(&row["standing"]))).collect()
}

/// The row of one proxy.
pub fn row<'a>(report: &'a Value, url: &str) -> &'a Value {
    report["proxies"].as_array().unwrap().iter().find(|row| row["url"] == url).unwrap()
}
