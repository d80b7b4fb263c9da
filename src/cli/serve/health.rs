//! `serve --check-health`: whether the server with these settings is alive, asked at its own address. For a container's health check,
//! where there is no shell and no other program.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::config::settings::{ListenAddress, Settings};
use crate::fault::Fault;

/// How long a server that is alive may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The beginning of an answer, up to its status, in bytes.
const STATUS_LINE: u64 = 12;

/// Asks the server: at the address for health and metrics where there is one, otherwise at the first without TLS.
///
/// # Errors
/// `Usage`: no address can be asked. `Unavailable`: nobody listens there, or the answer is not 200.
pub(super) fn ask(settings: &Settings) -> Result<(), Fault> {
    let asked = settings.admin_listen.iter().chain(&settings.listen).find_map(|address| match address {
        ListenAddress::Tcp(at) if at.port() != 0 => {
            let at = near(*at);
            Some((address, within(TIMEOUT, move || tcp(at))))
        }
        ListenAddress::Unix(path) => {
            let path = path.clone();
            Some((address, within(TIMEOUT, move || unix(&path))))
        }
        ListenAddress::Tcp(_) | ListenAddress::Systemd(_) => None,
    });
    let Some((address, asked)) = asked else {
        let why = "no address can be asked: name one without TLS and with a port, as in --admin-listen 127.0.0.1:3001";
        return Err(Fault::Usage(why.to_owned()));
    };
    let failed = |why: String| Fault::machine(address.to_string(), why);
    match asked {
        Ok(line) if line.ends_with(" 200") => Ok(()),
        Ok(line) => Err(failed(format!("answered {line:?} to /healthz"))),
        Err(error) => Err(failed(format!("cannot be asked for /healthz: {error}"))),
    }
}

/// What comes of asking, or that it takes too long: the bytes of an answer may come one by one, and a connection to a Unix socket waits
/// for as long as nobody accepts it.
fn within(time: Duration, ask: impl FnOnce() -> io::Result<String> + Send + 'static) -> io::Result<String> {
    let (tell, told) = mpsc::channel();
    // It ends with this process.
    std::thread::spawn(move || tell.send(ask()));
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out: no answer within {time:?}")));
    told.recv_timeout(time).unwrap_or_else(late)
}

fn tcp(address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    status(stream, &address.to_string())
}

fn unix(path: &Path) -> io::Result<String> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    status(stream, "localhost")
}

/// The beginning of the answer, as in `HTTP/1.1 200`.
fn status(mut stream: impl Read + Write, host: &str) -> io::Result<String> {
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut line = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Where a server that listens at all addresses is reached from its own machine.
fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_never_ends_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        // It accepts nobody.
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let late = within(Duration::from_millis(20), move || unix(&path)).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert_eq!(late.to_string(), "timed out: no answer within 20ms");
    }

    #[test]
    fn a_server_at_all_addresses_is_asked_at_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:3000", "[::1]:3000"),
            ("10.0.0.1:3001", "10.0.0.1:3001"),
            ("127.0.0.1:80", "127.0.0.1:80"),
        ] {
            assert_eq!(near(listens.parse().unwrap()).to_string(), asked);
        }
    }
}
