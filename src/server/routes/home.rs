//! `/`: what this is, for a person with a browser, and the two lines to set.

use bytes::Bytes;
use hyper::header::{HeaderValue, VARY};

use crate::server::app::{App, request::Question};
use crate::server::http::answer::{Answer, NEVER, TEXT};

/// The page. Its lines are copied into a shell, and name the host that the client used, which was checked: a cache that gave them to
/// somebody else could have them name any host.
pub(crate) fn page(app: &App, question: &Question<'_>, host: Option<String>) -> Answer {
    let host = format!("{}{}", host.as_deref().unwrap_or("THIS-SERVER"), question.prefix);
    let mut page = format!(
        "gosumcheck {}: Go's modules and checksum database, proven.\n\n\
         Nothing is stored or served here before it is proven, from the log's public key up;\n\
         and your go command proves it once more.\n\nTo use it, set:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for (number, served) in app.served.iter().enumerate() {
        let name = served.relay.name();
        let key = if name == "sum.golang.org" { name.to_owned() } else { format!("<key of {name}>") };
        let below = if number == 0 { String::new() } else { format!("/sumdb/{name}") };
        page.push_str(&format!("  go env -w GOSUMDB=\"{key} http://{host}{below}\"\n"));
    }
    if app.proxy.is_some() {
        page.push_str(&format!("  go env -w GOPROXY=http://{host},direct\n"));
        page.push_str("\nModules: /MODULE/@v/list, /MODULE/@v/VERSION.info (.mod, .zip), /MODULE/@latest; below\n");
        page.push_str("/cached-only only those that are here already.\n");
    } else {
        page.push_str(&format!("  go env -w GOPROXY=http://{host},<your other proxies>\n"));
    }
    page.push_str(
        "\nAlso here: /healthz /readyz /metrics /log/NAME/ (the files of the log) /tlog/ (C2SP tlog-tiles)\n",
    );
    let varies = Some((VARY, HeaderValue::from_static("host")));
    Answer { extra: varies, ..Answer::new(TEXT, NEVER, Bytes::from(page)) }
}
