//! The sockets of a server: opened here, or by systemd before it started us.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use crate::config::settings::{ClientCertificates, ListenAddress, Settings, rows};
use crate::fault::Fault;
use crate::server::{Listener, Listeners};

/// The names of the sockets, as systemd passes them (sd_listen_fds(3)).
const NAMES: &str = "LISTEN_FDNAMES";

/// The sockets that systemd opened, each with its name.
pub(super) struct Passed {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Passed {
    /// Those of this process. To be called before there are other threads: it changes the environment.
    pub(super) fn take() -> Passed {
        let names = std::env::var(NAMES).unwrap_or_default();
        Passed { sockets: ListenFd::from_env(), names: names.split(':').map(str::to_owned).collect() }
    }

    /// Those of this name.
    fn named(&mut self, name: &str) -> Result<Vec<Listener>, Fault> {
        let has_name = |number: &usize| self.names.get(*number).map(String::as_str) == Some(name);
        let numbers: Vec<usize> = (0..self.sockets.len()).filter(has_name).collect();
        let failed =
            |error: io::Error| Fault::machine(format!("systemd:{name}"), format!("cannot listen there: {error}"));
        let mut found = Vec::new();
        for number in numbers {
            // It is of one kind or of the other; if of neither, the second error is as good as the first.
            if let Ok(Some(listener)) = self.sockets.take_tcp_listener(number) {
                listener.set_nonblocking(true).map_err(failed)?;
                found.push(Listener::Tcp(TcpListener::from_std(listener).map_err(failed)?));
            } else if let Some(listener) = self.sockets.take_unix_listener(number).map_err(failed)? {
                listener.set_nonblocking(true).map_err(failed)?;
                found.push(Listener::Unix(UnixListener::from_std(listener).map_err(failed)?));
            }
        }
        if found.is_empty() {
            let why = format!(
                "systemd:{name}: systemd passed no socket of this name that is not in use yet; a socket unit needs \
                 FileDescriptorName={name}, and the service Sockets="
            );
            return Err(Fault::Usage(why));
        }
        Ok(found)
    }
}

/// The open sockets of a server, and what to print of them.
#[derive(Default)]
pub(super) struct Sockets {
    pub(super) listeners: Listeners,
    /// a line for each
    pub(super) lines: Vec<String>,
    /// the files of Unix sockets, removed when this is dropped
    pub(super) files: Vec<SocketFile>,
}

/// Opens the sockets that the settings name.
pub(super) async fn open(settings: &Settings, mut passed: Passed) -> Result<Sockets, Fault> {
    let mut sockets = Sockets::default();
    let kinds = [
        (&settings.listen, "listening", "http", &rows::listen),
        (&settings.tls_listen, "listening", "https", &rows::tls_listen),
        (&settings.admin_listen, "listening for health and metrics", "http", &rows::admin_listen),
    ];
    for (number, (addresses, what, scheme, setting)) in kinds.into_iter().enumerate() {
        for address in addresses {
            let opened = match address {
                ListenAddress::Tcp(address) => vec![Listener::Tcp(tcp(*address, &settings.place_of(setting)).await?)],
                ListenAddress::Unix(path) => {
                    let (listener, file) = unix(path, settings.socket_mode)?;
                    sockets.files.push(file);
                    vec![Listener::Unix(listener)]
                }
                ListenAddress::Systemd(name) => passed.named(name)?,
            };
            for listener in opened {
                let place = match &listener {
                    Listener::Tcp(listener) => format!("{scheme}://{}", local(listener)?),
                    Listener::Unix(_) | Listener::Own(_) => address.to_string(),
                };
                sockets.lines.push(format!("{what}: {place}"));
                match number {
                    0 => sockets.listeners.public.push(listener),
                    1 => sockets.listeners.tls.push(listener),
                    _ => sockets.listeners.admin.push(listener),
                }
            }
        }
    }
    Ok(sockets)
}

/// Warns where clients of other machines can reach the server and nothing says who may ask.
pub(super) fn warn_of_open(listeners: &Listeners, settings: &Settings) {
    let elsewhere = |listener: &Listener| match listener {
        Listener::Tcp(listener) => listener.local_addr().ok().filter(|at| !at.ip().to_canonical().is_loopback()),
        Listener::Unix(_) | Listener::Own(_) => None,
    };
    for (listeners, over_tls) in [(&listeners.public, false), (&listeners.tls, true)] {
        let open: Vec<String> = listeners.iter().filter_map(elsewhere).map(|at| at.to_string()).collect();
        if !open.is_empty() && !has_access_control(settings, over_tls) {
            tracing::warn!(
                "EVERYBODY who can reach {} can ask this server for all that it serves{}: nothing says who may. Listen on \
                 127.0.0.1 alone, let a firewall decide, ask for credentials (docs/access.md), or require client certificates \
                 (tls.client_ca)",
                open.join(", "),
                if settings.private_proxy.is_off() { "" } else { ", private modules too" }
            );
        }
    }
}

/// Whether something decides who may ask, for clients that come over TLS or without it.
fn has_access_control(settings: &Settings, over_tls: bool) -> bool {
    let limits_all = settings.has_access_control() || !settings.access_networks.is_empty();
    limits_all
        || over_tls && settings.tls_client_ca.is_some() && settings.tls_client_auth == ClientCertificates::Required
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Fault> {
    listener.local_addr().map_err(|error| Fault::machine("a listening socket", error.to_string()))
}

async fn tcp(address: SocketAddr, place: &str) -> Result<TcpListener, Fault> {
    let failed =
        |error| Fault::machine(address.to_string(), format!("cannot listen there: {error}; name another address"));
    TcpListener::bind(address).await.map_err(|error: io::Error| failed(error).set_at(place))
}

/// A Unix socket at `path`. One that no process listens at any more is replaced; anything else at that path stays.
fn unix(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile), Fault> {
    let failed = |why: String| Fault::machine(path.display().to_string(), format!("cannot listen there: {why}"));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(failed("there is a file that is not a socket; it was left alone".to_owned()));
        }
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(|error| failed(format!("the old socket cannot be removed: {error}")))?;
            }
            Ok(_) => return Err(failed("another process listens there".to_owned())),
            Err(error) => return Err(failed(format!("there is a socket that may be in use: {error}"))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error.to_string())),
    }
    let listener = UnixListener::bind(path).map_err(|error| failed(error.to_string()))?;
    // The umask let nobody else connect until now.
    let opened = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    opened.map_err(|error| failed(format!("cannot set the mode of the socket: {error}")))?;
    let made = fs::symlink_metadata(path).map_err(|error| failed(error.to_string()))?;
    Ok((listener, SocketFile { path: path.to_path_buf(), identity: (made.dev(), made.ino()) }))
}

/// The file of a Unix socket; it is removed when this is dropped, unless another one has its name by then.
pub(super) struct SocketFile {
    path: PathBuf,
    /// device and number
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |found: &fs::Metadata| (found.dev(), found.ino()) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(|found| is_ours(&found)) {
            let _ = fs::remove_file(&self.path); // the next server replaces it
        }
    }
}
