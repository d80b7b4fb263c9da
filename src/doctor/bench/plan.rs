//! Who is measured, by which samples, and for how long.

use std::time::Duration;

use crate::config::{GoEnv, sumdb};
use crate::doctor::public::PUBLIC_PROXIES;
use crate::fault::Fault;
use crate::sumdb::module::{ModuleVersion, Patterns};
use crate::sumdb::redact::redact;
use crate::upstream::Base;

/// The time for all of it, unless another is given.
pub const DEFAULT_TIME: Duration = Duration::from_secs(90);
/// The most proxies that are measured at once.
pub const MAX_PROXIES: usize = 32;
/// The most samples.
pub const MAX_SAMPLES: usize = 8;
/// What is asked for unless other samples are named: modules that every proxy has, of which the first has a zip of 7 MB.
const SAMPLES: [(&str, &str); 3] =
    [("golang.org/x/text", "v0.26.0"), ("github.com/google/uuid", "v1.6.0"), ("github.com/pkg/errors", "v0.9.1")];

/// Who is measured, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchPlan {
    /// the proxies, each once
    pub places: Vec<BenchPlace>,
    /// public modules that each of them is asked for
    pub samples: Vec<ModuleVersion>,
    /// how long all of it may take
    pub time: Duration,
}

/// A proxy that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchPlace {
    /// as it stands in GOPROXY
    pub url: String,
    /// why it is measured
    pub origin: PlaceOrigin,
}

/// Why a proxy is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceOrigin {
    /// it stands in GOPROXY
    Listed,
    /// it was named
    Named,
    /// everybody knows it
    Public,
}

impl BenchPlace {
    /// A server.
    ///
    /// # Errors
    /// `Usage`: not an http or https URL.
    pub fn new(url: &str, origin: PlaceOrigin) -> Result<BenchPlace, Fault> {
        if Base::parse(url)?.is_tree() {
            return Err(Fault::Usage(format!("{url}: a folder is not measured; name an http or https URL")));
        }
        Ok(BenchPlace { url: url.trim_end_matches('/').to_owned(), origin })
    }

    /// Whether it is asked without TLS, over a network.
    pub(super) fn is_open_to_all_on_the_way(&self) -> bool {
        self.url.starts_with("http://") && !Base::parse(&self.url).is_ok_and(|base| base.is_local())
    }

    /// Whether it may be asked about a checksum database of this name: a database of one's own is not named to proxies that nobody here
    /// chose. None of them relays it.
    pub(super) fn may_learn(&self, database: &str) -> bool {
        self.origin != PlaceOrigin::Public || database == sumdb::DEFAULT
    }

    /// Its URL without a password.
    pub fn shown(&self) -> String {
        redact(&self.url)
    }
}

impl BenchPlan {
    /// Of the proxies that are named, else of those in GOPROXY and those that everybody knows; by the named samples, else by
    /// well-known ones.
    ///
    /// # Errors
    /// `Usage`: a URL or a sample makes no sense, is private, or there are too many.
    pub fn new(
        go: &GoEnv,
        named: &[String],
        samples: &[String],
        private: &Patterns,
        time: Duration,
    ) -> Result<BenchPlan, Fault> {
        let mut places: Vec<BenchPlace> = Vec::new();
        let mut add = |place: BenchPlace| {
            if places.iter().all(|other| other.url != place.url) {
                places.push(place);
            }
        };
        for url in named {
            let place = BenchPlace::new(url, PlaceOrigin::Named)?;
            if place.shown() != place.url {
                let why = "a password belongs into netrc, where no setting and no log shows it";
                return Err(Fault::Usage(format!("{}: {why}", place.shown())));
            }
            add(place);
        }
        if named.is_empty() {
            let list = go.proxies()?;
            for (url, _) in list.entries().filter(|(url, _)| url.starts_with("http")) {
                add(BenchPlace::new(url, PlaceOrigin::Listed)?);
            }
            for known in PUBLIC_PROXIES {
                add(BenchPlace::new(known.url, PlaceOrigin::Public)?);
            }
        }
        if places.len() > MAX_PROXIES {
            return Err(Fault::Usage(format!("{} proxies: at most {MAX_PROXIES} are measured at once", places.len())));
        }
        Ok(BenchPlan { places, samples: sampled(samples, private)?, time })
    }
}

/// The samples, none of which is private: their names go to everybody who is measured.
fn sampled(named: &[String], private: &Patterns) -> Result<Vec<ModuleVersion>, Fault> {
    let usage = |error: crate::sumdb::Error| Fault::Usage(error.to_string());
    if named.len() > MAX_SAMPLES {
        return Err(Fault::Usage(format!("{} samples: at most {MAX_SAMPLES} are taken", named.len())));
    }
    let samples: Vec<ModuleVersion> = if named.is_empty() {
        let known = SAMPLES.iter().map(|(module, version)| ModuleVersion::new(module, version));
        known.collect::<Result<_, _>>().map_err(usage)?
    } else {
        named.iter().map(|text| ModuleVersion::parse_at(text)).collect::<Result<_, _>>().map_err(usage)?
    };
    match samples.iter().find_map(|module| Some((module, private.exemption(module.path())?))) {
        // Patterns that name even the well-known ones are a finding of their own.
        Some((module, pattern)) if !named.is_empty() => Err(Fault::Usage(format!(
            "{module} is private here, by the pattern {pattern}: its name is not sent to public proxies; name another with --sample"
        ))),
        _ => Ok(samples),
    }
}
