//! How proxies are ranked: each that is wrong in one way in its place, and the dishonest one never recommended.

use crate::kit::{Fault, Tamper};
use crate::world::{World, order, row};

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(url, standing)| ((*url).to_owned(), (*standing).to_owned())).collect()
}

#[test]
fn six_that_are_wrong_in_one_way_each_and_one_that_is_not() {
    let world = World::new();
    let (sound, without, stale, wrong) = (world.sound(), world.without_relay(), world.stale(), world.wrong());
    let ((_far, slow), (_front, expiring), (_dead, dead)) = (world.slow(), world.certified(3), world.dead());
    let all = [&*dead, &*wrong.url(), &*stale.url(), &*without.url(), &*expiring, &*slow, &*sound.url()];
    let expected = [
        (&*sound.url(), "sound"),
        (&*slow, "sound"),
        (&*expiring, "usable"),
        (&*without.url(), "usable"),
        (&*stale.url(), "usable"),
        (&*dead, "dead"),
        (&*wrong.url(), "dishonest"),
    ]
    .map(|(url, standing)| (url.to_owned(), standing.to_owned()));
    let report = world.ranked(&all);
    assert_eq!(order(&report), expected, "{report:#}");
    assert_eq!(report["recommended"], sound.url());
    assert_eq!(report["fix"][0], format!("go env -w GOPROXY={}", sound.url()));
    // What is said of each.
    let said = |url: &str| row(&report, url)["remarks"].to_string();
    assert!(
        said(&wrong.url()).contains("WRONG BYTES: example.com/sample@v1.0.0 (zip): it hashes to h1:"),
        "{report:#}"
    );
    assert!(said(&stale.url()).contains("its newest is example.com/sample@v1.0.0, the log has v1.1.0"), "{report:#}");
    assert!(said(&stale.url()).contains("19,902 records behind"), "{report:#}");
    assert!(said(&without.url()).contains("does not relay the checksum database"), "{report:#}");
    assert!(said(&expiring).contains("its certificate ends in 3 days"), "{report:#}");
    assert!(said(&dead).contains("not reached: cannot connect: Connection refused"), "{report:#}");
    assert_eq!((said(&sound.url()), said(&slow)), ("[]".to_owned(), "[]".to_owned()));
    // What was measured of each.
    for url in [&sound.url(), &slow, &expiring] {
        let row = row(&report, url);
        assert_eq!(
            (&row["relays"], &row["tree"], &row["proven"]),
            (&true.into(), &20_002.into(), &2.into()),
            "{row:#}"
        );
        assert!(row["first_byte_ms"].is_f64() && row["dns_ms"].is_f64() && row["connect_ms"].is_f64(), "{row:#}");
        assert!(row["bytes_per_second"].as_u64() > Some(0), "{row:#}");
        assert_eq!(row["latest"][0], "example.com/sample@v1.1.0");
    }
    assert!(row(&report, &slow)["first_byte_ms"].as_f64() >= Some(300.0), "{report:#}");
    let tls = row(&report, &expiring);
    assert!(tls["tls_ms"].is_f64() && tls["certificate_days"] == 3 && tls["http2"] == false, "{tls:#}");
    assert!(row(&report, &dead)["first_byte_ms"].is_null() && row(&report, &dead)["relays"].is_null());
    // For people the same, and the dishonest and the dead one are findings.
    let told = world.bench(&all, &[]);
    told.says(1, &["DISHONEST", &format!("{} is the best of them", sound.url()), "  go env -w GOPROXY="]);
    let is_row = |line: &&str| line.trim_start().starts_with(|first: char| first.is_ascii_digit());
    let lines: Vec<&str> = told.out.lines().filter(is_row).collect();
    assert!(lines.len() == 7 && lines[6].contains(&wrong.url()) && lines[0].contains(&sound.url()), "{}", told.out);
}

#[test]
fn without_the_sound_one_the_least_flawed_is_recommended() {
    let world = World::new();
    let (without, stale, wrong) = (world.without_relay(), world.stale(), world.wrong());
    let ((_far, slow), (_front, expiring), (_dead, dead)) = (world.slow(), world.certified(3), world.dead());
    let mut left = vec![&*dead, &*expiring];
    let urls = [wrong.url(), stale.url(), without.url()];
    left.extend(urls.iter().map(String::as_str));
    left.push(&slow);
    let best_first = [&slow, &expiring, &urls[2], &urls[1]];
    for best in best_first {
        assert_eq!(world.ranked(&left)["recommended"], **best);
        left.retain(|url| url != best);
    }
    // Nobody is left but the dead and the dishonest one.
    assert_eq!(left.len(), 2);
    let report = world.ranked(&left);
    assert_eq!(order(&report), pairs(&[(&dead, "dead"), (&urls[0], "dishonest")]));
    assert!(report["recommended"].is_null() && report["fix"] == serde_json::json!([]), "{report:#}");
    world.bench(&left, &["--fix"]).says(1, &["# no proxy was shown to send what the log has: none is recommended"]);
}

#[test]
fn every_kind_of_wrong_bytes_is_dishonest() {
    let world = World::new();
    let other_log = crate::kit::Corpus::of(&[]).log_among(20_002);
    type Spoil = fn(&World, &crate::kit::FakeMirror);
    let spoilt: [(&str, Spoil); 6] = [
        ("a bit of the zip", |_, mirror| mirror.fault("*.zip", Fault::Zip(Tamper::FlipBit))),
        ("a file more", |_, mirror| mirror.fault("*.zip", Fault::Zip(Tamper::AddFile))),
        ("another version's zip", |_, mirror| {
            mirror.fault("*v1.0.0.zip", Fault::Swap("example.com/sample/@v/v1.1.0.zip".to_owned()));
        }),
        ("the page of a portal", |_, mirror| mirror.fault("*.zip", Fault::Html)),
        ("another go.mod", |_, mirror| mirror.fault("*.mod", Fault::WrongGoMod)),
        ("nothing at all", |_, mirror| mirror.fault("*.zip", Fault::Empty)),
    ];
    for (what, spoil) in spoilt {
        let mirror = world.sound();
        spoil(&world, &mirror);
        let report = world.ranked(&[&mirror.url()]);
        assert_eq!(order(&report), pairs(&[(&mirror.url(), "dishonest")]), "{what}: {report:#}");
        assert!(report["recommended"].is_null(), "{what}");
    }
    // A head that another key signed.
    let corpus = world.sound().corpus().clone();
    corpus.publish(&format!("sumdb/{}/latest", world.log.name()), other_log.head(20_002).replace("20002", "20001"));
    let mirror = crate::kit::FakeMirror::serve(&corpus);
    let report = world.ranked(&[&mirror.url()]);
    assert_eq!(order(&report), pairs(&[(&mirror.url(), "dishonest")]), "{report:#}");
}

#[test]
fn what_cannot_be_judged_is_not_recommended() {
    let world = World::new();
    let (lacking, failing, cut) = (world.sound(), world.sound(), world.sound());
    lacking.corpus().remove("example.com/sample/@v/v1.0.0.zip");
    failing.fault("*", Fault::Status(500, "broken".to_owned()));
    cut.fault("*.zip", Fault::Truncated);
    let (_expired, expired) = world.certified(-3);
    let report = world.ranked(&[&lacking.url(), &failing.url(), &cut.url(), &expired]);
    for url in [&lacking.url(), &failing.url(), &cut.url()] {
        assert_eq!(row(&report, url)["standing"], "unproven", "{report:#}");
    }
    let expired = row(&report, &expired);
    assert!(expired["standing"] == "dead" && expired["remarks"].to_string().contains("expired"), "{expired:#}");
    assert!(report["recommended"].is_null(), "{report:#}");
    world.bench(&[&lacking.url()], &[]).says(2, &["lacks example.com/sample@v1.0.0 (zip)", "none is recommended"]);
    // Nor is any where the log does not have the sample.
    let sound = world.sound();
    let data = world.data().display().to_string();
    let unknown =
        ["doctor", "--bench", "--proxy", &sound.url(), "--sample", "example.com/sample@v1.9.9", "--data", &data];
    world.machine.run(&unknown).says(2, &["none is recommended", "example.com/sample@v1.9.9"]);
}

#[test]
fn a_version_that_nobody_made_makes_nobody_stale() {
    let world = World::new();
    let (sound, boasting) = (world.sound(), world.sound());
    boasting.fault("*@latest", Fault::MovedTag("v1.9.9".to_owned()));
    let report = world.ranked(&[&sound.url(), &boasting.url()]);
    assert_eq!(row(&report, &boasting.url())["latest"][0], "example.com/sample@v1.9.9", "{report:#}");
    assert_eq!(row(&report, &sound.url())["standing"], "sound", "{report:#}");
}

#[test]
fn what_a_proxy_says_does_not_act_on_a_terminal() {
    let world = World::new();
    let (failing, moved) = (world.sound(), world.sound());
    let hostile = "\u{1b}[31mred\u{7} \u{202e}evil\u{9b}2J\u{200b}";
    failing.fault("*", Fault::Status(500, hostile.to_owned()));
    moved.fault("*.zip", Fault::Redirect(format!("http://127.0.0.1:1/{hostile}")));
    for options in [&[][..], &["--format", "json"], &["--fix"]] {
        let ran = world.bench(&[&failing.url(), &moved.url()], options);
        let is_shown = |c: char| matches!(c, ' '..='~' | '\n');
        assert!(ran.out.chars().chain(ran.err.chars()).all(is_shown), "{:?} {:?}", ran.out, ran.err);
        assert!(ran.out.lines().all(|line| line.len() < 1_000), "{}", ran.out);
    }
}

#[test]
fn one_that_hangs_takes_its_share_of_the_time_and_no_more() {
    let world = World::new();
    let (sound, hanging) = (world.sound(), world.sound());
    hanging.fault("*.zip", Fault::Hang(Some(10)));
    let ran = world.bench(&[&hanging.url(), &sound.url()], &["--format", "json", "--timeout", "8s"]);
    let report = ran.json();
    assert_eq!(row(&report, &hanging.url())["standing"], "unproven", "{report:#}");
    assert_eq!(report["recommended"], sound.url(), "{report:#}");
}
