//! Which base the go command would use for a database: the first proxy in GOPROXY that answers that it relays the database,
//! else the database itself (cmd/go/internal/modfetch, initBase and TryProxies).

use super::outcome::Got;
use super::upstreams::Upstreams;
use crate::fault::Fault;
use crate::upstream::base::Base;
use crate::upstream::http::agent::Http;

/// The longest body of `supported`, in bytes; it means nothing.
const SUPPORTED_LIMIT: usize = 1 << 20;

/// The base to use for the database `name`, given the entries of GOPROXY in order: each an entry's text, and whether the
/// next one is tried after any error of this one (`|`) or only after 404 and 410 (`,`).
///
/// `direct` and `off` end the list: both mean the database itself. A proxy that relays the database is used for
/// every request, with no fallback. With no entry left, the database itself is used, unless an entry failed.
///
/// # Errors
/// `Unavailable` where a proxy that decides does not answer; `Usage` where an entry is not a URL.
pub async fn find_base<'a>(
    http: &Http,
    name: &str,
    proxies: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<Base, Fault> {
    let mut failed = None;
    for (entry, falls_back) in proxies {
        match entry {
            "direct" => return Base::direct(name),
            // As in Go's TryProxies: "off" does not override an earlier error, "direct" does.
            "off" => break,
            // Stands for GONOPROXY in Go's own list; it has no meaning for a database.
            "noproxy" => continue,
            _ => {}
        }
        let base = Base::parse(entry)?.below(&format!("sumdb/{name}"))?;
        match Upstreams::new(http.clone(), vec![base.clone()]).fetch("supported", SUPPORTED_LIMIT).await {
            Ok(Got::Body(..)) => return Ok(base),
            Ok(Got::Absent(_)) => {}
            Err(fault) if falls_back => failed = Some(fault),
            Err(fault) => return Err(decides(fault)),
        }
    }
    match failed {
        Some(fault) => Err(decides(fault)),
        None => Base::direct(name),
    }
}

/// The same fault, with what to do about it.
fn decides(fault: Fault) -> Fault {
    match fault {
        Fault::Unavailable { source_name, why, cause } => Fault::Unavailable {
            source_name,
            why: format!(
                "{why}; a proxy in GOPROXY has to answer whether it relays the database; or name an upstream with --upstream"
            ),
            cause,
        },
        other => other,
    }
}
