//! An upstream's "no" by policy is passed on with its words, on every endpoint, and in place of an older answer.

use std::time::Duration;

use crate::kit::{Corpus, Fault, Spec};
use crate::world::{World, outage, refusal};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";

fn corpus() -> Corpus {
    Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)])
}

fn world(mirrors: usize) -> World {
    World::new(corpus(), mirrors)
}

/// On every endpoint, after both separators, and beside an absence; an outage of another upstream is an outage.
#[test]
fn a_no_by_policy_is_a_refusal_with_its_words() {
    let hints = ["list", "v1.0.0.info", "master.info"].map(|name| format!("example.com/a/@v/{name}"));
    for path in hints.into_iter().chain([ZIP, GO_MOD, "example.com/a/@latest"].map(str::to_owned)) {
        for (other, separator) in [(403, ','), (403, '|'), (404, '|'), (500, '|')] {
            let mut world = world(2);
            world.settings.tries = 1;
            world.separator = separator;
            world.mirrors[0].fault("example.com/a/*", Fault::Status(451, "not for you".to_owned()));
            world.mirrors[1].fault("example.com/a/*", Fault::Status(other, "another".to_owned()));
            let told = world.ask(&world.proxy(), &path);
            if other == 500 {
                assert!(outage(told).contains("not for you"), "{path}");
                continue;
            }
            let told = refusal(told).join(" ");
            assert!(told.contains("451") && told.contains("not for you"), "{path}: {told}");
            assert_eq!(world.mirrors[1].count("*") > 0, separator == '|', "{path}");
        }
    }
}

/// What one said before it refused is not given in its place.
#[test]
fn a_refusal_ends_an_older_answer() {
    let mut world = world(1);
    world.options.freshness = Duration::ZERO;
    let proxy = world.proxy();
    world.ask(&proxy, "example.com/a/@v/list").unwrap();
    world.mirrors[0].fault("*", Fault::Status(403, "not any more".to_owned()));
    assert!(refusal(world.ask(&proxy, "example.com/a/@v/list")).join(" ").contains("not any more"));
    world.mirrors[0].heal();
}
