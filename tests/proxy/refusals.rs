//! Upstreams that send something else: nothing of it is stored or served, it is quarantined and reported, and the next one is tried.

use gosumcheck::store::journal::Incident;

use crate::kit::{Bomb, Corpus, Fault, Spec, Tamper};
use crate::world::{World, bytes, outage, refusal};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";
const OTHER: &str = "example.com/b/@v/v1.0.0";

fn corpus() -> Corpus {
    Corpus::of(&[
        Spec::new("example.com/a", "v1.0.0").license().noise(100_000),
        Spec::new("example.com/b", "v1.0.0").noise(100_000),
    ])
}

fn expected(corpus: &Corpus, path: &str) -> String {
    if path == ZIP { corpus.h1_zip("example.com/a", "v1.0.0") } else { corpus.h1_go_mod("example.com/a", "v1.0.0") }
}

/// Wrong bytes of the first of one or two mirrors, which are not the right ones' fault.
fn is_refused(path: &str, fault: &Fault) {
    let world = World::new(corpus(), 1);
    world.mirrors[0].fault(path, fault.clone());
    let proxy = world.proxy();
    let lines = refusal(world.ask(&proxy, path));
    let incidents = world.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    is_told(&world, path, &incidents[0], &lines);
    assert_eq!(world.stored(), [""; 0], "{fault:?}: nothing has a name");
    assert_eq!(world.arrivals().len(), 0, "{fault:?}: nothing is gone on with");
    // What is refused stays so, and another process has not got it either.
    refusal(world.ask(&proxy, path));
    drop(proxy);
    refusal(world.ask(&world.proxy(), path));
    for separator in [',', '|'] {
        is_made_good(path, fault, separator);
    }
}

/// The incident, the report beside the bytes, and what the go command's user is told.
fn is_told(world: &World, path: &str, incident: &Incident, lines: &[String]) {
    let (mirror, expected) = (world.mirrors[0].url(), expected(&world.corpus, path));
    let id = world.log.find("example.com/a", "v1.0.0").unwrap();
    assert_eq!((incident.module.as_str(), incident.version.as_str()), ("example.com/a", "v1.0.0"));
    assert_eq!(incident.file, if path == ZIP { "zip" } else { "mod" });
    assert_eq!((&incident.expected, &incident.upstream), (&expected, &mirror));
    assert_eq!((incident.record, incident.tree), (Some(id), Some(world.log.size())));
    assert!(incident.got != expected && !incident.why.is_empty(), "{incident:#?}");
    let reports = world.reports();
    let [(report, bytes)] = &reports[..] else { panic!("{} reports", reports.len()) };
    let refused = &report["refused"];
    assert_eq!(report["database"], world.log.name());
    assert_eq!((&refused["module"], &refused["version"]), (&"example.com/a".into(), &"v1.0.0".into()));
    assert_eq!((&refused["expected"], &refused["upstream"]), (&expected.as_str().into(), &mirror.as_str().into()));
    assert_eq!(refused["got"].as_str().unwrap_or_default(), incident.got);
    assert_eq!((&refused["record"], &refused["tree"]), (&id.into(), &world.log.size().into()));
    assert_eq!(refused["bytes"], bytes.len());
    assert!(refused["came_from"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{report:#}");
    let headers = refused["headers"].as_array().unwrap();
    assert!(headers.iter().any(|header| header[0] == "content-type"), "{report:#}");
    assert!(refused["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{report:#}");
    let text = lines.join("\n");
    assert!(text.starts_with("SECURITY: example.com/a@v1.0.0") && text.contains(&mirror), "{text}");
    assert!(text.contains(&format!("record {id} of {}, tree {}", world.log.name(), world.log.size())), "{text}");
    if incident.got.starts_with("h1:") {
        assert!(text.contains(&expected) && text.contains(&incident.got), "{text}");
    }
}

/// With an honest mirror behind the liar.
fn is_made_good(path: &str, fault: &Fault, separator: char) {
    let mut world = World::new(corpus(), 2);
    world.separator = separator;
    world.mirrors[0].fault(path, fault.clone());
    let proxy = world.proxy();
    world.expect_true(&proxy, path);
    assert_eq!(world.stored(), [path], "{fault:?}");
    let incidents = world.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0].upstream, world.mirrors[0].url());
    world.mirrors.iter().for_each(|mirror| mirror.clear_requests());
    world.expect_true(&proxy, path);
    assert_eq!(world.mirrors[1].count("*"), 0, "what is stored is not asked for");
}

/// What broke off, is too long or no answer is an outage of that mirror, and no lie.
fn is_an_outage(path: &str, fault: &Fault, words: &str) {
    let world = World::new(corpus(), 1);
    world.mirrors[0].fault(path, fault.clone());
    let proxy = world.proxy();
    let told = outage(world.ask(&proxy, path));
    assert!(told.contains(words) && told.contains(&world.mirrors[0].url()), "{fault:?}: {told}");
    assert_eq!((world.stored(), world.incidents()), (vec![], vec![]), "{fault:?}");
    drop(proxy);
    let world = World::new(corpus(), 2);
    world.mirrors[0].fault(path, fault.clone());
    world.expect_true(&world.proxy(), path);
    assert_eq!((world.stored(), world.incidents()), (vec![path.to_owned()], vec![]), "{fault:?}");
}

#[test]
fn a_zip_with_one_thing_changed() {
    for tamper in [
        Tamper::FlipBit,
        Tamper::AddFile,
        Tamper::RemoveFile,
        Tamper::CaseClash,
        Tamper::ParentName,
        Tamper::AbsoluteName,
        Tamper::ForeignName,
    ] {
        is_refused(ZIP, &Fault::Zip(tamper));
    }
}

#[test]
fn what_is_another_zip_or_none() {
    is_refused(ZIP, &Fault::Swap(format!("{OTHER}.zip")));
    is_refused(ZIP, &Fault::Html);
    is_refused(ZIP, &Fault::Empty);
    is_refused(ZIP, &Fault::Short);
}

#[test]
fn small_zips_of_large_files() {
    for bomb in [Bomb::Honest, Bomb::Lying, Bomb::Overlapping] {
        is_refused(ZIP, &Fault::Zip(Tamper::Bomb(bomb)));
    }
}

#[test]
fn a_go_mod_that_is_not_the_one() {
    is_refused(GO_MOD, &Fault::WrongGoMod);
    is_refused(GO_MOD, &Fault::Swap(format!("{OTHER}.mod")));
    is_refused(GO_MOD, &Fault::Html);
    is_refused(GO_MOD, &Fault::Empty);
}

#[test]
fn a_redirect_to_a_page() {
    let other = World::new(corpus(), 1);
    other.mirrors[0].fault("signin", Fault::Html);
    is_refused(ZIP, &Fault::Redirect(format!("{}/signin", other.mirrors[0].url())));
}

#[test]
fn what_breaks_off_is_no_lie() {
    is_an_outage(ZIP, &Fault::Truncated, "broke off");
    is_an_outage(ZIP, &Fault::FalseGzip, "cannot be unpacked");
    is_an_outage(ZIP, &Fault::Status(206, "a part".to_owned()), "only 200 OK is accepted");
    is_an_outage(ZIP, &Fault::Oversized { declared: true }, "longer than 524288000 bytes");
    is_an_outage(GO_MOD, &Fault::Replace(vec![b'\n'; (16 << 20) + 1]), "longer than 16777216 bytes");
}

/// As many bytes as may be, and more: the next mirror's file is whole all the same, and none of them stays.
#[test]
fn a_zip_that_does_not_end() {
    let world = World::new(corpus(), 2);
    world.mirrors[0].fault(ZIP, Fault::Oversized { declared: false });
    world.mirrors[1].fault(ZIP, Fault::NoRange);
    let proxy = world.proxy();
    world.mirrors[1].stop();
    let told = outage(world.ask(&proxy, ZIP));
    assert!(told.contains("longer than 524288000 bytes"), "{told}");
    assert_eq!((world.stored(), world.arrivals().len()), (vec![], 0));
    world.mirrors[0].heal();
    world.expect_true(&proxy, ZIP);
}

#[test]
fn two_modules_swapped() {
    let world = World::new(corpus(), 1);
    world.mirrors[0].fault(ZIP, Fault::Swap(format!("{OTHER}.zip")));
    world.mirrors[0].fault(&format!("{OTHER}.zip"), Fault::Swap(ZIP.to_owned()));
    let proxy = world.proxy();
    refusal(world.ask(&proxy, ZIP));
    refusal(world.ask(&proxy, &format!("{OTHER}.zip")));
    let modules: Vec<String> = world.incidents().into_iter().map(|incident| incident.module).collect();
    assert_eq!((modules, world.stored().len()), (vec!["example.com/a".to_owned(), "example.com/b".to_owned()], 0));
}

#[test]
fn a_tag_that_moved() {
    let world = World::new(corpus(), 1);
    let proxy = world.proxy();
    world.expect_true(&proxy, ZIP);
    world.mirrors[0].fault("*.zip", Fault::Zip(Tamper::FlipBit));
    world.expect_true(&proxy, ZIP);
    // With an empty store the log still knows what it was.
    let other = World::new(corpus(), 1);
    other.mirrors[0].fault("*.zip", Fault::Zip(Tamper::FlipBit));
    refusal(other.ask(&other.proxy(), ZIP));
}

/// A zip that no go command unpacks, and a log that has its hash.
#[test]
fn what_the_log_itself_has_is_not_the_mirrors_fault() {
    let honest = corpus();
    let world = World::new(honest.clone(), 1);
    world.mirrors[0].fault(ZIP, Fault::Zip(Tamper::ParentName));
    let zip = sent(&world, ZIP);
    let corpus = Corpus::of(&[Spec::new("example.com/a", "v1.0.0").zip(zip)]);
    let world = World::new(corpus.clone(), 2);
    let proxy = world.proxy();
    let told = refusal(world.ask(&proxy, ZIP)).join("\n");
    assert!(told.contains("..") && !told.contains("No upstream has the right bytes"), "{told}");
    assert_eq!(world.mirrors[1].count("*"), 0, "it is the same everywhere");
    assert_eq!(world.stored(), [""; 0]);
    let incidents = world.incidents();
    assert_eq!((incidents.len(), &incidents[0].got), (1, &incidents[0].expected));
}

/// A server that sends a file compressed, asked or not, sends the file: the client has it as it is.
#[test]
fn a_compressed_file_is_the_file() {
    for path in [ZIP, GO_MOD] {
        let world = World::new(corpus(), 1);
        world.mirrors[0].fault(path, Fault::Gzip);
        world.expect_true(&world.proxy(), path);
        assert_eq!(world.incidents(), vec![]);
        // A compressed answer that broke off is not gone on with: its ranges are of other bytes.
        let world = World::new(corpus(), 2);
        world.mirrors[0].fault(path, Fault::Gzip);
        world.mirrors[0].fault(path, Fault::Truncated);
        world.expect_true(&world.proxy(), path);
        let ranges = world.mirrors[1].requests().iter().filter(|request| request.header("range").is_some()).count();
        assert_eq!((ranges, world.incidents()), (0, vec![]));
    }
}

/// The same files, packed otherwise, are the same module.
#[test]
fn another_zip_of_the_same_hash_is_right() {
    for same in [Tamper::Repacked, Tamper::Wrapped] {
        let world = World::new(corpus(), 1);
        world.mirrors[0].fault(ZIP, Fault::Zip(same));
        assert!(bytes(world.ask(&world.proxy(), ZIP)) != world.corpus.zip("example.com/a", "v1.0.0"));
        assert_eq!((world.stored(), world.incidents()), (vec![ZIP.to_owned()], vec![]));
    }
}

/// The bytes that the world's first mirror sends.
fn sent(world: &World, path: &str) -> Vec<u8> {
    crate::client::get(world.mirrors[0].address(), &format!("/{path}")).body
}
