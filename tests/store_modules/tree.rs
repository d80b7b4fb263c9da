//! What goes in comes out; a file that is not proven is not opened, and the walk names it; no name leads out of the folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use gosumcheck::fault::Fault;
use gosumcheck::store::Folder;
use gosumcheck::store::modules::{INFO_LIMIT, Provenance, StoredItem, Tree};
use gosumcheck::sumdb::dirhash::ReadAt as _;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::{ModulePath, ModuleVersion};
use proptest::prelude::*;

use crate::world::{
    BYTES, KINDS, admit, admit_by, arrived, hash, judge, mixed, module, modules, names, open, open_first_use, proof,
    recorded,
};

#[test]
fn a_file_that_was_admitted_is_opened_in_the_go_layout() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(&root.path().join("data"));
    let tree = root.path().join("data/modules/example.com/!mixed/m/@v");
    for (kind, name) in [(Kind::Zip, "v1.0.0-!r!c1.zip"), (Kind::GoMod, "v1.0.0-!r!c1.mod")] {
        assert!(open(&modules, &mixed(), kind).is_none());
        assert_eq!(modules.beside(Tree::Proven, &mixed(), kind).unwrap().hash.unwrap(), None);
        admit(&modules, &mixed(), kind, BYTES);
        let opened = open(&modules, &mixed(), kind).unwrap();
        assert_eq!(
            (opened.read().unwrap(), opened.len(), opened.hash()),
            (BYTES.to_vec(), BYTES.len() as u64, &hash(BYTES))
        );
        let mut part = [0; 7];
        opened.read_exact_at(7, &mut part).unwrap();
        assert_eq!((&part, opened.size()), (b"example", BYTES.len() as u64));
        assert_eq!(opened.modified(), tree.join(name).metadata().unwrap().modified().unwrap());
        let beside = modules.beside(Tree::Proven, &mixed(), kind).unwrap();
        assert_eq!((beside.hash.unwrap(), beside.proof), (Some(hash(BYTES)), Some((hash(BYTES), proof()))));
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
    assert_eq!(open(&modules, &mixed(), Kind::GoMod).unwrap().read().unwrap(), b"");
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn an_open_file_outlives_its_name() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    let opened = open(&modules, &mixed(), Kind::Zip).unwrap();
    fs::remove_dir_all(modules.dir()).unwrap();
    assert_eq!(opened.clone().read().unwrap(), BYTES);
    // And the folder is made again.
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    assert_eq!(judge(root.path(), ""), 1);
}

#[test]
fn an_info_is_kept_and_a_long_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    assert_eq!(modules.read_info(Tree::Proven, &mixed()).unwrap(), None);
    modules.write_info(Tree::Proven, &mixed(), b"{\"Version\":\"v1.0.0-RC1\"}").unwrap();
    assert_eq!(modules.read_info(Tree::Proven, &mixed()).unwrap().unwrap(), b"{\"Version\":\"v1.0.0-RC1\"}");
    modules.write_info(Tree::Proven, &mixed(), b"{}").unwrap();
    assert_eq!(modules.read_info(Tree::Proven, &mixed()).unwrap().unwrap(), b"{}");
    assert!(matches!(modules.write_info(Tree::Proven, &mixed(), &vec![b' '; INFO_LIMIT + 1]), Err(Fault::Usage(_))));
    assert_eq!(modules.read_info(Tree::Proven, &mixed()).unwrap().unwrap(), b"{}");
}

#[test]
fn versions_are_those_with_a_file_and_its_hash() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    let path = ModulePath::parse("example.com/Mixed/m").unwrap();
    assert!(modules.versions(Tree::Proven, &path).unwrap().is_empty());
    for (version, kind) in [("v1.10.0", Kind::Zip), ("v1.9.0-RC1", Kind::GoMod), ("v1.9.0", Kind::Zip)] {
        admit(&modules, &module(&format!("example.com/Mixed/m@{version}")), kind, BYTES);
    }
    admit(&modules, &module("example.com/Mixed/m@v1.9.0"), Kind::GoMod, BYTES);
    modules.write_info(Tree::Proven, &module("example.com/Mixed/m@v1.0.0"), b"{}").unwrap();
    let folder = modules.dir().join("example.com/!mixed/m/@v");
    fs::write(folder.join("v1.2.0.mod"), "no hash beside it").unwrap();
    fs::write(folder.join("v1.3.0.ziphash"), hash(BYTES).to_string()).unwrap();
    for name in ["v1.4.mod", "v1.4.modhash", "v2.0.0.mod", "v2.0.0.modhash", "x.mod", ".mod", "list"] {
        fs::write(folder.join(name), hash(BYTES).to_string()).unwrap();
    }
    let versions: Vec<String> =
        modules.versions(Tree::Proven, &path).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(versions, ["v1.9.0-RC1", "v1.9.0", "v1.10.0"]);
    assert!(modules.versions(Tree::Proven, &ModulePath::parse("example.com/other").unwrap()).unwrap().is_empty());
}

/// What a walk came upon, in a few words, and where.
fn kind_of(found: StoredItem) -> (String, PathBuf) {
    match found {
        StoredItem::File { path, hash, len, kind, module, tree: Tree::Proven } => {
            assert_eq!(len, path.metadata().unwrap().len());
            (format!("{kind:?} {module} {}", hash.is_some()), path)
        }
        StoredItem::HashOnly { path, module, kind, hash: pinned, tree: Tree::Proven } => {
            assert_eq!((pinned, kind), (hash(BYTES), Kind::GoMod));
            (format!("hash {module}"), path)
        }
        StoredItem::Info { module, path, tree: Tree::Proven } => (format!("info {module}"), path),
        StoredItem::List { module, path } => (format!("list {module}"), path),
        other @ (StoredItem::File { .. } | StoredItem::HashOnly { .. } | StoredItem::Info { .. }) => {
            panic!("{other:?} is in no such tree")
        }
        StoredItem::Stray(path) => (format!("stray {}", path.file_name().unwrap().to_str().unwrap()), path),
    }
}

#[test]
fn a_walk_names_everything_in_order() {
    let root = tempfile::tempdir().unwrap();
    let modules = modules(root.path());
    assert_eq!(modules.walk().count(), 0);
    let _lock = modules.claim().unwrap();
    admit(&modules, &mixed(), Kind::Zip, BYTES);
    admit(&modules, &mixed(), Kind::GoMod, b"module m\n");
    modules.write_info(Tree::Proven, &mixed(), b"{}").unwrap();
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

    let (kinds, paths): (Vec<String>, Vec<PathBuf>) = modules.walk().map(|found| kind_of(found.unwrap())).unzip();
    assert_eq!(
        kinds,
        [
            "stray v1.0.0.zip",
            "stray !v1.0.0.zip",
            "stray V1.0.0.zip",
            "list example.com/Mixed/m",
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
    assert!(open(&modules, &long, Kind::Zip).is_none());
    assert!(open_first_use(&modules, &long, Kind::Zip).is_none());
    assert_eq!(modules.pin(&long, Kind::Zip).unwrap(), None);
    assert_eq!(modules.read_info(Tree::Proven, &long).unwrap(), None);
    assert!(modules.versions(Tree::Proven, long.path()).unwrap().is_empty());
    // It can arrive, and be refused; it cannot be kept.
    for by in [recorded(), Provenance::FirstUse] {
        assert!(modules.admit(arrived(&modules, &long, Kind::Zip, BYTES), &hash(BYTES), &by).is_err());
    }
    let report =
        modules.refuse(arrived(&modules, &long, Kind::Zip, BYTES), "https://liar.example", b"{}").unwrap().unwrap();
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
            admit_by(&modules, &module, kind, BYTES, &Provenance::FirstUse);
            modules.refuse(arrived(&modules, &module, kind, b"bad"), "https://liar.example", b"{}").unwrap();
        }
        modules.write_info(Tree::Proven, &module, b"{}").unwrap();
        prop_assert_eq!(names(root.path()), ["data"]);
        prop_assert_eq!(names(&data), ["modules", "private", "refused", "tmp"]);
        prop_assert_eq!(names(&data.join("refused")).len(), 4);
        let version = module.version().clone();
        prop_assert_eq!(modules.versions(Tree::Proven, module.path()).unwrap(), [version]);
        // Two files in each tree, with their hashes, and the info; nothing strange.
        let found: Vec<StoredItem> = modules.walk().map(Result::unwrap).collect();
        prop_assert_eq!(found.len(), 5);
        for found in found {
            match found {
                StoredItem::File { module: of, .. } | StoredItem::Info { module: of, .. } => prop_assert_eq!(&of, &module),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
