//! Times that are kept, and never go back.

use std::time::Duration;

use super::*;

fn version(name: &str) -> ModuleVersion {
    ModuleVersion::parse_at(name).unwrap()
}

fn all(admissions: &Admissions, from: AdmissionsFrom<'_>) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let read = admissions.read(from, &mut |one| {
        found.push((one.at, format!("{}@{}", one.module, one.version)));
        ControlFlow::Continue(())
    });
    assert_eq!(read.unwrap(), Some(()));
    found
}

fn names(found: &[(u64, String)]) -> Vec<&str> {
    found.iter().map(|(_, name)| name.as_str()).collect()
}

fn zips(list: &[(&str, u64)]) -> Vec<Result<AdmittedZip, Fault>> {
    let zip = |(name, at): &(&str, u64)| {
        let since = SystemTime::UNIX_EPOCH + Duration::from_micros(*at);
        Ok(AdmittedZip { module: version(name), is_private: false, since })
    };
    list.iter().map(zip).collect()
}

#[test]
fn an_old_folder_gets_the_best_times_and_new_ones_come_after_them() {
    let root = tempfile::tempdir().unwrap();
    let open = || Admissions::new(Folder::open(root.path()).unwrap());
    let first = open();
    first.note(&version("a.example/early@v1.0.0"), false);
    assert!(
        first.lacks_some() && first.read(AdmissionsFrom::Time(0), &mut |_| ControlFlow::Break(())).unwrap().is_none()
    );
    // Three of one time, as after a restored backup; and one whose clock was ahead.
    let far = micros(SystemTime::now()) + 1_000_000_000;
    let stored =
        [("b.example/b@v1.0.0", 7), ("b.example/a@v1.0.0", 7), ("b.example/c@v1.0.0", 7), ("a.example/x@v1.0.0", 5)];
    let later = [("z.example/far@v1.0.0", far), ("b.example/d@v1.0.0", 8)];
    first.complete(|| zips(&stored).into_iter().chain(zips(&later))).unwrap();
    assert!(!first.lacks_some());
    let old = all(&first, AdmissionsFrom::Time(0));
    let first_of_all = ["a.example/x@v1.0.0", "b.example/b@v1.0.0", "b.example/d@v1.0.0", "b.example/a@v1.0.0"];
    assert_eq!(names(&old).first(), first_of_all.first());
    assert_eq!(old.len(), 6);
    assert!(old.iter().all(|(at, _)| *at < far), "no time is ahead of the clock: {old:?}");
    assert_eq!(names(&old).last(), Some(&"z.example/far@v1.0.0"));

    let (module, [b, none]) =
        (ModulePath::parse("b.example/b").unwrap(), ["v1.0.0", "v1.9.0"].map(|text| Version::parse(text).unwrap()));
    assert_eq!(first.times(&module, &[none.clone(), b, none]).unwrap(), [0, 7, 0], "in the order that was asked for");

    // Another process, and one that comes again.
    let second = open();
    second.note(&version("a.example/new@v1.0.0"), false);
    first.note(&version("b.example/a@v1.0.0"), false);
    let now = all(&first, AdmissionsFrom::Time(0));
    assert_eq!(now.get(..6), Some(old.as_slice()), "what has a time keeps it");
    assert_eq!(names(&now).last(), Some(&"a.example/new@v1.0.0"));
    assert!(now.is_sorted_by(|one, next| one.0 < next.0), "{now:?}");

    // What was lost and is found again comes last: who has read on does not miss it.
    second.complete(|| zips(&[("a.example/lost@v1.0.0", 6), ("a.example/x@v1.0.0", 1)]).into_iter()).unwrap();
    let found = all(&second, AdmissionsFrom::Time(now.last().unwrap().0 + 1));
    assert_eq!(names(&found), ["a.example/lost@v1.0.0"]);
    assert_eq!(all(&second, AdmissionsFrom::Time(0)).first(), old.first());
}

#[test]
fn by_name_after_any() {
    let root = tempfile::tempdir().unwrap();
    let admissions = Admissions::new(Folder::open(root.path()).unwrap());
    admissions
        .complete(|| {
            zips(&[("b.example/b@v1.0.0", 1), ("b.example/b@v0.9.0", 2), ("a.example/z@v1.0.0", 3)]).into_iter()
        })
        .unwrap();
    let after = |module, version| all(&admissions, AdmissionsFrom::After(module, version));
    assert_eq!(names(&after("", "")), ["a.example/z@v1.0.0", "b.example/b@v0.9.0", "b.example/b@v1.0.0"]);
    assert_eq!(names(&after("b.example/b", "v0.9.0")), ["b.example/b@v1.0.0"]);
    assert_eq!(names(&after("b.example/b", "v1.0.0")), [""; 0]);
}

#[test]
fn an_empty_folder_has_none_and_makes_no_file() {
    let root = tempfile::tempdir().unwrap();
    let admissions = Admissions::new(Folder::open(root.path()).unwrap());
    admissions.complete(std::iter::empty).unwrap();
    assert_eq!(all(&admissions, AdmissionsFrom::Time(0)), []);
    assert!(!root.path().join("store").exists());
    admissions.note(&version("a.example/a@v1.0.0"), true);
    assert_eq!(names(&all(&admissions, AdmissionsFrom::Time(0))), ["a.example/a@v1.0.0"]);
}

#[test]
fn a_damaged_file_is_set_aside_and_written_from_what_is_stored() {
    let root = tempfile::tempdir().unwrap();
    let open = || Admissions::new(Folder::open(root.path()).unwrap());
    open().complete(|| zips(&[("a.example/a@v1.0.0", 5)]).into_iter()).unwrap();
    let path = root.path().join("store/admitted.sqlite");
    std::fs::write(&path, "not a database at all".repeat(100)).unwrap();
    let again = open();
    assert!(again.read(AdmissionsFrom::Time(0), &mut |_| ControlFlow::Break(())).is_err());
    again.complete(|| zips(&[("a.example/a@v1.0.0", 5), ("a.example/b@v1.0.0", 6)]).into_iter()).unwrap();
    assert_eq!(
        all(&again, AdmissionsFrom::Time(0)),
        [(5, "a.example/a@v1.0.0".to_owned()), (6, "a.example/b@v1.0.0".to_owned())]
    );
    assert!(path.with_extension("sqlite.broken").exists());
}

#[test]
fn what_becomes_public_is_not_private_any_more() {
    let root = tempfile::tempdir().unwrap();
    let admissions = Admissions::new(Folder::open(root.path()).unwrap());
    admissions.complete(std::iter::empty).unwrap();
    let mut seen = Vec::new();
    for is_private in [true, false, true] {
        admissions.note(&version("a.example/a@v1.0.0"), is_private);
        let mut take = |one: Admission| {
            seen.push(one.is_private);
            ControlFlow::Continue(())
        };
        admissions.read(AdmissionsFrom::Time(0), &mut take).unwrap();
    }
    assert_eq!(seen, [true, false, false]);
}
