//! All real heads of sum.golang.org that are known here, sent to a server that holds what proves some of them.

use std::collections::HashSet;
use std::fs;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::relay::{Gossip, Relay, RelayOptions};
use gosumcheck::store::Folder;
use gosumcheck::sumdb::checkpoint::Policy;
use gosumcheck::sumdb::note::VerifierKey;
use gosumcheck::upstream::{Base, Http, Settings, Upstreams};

use super::common;

const NAME: &str = "sum.golang.org";

#[tokio::test]
async fn every_real_head_is_consistent_or_waits_and_none_is_lost() {
    let Some(realdata) = common::realdata() else { return };
    // In memory where the system has that: each head that waits is synced to the disk.
    let memory = std::path::Path::new("/dev/shm");
    let data = if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() };
    let heads = data.path().join("heads").join(NAME);
    fs::create_dir_all(&heads).unwrap();
    fs::copy(realdata.join("mirror/latest"), heads.join("latest")).unwrap();
    // The tiles as the cache of a server that has proven them has them.
    for tiles in ["sumdb/tile", "mirror/tile"] {
        for path in common::files_below(&realdata.join(tiles)) {
            let to = data
                .path()
                .join("cache")
                .join(NAME)
                .join("tile")
                .join(path.strip_prefix(realdata.join(tiles)).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&path, to).unwrap();
        }
    }
    let open = || {
        let folder = Folder::open(data.path()).unwrap();
        let key = gosumcheck::config::SUM_GOLANG_ORG;
        let nobody = Upstreams::new(Http::new(Settings::default()), Vec::<Base>::new());
        let database = Database::open(&folder, NAME, Policy::log(VerifierKey::parse(key).unwrap()), nobody, 4).unwrap();
        Relay::new(database, folder.log(NAME).unwrap(), RelayOptions::default()).unwrap()
    };
    let relay = open();
    let table = fs::read_to_string(realdata.join("sth-all.tsv")).unwrap();
    let (mut consistent, mut pending) = (HashSet::new(), HashSet::new());
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let note = |size: &str| format!("go.sum database tree\n{size}\n{}\n\n\u{2014} {NAME} {}\n", cells[1], cells[2]);
        match relay.gossip(note(cells[0]).as_bytes()).await.unwrap() {
            Gossip::Consistent => assert!(consistent.insert(cells[0].to_owned())),
            Gossip::Pending => assert!(pending.insert(cells[0].to_owned())),
            Gossip::Full => panic!("{row}"),
        }
        // The same signature under another tree does not count.
        assert!(matches!(relay.gossip(note(&format!("{}0", cells[0])).as_bytes()).await, Err(Fault::Refused { .. })));
    }
    assert_eq!(consistent.len() + pending.len(), 4_208);
    assert!(consistent.len() >= 1_758, "{}", consistent.len());
    assert_eq!(relay.waiting_heads().await.unwrap(), pending.len());
    // Nor is any lost over a restart.
    assert_eq!(open().waiting_heads().await.unwrap(), pending.len());
    assert!(relay.compare_waiting().await.is_ok());
}
