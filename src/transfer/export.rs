//! Writes a bundle: the files of modules out of the store, and of the database what a client of it would ask for who has nothing yet,
//! the records of these modules and the tiles up to one head. First contact also needs the tiles that show that the new tree contains
//! the head that the program carries or that is pinned: these always come along. Who has another head already needs them for that
//! one, too: they come along where it is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::bundle::{BundleWriter, Manifest};
use crate::fault::Fault;
use crate::files;
use crate::prefetch::Wanted;
use crate::proxy::{Denied, Mode, Proxy, ProxyAnswer};
use crate::relay::LookupAnswer;
use crate::store::modules::Admitted;
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::dirhash::ReadAt;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;
use crate::sumdb::record::LookupResponse;
use crate::sumdb::tile::{Tile, TilePath, VerifiedTree, Want};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// What a bundle has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// module versions
    pub modules: usize,
    /// files of these
    pub files: usize,
    /// bytes of the whole bundle
    pub bytes: u64,
    /// records of the tree that its head signs
    pub tree_size: u64,
}

/// The database's part.
struct DatabasePart {
    head: Checkpoint,
    /// by path in the GOSUMDB protocol
    files: BTreeMap<String, Vec<u8>>,
}

/// Writes all that is `wanted`, which `proxy` has, to the file `to`: whole, or not at all. `since` are heads of folders that the
/// bundle will come to, signed as `policy` says.
///
/// # Errors
/// `Unavailable`: something cannot be had, proven or written. `Refused`, `Forked`: the database's answers.
pub async fn export(
    proxy: &Proxy,
    wanted: &Wanted,
    policy: &Policy,
    since: &[Checkpoint],
    to: &Path,
) -> Result<Exported, Fault> {
    let modules: BTreeSet<ModuleVersion> = wanted.files.keys().map(|(module, _)| module.clone()).collect();
    let database = database_part(proxy, &modules, policy, since).await?;
    let place = to.display().to_string();
    let failed = |error: io::Error| Fault::machine(place.as_str(), format!("cannot be written: {error}"));
    let folder = files::folder_of(to);
    let part = tempfile::Builder::new().prefix(".gosumcheck-export-").tempfile_in(folder).map_err(failed)?;
    let (name, tree_size) = (proxy.relay().name().to_owned(), database.head.tree().size);
    let manifest = Manifest::new(&name, tree_size, modules.len());
    let buffer = BufWriter::with_capacity(PIECE, part.as_file());
    let mut writer = BundleWriter::new(buffer, &manifest).map_err(failed)?;
    for (path, bytes) in &database.files {
        writer.add(&format!("sumdb/{name}/{path}"), wide(bytes.len()), bytes.as_slice()).map_err(failed)?;
    }
    let mut files = 0;
    for module in &modules {
        let asked = [
            ModuleRequest::Info(module.clone()),
            ModuleRequest::File(module.clone(), Kind::GoMod),
            ModuleRequest::File(module.clone(), Kind::Zip),
        ];
        for request in asked {
            let is_wanted = match &request {
                ModuleRequest::File(_, kind) => wanted.files.contains_key(&(module.clone(), *kind)),
                _ => wanted.files.contains_key(&(module.clone(), Kind::Zip)),
            };
            if is_wanted && add(proxy, &request, &mut writer, &place).await? {
                files += 1;
            }
        }
    }
    writer.finish().and_then(|mut buffer| buffer.flush()).map_err(failed)?;
    part.as_file().sync_all().map_err(failed)?;
    let bytes = part.as_file().metadata().map_err(failed)?.len();
    part.persist(to).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(Exported { modules: modules.len(), files, bytes, tree_size })
}

/// Adds one file of a module; false for a hint that nobody has.
async fn add<W: io::Write>(
    proxy: &Proxy,
    request: &ModuleRequest,
    writer: &mut BundleWriter<W>,
    place: &str,
) -> Result<bool, Fault> {
    let name = format!("modules/{request}");
    let failed = |error: io::Error| Fault::machine(place, format!("cannot be written: {request}: {error}"));
    match proxy.answer(request, Mode { cached_only: true, peer: None }).await {
        Ok(ProxyAnswer::File(file)) => {
            writer
                .add(&name, file.len(), io::BufReader::with_capacity(PIECE, Reading { file, at: 0 }))
                .map_err(failed)?;
        }
        Ok(ProxyAnswer::Text(text)) => {
            writer.add(&name, wide(text.bytes.len()), &*text.bytes).map_err(failed)?;
        }
        Ok(ProxyAnswer::Unproven(_)) => return Err(Fault::nobody(request.to_string(), "is not proven")),
        Err(_) if matches!(request, ModuleRequest::Info(_)) => return Ok(false),
        Err(Denied::Fault(fault)) => return Err(fault),
        Err(Denied::NotFound(why) | Denied::NotCached(why)) => return Err(Fault::nobody(request.to_string(), why)),
        Err(Denied::Refused(_, lines)) => return Err(Fault::nobody(request.to_string(), lines.join(" / "))),
    }
    Ok(true)
}

/// The records of these modules, all under one head, and the tiles from there up.
async fn database_part(
    proxy: &Proxy,
    modules: &BTreeSet<ModuleVersion>,
    policy: &Policy,
    since: &[Checkpoint],
) -> Result<DatabasePart, Fault> {
    let relay = proxy.relay();
    let mut records = Vec::new();
    for module in modules {
        match relay.record(module).await? {
            LookupAnswer::Found(recorded) => records.push((module, recorded.record)),
            LookupAnswer::NotInLog { by } => return Err(unrecorded(module, &by.join("; "))),
            LookupAnswer::Private { pattern } => {
                return Err(unrecorded(module, &format!("it is private here, as {pattern} says")));
            }
            LookupAnswer::NotHeld(why) => return Err(unrecorded(module, &why)),
        }
    }
    // Asked for last: its tree holds all of them.
    let note = relay.latest().await?;
    let head = Checkpoint::open(&note, policy).map_err(|error| Fault::refused(relay.name(), error))?;
    let tree = VerifiedTree::new(head.tree());
    let leaves = records.iter().map(|(_, record)| Want::Leaf(record.id()));
    // A head that was accepted before there was a pinned one may be older than that.
    let pins = relay.pins().iter().filter(|pin| pin.tree().size <= head.tree().size);
    let contained = since.iter().chain(pins).map(|older| Want::Consistency(older.tree().size));
    let wants: Vec<Want> = leaves.chain(contained).collect();
    let plan = tree.plan(&wants).map_err(|error| Fault::refused(relay.name(), error))?;
    let mut files = BTreeMap::from([("latest".to_owned(), note.to_vec())]);
    for (module, record) in records {
        files.insert(module.lookup_path(), LookupResponse::build(record.id(), record.text(), &note));
    }
    let tiles: Vec<Tile> = plan.tiles().iter().copied().chain(tree.edge()).collect();
    for path in tiles.into_iter().map(TilePath::Hashes) {
        let bytes = relay.tile(&path).await?;
        let bytes = bytes.ok_or_else(|| Fault::nobody(relay.name(), format!("{path} cannot be had")))?;
        files.insert(path.to_string(), bytes.to_vec());
    }
    Ok(DatabasePart { head, files })
}

fn unrecorded(module: &ModuleVersion, why: &str) -> Fault {
    Fault::nobody(module.to_string(), format!("its record cannot be had: {why}"))
}

/// Reads a stored file from its beginning.
struct Reading {
    file: Admitted,
    at: u64,
}

impl io::Read for Reading {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.file.len().saturating_sub(self.at);
        let len = usize::try_from(rest).unwrap_or(usize::MAX).min(buf.len());
        let Some(piece) = buf.get_mut(..len) else { return Ok(0) };
        self.file.read_exact_at(self.at, piece)?;
        self.at = self.at.saturating_add(wide(len));
        Ok(len)
    }
}
