//! `gosumcheck key`: keys that sign, made and shown.

use std::path::PathBuf;

use aws_lc_rs::rand;
use clap::{Args, Subcommand, ValueEnum};

use super::output::{say, tell};
use crate::config::key_file;
use crate::fault::Fault;
use crate::sumdb::note::{KeyKind, SignerKey};

pub(super) const EXIT_CODES: &str = "\
The secret key is in the file and nowhere else: keep a backup of it where nobody else can read. What is printed, the verifier key, is \
for others: it goes into their policies.

Exit codes:
  0  done
  2  wrong usage, or a file that could not be read or written";

#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a key, write it to a new file that only its owner can read, and print its verifier key
    #[command(after_help = EXIT_CODES)]
    Generate(GenerateArgs),
    /// Print the verifier key of a key file
    #[command(after_help = EXIT_CODES)]
    Show {
        /// The file that `key generate` wrote
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// What it signs: cosignature, tree heads that `serve --cosign` holds in full (C2SP cosignature/v1, with the time); or note,
    /// texts of our own such as the record of verifications (Ed25519, as Go's notes). A key of one kind cannot be used as the other
    #[arg(long, value_name = "KIND")]
    kind: Kind,
    /// Its name: a host of yours with perhaps a path, such as mirror.example.com/go
    name: String,
    /// The file to write, which must not exist
    file: PathBuf,
}

/// The kinds of keys, as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Cosignature,
    Note,
}

/// Runs the command; gives the exit code.
pub(super) fn run(command: &Key) -> Result<u8, Fault> {
    let key = match command {
        Key::Generate(args) => generate(args)?,
        Key::Show { file } => key_file::read(file)?,
    };
    let kind = match key.kind() {
        KeyKind::Witness | KeyKind::EarlyWitness => {
            "a cosignature key, for `serve --cosign` and as a witness in policies"
        }
        KeyKind::Log => "a note key, for records of our own: it cannot cosign",
    };
    say(&format!("{}: {kind}", key.name()));
    tell(|out| writeln!(out, "{}", key.vkey()))?;
    Ok(0)
}

fn generate(args: &GenerateArgs) -> Result<SignerKey, Fault> {
    let kind = match args.kind {
        Kind::Cosignature => KeyKind::Witness,
        Kind::Note => KeyKind::Log,
    };
    let mut seed = [0; 32];
    rand::fill(&mut seed).map_err(|_| Fault::machine("the system", "gives no random numbers"))?;
    let key = SignerKey::of_kind(kind, &args.name, seed)
        .map_err(|error| Fault::Usage(format!("{error}; write it as in mirror.example.com/go")))?;
    key_file::create(&args.file, &key)?;
    Ok(key)
}
