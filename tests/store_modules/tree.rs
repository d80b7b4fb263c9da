//! What goes in comes out; what is no proven file is not opened and is named by the walk; no name leads out of the folder.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::modules::{Found, INFO_LIMIT};
use gosumcheck::sumdb::dirhash::ReadAt as _;
use gosumcheck::sumdb::gosum::{Kind, SumHash};
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion};
use proptest::prelude::*;

use crate::world::{BYTES, KINDS, admit, arrived, hash, judge, mixed, module, modules, names};

#[test]
fn a_file_that_was_admitted_is_opened_in_the_go_layout() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(&root.path().join("data"));
    let tree = root.path().join("data/modules/example.com/!mixed/m/@v");
    for (kind, name) in [(Kind::Zip, "v1.0.0-!r!c1.zip"), (Kind::GoMod, "v1.0.0-!r!c1.mod")] {
        assert!(modules.open(&mixed(), kind).unwrap().is_none());
        assert_eq!(modules.hash(&mixed(), kind).unwrap(), None);
        admit(&modules, &mixed(), kind, BYTES);
        let open = modules.open(&mixed(), kind).unwrap().unwrap();
        assert_eq!((open.read().unwrap(), open.len(), open.hash()), (BYTES.to_vec(), BYTES.len() as u64, &hash(BYTES)));
        let mut part = [0; 7];
        open.read_exact_at(7, &mut part).unwrap();
        assert_eq!((&part, open.size()), (b"example", BYTES.len() as u64));
        assert_eq!(open.modified(), tree.join(name).metadata().unwrap().modified().unwrap());
        assert_eq!(modules.hash(&mixed(), kind).unwrap(), Some(hash(BYTES)));
        assert_eq!(fs::read(tree.join(name)).unwrap(), BYTES);
        assert_eq!(fs::read_to_string(tree.join(format!("{name}hash"))).unwrap(), hash(BYTES).to_string());
    }
    assert_eq!(names(&root.path().join("data/tmp")), [""; 0]);
}

#[test]
fn an_empty_file_is_a_file() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::GoMod, b"");
    assert_eq!(modules.open(&mixed(), Kind::GoMod).unwrap().unwrap().read().unwrap(), b"");
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn an_open_file_outlives_its_name() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    let open = modules.open(&mixed(), Kind::Zip).unwrap().unwrap();
    fs::remove_dir_all(modules.dir()).unwrap();
    assert_eq!(open.clone().read().unwrap(), BYTES);
    // And the folder is made again.
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn an_info_is_kept_and_a_long_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    assert_eq!(modules.read_info(&mixed()).unwrap(), None);
    modules.write_info(&mixed(), b"{\"Version\":\"v1.0.0-RC1\"}").unwrap();
    assert_eq!(modules.read_info(&mixed()).unwrap().unwrap(), b"{\"Version\":\"v1.0.0-RC1\"}");
    modules.write_info(&mixed(), b"{}").unwrap();
    assert_eq!(modules.read_info(&mixed()).unwrap().unwrap(), b"{}");
    assert!(matches!(modules.write_info(&mixed(), &vec![b' '; INFO_LIMIT + 1]), Err(Fault::Usage(_))));
    assert_eq!(modules.read_info(&mixed()).unwrap().unwrap(), b"{}");
}

#[test]
fn what_arrived_before_is_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let (first, rest) = BYTES.split_at(30);
    drop(arrived(&modules(root.path()), &mixed(), Kind::Zip, first));

    let modules = modules(root.path());
    assert_eq!(modules.arrival(&mixed(), Kind::GoMod).unwrap().len(), 0);
    assert_eq!(modules.arrival(&module("example.com/Mixed/m@v1.0.0"), Kind::Zip).unwrap().len(), 0);
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(arrival.resumed());
    assert_eq!((arrival.len(), arrival.read().unwrap()), (30, first.to_vec()));
    arrival.append(rest).unwrap();
    let zip = arrival.zip().unwrap();
    assert_eq!(zip.size(), BYTES.len() as u64);
    assert_eq!(modules.admit(arrival, &hash(BYTES)).unwrap().read().unwrap(), BYTES);
    let again = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(again.len() == 0 && !again.resumed());
}

#[test]
fn what_arrived_long_ago_was_thrown_away_or_came_to_nothing_is_not() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let tmp = root.path().join("tmp");
    drop(arrived(&modules, &mixed(), Kind::Zip, BYTES));
    let left = tmp.join(&names(&tmp)[0]);
    let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
    let arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    assert!(arrival.len() == 0 && !arrival.resumed());
    drop(arrival);
    assert_eq!(names(&tmp), [""; 0]);

    arrived(&modules, &mixed(), Kind::Zip, BYTES).discard();
    assert_eq!(names(&tmp), [""; 0]);

    drop(arrived(&modules, &mixed(), Kind::Zip, BYTES));
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    arrival.restart().unwrap();
    assert!(arrival.len() == 0 && !arrival.resumed());
    arrival.append(b"other").unwrap();
    assert_eq!(modules.admit(arrival, &hash(b"other")).unwrap().read().unwrap(), b"other");
}

#[test]
fn two_arrivals_of_one_file_never_share_it() {
    let root = tempfile::tempdir().unwrap();
    let one = modules(root.path());
    let two = modules(root.path());
    let mut first = one.arrival(&mixed(), Kind::Zip).unwrap();
    first.append(b"first").unwrap();
    let mut second = two.arrival(&mixed(), Kind::Zip).unwrap();
    assert_eq!(second.len(), 0);
    second.append(b"second").unwrap();
    assert_eq!((first.read().unwrap(), second.read().unwrap()), (b"first".to_vec(), b"second".to_vec()));

    // Who comes second finds it there, if it is the same, and keeps it.
    second.restart().unwrap();
    second.append(b"first").unwrap();
    let admitted = one.admit(first, &hash(b"first")).unwrap();
    let kept = two.admit(second, &hash(b"first")).unwrap();
    assert_eq!(kept.modified(), admitted.modified());
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn something_else_in_the_place_of_an_arrival_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let tmp = root.path().join("tmp");
    drop(arrived(&modules, &mixed(), Kind::Zip, b"x"));
    let place = tmp.join(&names(&tmp)[0]);
    let other = root.path().join("precious");
    fs::write(&other, "precious").unwrap();
    for plant in [
        |_: &PathBuf, at: &PathBuf| fs::create_dir(at).unwrap(),
        |to: &PathBuf, at: &PathBuf| {
            fs::remove_dir(at).unwrap();
            symlink(to, at).unwrap();
        },
    ] {
        let _ = fs::remove_file(&place);
        plant(&other, &place);
        admit(&modules, &mixed(), Kind::Zip, BYTES);
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }
}

#[test]
fn what_is_pinned_never_changes() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    for kind in KINDS {
        admit(&modules, &mixed(), kind, BYTES);
        let pin = modules.hash(&mixed(), kind).unwrap();
        for here in [true, false] {
            if !here {
                let suffix = if kind == Kind::Zip { "zip" } else { "mod" };
                let file = modules.dir().join("example.com/!mixed/m/@v").join(format!("v1.0.0-!r!c1.{suffix}"));
                fs::remove_file(file).unwrap();
            }
            let text = modules.admit(arrived(&modules, &mixed(), kind, b"moved"), &hash(b"moved")).unwrap_err();
            let text = text.to_string();
            assert!(text.contains("hash: is pinned to h1:") && text.contains("never changes"), "{text}");
            assert_eq!(modules.hash(&mixed(), kind).unwrap(), pin);
            let open = modules.open(&mixed(), kind).unwrap();
            assert_eq!(open.map(|open| open.read().unwrap()), here.then(|| BYTES.to_vec()));
        }
        // The right bytes come back to their pin.
        admit(&modules, &mixed(), kind, BYTES);
    }
}

#[test]
fn a_damaged_pin_is_no_first_use() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    let pin = modules.dir().join("example.com/!mixed/m/@v/v1.0.0-!r!c1.ziphash");
    let whole = fs::read_to_string(&pin).unwrap();
    for damaged in ["", "h1:", &whole[..20], "h1:AAAA", &"x".repeat(5000), "\0\0\0\0"] {
        fs::write(&pin, damaged).unwrap();
        assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{damaged:?}");
        let text = modules.hash(&mixed(), Kind::Zip).unwrap_err().to_string();
        assert!(text.contains("v1.0.0-!r!c1.ziphash: holds no hash"), "{text}");
    }
    // An algorithm of the future is a pin, and another one than that of any bytes.
    fs::write(&pin, "h2:abc").unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    assert!(matches!(modules.hash(&mixed(), Kind::Zip).unwrap(), Some(SumHash::Unknown { .. })));
    assert!(modules.admit(arrived(&modules, &mixed(), Kind::Zip, BYTES), &hash(BYTES)).is_err());
    // Go's own, and one that a person wrote with an editor.
    fs::write(&pin, whole.clone() + "\n").unwrap();
    assert_eq!(modules.open(&mixed(), Kind::Zip).unwrap().unwrap().hash(), &hash(BYTES));
    fs::write(&pin, "damaged").unwrap();
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    assert_eq!(fs::read_to_string(&pin).unwrap(), whole);
}

#[test]
fn what_is_no_proven_file_is_not_opened_and_gives_way() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let folder = modules.dir().join("example.com/!mixed/m/@v");
    let (file, pin) = (folder.join("v1.0.0-!r!c1.zip"), folder.join("v1.0.0-!r!c1.ziphash"));
    let outside = root.path().join("outside");
    fs::write(&outside, BYTES).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let plants: [(&str, &dyn Fn()); 4] = [
        ("file", &|| fs::write(&file, "junk").unwrap()),
        ("link", &|| symlink(&outside, &file).unwrap()),
        ("dangling", &|| symlink("nowhere", &file).unwrap()),
        ("pipe", &|| assert!(Command::new("mkfifo").arg(&file).status().unwrap().success())),
    ];
    for (what, plant) in plants {
        plant();
        assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{what}");
        admit(&modules, &mixed(), Kind::Zip, BYTES);
        assert!(file.symlink_metadata().unwrap().is_file(), "{what}");
        assert_eq!(fs::read(&outside).unwrap(), BYTES);
        fs::remove_file(&file).unwrap();
        if what != "file" {
            // With its pin there: still no file.
            plant();
            assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none(), "{what}");
            admit(&modules, &mixed(), Kind::Zip, BYTES);
            fs::remove_file(&file).unwrap();
        }
        fs::remove_file(&pin).unwrap();
    }
    // A folder in the way is a person's to clear.
    fs::create_dir_all(file.join("x")).unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    let text = modules.admit(arrived(&modules, &mixed(), Kind::Zip, BYTES), &hash(BYTES)).unwrap_err().to_string();
    assert!(text.contains("v1.0.0-!r!c1.zip: cannot write") && text.contains("move it away"), "{text}");
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    fs::remove_dir_all(&file).unwrap();
    // So is a link in the place of a hash.
    fs::remove_file(&pin).unwrap();
    fs::write(&outside, hash(BYTES).to_string()).unwrap();
    symlink(&outside, &pin).unwrap();
    fs::write(&file, BYTES).unwrap();
    assert!(modules.open(&mixed(), Kind::Zip).unwrap().is_none());
    assert!(modules.hash(&mixed(), Kind::Zip).is_err());
}

#[test]
fn versions_are_those_with_a_file_and_its_hash() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let path = ModulePath::parse("example.com/Mixed/m").unwrap();
    assert!(modules.versions(&path).unwrap().is_empty());
    for (version, kind) in [("v1.10.0", Kind::Zip), ("v1.9.0-RC1", Kind::GoMod), ("v1.9.0", Kind::Zip)] {
        admit(&modules, &module(&format!("example.com/Mixed/m@{version}")), kind, BYTES);
    }
    admit(&modules, &module("example.com/Mixed/m@v1.9.0"), Kind::GoMod, BYTES);
    modules.write_info(&module("example.com/Mixed/m@v1.0.0"), b"{}").unwrap();
    let folder = modules.dir().join("example.com/!mixed/m/@v");
    fs::write(folder.join("v1.2.0.mod"), "no hash beside it").unwrap();
    fs::write(folder.join("v1.3.0.ziphash"), hash(BYTES).to_string()).unwrap();
    for name in ["v1.4.mod", "v1.4.modhash", "v2.0.0.mod", "v2.0.0.modhash", "x.mod", ".mod", "list"] {
        fs::write(folder.join(name), hash(BYTES).to_string()).unwrap();
    }
    let versions: Vec<String> = modules.versions(&path).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(versions, ["v1.9.0-RC1", "v1.9.0", "v1.10.0"]);
    assert!(modules.versions(&ModulePath::parse("example.com/other").unwrap()).unwrap().is_empty());
}

#[test]
fn a_walk_names_everything_in_order() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    assert_eq!(modules.walk().count(), 0);
    let _lock = modules.claim().unwrap();
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    admit(&modules, &mixed(), Kind::GoMod, b"module m\n");
    modules.write_info(&mixed(), b"{}").unwrap();
    let folder = modules.dir().join("example.com/!mixed/m/@v");
    let at = |name: &str| folder.join(name);
    fs::write(at("v1.1.0.zip"), "no hash").unwrap();
    fs::write(at("v1.2.0.zip"), "a damaged hash").unwrap();
    fs::write(at("v1.2.0.ziphash"), "h1:").unwrap();
    fs::write(at("v1.3.0.modhash"), hash(BYTES).to_string()).unwrap();
    fs::write(at("v1.4.0.ziphash"), "").unwrap();
    symlink(at("v1.0.0-!r!c1.zip"), at("v1.5.0.zip")).unwrap();
    symlink(root.path(), at("v1.6.0.info")).unwrap();
    assert!(Command::new("mkfifo").arg(at("v1.7.0.mod")).status().unwrap().success());
    for stray in ["list", "lock", "v1.0.0.partial", "v1.zip", "v2.0.0.zip", "V1.0.0.zip", "!v1.0.0.zip"] {
        fs::write(at(stray), "").unwrap();
    }
    fs::create_dir_all(modules.dir().join("Example.com/m/@v")).unwrap();
    fs::write(modules.dir().join("Example.com/m/@v/v1.0.0.zip"), "").unwrap();
    fs::write(modules.dir().join("example.com/!mixed/m/v1.0.0.zip"), "").unwrap();
    fs::write(modules.dir().join("top"), "").unwrap();
    symlink(root.path(), modules.dir().join("zzz.com")).unwrap();

    let (kinds, paths): (Vec<String>, Vec<PathBuf>) = modules
        .walk()
        .map(|found| match found.unwrap() {
            Found::File { path, hash, len, kind, module } => {
                assert_eq!(len, path.metadata().unwrap().len());
                (format!("{kind:?} {module} {}", hash.is_some()), path)
            }
            Found::HashOnly { path, module, kind, hash: pinned } => {
                assert_eq!((pinned, kind), (hash(BYTES), Kind::GoMod));
                (format!("hash {module}"), path)
            }
            Found::Info { module, path } => (format!("info {module}"), path),
            Found::Stray(path) => (format!("stray {}", path.file_name().unwrap().to_str().unwrap()), path),
        })
        .unzip();
    assert_eq!(
        kinds,
        [
            "stray v1.0.0.zip",
            "stray !v1.0.0.zip",
            "stray V1.0.0.zip",
            "stray list",
            "stray lock",
            "info example.com/Mixed/m@v1.0.0-RC1",
            "GoMod example.com/Mixed/m@v1.0.0-RC1 true",
            "Zip example.com/Mixed/m@v1.0.0-RC1 true",
            "stray v1.0.0.partial",
            "Zip example.com/Mixed/m@v1.1.0 false",
            "Zip example.com/Mixed/m@v1.2.0 false",
            "hash example.com/Mixed/m@v1.3.0",
            "stray v1.4.0.ziphash",
            "stray v1.5.0.zip",
            "stray v1.6.0.info",
            "stray v1.7.0.mod",
            "stray v1.zip",
            "stray v2.0.0.zip",
            "stray v1.0.0.zip",
            "stray top",
            "stray zzz.com",
        ]
    );
    assert!(paths.is_sorted());
}

#[test]
fn a_data_folder_has_one_server() {
    let root = tempfile::tempdir().unwrap();
    let first = modules(root.path()).claim().unwrap();
    let text = modules(root.path()).claim().unwrap_err().to_string();
    assert!(text.starts_with(root.path().to_str().unwrap()) && text.contains("stop it, or give this one"), "{text}");
    drop(first);
    modules(root.path()).claim().unwrap();
}

#[test]
fn names_that_no_file_can_have_are_nothing_and_a_fault() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let long = module(&format!("example.com/{}@v1.0.0", "m".repeat(300)));
    assert!(modules.open(&long, Kind::Zip).unwrap().is_none());
    assert_eq!(modules.hash(&long, Kind::Zip).unwrap(), None);
    assert_eq!(modules.read_info(&long).unwrap(), None);
    assert!(modules.versions(long.path()).unwrap().is_empty());
    // It can arrive, and be refused; it cannot be kept.
    assert!(modules.admit(arrived(&modules, &long, Kind::Zip, BYTES), &hash(BYTES)).is_err());
    let report = modules.refuse(arrived(&modules, &long, Kind::Zip, BYTES), b"{}").unwrap();
    assert_eq!(fs::read(report).unwrap(), b"{}");
}

fn any_module() -> impl Strategy<Value = ModuleVersion> {
    let element = "[a-zA-Z0-9._~!@%+ /\\\\-]{1,12}";
    let version = "v[0-9]{1,3}\\.[0-9]{1,2}\\.[0-9](-[a-zA-Z0-9.-]{1,12})?(\\+incompatible)?";
    let path = ("[a-z0-9.-]{1,8}\\.[a-z./]{1,5}", element, "(/v[2-9])?").prop_map(|(a, b, c)| format!("{a}/{b}{c}"));
    (path, version).prop_filter_map("no module version", |(path, version)| ModuleVersion::new(&path, &version).ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    #[test]
    fn no_name_leads_out_of_the_folder(module in any_module()) {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let modules = Folder::open(&data).unwrap().modules();
        for kind in KINDS {
            admit(&modules, &module, kind, BYTES);
            modules.refuse(arrived(&modules, &module, kind, b"bad"), b"{}").unwrap();
        }
        modules.write_info(&module, b"{}").unwrap();
        prop_assert_eq!(names(root.path()), ["data"]);
        prop_assert_eq!(names(&data), ["modules", "refused", "tmp"]);
        prop_assert_eq!(names(&data.join("refused")).len(), 4);
        let version = module.version().clone();
        prop_assert_eq!(modules.versions(module.path()).unwrap(), [version]);
        // Two files, which tell of their hashes, and the info; nothing strange.
        let found: Vec<Found> = modules.walk().map(Result::unwrap).collect();
        prop_assert_eq!(found.len(), 3);
        for found in found {
            match found {
                Found::File { module: of, .. } | Found::Info { module: of, .. } => prop_assert_eq!(&of, &module),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
