//! `/`: what this server is, for a person with a browser, and the two settings for the go command.

use bytes::Bytes;
use hyper::header::{HeaderValue, VARY};

use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, CachePolicy, SUMDB_TEXT};

/// The page. People copy its lines into a shell, and they name the host that the client used, which was checked. So no cache may
/// store it: it would serve one client's host to another.
pub(crate) fn page(app: &App, context: &RequestContext<'_>, scheme: &str, host: Option<String>) -> Answer {
    let url = format!("{scheme}://{}{}", host.as_deref().unwrap_or("THIS-SERVER"), context.prefix);
    let mut page = format!(
        "gosumcheck {}: Go's modules and checksum database, proven.\n\n\
         Nothing is stored or served here before it is proven, from the log's public key up;\n\
         and your go command proves it once more.\n\nTo use it, set:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for (number, served) in app.databases.iter().enumerate() {
        let name = served.relay.name();
        let key = if name == "sum.golang.org" { name.to_owned() } else { format!("<key of {name}>") };
        let below = if number == 0 { String::new() } else { format!("/sumdb/{name}") };
        page.push_str(&format!("  go env -w GOSUMDB=\"{key} {url}{below}\"\n"));
    }
    if app.proxy.is_some() {
        page.push_str(&format!("  go env -w GOPROXY={url},direct\n"));
        page.push_str("\nAfter the comma, go asks the next one only for what does not exist here (404); after a |\n");
        page.push_str("it would also do so after a refusal or an outage, and fetch around this server.\n");
        page.push_str("\nModules: /MODULE/@v/list, /MODULE/@v/VERSION.info (.mod, .zip), /MODULE/@latest; below\n");
        page.push_str("/cached-only only those that are here already.\n");
    } else {
        page.push_str(&format!("  go env -w GOPROXY={url},<your other proxies>\n"));
    }
    page.push_str(
        "\nAlso here: /healthz /readyz /metrics /log/NAME/ (the files of the log) /tlog/ (C2SP tlog-tiles)\n",
    );
    let varies = Some((VARY, HeaderValue::from_static("host")));
    Answer { extra_header: varies, ..Answer::new(SUMDB_TEXT, CachePolicy::NoStore, Bytes::from(page)) }
}
