//! Settings that are one of a few words.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// a TCP port
    Tcp(SocketAddr),
    /// a Unix socket at this absolute path
    Unix(PathBuf),
    /// the sockets that systemd opened under this name (`FileDescriptorName=`)
    Systemd(String),
}

impl ListenAddress {
    /// The address of a TCP port; none for anything else.
    pub fn tcp(&self) -> Option<SocketAddr> {
        if let ListenAddress::Tcp(address) = self { Some(*address) } else { None }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            ListenAddress::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// A proxy that is believed about the address of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// each client that connects from this network
    Network(IpNet),
    /// each client on a Unix socket of the server
    Unix,
}

/// Whether clients must have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// a client may have none
    Optional,
    /// a client without one gets no connection
    Required,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// for people
    Text,
    /// for machines
    Json,
}

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLog {
    /// none
    Off,
    /// those that failed: 4xx (but 404 and 304 are answers) and 5xx
    #[default]
    Errors,
    /// each
    All,
}

/// What becomes of a module that is not what the database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMismatch {
    /// nobody gets it
    Refuse,
    /// it is served, loudly
    Warn,
}

/// What is brought before a client asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAhead {
    /// nothing
    Off,
    /// go.mod files and their records
    Mod,
    /// zips too
    All,
}

/// How much of the disk is left free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFloor {
    /// as much as fits the size of the disk
    Auto,
    /// that many bytes; 0: nothing
    Bytes(u64),
}

/// The words for each level of logs.
pub(super) const LEVELS: [(&str, &str); 5] =
    [("error", "error"), ("warn", "warn"), ("info", "info"), ("debug", "debug"), ("trace", "trace")];
/// The words for each format of logs.
pub(super) const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
/// The words for what becomes of wrong bytes.
pub(super) const MISMATCH: [(&str, OnMismatch); 2] = [("refuse", OnMismatch::Refuse), ("warn", OnMismatch::Warn)];
/// The words for which requests are logged.
pub(super) const ACCESS: [(&str, AccessLog); 3] =
    [("off", AccessLog::Off), ("errors", AccessLog::Errors), ("all", AccessLog::All)];
/// The words for what is read ahead.
pub(super) const READ_AHEAD: [(&str, ReadAhead); 3] =
    [("off", ReadAhead::Off), ("mod", ReadAhead::Mod), ("all", ReadAhead::All)];
/// The words for whether clients must have a certificate.
pub(super) const CLIENT_CERTIFICATES: [(&str, ClientCertificates); 2] =
    [("optional", ClientCertificates::Optional), ("required", ClientCertificates::Required)];
