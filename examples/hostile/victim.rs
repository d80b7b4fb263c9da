//! The other client: what it waits for while somebody attacks.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::wire::{connect, exchange, get};

/// Stands for the time of a request that failed.
const FAILED: Duration = Duration::from_secs(600);

/// How long one kind of request took; one that failed counts as one that took very long.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) took: Vec<Duration>,
    pub(crate) failed: usize,
}

impl Waits {
    async fn ask(&mut self, to: SocketAddr, from: IpAddr, path: &str) {
        let began = Instant::now();
        let answer = get(to, from, path).await;
        let failed = !matches!(answer, Ok(200));
        self.failed += usize::from(failed);
        self.took.push(if failed { FAILED } else { began.elapsed() });
    }

    /// The wait that this share of the requests did not exceed; nothing where there were none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort();
        let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(rank).copied().unwrap_or_default()
    }
}

/// What the client asks for.
pub(crate) struct Wishes<'a> {
    /// a file that the server has
    pub(crate) warm: &'a str,
    /// the module path of modules that it does not have, before their number
    pub(crate) new: &'a str,
    /// the number of the first of those
    pub(crate) first: usize,
}

/// Asks for a warm file every `every`, and for a new module every tenth time, until `time` is over.
pub(crate) async fn probe(
    to: SocketAddr,
    from: IpAddr,
    wishes: &Wishes<'_>,
    every: Duration,
    time: Duration,
) -> (Waits, Waits) {
    let end = Instant::now() + time;
    let warm = async {
        let (mut waits, mut next) = (Waits::default(), Instant::now());
        while next < end {
            sleep_until(next).await;
            waits.ask(to, from, wishes.warm).await;
            next = Instant::now().max(next + every);
        }
        waits
    };
    let new = async {
        let (mut waits, mut next, mut number) = (Waits::default(), Instant::now(), wishes.first);
        while next < end {
            sleep_until(next).await;
            for extension in ["mod", "zip"] {
                waits.ask(to, from, &format!("{}{number}/@v/v1.0.0.{extension}", wishes.new)).await;
            }
            number += 1;
            next = Instant::now().max(next + every * 10);
        }
        waits
    };
    tokio::join!(warm, new)
}

/// Asks for a file that the server has every `every`, over a new connection each time, until `time` is over.
pub(crate) async fn wait(to: SocketAddr, from: IpAddr, path: &str, every: Duration, time: Duration) -> Waits {
    let (mut waits, mut next, end) = (Waits::default(), Instant::now(), Instant::now() + time);
    while next < end {
        sleep_until(next).await;
        waits.ask(to, from, path).await;
        next = Instant::now().max(next + every);
    }
    waits
}

/// What came of requests that are sent as fast as they are answered.
#[derive(Default)]
pub(crate) struct Flooded {
    /// with 200
    pub(crate) accepted: usize,
    /// with 429
    pub(crate) refused: usize,
    /// with anything else, or with nothing
    pub(crate) others: usize,
}

/// Asks for `path` over `connections` connections that stay open, for `time`, with this `Authorization`.
pub(crate) async fn flood(
    to: SocketAddr,
    from: IpAddr,
    path: &str,
    (connections, time): (usize, Duration),
    authorization: Option<&str>,
) -> Flooded {
    let end = Instant::now() + time;
    let authorization = authorization.map_or_else(String::new, |text| format!("Authorization: {text}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n").into_bytes();
    let one = || async {
        let (mut flooded, mut buffer) = (Flooded::default(), Vec::new());
        while Instant::now() < end {
            let Ok(mut stream) = connect(to, from).await else {
                flooded.others += 1;
                continue;
            };
            while Instant::now() < end {
                match exchange(&mut stream, &request, &mut buffer).await {
                    Ok(200) => flooded.accepted += 1,
                    Ok(429) => flooded.refused += 1,
                    Ok(_) => flooded.others += 1,
                    Err(_) => {
                        flooded.others += 1;
                        break;
                    }
                }
            }
        }
        flooded
    };
    let each = futures_util::future::join_all((0..connections).map(|_| one())).await;
    each.into_iter().fold(Flooded::default(), |sum, one| Flooded {
        accepted: sum.accepted + one.accepted,
        refused: sum.refused + one.refused,
        others: sum.others + one.others,
    })
}
