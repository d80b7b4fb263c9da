//! A ranking as it is printed: a row for each proxy, the best first, and the setting that follows.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::Recorded;
use super::measured::Relayed;
use super::plan::PlaceOrigin;
use super::rank::{Concern, ProxyStanding, Ranked};
use super::setting::Setting;
use crate::files::CertificatePeriod;
use crate::report::grouped;

/// All of it.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    /// the checksum database that proves the samples
    pub database: String,
    /// records in the tree under which they were proven
    pub tree: Option<u64>,
    /// what was asked for
    pub samples: Vec<SampleRow>,
    /// the proxies, the best first
    pub proxies: Vec<Row>,
    /// the one that should come first in GOPROXY
    pub recommended: Option<String>,
    /// why nothing is to be set
    pub left: Option<String>,
    /// the lines that set it
    #[serde(rename = "fix")]
    pub setting: Setting,
}

/// One sample.
#[derive(Debug, Serialize)]
pub struct SampleRow {
    /// `MODULE@VERSION`
    pub module: String,
    /// the number of its record
    pub record: Option<u64>,
    /// why it has none; then nothing can be proven by it
    pub unproven: Option<String>,
}

/// One proxy. Times are in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// from 1
    pub rank: usize,
    /// its URL, without a password
    pub url: String,
    /// why it was measured
    pub origin: PlaceOrigin,
    /// what it is good for
    pub standing: ProxyStanding,
    /// why it is not better, a line each
    pub remarks: Vec<String>,
    /// until its name had an address
    pub dns_ms: Option<f64>,
    /// until TCP was connected
    pub connect_ms: Option<f64>,
    /// the handshake of TLS
    pub tls_ms: Option<f64>,
    /// to the first byte of an answer, over an open connection
    pub first_byte_ms: Option<f64>,
    /// of the largest sampled zip
    pub bytes_per_second: Option<u64>,
    /// whether it speaks HTTP/2
    pub http2: Option<bool>,
    /// whole days until its certificate ends
    pub certificate_days: Option<u64>,
    /// whether it relays the checksum database
    pub relays: Option<bool>,
    /// records in the tree whose head it shows
    pub tree: Option<u64>,
    /// the newest versions that it knows, `MODULE@VERSION`
    pub latest: Vec<String>,
    /// sampled files that were proven
    pub proven: usize,
    /// sampled files that it lacks or did not send in time
    pub lacking: usize,
    /// sampled files that were not what the log has
    pub wrong: usize,
}

impl Serialize for Setting {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.fix())
    }
}

impl BenchReport {
    /// Of a ranking, at the time `now`.
    pub(super) fn new(
        database: &str,
        tree: Option<u64>,
        recorded: &[Recorded],
        ranked: &[Ranked],
        setting: Setting,
        now: SystemTime,
    ) -> BenchReport {
        let samples = recorded.iter().map(|(module, record)| SampleRow {
            module: module.to_string(),
            record: record.as_ref().ok().map(|record| record.id()),
            unproven: record.as_ref().err().cloned(),
        });
        let (recommended, left) = match &setting {
            Setting::Better { proxy, .. } | Setting::Best(proxy) => (Some(proxy.clone()), None),
            Setting::Left(why) => (None, Some(why.clone())),
        };
        BenchReport {
            database: database.to_owned(),
            tree,
            samples: samples.collect(),
            proxies: ranked.iter().enumerate().map(|(at, one)| Row::of(at + 1, one, now)).collect(),
            recommended,
            left,
            setting,
        }
    }

    /// 1 where a proxy in GOPROXY, or a named one, is dishonest or dead; 2 where none was shown to be honest; else 0.
    pub fn exit_code(&self) -> u8 {
        let is_bad = |row: &Row| {
            row.origin != PlaceOrigin::Public && matches!(row.standing, ProxyStanding::Dishonest | ProxyStanding::Dead)
        };
        match self.proxies.first() {
            _ if self.proxies.iter().any(is_bad) => 1,
            Some(best) if best.standing.may_be_recommended() => 0,
            _ => 2,
        }
    }
}

impl Row {
    fn of(rank: usize, ranked: &Ranked, now: SystemTime) -> Row {
        let measured = &ranked.measured;
        let tls = measured.phases.as_ref().and_then(|phases| phases.tls.as_ref());
        let left = |ends: SystemTime| CertificatePeriod::days(ends.duration_since(now).unwrap_or_default());
        Row {
            rank,
            url: measured.place.shown(),
            origin: measured.place.origin,
            standing: ranked.standing,
            remarks: remarks(ranked),
            dns_ms: measured.phases.as_ref().map(|phases| ms(phases.dns)),
            connect_ms: measured.phases.as_ref().map(|phases| ms(phases.connect)),
            tls_ms: tls.map(|tls| ms(tls.handshake)),
            first_byte_ms: measured.first_byte.map(ms),
            bytes_per_second: measured.speed,
            http2: tls.map(|tls| tls.is_http2),
            certificate_days: measured.certificate_ends().map(left),
            relays: match measured.relayed {
                Relayed::Unknown => None,
                Relayed::No => Some(false),
                Relayed::Yes(_) => Some(true),
            },
            tree: measured.head,
            latest: measured.latest.iter().map(ToString::to_string).collect(),
            proven: measured.sampled.proven,
            lacking: measured.sampled.missing.len() + measured.sampled.unjudged.len(),
            wrong: measured.sampled.wrong.len(),
        }
    }
}

/// Why a proxy does not stand better, the worst first.
fn remarks(ranked: &Ranked) -> Vec<String> {
    let sampled = &ranked.measured.sampled;
    let wrong = sampled.wrong.iter().map(|wrong| format!("WRONG BYTES: {}: {}", wrong.what, wrong.why));
    let dead = ranked.measured.failed.iter().map(|why| format!("not reached: {why}"));
    let concerns = ranked.concerns.iter().map(words);
    let lacks = sampled.missing.iter().map(|what| format!("lacks {what}"));
    let unjudged = sampled.unjudged.iter().map(|what| format!("not proven: {what}"));
    wrong.chain(dead).chain(concerns).chain(lacks).chain(unjudged).collect()
}

fn words(concern: &Concern) -> String {
    match concern {
        Concern::CertificateEnds(0) => "its certificate ends within a day".to_owned(),
        Concern::CertificateEnds(1) => "its certificate ends in 1 day".to_owned(),
        Concern::CertificateEnds(days) => format!("its certificate ends in {days} days"),
        Concern::Lacks(1) => "1 sampled file was not had".to_owned(),
        Concern::Lacks(files) => format!("{files} sampled files were not had"),
        Concern::NoRelay => "it does not relay the checksum database: go asks that itself".to_owned(),
        Concern::HeadBehind(records) => {
            format!("its head of the checksum database is {} records behind", grouped(*records))
        }
        Concern::Stale(latest, newest) => format!("stale: its newest is {latest}, the log has {newest}"),
        Concern::RelayFails => {
            "it shows no head of the checksum database, and does not say that it relays none: go fails there".to_owned()
        }
        Concern::WithoutTls => {
            "it is asked without TLS: anybody on the way sees and changes what nothing proves".to_owned()
        }
    }
}

/// Milliseconds, to a tenth.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}
