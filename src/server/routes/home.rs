//! `/` as text: what this server is, for a person at a terminal, and the two settings for the go command.

use bytes::Bytes;
use hyper::header::{HeaderValue, VARY};

use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, CachePolicy, SUMDB_TEXT};

/// How to point the go command at this very server, by the host that the client used, which was checked.
pub(crate) struct Setup {
    /// commands for a shell
    pub(crate) lines: Vec<String>,
}

impl Setup {
    /// The settings for a client that reached this server under that host.
    pub(crate) fn of(app: &App, context: &RequestContext<'_>, scheme: &str, host: Option<String>) -> Setup {
        let url = format!("{scheme}://{}{}", host.as_deref().unwrap_or("THIS-SERVER"), context.prefix);
        let mut lines = Vec::new();
        for (number, served) in app.databases.iter().enumerate() {
            let name = served.relay.name();
            let key = if name == "sum.golang.org" { name.to_owned() } else { format!("<key of {name}>") };
            let below = if number == 0 { String::new() } else { format!("/sumdb/{name}") };
            lines.push(format!("go env -w GOSUMDB=\"{key} {url}{below}\""));
        }
        lines.push(match app.proxy {
            Some(_) => format!("go env -w GOPROXY={url},direct"),
            None => format!("go env -w GOPROXY={url},<your other proxies>"),
        });
        Setup { lines }
    }
}

/// The page. People copy its lines into a shell. So no cache may store it: it would serve one client's host to another.
pub(crate) fn page(app: &App, context: &RequestContext<'_>, scheme: &str, host: Option<String>) -> Answer {
    let mut page = format!(
        "gosumcheck {}: Go's modules and checksum database, proven.\n\n\
         Nothing is stored or served here before it is proven, from the log's public key up;\n\
         and your go command proves it once more.\n\nTo use it, set:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for line in Setup::of(app, context, scheme, host).lines {
        page.push_str(&format!("  {line}\n"));
    }
    if app.proxy.is_some() {
        page.push_str("\nAfter the comma, go asks the next one only for what does not exist here (404); after a |\n");
        page.push_str("it would also do so after a refusal or an outage, and fetch around this server.\n");
        page.push_str("\nModules: /MODULE/@v/list, /MODULE/@v/VERSION.info (.mod, .zip), /MODULE/@latest; below\n");
        page.push_str("/cached-only only those that are here already.\n");
    }
    page.push_str(
        "\nAlso here: /healthz /readyz /metrics /log/NAME/ (the files of the log) /tlog/ (C2SP tlog-tiles)\n",
    );
    let varies = Some((VARY, HeaderValue::from_static("accept, host")));
    Answer { extra_header: varies, ..Answer::new(SUMDB_TEXT, CachePolicy::NoStore, Bytes::from(page)) }
}
