//! The file with the tokens of a server: names, scopes and hashes, but no token. `gosumcheck token` writes it, `serve` reads it.
//!
//! A token is `gst_ID_SECRET`: an id of 40 bits, which finds the entry and need not be secret, and 256 random bits. The file has the SHA-256
//! of the whole: with so many random bits, a slow hash would add nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::watched::{self, Readers};
use crate::fault::Fault;
use crate::files;

/// What every token begins with.
pub(super) const PREFIX: &str = "gst_";
/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;
/// The longest name of a token, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Written above the tokens.
const HEAD: &str =
    "# Tokens of gosumcheck serve. Written by gosumcheck token; it has hashes of the tokens, and no token.\n\n";

/// The file of tokens at a path.
#[derive(Debug)]
pub struct TokenFile(PathBuf);

/// One token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredToken {
    /// what rules and refusals call it
    pub name: String,
    /// finds it
    pub id: String,
    /// SHA-256 of the token, in hexadecimal digits
    pub sha256: String,
    /// the actions that it is for
    pub may: Vec<String>,
    /// the modules that it is for; none for all
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// when it was made
    pub created: Timestamp,
    /// from when on it is refused
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// What a token is made of.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// its name
    pub name: String,
    /// as in [`StoredToken`]
    pub may: Vec<String>,
    /// as in [`StoredToken`]
    pub modules: Vec<String>,
    /// as in [`StoredToken`]
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    token: Vec<StoredToken>,
}

impl TokenFile {
    /// The file at `path`, which need not exist.
    pub fn at(path: &Path) -> TokenFile {
        TokenFile(path.to_path_buf())
    }

    /// The tokens; none where there is no file.
    ///
    /// # Errors
    /// `Usage`: the file cannot be read, is open to others, or is not such a file.
    pub fn read(&self) -> Result<Vec<StoredToken>, Fault> {
        if matches!(self.0.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound) {
            return Ok(Vec::new());
        }
        let text = watched::read(&self.0, MAX_BYTES, Readers::Owner)?;
        let content: Result<Content, _> = toml::from_str(&text);
        let content = content.map_err(|error| {
            let line =
                error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            Fault::Usage(format!("{}:{line}: not a file of tokens: {why}", self.0.display()))
        })?;
        Ok(content.token)
    }

    /// Adds a token, and gives its text, which is kept nowhere.
    ///
    /// # Errors
    /// `Usage`: the name is taken, or makes no sense. `Unavailable`: the file cannot be written.
    pub fn create(&self, new: NewToken, now: Timestamp) -> Result<String, Fault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/".contains(&byte);
        if new.name.is_empty() || new.name.len() > MAX_NAME_BYTES || !new.name.bytes().all(plain) {
            return Err(Fault::Usage(format!(
                "{:?} is not the name of a token: letters, digits and -_.@/, at most {MAX_NAME_BYTES}",
                new.name
            )));
        }
        let _lock = self.lock()?;
        let mut tokens = self.read()?;
        if tokens.iter().any(|token| token.name == new.name) {
            return Err(Fault::Usage(format!(
                "there is a token {:?} already; revoke it, or choose another name",
                new.name
            )));
        }
        let id = hex::encode(random::<5>()?);
        let secret = format!("{PREFIX}{id}_{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?));
        let sha256 = hex::encode(Sha256::digest(&secret));
        let NewToken { name, may, modules, expires } = new;
        tokens.push(StoredToken { name, id, sha256, may, modules, created: now, expires });
        self.write(tokens)?;
        Ok(secret)
    }

    /// Removes the token with this name or id; gives it.
    ///
    /// # Errors
    /// `Usage`: there is none. `Unavailable`: the file cannot be written.
    pub fn revoke(&self, named: &str) -> Result<StoredToken, Fault> {
        let _lock = self.lock()?;
        let mut tokens = self.read()?;
        let found = tokens.iter().position(|token| token.name == named || token.id == named);
        let Some(found) = found else {
            return Err(Fault::Usage(format!("there is no token {named:?} in {}", self.0.display())));
        };
        let removed = tokens.remove(found);
        self.write(tokens)?;
        Ok(removed)
    }

    fn failed(&self, what: &str, error: &io::Error) -> Fault {
        Fault::disk(self.0.display().to_string(), format!("cannot be {what}: {}", files::explain(error)))
    }

    /// Keeps other processes from changing the file meanwhile.
    fn lock(&self) -> Result<File, Fault> {
        let lock = || {
            if let Some(folder) = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600);
            let file = options.open(self.beside(".lock"))?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        };
        lock().map_err(|error| self.failed("locked", &error))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Writes the file whole, in place of the old one.
    fn write(&self, tokens: Vec<StoredToken>) -> Result<(), Fault> {
        let write = || {
            let text = toml::to_string(&Content { token: tokens }).map_err(io::Error::other)?;
            let new = self.beside(".new");
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&new)?;
            file.write_all(HEAD.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.0)?;
            File::open(files::folder_of(&self.0))?.sync_all()
        };
        write().map_err(|error: io::Error| self.failed("written", &error))
    }
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Fault::machine("the system", "has no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn new(name: &str) -> NewToken {
        NewToken { name: name.to_owned(), may: vec!["read".to_owned()], modules: Vec::new(), expires: None }
    }

    #[test]
    fn the_file_has_hashes_and_no_token() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("access/tokens.toml");
        let (file, now) = (TokenFile::at(&path), Timestamp::UNIX_EPOCH);
        assert_eq!(file.read().unwrap(), []);
        let expires = Some(Timestamp::new(9, 0).unwrap());
        let modules = vec!["corp.example/a".to_owned()];
        let one = file.create(NewToken { expires, modules, ..new("ci-a") }, now).unwrap();
        let two = file.create(new("ci-b"), now).unwrap();
        assert!(one != two && one.len() == "gst_".len() + 10 + 1 + 43, "{one}");
        let text = fs::read_to_string(&path).unwrap();
        // The secret may have underscores of its own.
        let secret = one.splitn(3, '_').nth(2).unwrap();
        assert_eq!(secret.len(), 43);
        assert!(!text.contains(&one) && !text.contains(secret) && text.contains("ci-a"));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(file.create(new("ci-a"), now).unwrap_err().to_string().contains("already"));
        assert!(file.create(new("a b"), now).is_err() && file.create(new(""), now).is_err());
        let id = file.read().unwrap()[1].id.clone();
        assert_eq!(file.revoke(&id).unwrap().name, "ci-b");
        assert!(file.revoke("ci-b").unwrap_err().to_string().contains("no token \"ci-b\""));
        assert_eq!(file.read().unwrap().len(), 1);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_another_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("tokens.toml");
        let file = TokenFile::at(&path);
        file.create(new("a"), Timestamp::UNIX_EPOCH).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(file.read().unwrap_err().to_string().contains("may read it; chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "[[token]]\nname = \"a\"\nsecret = \"x\"\n").unwrap();
        let why = file.read().unwrap_err().to_string();
        assert!(why.contains("tokens.toml:3: not a file of tokens: unknown field"), "{why}");
    }
}
