//! Go's settings may name this very server, since that is how go is told to use it: a server that asked itself would wait for its
//! own answer.

use std::net::{IpAddr, SocketAddr};

use super::choices::ListenAddress;
use super::source::ValueSource;
use super::table::{Settings, rows};
use crate::config::{HostName, ProxyList, Sumdb};
use crate::fault::Fault;

impl Settings {
    /// Takes what names this server out of what go's settings say, with a warning each.
    ///
    /// # Errors
    /// `Usage`: no module proxy is left.
    pub(super) fn leave_out_ourselves(&mut self) -> Result<(), Fault> {
        let listen: Vec<SocketAddr> =
            self.listen.iter().chain(&self.tls_listen).filter_map(ListenAddress::tcp).collect();
        let hosts = self.hosts.clone();
        let is_us = |url: &str| names_us(url, &listen, &hosts);
        let ours = |list: &ProxyList| list.entries().any(|(url, _)| is_us(url));
        if ours(&self.go_proxies) {
            self.warnings.push("GOPROXY names this server itself, which does not ask itself".to_owned());
            self.go_proxies = std::mem::take(&mut self.go_proxies).retaining(|url| !is_us(url));
        }
        if self.is_of_go(rows::proxy.name) && ours(&self.proxy) {
            self.proxy = std::mem::take(&mut self.proxy).retaining(|url| !is_us(url));
            if self.proxy.is_off() {
                self.proxy = ProxyList::parse("https://proxy.golang.org")?;
            }
            let shown = (self.proxy.to_string(), ValueSource::Default);
            self.show(rows::proxy.name, shown);
        }
        if self.is_of_go(rows::sumdb.name) {
            for sumdb in &mut self.sumdb {
                if let Sumdb::On { url, .. } = sumdb
                    && url.as_deref().is_some_and(is_us)
                {
                    *url = None;
                    self.warnings.push("GOSUMDB names this server itself, which does not ask itself".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Whether go's settings gave the value of a setting.
    fn is_of_go(&self, name: &str) -> bool {
        self.shown.iter().any(|(shown, _, source)| *shown == name && matches!(source, ValueSource::Go(_)))
    }

    fn show(&mut self, name: &str, (value, source): (String, ValueSource)) {
        if let Some(shown) = self.shown.iter_mut().find(|(shown, ..)| *shown == name) {
            (shown.1, shown.2) = (value, source);
        }
    }
}

/// Whether a URL leads to a server that listens at `listen` and is called `hosts`.
fn names_us(url: &str, listen: &[SocketAddr], hosts: &[HostName]) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    };
    let default = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return false,
    };
    let (host, port) = (host.trim_matches(['[', ']']), port.unwrap_or(default));
    if HostName::parse(host).is_some_and(|host| hosts.contains(&host)) {
        return true;
    }
    let address: Option<IpAddr> = if host == "localhost" { Some([127, 0, 0, 1].into()) } else { host.parse().ok() };
    let Some(address) = address else { return false };
    let near = |ours: IpAddr| ours == address || ours.is_unspecified() || (address.is_loopback() && ours.is_loopback());
    listen.iter().any(|ours| ours.port() == port && near(ours.ip()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ours_is_known_in_every_spelling() {
        let listen = ["127.0.0.1:3000".parse().unwrap(), "[::]:8080".parse().unwrap()];
        let hosts = [HostName::parse("goproxy.corp.example").unwrap()];
        for (url, ours) in [
            ("http://127.0.0.1:3000", true),
            ("http://localhost:3000/go", true),
            ("http://me:pw@[::1]:3000", true),
            ("http://10.0.0.1:8080", true),
            ("https://goproxy.corp.example/x", true),
            ("https://GOPROXY.corp.example:444", true),
            ("http://127.0.0.1:3001", false),
            ("http://10.0.0.1:3000", false),
            ("https://goproxy.cn", false),
            ("http://localhost", false),
            ("file:///localhost:3000", false),
            ("direct", false),
        ] {
            assert_eq!(names_us(url, &listen, &hosts), ours, "{url}");
        }
    }
}
