//! The settings of `gosumcheck serve`, in four layers: the defaults, `gosumcheck.toml`, the environment, the flags. Each says only
//! what it changes, and the last one that says something about a setting decides. Every setting is a row of `table`.
//!
//! A message about a wrong value names the place where it stands: the line of the file, the variable, or the flag.

mod access;
mod choices;
mod document;
mod effective;
mod fields;
mod issuer;
mod layers;
mod notify;
mod ourselves;
mod page;
mod point;
mod reader;
mod renamed;
mod rules_file;
mod secret;
mod setting;
mod source;
mod table;
mod upstream;
mod upstreams;
mod urls;
mod values;
mod verify;

pub use access::{ACCESS_TABLES, AccessRule, AccessTables, Action, Who, patterns};
pub use choices::{
    AccessLog, ClientCertificates, DiskFloor, ListenAddress, LogFormat, OnMismatch, ReadAhead, TrustedProxy,
};
pub use effective::{private_patterns, token_file};
pub use issuer::{ClaimPattern, IssuerSettings, KeyPlace};
pub use layers::{FILE_NAME, FILE_VARIABLE, Layers};
pub use notify::NotifyTarget;
pub use page::page;
pub use reader::Shown;
pub use renamed::{RENAMED, Renamed};
pub use rules_file::RulesFile;
pub use secret::Secret;
pub use setting::{DefaultValue, Setting, Value};
pub use source::ValueSource;
pub use table::{MAX_JOBS, MAX_RATE, SETTINGS, Settings, rows};
pub use upstream::{UPSTREAM_SETTINGS, Upstream, UpstreamSetting};
pub use verify::VerifySettings;
