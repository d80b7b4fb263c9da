//! Fetches the go-import page of a module in place of the go command, which would follow a redirect to this machine past every
//! proxy (net/http, ProxyFromEnvironment). Each of our requests goes through the guard's own tunnel.

use std::path::Path;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Certificate, Client, Proxy, Response, Url, redirect, retry};

use crate::upstream::goproxy::direct::gopage::{Import, contents};
use crate::upstream::goproxy::direct::host_error::{HostError, HostErrors};
use crate::upstream::http::access::Access;
use crate::upstream::http::redirect::MAX_REDIRECTS;

/// The longest page, in bytes.
const LIMIT: usize = 1 << 20;

/// The response to the go command.
pub(super) struct ImportPage {
    pub(super) status: u16,
    pub(super) body: String,
}

/// An HTTP client that makes every connection through a tunnel of the guard at this URL.
pub(super) fn client(guard: &str, certificates: Option<&Path>, longest: Duration) -> Result<Client, String> {
    let roots = match certificates {
        Some(file) => Access::default().certificates(file).map_err(|fault| fault.to_string())?.roots,
        None => Vec::new(),
    };
    let proxy = Proxy::all(guard).map_err(|error| error.to_string())?;
    Client::builder()
        .user_agent(concat!("gosumcheck/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .timeout(longest)
        .tls_certs_merge(roots.iter().filter_map(|root| Certificate::from_der(root).ok()))
        .build()
        .map_err(|error| error.to_string())
}

/// The page for `path`, a host and a path, written anew.
pub(super) async fn page(client: &Client, path: &str, host_errors: &HostErrors) -> Result<ImportPage, HostError> {
    let (host, _) = path.split_once('/').unwrap_or((path, ""));
    let unreachable = |why: &dyn std::fmt::Display| {
        tracing::debug!("direct: https://{path}?go-get=1: {why}");
        HostError::Unreachable(host.to_owned())
    };
    let response = open(client, path).await?;
    let status = response.status().as_u16();
    let body = read(response).await.map_err(|error| unreachable(&error))?;
    let found = contents(&body);
    let imports: Vec<Import<'_>> = found.iter().filter_map(|content| Import::of(content)).collect();
    let mut anew = String::from("<html><head>\n");
    for import in &imports {
        match import.check() {
            Ok(()) => anew.push_str(&import.tag()),
            Err(host_error) if import.is_about(path.trim_end_matches('/')) => host_errors.note(host_error),
            Err(_) => {}
        }
    }
    if imports.is_empty() && (status == 429 || status >= 500) {
        return Err(unreachable(&status));
    }
    anew.push_str("</head></html>\n");
    Ok(ImportPage { status, body: anew })
}

/// The response at the end of all redirects, each of which must be to https.
async fn open(client: &Client, path: &str) -> Result<Response, HostError> {
    let (host, _) = path.split_once('/').unwrap_or((path, ""));
    let refused = |why: &str| HostError::Refused(format!("{host} redirects to {why}"));
    let mut url = Url::parse(&format!("https://{path}?go-get=1")).map_err(|_| HostError::not_public(host))?;
    for _ in 0..=MAX_REDIRECTS {
        let response = client.get(url.clone()).send().await.map_err(|error| {
            tracing::debug!("direct: {url}: {error:?}");
            if error.is_timeout() {
                HostError::Silent(host.to_owned())
            } else {
                HostError::Unreachable(host.to_owned())
            }
        })?;
        let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection());
        let Some(location) = location else { return Ok(response) };
        let text = location.to_str().map_err(|_| refused("an invalid URL"))?;
        url = url.join(text).map_err(|_| refused("an invalid URL"))?;
        if url.scheme() != "https" {
            return Err(refused("a URL that is not https"));
        }
        // A redirect must not choose our credentials. Cannot fail for a URL with a host.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
    }
    Err(HostError::Refused(format!("{host} redirects more than {MAX_REDIRECTS} times")))
}

/// The beginning of a body; tags stand in a page's head.
async fn read(mut response: Response) -> reqwest::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend(chunk.iter().take(LIMIT.saturating_sub(bytes.len())));
        if bytes.len() >= LIMIT {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
