//! Takes over what lies in a folder or a bundle: each file goes through the proxy, whose only upstream that folder is, and is there
//! afterwards or named with the reason. A module version is done in the order in which a build needs its parts, `.mod`, `.info`,
//! `.zip`; wherever it is interrupted, what is there is whole and proven, and the next import goes on from it. The names of many files
//! become durable together, and only then do they count as taken over.

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::inventory::{FilesHeld, TransferInventory};
use crate::fault::Fault;
use crate::proxy::{Denied, Examined, Mode, Proxy, ProxyAnswer, RefusalCause};
use crate::store::modules::Deferred;
use crate::sumdb::goproxy::{MAX_INFO_BYTES, ModuleRequest};
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;
use crate::sumdb::number::wide;
use crate::upstream::{Fetched, Holding, Proxies, ProxyEntry, ProxyPlace};

/// Module versions whose names become durable together, while others are proven. More would save little: most folders are those of one
/// module.
const TOGETHER: usize = 64;

/// How an import goes about it.
#[derive(Debug, Clone, Copy)]
pub struct ImportOptions {
    /// module versions at a time
    pub at_once: usize,
    /// prove everything and store nothing
    pub is_dry_run: bool,
    /// take over private modules too, as what they are now
    pub with_private: bool,
}

/// What became of a file.
#[derive(Debug)]
pub enum ModuleVerdict {
    /// it is right, this many bytes, and stored now; in a dry run it would be
    Stored(u64),
    /// it was here before
    Held,
    /// it is not what was proven or pinned, or not what such a file may be
    Refused(String),
    /// the database has no record of it
    Unproven(String),
    /// it is private, and those were not asked for
    Private,
    /// it is an `.info` without a file that could be proven
    Alone,
    /// it could not be judged
    Failed(Fault),
}

/// A file that was not taken over.
#[derive(Debug)]
pub struct Judged {
    /// which
    pub request: ModuleRequest,
    /// why not
    pub verdict: ModuleVerdict,
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// module versions of which something is here now
    pub modules: usize,
    /// files that were proven and stored now
    pub stored: usize,
    /// bytes of those
    pub bytes: u64,
    /// files that were here before
    pub held: usize,
    /// private module versions that were left out
    pub private: usize,
    /// `.info` files without any other of their versions, which were left out
    pub alone: usize,
    /// files that were not taken over, sorted by path
    pub others: Vec<Judged>,
}

impl Imported {
    /// As an audit's: 1 where something is wrong or unknown to the log, else 2 where something could not be judged, else 0.
    pub fn exit_code(&self) -> u8 {
        let is_finding = |judged: &Judged| !matches!(judged.verdict, ModuleVerdict::Failed(_));
        match self.others.iter().any(is_finding) {
            true => 1,
            false if self.others.is_empty() => 0,
            false => 2,
        }
    }
}

/// Takes over all that is in `found`, which lies in `holding`, by `proxy`, whose only upstream that is. `progress` is called with the
/// module versions that are proven, and all.
///
/// # Errors
/// What ends the whole work: this machine's disk, or a log that misbehaved.
pub async fn import(
    proxy: &Proxy,
    holding: &Holding,
    found: &TransferInventory,
    options: ImportOptions,
    progress: &dyn Fn(usize, usize),
) -> Result<Imported, Fault> {
    let entry = ProxyEntry { place: ProxyPlace::Held(holding.clone()), falls_back: false };
    let source = Proxies::new(vec![entry]);
    let importer = Importer { proxy, source: &source, options };
    let modules = found.modules.iter().map(|(module, files)| importer.module(module, *files));
    let (mut imported, mut count) = (Imported::default(), 0);
    let proven = futures_util::stream::iter(modules).buffer_unordered(options.at_once.max(1)).inspect(|_| {
        count += 1;
        progress(count, found.modules.len());
    });
    proxy.defer_names(Deferred::All);
    // Two: while the disk has some, others are proven.
    let mut done = proven.try_chunks(TOGETHER).map(|some| importer.settled(some.map_err(|ended| ended.1))).buffered(2);
    while let Some(some) = done.next().await {
        some?.into_iter().for_each(|judged| imported.add(judged));
    }
    drop(done);
    imported.others.sort_by_key(|judged| judged.request.to_string());
    Ok(imported)
}

impl Imported {
    fn add(&mut self, judged: Vec<Judged>) {
        let is_here = |judged: &Judged| matches!(judged.verdict, ModuleVerdict::Stored(_) | ModuleVerdict::Held);
        self.modules += usize::from(judged.iter().any(is_here));
        self.private += usize::from(judged.iter().any(|judged| matches!(judged.verdict, ModuleVerdict::Private)));
        for judged in judged {
            match judged.verdict {
                ModuleVerdict::Stored(bytes) => {
                    (self.stored, self.bytes) = (self.stored + 1, self.bytes.saturating_add(bytes));
                }
                ModuleVerdict::Held => self.held += 1,
                ModuleVerdict::Private => {}
                ModuleVerdict::Alone => self.alone += 1,
                _ => self.others.push(judged),
            }
        }
    }
}

struct Importer<'a> {
    proxy: &'a Proxy,
    source: &'a Proxies,
    options: ImportOptions,
}

impl Importer<'_> {
    async fn module(&self, module: &ModuleVersion, files: FilesHeld) -> Result<Vec<Judged>, Fault> {
        let mut judged = Vec::new();
        if self.proxy.is_private(module.path()) && !self.options.with_private {
            judged.push(Judged { request: ModuleRequest::Info(module.clone()), verdict: ModuleVerdict::Private });
            return Ok(judged);
        }
        // Nothing proves an `.info`: it is taken over only beside a file that is proven, and before the zip, which keeps it then.
        let mut is_known = false;
        let mut info = files.info;
        for (is_there, kind) in [(files.go_mod, Kind::GoMod), (files.zip, Kind::Zip)] {
            if info && is_known {
                judged.push(self.info(module).await?);
                info = false;
            }
            if is_there {
                let verdict = fatal(self.file(module, kind).await)?;
                is_known |= matches!(verdict, ModuleVerdict::Stored(_) | ModuleVerdict::Held);
                judged.push(Judged { request: ModuleRequest::File(module.clone(), kind), verdict });
            }
        }
        if info && is_known {
            judged.push(self.info(module).await?);
        } else if info && !files.go_mod && !files.zip {
            // The go command keeps these of versions that it only asked about.
            judged.push(Judged { request: ModuleRequest::Info(module.clone()), verdict: ModuleVerdict::Alone });
        }
        Ok(judged)
    }

    /// The verdicts, once what they say of these module versions survives a power cut.
    async fn settled(&self, judged: Result<Vec<Vec<Judged>>, Fault>) -> Result<Vec<Vec<Judged>>, Fault> {
        let judged = judged?;
        if !self.options.is_dry_run {
            self.proxy.settle_names(self.options.at_once).await?;
        }
        Ok(judged)
    }

    async fn file(&self, module: &ModuleVersion, kind: Kind) -> ModuleVerdict {
        if self.options.is_dry_run {
            return match self.proxy.examine(module, kind).await {
                Ok(Examined::Held) => ModuleVerdict::Held,
                Ok(Examined::Right(bytes)) => ModuleVerdict::Stored(bytes),
                Err(denied) => verdict(denied),
            };
        }
        let request = ModuleRequest::File(module.clone(), kind);
        let (is_held, answer) = match self.proxy.answer(&request, Mode { cached_only: true, peer: None }).await {
            held @ Ok(ProxyAnswer::File(_)) => (true, held),
            _ => (false, self.proxy.answer(&request, Mode::default()).await),
        };
        match answer {
            Ok(ProxyAnswer::File(file)) => match self.proxy.defer_name(module) {
                Ok(()) if is_held => ModuleVerdict::Held,
                Ok(()) => ModuleVerdict::Stored(file.len()),
                Err(fault) => ModuleVerdict::Failed(fault),
            },
            Ok(ProxyAnswer::Text(_) | ProxyAnswer::Unproven(_)) => {
                ModuleVerdict::Refused("its bytes are not what the record says".to_owned())
            }
            Err(denied) => verdict(denied),
        }
    }

    /// The `.info`, which has to be one, also where more is known here than it says.
    async fn info(&self, module: &ModuleVersion) -> Result<Judged, Fault> {
        let request = ModuleRequest::Info(module.clone());
        let verdict = match self.source.fetch(0, &request, MAX_INFO_BYTES).await {
            Ok(Fetched::Missing(why)) => ModuleVerdict::Refused(why),
            Ok(Fetched::Body(bytes, _)) => {
                let from = (!self.options.is_dry_run).then(|| self.source.name(0));
                match self.proxy.keep_answer(module, &bytes, from) {
                    Ok(Ok(true)) => ModuleVerdict::Held,
                    Ok(Ok(false)) => ModuleVerdict::Stored(wide(bytes.len())),
                    Ok(Err(error)) => ModuleVerdict::Refused(error.to_string()),
                    Err(denied) => verdict(denied),
                }
            }
            Err(failure) => {
                ModuleVerdict::Failed(Fault::unavailable(failure.kind.cause(), failure.source, failure.why))
            }
        };
        Ok(Judged { request, verdict: fatal(verdict)? })
    }
}

/// What ends the whole work is an error.
fn fatal(verdict: ModuleVerdict) -> Result<ModuleVerdict, Fault> {
    match verdict {
        ModuleVerdict::Failed(fault) if fault.is_disk() || matches!(fault, Fault::Forked { .. }) => Err(fault),
        verdict => Ok(verdict),
    }
}

fn verdict(denied: Denied) -> ModuleVerdict {
    match denied {
        Denied::NotFound(words) | Denied::NotCached(words) => ModuleVerdict::Unproven(words),
        Denied::Refused(RefusalCause::Private, _) => ModuleVerdict::Private,
        Denied::Refused(_, lines) => ModuleVerdict::Refused(lines.join(" / ")),
        Denied::Fault(fault) => ModuleVerdict::Failed(fault),
    }
}
