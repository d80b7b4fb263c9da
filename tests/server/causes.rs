//! On every route the cause of a failure alone decides the status: 503 if it is on this server or there is no upstream, 504 if
//! an upstream is too slow, 502 if one fails. Everything but the upstreams and the disk is real.

use std::io::ErrorKind;

use crate::causes_world::{Data, Log, Mirror, Place, ROUTES, World};
use crate::client::get;
use crate::kit::{Corpus, Spec};

/// The rows: the failure, whose it is, and the status of each route.
fn rows() -> Vec<(&'static str, Log, Mirror, Data, [u16; 10])> {
    use Place::{Dead, Empty, None, Silent};
    let other = |place| (Log::Other(place), Mirror::Other(place));
    let sound = |name, (log, mirror), statuses| (name, log, mirror, Data::Sound, statuses);
    let honest = |name, data, statuses| (name, Log::Honest, Mirror::Honest, data, statuses);
    vec![
        honest("nothing", Data::Sound, [200, 200, 200, 200, 503, 200, 200, 200, 404, 404]),
        honest("nothing, with the full log", Data::FullLog, [200, 200, 200, 200, 200, 200, 200, 200, 404, 404]),
        sound("dead upstreams", other(Dead), [502, 502, 502, 502, 503, 502, 502, 502, 404, 404]),
        sound("upstreams that are too slow", other(Silent), [504, 504, 504, 504, 503, 504, 504, 504, 404, 404]),
        sound(
            "answers that are too long",
            (Log::Endless, Mirror::Oversized),
            [502, 502, 502, 502, 503, 502, 502, 502, 404, 404],
        ),
        sound("no upstream", other(None), [503, 503, 503, 503, 503, 503, 503, 503, 404, 404]),
        sound("folders without anything", other(Empty), [503, 503, 503, 503, 503, 404, 503, 503, 404, 404]),
        sound(
            "a mirror that is dead",
            (Log::Honest, Mirror::Other(Dead)),
            [200, 200, 200, 200, 503, 502, 502, 502, 404, 404],
        ),
        sound(
            "a mirror that is too slow",
            (Log::Honest, Mirror::Other(Silent)),
            [200, 200, 200, 200, 503, 504, 504, 504, 404, 404],
        ),
        sound(
            "a mirror that sends too much",
            (Log::Honest, Mirror::Oversized),
            [200, 200, 200, 200, 503, 502, 502, 502, 404, 404],
        ),
        sound(
            "a mirror that says that it timed out",
            (Log::Honest, Mirror::Wordy),
            [200, 200, 200, 200, 503, 502, 502, 502, 404, 404],
        ),
        sound("off", (Log::Honest, Mirror::Off), [200, 200, 200, 200, 503, 503, 503, 503, 404, 404]),
        sound("no mirror", (Log::Honest, Mirror::Other(None)), [200, 200, 200, 200, 503, 503, 503, 503, 404, 404]),
        honest(
            "a full disk while a mirror sends",
            Data::Refuses(ErrorKind::StorageFull),
            [200, 200, 200, 200, 503, 200, 503, 503, 404, 404],
        ),
        honest(
            "a folder of a network that times out while a mirror sends",
            Data::Refuses(ErrorKind::TimedOut),
            [200, 200, 200, 200, 503, 200, 503, 503, 404, 404],
        ),
        honest("a head that cannot be read", Data::UnreadableHead, [503, 503, 503, 503, 503, 200, 503, 503, 404, 404]),
        honest("a head that is damaged", Data::DamagedHead, [503, 503, 503, 503, 503, 200, 503, 503, 404, 404]),
        honest(
            "a full log that cannot be read",
            Data::UnreadableLog,
            [503, 503, 503, 503, 503, 200, 200, 200, 404, 404],
        ),
    ]
}

#[test]
fn every_cause_has_its_status_on_every_route() {
    let corpus = Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)]);
    let mut wrong = Vec::new();
    for (name, log, mirror, data, statuses) in rows() {
        let world = World::new(&corpus, log, mirror, data);
        for (route, (paths, status)) in ROUTES.into_iter().zip(world.paths().into_iter().zip(statuses)) {
            for path in paths {
                let reply = get(world.running.at, &path);
                if reply.status != status {
                    wrong.push(format!(
                        "{name}: {route} {path}: {} and not {status}: {}",
                        reply.status,
                        String::from_utf8_lossy(&reply.body)
                    ));
                }
                world.check(&path, &reply, data);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
