//! One stored file of a module is put in order, as `verify --repair` asks for it: bytes that are what the record says get their hash
//! and their proof beside them again; others are set aside and fetched, proven as ever.

use std::path::Path;

use super::check::what;
use super::{Denied, Mode, Proxy, ProxyAnswer, files};
use crate::fault::Fault;
use crate::relay::LookupAnswer;
use crate::store::modules::{Proof, STORE_NAME, Tree, pin_extension, proof_extension};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::{Kind, SumHash};
use crate::sumdb::module::ModuleVersion;

/// What was done about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MendedFile {
    /// nothing: it is what it should be
    InOrder,
    /// its mode was set
    Closed,
    /// its hash and its proof were written again
    Vouched,
    /// an upstream had the right bytes
    Fetched,
    /// it was written again from what is stored
    Written,
}

impl MendedFile {
    /// What a report says of it.
    fn words(self) -> Option<&'static str> {
        match self {
            MendedFile::InOrder => None,
            MendedFile::Closed => Some("has mode 0600 again"),
            MendedFile::Vouched => Some("has its hash and its proof beside it again"),
            MendedFile::Fetched => Some("was fetched again"),
            MendedFile::Written => Some("was written again"),
        }
    }
}

impl Proxy {
    /// Puts the file at `path`, or what stands beside it, in order; says what was done, none where it was in order.
    ///
    /// # Errors
    /// Why it could not be done, in words.
    pub async fn mend_stored(&self, path: &Path) -> Result<Option<&'static str>, String> {
        let modules = &self.inner.modules;
        let said = |fault: Fault| fault.to_string();
        let was_open = self.inner.folder.mend_mode(path).map_err(said)?;
        let trees = [Tree::Proven, Tree::FirstUse].map(|tree| (tree, path.strip_prefix(modules.dir_of(tree))));
        let below = trees.into_iter().find_map(|(tree, below)| Some((tree, below.ok()?.to_str()?)));
        let mended = match below.map(|(tree, below)| (tree, ModuleRequest::parse(&stands_beside(below)))) {
            Some((_, Ok(ModuleRequest::File(module, kind)))) => self.mend(&module, kind).await?,
            Some((tree, Ok(ModuleRequest::Info(module)))) if !was_open => self.mend_info(&module, tree).await?,
            Some((_, Ok(ModuleRequest::List(module)))) if !was_open => {
                modules.write_list(&module).map_err(said)?;
                MendedFile::Written
            }
            _ if was_open => MendedFile::Closed,
            _ => return Err("is not a file that can be had again".to_owned()),
        };
        Ok(if was_open && mended == MendedFile::InOrder { MendedFile::Closed } else { mended }.words())
    }

    /// Puts the file `kind` of a module version in order, in the tree where it belongs.
    ///
    /// # Errors
    /// Why it could not be done, in words. Bytes that were set aside for a download that failed are in the quarantine.
    async fn mend(&self, module: &ModuleVersion, kind: Kind) -> Result<MendedFile, String> {
        let inner = &self.inner;
        let policy = inner.policy.now();
        let route = policy.route(module.path(), Some(module.version()));
        let tree = route.map_err(|denied| in_words(&denied))?.tree();
        let modules = &inner.modules;
        let said = |fault: Fault| fault.to_string();
        let got = modules.hash_at(tree, module, kind).map_err(said)?;
        let expected = self.expected(tree, module, kind).await?;
        match (expected, got) {
            (Some((hash, proof)), Some(got)) if hash == got => {
                let vouched = modules.vouch(tree, module, kind, &hash, proof.as_ref()).map_err(said)?;
                return Ok(if vouched { MendedFile::Vouched } else { MendedFile::InOrder });
            }
            (Some((hash, _)), got) => self.set_aside(tree, module, kind, &hash, got.as_ref())?,
            (None, _) if tree == Tree::FirstUse => {
                return Err("it is private, and nothing here says any more what it was pinned to".to_owned());
            }
            (None, _) => return Err("no record of it can be proven".to_owned()),
        }
        // The `.info` beside it stays as it is (`keep_info`).
        let given = files::answer(inner, module, kind, Mode::default()).await;
        given.map_err(|denied| set_aside_and_missed(module, kind, &denied))?;
        Ok(MendedFile::Fetched)
    }

    /// The hash that the file should have, and by which record; none where nothing says.
    async fn expected(
        &self,
        tree: Tree,
        module: &ModuleVersion,
        kind: Kind,
    ) -> Result<Option<(SumHash, Option<Proof>)>, String> {
        let inner = &self.inner;
        if tree == Tree::FirstUse {
            let beside = inner.modules.beside(tree, module, kind).map_err(|fault| fault.to_string())?;
            return Ok(beside.hash.ok().flatten().map(|hash| (hash, None)));
        }
        match inner.relay.record(module).await.map_err(|fault| fault.to_string())? {
            LookupAnswer::Found(recorded) => {
                let record = recorded.record;
                let proof = Proof { database: inner.relay.vkey().to_owned(), record: record.id() };
                Ok(Some((record.hash(kind).clone(), Some(proof))))
            }
            _ => Ok(None),
        }
    }

    fn set_aside(
        &self,
        tree: Tree,
        module: &ModuleVersion,
        kind: Kind,
        expected: &SumHash,
        got: Option<&SumHash>,
    ) -> Result<(), String> {
        let report = report(module, kind.extension(), Some(expected), got);
        self.inner.modules.set_aside(tree, module, kind, report.as_bytes()).map_err(|fault| fault.to_string())
    }

    /// Asks for the `.info` of a version again, and writes it down in place of what is there.
    ///
    /// # Errors
    /// Why it could not be had, in words; then what was there is in the quarantine.
    async fn mend_info(&self, module: &ModuleVersion, tree: Tree) -> Result<MendedFile, String> {
        let modules = &self.inner.modules;
        let report = report(module, "info", None, None);
        modules.set_info_aside(tree, module, report.as_bytes()).map_err(|fault| fault.to_string())?;
        let request = ModuleRequest::Info(module.clone());
        let ProxyAnswer::Text(text) =
            self.answer(&request, Mode::default()).await.map_err(|denied| in_words(&denied))?
        else {
            return Err("was not answered by a text".to_owned());
        };
        // One that was cached is not written down by itself.
        modules.write_info(tree, module, &text.bytes).map_err(|fault| fault.to_string())?;
        Ok(if text.stale { MendedFile::Written } else { MendedFile::Fetched })
    }
}

/// The file that a hash or a proof stands beside; any other as it is.
fn stands_beside(path: &str) -> String {
    for kind in [Kind::Zip, Kind::GoMod] {
        for ending in [pin_extension(kind), proof_extension(kind)] {
            if let Some(stem) = path.strip_suffix(ending).filter(|stem| stem.ends_with('.')) {
                return format!("{stem}{}", kind.extension());
            }
        }
    }
    path.to_owned()
}

/// What is kept beside bytes that are set aside.
fn report(module: &ModuleVersion, ending: &str, expected: Option<&SumHash>, got: Option<&SumHash>) -> String {
    let report = serde_json::json!({
        "schema": "gosumcheck.replaced/1",
        "module": module.path().as_str(),
        "version": module.version().as_str(),
        "file": ending,
        "expected": expected.map(ToString::to_string),
        "got": got.map(ToString::to_string),
        "refused": { "upstream": STORE_NAME },
    });
    format!("{report:#}\n")
}

/// Why nobody had the right bytes.
fn set_aside_and_missed(module: &ModuleVersion, kind: Kind, denied: &Denied) -> String {
    let (what, why) = (what(module, kind), in_words(denied));
    format!("{what}: what was there is set aside in refused/, and nobody has the right bytes now: {why}")
}

/// Why a request is not answered, in one line.
fn in_words(denied: &Denied) -> String {
    match denied {
        Denied::NotFound(words) | Denied::NotCached(words) => words.clone(),
        Denied::Refused(_, lines) => lines.join(" / "),
        Denied::Fault(fault) => fault.to_string(),
    }
}
