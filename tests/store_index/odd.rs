//! What an auditor would ask about is found, whether the index is made in bulk or grows.

use gosumcheck::store::index::{Anomaly, AnomalyKind};

use crate::fake::{FakeSumdb, Given};
use crate::world::{WIDTHS, World, given, small, sorted};

/// 600 records, some of which are odd.
fn odd_log() -> World {
    let base = FakeSumdb::synthetic(600, 21);
    let mut records: Vec<Given> = (0..600)
        .map(|id| {
            let (module, version) = base.module(id);
            Given::raw(&module, &version, &base.record_text(id))
        })
        .collect();
    let odd = [
        (10, given("github.com/Foo/bar", "v1.0.0", 1)),
        (11, given("github.com/Foo/bar", "v1.1.0", 2)),
        (12, given("github.com/foo/bar", "v1.0.0", 3)),
        (400, given("github.com/foo/bar", "v1.2.0", 4)),
        (401, given("github.com/foo/BAR", "v1.2.0", 5)),
        (402, given("github.com/Foo/bar", "v1.3.0", 6)),
        (20, given("example.com/twice", "v1.0.0", 7)),
        (21, given("example.com/twice", "v1.0.0", 7)),
        (450, given("example.com/twice", "v1.0.0", 8)),
        (30, Given::raw("example.com/one", "v1.0.0", "example.com/one v1.0.0 h1:xyz\n")),
        (460, Given::raw("example.com/nonsense", "v1.0.0", "nonsense\n")),
    ];
    for (id, record) in odd {
        records[id] = record;
    }
    World::of(&records)
}

fn brief(anomalies: &[Anomaly]) -> Vec<(AnomalyKind, u64, Option<String>)> {
    let brief = |oddity: &Anomaly| match oddity {
        Anomaly::Duplicate { second, module, same, .. } => {
            (AnomalyKind::Duplicate, *second, Some(format!("{module} {same}")))
        }
        Anomaly::Malformed { id, .. } => (AnomalyKind::Malformed, *id, None),
        Anomaly::CaseCollision { second, paths, .. } => (AnomalyKind::CaseCollision, *second, Some(paths[1].clone())),
        Anomaly::More { kind } => (*kind, u64::MAX, None),
    };
    anomalies.iter().map(brief).collect()
}

fn expected() -> Vec<(AnomalyKind, u64, Option<String>)> {
    vec![
        (AnomalyKind::Duplicate, 21, Some("example.com/twice@v1.0.0 true".to_owned())),
        (AnomalyKind::Duplicate, 450, Some("example.com/twice@v1.0.0 false".to_owned())),
        (AnomalyKind::Malformed, 30, None),
        (AnomalyKind::Malformed, 460, None),
        (AnomalyKind::CaseCollision, 12, Some("github.com/foo/bar".to_owned())),
        (AnomalyKind::CaseCollision, 401, Some("github.com/foo/BAR".to_owned())),
    ]
}

#[test]
fn a_bulk_build_finds_all_that_is_odd() {
    let world = odd_log();
    for width in WIDTHS {
        let grown = world.rebuild(600, small(width)).unwrap();
        assert_eq!(brief(&sorted(grown.findings.clone())), expected(), "{width:?}");
        let kept = world.open().anomalies().unwrap();
        assert_eq!(sorted(kept), sorted(grown.findings));
        world.assert_complete(&world.open(), 600);
    }
}

#[test]
fn what_is_appended_is_compared_with_all_before_and_told_once() {
    let world = odd_log();
    for width in [(36, 27), (16, 4)] {
        for steps in [vec![600], vec![11, 12, 13, 22, 401, 402, 600], (1..=600).step_by(7).chain([600]).collect()] {
            let mut told = world.rebuild(5, small(width)).unwrap().findings;
            for size in steps {
                let news = world.grow(size.max(5), small(width)).unwrap().findings;
                assert!(news.iter().all(|oddity| !told.contains(oddity)), "{news:?} after {told:?}");
                told.extend(news);
            }
            assert_eq!(brief(&sorted(told.clone())), expected(), "{width:?}");
            assert_eq!(sorted(world.open().anomalies().unwrap()), sorted(told));
        }
    }
}

#[test]
fn a_bulk_build_over_an_older_index_tells_only_what_is_new() {
    let world = odd_log();
    let bulk = gosumcheck::store::index::Tuning { append_most: 0, append_share: 1000, ..small((36, 27)) };
    assert_eq!(brief(&sorted(world.grow(300, bulk).unwrap().findings)).len(), 3);
    let news = brief(&sorted(world.grow(600, bulk).unwrap().findings));
    let expected: Vec<_> = expected().into_iter().filter(|(_, id, _)| *id >= 300).collect();
    assert_eq!(news, expected);
}

#[test]
fn a_record_that_only_claims_a_module_version_is_still_found() {
    let world = odd_log();
    world.rebuild(600, small((36, 27))).unwrap();
    let one = gosumcheck::sumdb::module::ModuleVersion::new("example.com/one", "v1.0.0").unwrap();
    assert_eq!(world.open().candidates(&one).unwrap(), [30]);
}
