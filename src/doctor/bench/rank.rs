//! The order of proxies, from what was measured of them. One that sent wrong bytes is last, and one that is dead before that; neither
//! is ever to be recommended. Among those whose bytes were proven, one that is behind or does not relay the checksum database comes
//! after one with nothing against it; between equals the faster is first. A pure function.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::measured::{Measured, Relayed};
use crate::files::CertificatePeriod;
use crate::sumdb::module::{ModulePath, ModuleVersion, Version};

/// A relay may be so many records behind: sum.golang.org adds some ten thousand a day, and every relay keeps a head for a while.
const BEHIND: u64 = 10_000;
/// What a request for a module is taken to carry, in bytes: time is compared by how long that takes.
const USUAL_BYTES: u64 = 1_000_000;

/// The newest there is, by the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    /// records in the largest tree whose head anybody showed
    pub tree: Option<u64>,
    /// the newest version of each sampled module that a proxy named and the log has
    pub versions: BTreeMap<ModulePath, Version>,
}

/// What a proxy is good for, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyStanding {
    /// its bytes are proven, and nothing is against it
    Sound,
    /// its bytes are proven, and there are concerns
    Usable,
    /// it answers, but none of its zips could be proven
    Unproven,
    /// it does not answer
    Dead,
    /// it sent what the log has otherwise
    Dishonest,
}

/// What is against a proxy, the least first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// its certificate ends in so many days
    CertificateEnds(u64),
    /// it lacks so many sampled files, or did not send them in time
    Lacks(usize),
    /// it does not relay the checksum database
    NoRelay,
    /// its head of the database is so many records behind
    HeadBehind(u64),
    /// what it calls the newest version is not: its own, and the newest
    Stale(ModuleVersion, Version),
    /// it did not say whether it relays the database, or shows no head: go fails there
    RelayFails,
    /// it is asked without TLS, over a network
    WithoutTls,
}

/// A proxy in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// what was measured
    pub measured: Measured,
    /// what it is good for
    pub standing: ProxyStanding,
    /// what is against it, the worst first
    pub concerns: Vec<Concern>,
}

impl ProxyStanding {
    /// Whether a proxy that stands so may be recommended.
    pub fn may_be_recommended(self) -> bool {
        matches!(self, ProxyStanding::Sound | ProxyStanding::Usable)
    }
}

impl Concern {
    /// How bad it is.
    fn weight(&self) -> u8 {
        match self {
            Concern::CertificateEnds(_) => 1,
            Concern::Lacks(_) => 2,
            Concern::NoRelay => 3,
            Concern::HeadBehind(_) => 4,
            Concern::Stale(..) => 5,
            Concern::RelayFails => 6,
            Concern::WithoutTls => 7,
        }
    }
}

/// The order of these proxies at the time `now`, the best first.
pub fn rank(measured: Vec<Measured>, newest: &Newest, now: SystemTime) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = measured.into_iter().map(|one| judged(one, newest, now)).collect();
    ranked.sort_by_cached_key(|one| {
        let worst = one.concerns.first().map_or(0, Concern::weight);
        (one.standing, worst, one.concerns.len(), one.measured.usual_time(), one.measured.place.url.clone())
    });
    ranked
}

fn judged(measured: Measured, newest: &Newest, now: SystemTime) -> Ranked {
    let mut concerns = if measured.failed.is_some() { Vec::new() } else { concerns(&measured, newest, now) };
    concerns.sort_by_key(|concern| Reverse(concern.weight()));
    let standing = if !measured.sampled.wrong.is_empty() {
        ProxyStanding::Dishonest
    } else if measured.failed.is_some() {
        ProxyStanding::Dead
    } else if measured.sampled.zips == 0 {
        ProxyStanding::Unproven
    } else if concerns.is_empty() {
        ProxyStanding::Sound
    } else {
        ProxyStanding::Usable
    };
    Ranked { measured, standing, concerns }
}

fn concerns(measured: &Measured, newest: &Newest, now: SystemTime) -> Vec<Concern> {
    let mut concerns = Vec::new();
    if let Some(ends) = measured.certificate_ends() {
        let left = ends.duration_since(now).unwrap_or_default();
        if left < CertificatePeriod::ENDS_SOON {
            concerns.push(Concern::CertificateEnds(CertificatePeriod::days(left)));
        }
    }
    let lacking = measured.sampled.missing.len() + measured.sampled.unjudged.len();
    if lacking > 0 {
        concerns.push(Concern::Lacks(lacking));
    }
    match (&measured.relayed, measured.head) {
        (Relayed::No, _) => concerns.push(Concern::NoRelay),
        (Relayed::Unknown, _) | (Relayed::Yes(_), None) => concerns.push(Concern::RelayFails),
        (Relayed::Yes(_), Some(head)) => {
            let behind = newest.tree.unwrap_or(head).saturating_sub(head);
            if behind > BEHIND {
                concerns.push(Concern::HeadBehind(behind));
            }
        }
    }
    let stale = measured.latest.iter().find_map(|latest| {
        let newest = newest.versions.get(latest.path()).filter(|newest| *newest > latest.version())?;
        Some(Concern::Stale(latest.clone(), newest.clone()))
    });
    concerns.extend(stale);
    if measured.place.is_open_to_all_on_the_way() {
        concerns.push(Concern::WithoutTls);
    }
    concerns
}

impl Measured {
    /// How long a usual module takes; the longest time where that is not known.
    fn usual_time(&self) -> Duration {
        let (Some(first), Some(speed)) = (self.first_byte, self.speed.filter(|speed| *speed > 0)) else {
            return Duration::MAX;
        };
        first + Duration::from_micros((USUAL_BYTES * 1_000_000) / speed)
    }

    /// When its certificate ends.
    pub fn certificate_ends(&self) -> Option<SystemTime> {
        self.phases.as_ref()?.tls.as_ref()?.not_after
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::doctor::bench::{BenchPlace, PlaceOrigin, Sampled, Wrong};
    use crate::upstream::{Phases, TlsPhase};

    const TREE: u64 = 70_000_000;
    const DAY: u64 = 24 * 60 * 60;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
    }

    fn version(text: &str) -> ModuleVersion {
        ModuleVersion::parse_at(text).unwrap()
    }

    fn newest() -> Newest {
        let latest = version("golang.org/x/text@v0.30.0");
        let versions = BTreeMap::from([(latest.path().clone(), latest.version().clone())]);
        Newest { tree: Some(TREE), versions }
    }

    /// One that has nothing against it.
    fn sound(name: &str, first_ms: u64, speed: u64) -> Measured {
        let place = BenchPlace::new(&format!("https://{name}.example"), PlaceOrigin::Named).unwrap();
        let tls = TlsPhase {
            handshake: Duration::from_millis(9),
            is_http2: true,
            not_after: Some(now() + Duration::from_secs(60 * DAY)),
        };
        let phases = Phases { dns: Duration::ZERO, connect: Duration::from_millis(3), tls: Some(tls) };
        Measured {
            phases: Some(phases),
            first_byte: Some(Duration::from_millis(first_ms)),
            speed: Some(speed),
            relayed: Relayed::Yes(None),
            head: Some(TREE),
            latest: vec![version("golang.org/x/text@v0.30.0")],
            sampled: Sampled { proven: 2, zips: 1, ..Sampled::default() },
            ..Measured::unknown(place)
        }
    }

    /// How one is spoilt, and how it stands then.
    type Spoilt = (ProxyStanding, fn(&mut Measured));

    /// Every way in which one can be worse than sound, the least first, and how it stands then.
    fn flaws() -> Vec<Spoilt> {
        vec![
            (ProxyStanding::Sound, |_| {}),
            (ProxyStanding::Usable, |one| {
                one.phases.as_mut().unwrap().tls.as_mut().unwrap().not_after =
                    Some(now() + Duration::from_secs(3 * DAY));
            }),
            (ProxyStanding::Usable, |one| one.sampled.missing.push("m".to_owned())),
            (ProxyStanding::Usable, |one| one.relayed = Relayed::No),
            (ProxyStanding::Usable, |one| one.head = Some(TREE - BEHIND - 1)),
            (ProxyStanding::Usable, |one| one.latest = vec![version("golang.org/x/text@v0.29.0")]),
            (ProxyStanding::Usable, |one| one.relayed = Relayed::Unknown),
            (ProxyStanding::Usable, |one| one.place = BenchPlace::new("http://a.example", PlaceOrigin::Named).unwrap()),
            (ProxyStanding::Unproven, |one| (one.sampled.zips, one.sampled.proven) = (0, 1)),
            (ProxyStanding::Dead, |one| one.failed = Some("refused".to_owned())),
            (ProxyStanding::Dishonest, |one| {
                one.sampled.wrong.push(Wrong { what: "m".to_owned(), why: "other".to_owned() });
            }),
        ]
    }

    #[test]
    fn each_flaw_ranks_after_each_lesser_one_however_fast_it_is() {
        let flaws = flaws();
        for (better, (_, spoil)) in flaws.iter().enumerate() {
            for (standing, worse) in flaws.iter().skip(better + 1) {
                let (mut slow, mut fast) = (sound("slow", 5_000, 1_000), sound("fast", 1, 1_000_000_000));
                spoil(&mut slow);
                worse(&mut fast);
                for order in [vec![slow.clone(), fast.clone()], vec![fast.clone(), slow.clone()]] {
                    let ranked = rank(order, &newest(), now());
                    assert_eq!(ranked[0].measured, slow, "{standing:?}");
                    assert_eq!(ranked[1].standing, *standing);
                }
            }
        }
    }

    #[test]
    fn two_flaws_stand_by_the_worse_and_wrong_bytes_by_themselves() {
        let flaws = flaws();
        for (first, (one, spoil)) in flaws.iter().enumerate() {
            for (other, more) in flaws.iter().skip(first) {
                let mut both = sound("both", 1, 1_000_000);
                spoil(&mut both);
                more(&mut both);
                let ranked = rank(vec![both], &newest(), now());
                assert_eq!(ranked[0].standing, *one.max(other));
                let allowed = matches!(ranked[0].standing, ProxyStanding::Sound | ProxyStanding::Usable);
                assert_eq!(ranked[0].standing.may_be_recommended(), allowed);
            }
        }
    }

    #[test]
    fn equals_are_ranked_by_the_time_of_a_usual_module() {
        // 1 MB: 20 ms + 100 ms, 100 ms + 10 ms, 5 ms + 1 s.
        let all = vec![sound("even", 20, 10_000_000), sound("wide", 100, 100_000_000), sound("near", 5, 1_000_000)];
        let order =
            |ranked: Vec<Ranked>| -> Vec<String> { ranked.into_iter().map(|one| one.measured.place.url).collect() };
        let expected = ["https://wide.example", "https://even.example", "https://near.example"];
        assert_eq!(order(rank(all.clone(), &newest(), now())), expected);
        assert_eq!(order(rank(all.into_iter().rev().collect(), &newest(), now())), expected);
    }

    #[test]
    fn the_bounds_are_exact() {
        let concerns = |change: fn(&mut Measured)| {
            let mut one = sound("a", 1, 1);
            change(&mut one);
            rank(vec![one], &newest(), now()).remove(0).concerns
        };
        let ends = |one: &mut Measured, left: u64| {
            one.phases.as_mut().unwrap().tls.as_mut().unwrap().not_after = Some(now() + Duration::from_secs(left));
        };
        assert_eq!(concerns(|one| one.head = Some(TREE - BEHIND)), []);
        assert_eq!(concerns(|one| one.head = Some(TREE - BEHIND - 1)), [Concern::HeadBehind(BEHIND + 1)]);
        assert_eq!(concerns(|one| one.head = Some(TREE + 1)), []);
        let (mut enough, mut short, mut over) = (sound("a", 1, 1), sound("a", 1, 1), sound("a", 1, 1));
        ends(&mut enough, 14 * DAY);
        ends(&mut short, 14 * DAY - 1);
        over.phases.as_mut().unwrap().tls.as_mut().unwrap().not_after = Some(now() - Duration::from_secs(1));
        let of = |one: Measured| rank(vec![one], &newest(), now()).remove(0).concerns;
        assert_eq!(of(enough), []);
        assert_eq!(of(short), [Concern::CertificateEnds(13)]);
        assert_eq!(of(over), [Concern::CertificateEnds(0)]);
        // A version that the log does not have makes nobody stale, and one that is newer than all is not stale.
        assert_eq!(concerns(|one| one.latest = vec![version("golang.org/x/text@v0.31.0")]), []);
        assert_eq!(concerns(|one| one.latest = vec![version("golang.org/x/net@v0.1.0")]), []);
    }
}
