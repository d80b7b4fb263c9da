//! What is kept beside log and modules: the remembered head in every way, and the modes and links of the rest, found and repaired. The
//! times of first sight decide nothing, and what was changed in the record of runs is for `journal verify`.

use std::fs;
use std::time::SystemTime;

use gosumcheck::store::head::Sighting;
use gosumcheck::store::journal::Incident;

use super::command::{Machine, Ran};
use super::damage::{ALL, Damage, Kept};
use super::world::World;

/// Has each of the files that are kept beside log and modules.
pub(super) fn fill(world: &World) {
    world.folder().journal().unwrap().add(&incident()).unwrap();
    let tree = world.log.head(world.log.db.size()).tree();
    let head = world.folder().head(world.log.db.name()).unwrap();
    head.note_sighting(&Sighting::now(tree, "a test".to_owned())).unwrap();
}

fn incident() -> Incident {
    let [module, version, file, expected, got, upstream, why] =
        ["example.com/a", "v1.0.0", "zip", "h1:a", "h1:b", "https://mirror.example", "wrong"].map(str::to_owned);
    let at = SystemTime::UNIX_EPOCH;
    Incident { at, module, version, file, expected, got, upstream, record: Some(7), tree: Some(9), report: None, why }
}

/// What is found where the file of this name is damaged, which is kept beside log and modules: kind and class, none for nothing. None at
/// all where nobody reads what is in it.
pub(super) fn expected(name: &str, damage: Damage) -> Option<&'static str> {
    let is_cosigned = name.contains("/cosigned.");
    Some(match damage {
        Damage::Mode(_) => "permissions replaced",
        Damage::Linked => "not-a-file replaced",
        _ if !is_cosigned && !name.ends_with("/latest") => return None,
        // The log has the head that it was, and nothing else knows that anything was cosigned.
        Damage::Removed => "",
        Damage::Flip(999) | Damage::Cut(_) | Damage::Grown | Damage::Zeroed | Damage::Swapped if is_cosigned => {
            "cosigned-damaged torn-write"
        }
        Damage::Flip(_) if is_cosigned => "cosigned-damaged bit-rot",
        Damage::Flip(999) | Damage::Cut(_) | Damage::Grown | Damage::Zeroed => "heads-damaged torn-write",
        Damage::Flip(_) => "heads-damaged bit-rot",
        Damage::Swapped => "heads-damaged torn-write",
    })
}

/// The kinds and classes of what was found about a file of this name.
pub(super) fn found(ran: &Ran, name: &str) -> Vec<String> {
    let json = ran.json();
    let text = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let all = json["findings"].as_array().unwrap().iter().filter(|finding| text(finding, "file").ends_with(name));
    all.map(|finding| format!("{} {}", text(finding, "flaw"), text(finding, "diagnosis"))).collect()
}

#[test]
fn every_file_that_is_kept_beside_log_and_modules() {
    let world = World::new();
    world.keep_answers();
    let mut machine = Machine::new();
    machine.set("GOSUMDB", world.log.db.vkey()).set("GOSUMCHECK_DATA", world.root().to_str().unwrap());
    let verify = |args: &[&str]| {
        machine.run(&[&["verify", "--private", "corp.example", "--no-index", "--format", "json"], args].concat())
    };
    fill(&world);
    verify(&["--record"]).says(0, &[]);
    let (elsewhere, neighbour) = (machine.at("elsewhere"), world.log.path("hashes.1"));
    let head = format!("heads/{}/latest", world.log.db.name());
    let seen = head.replace("latest", "seen.jsonl");
    let mut cases = 0;
    for name in [head.as_str(), &seen, "verify/journal.jsonl", "proxy.sqlite"] {
        let path = world.root().join(name);
        for damage in ALL {
            let Some(expected) = expected(name, damage) else { continue };
            let kept = [&path, &neighbour].map(|path| (path.clone(), Kept::of(path)));
            assert!(damage.does(&path, &neighbour, &elsewhere), "{name} {damage:?}");
            let ran = verify(&[]);
            let all = found(&ran, name);
            assert_eq!(all.iter().any(|found| found == expected), !expected.is_empty(), "{name} {damage:?}: {all:?}");
            assert_eq!(ran.code, i32::from(!expected.is_empty()), "{name} {damage:?}: {}", ran.show());
            if !expected.is_empty() {
                verify(&["--repair", "--offline"]).says(0, &[]);
                assert!(kept[0].1.is_at(&path), "{name} {damage:?}");
            }
            kept.iter().for_each(|(path, kept)| kept.put_back(path));
            let _ = fs::remove_file(&elsewhere);
            let _ = fs::remove_dir_all(world.root().join("refused"));
            cases += 1;
        }
    }
    assert!(cases > 20, "{cases}");
    verify(&[]).says(0, &[]);
}
