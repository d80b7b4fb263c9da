//! Where files are brought to: a data folder, by the module proxy over it; or the data folder of a running server, which brings
//! them because it is asked for them.

use crate::fault::Fault;
use crate::proxy::{Denied, Mode, Proxy, ProxyAnswer};
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::SumHash;
use crate::sumdb::number::wide;
use crate::upstream::{Proxies, Touched};

/// Who is asked.
pub enum Source {
    /// the proxy over a data folder of this machine
    Folder(Proxy),
    /// a server, which is the only entry
    Server(Proxies),
}

/// A file that is there now.
#[derive(Debug)]
pub struct Brought {
    /// its size in bytes; 0 where a server does not say
    pub len: u64,
    /// whether it was not there before; a server does not say
    pub is_new: bool,
    /// the hash that it was proven to have; none where a server says so, and for what has no hash
    pub hash: Option<SumHash>,
}

/// Why a file is not there.
#[derive(Debug)]
pub enum Why {
    /// nobody has it, in their words
    Absent(String),
    /// it must not be served; the lines that the go command would show
    Refused(Vec<String>),
    /// it could not be had
    Failed(Fault),
}

impl Source {
    /// Asks for one file, and waits until it is there.
    pub(super) async fn bring(&self, request: &ModuleRequest) -> Result<Brought, Why> {
        match self {
            Source::Folder(proxy) => {
                let held = proxy.answer(request, Mode { cached_only: true, peer: None }).await;
                let (answer, is_new) = match held {
                    Ok(answer) => (answer, false),
                    Err(_) => (proxy.answer(request, Mode::default()).await.map_err(why)?, true),
                };
                match answer {
                    ProxyAnswer::File(file) => Ok(Brought { len: file.len(), is_new, hash: Some(file.hash().clone()) }),
                    ProxyAnswer::Text(text) => Ok(Brought { len: wide(text.bytes.len()), is_new, hash: None }),
                    ProxyAnswer::Unproven(_) => {
                        Err(Why::Refused(vec!["no upstream has bytes that are what the record says".to_owned()]))
                    }
                }
            }
            Source::Server(proxies) => match proxies.touch(0, request).await {
                Ok(Touched::There) => Ok(Brought { len: 0, is_new: true, hash: None }),
                Ok(Touched::Missing(words)) => Err(Why::Absent(words)),
                Err(failure) if failure.kind.is_policy() => Err(Why::Refused(vec![failure.to_string()])),
                Err(failure) => Err(Why::Failed(Fault::unavailable(failure.kind.cause(), failure.source, failure.why))),
            },
        }
    }
}

fn why(denied: Denied) -> Why {
    match denied {
        Denied::NotFound(words) | Denied::NotCached(words) => Why::Absent(words),
        Denied::Refused(_, lines) => Why::Refused(lines),
        Denied::Fault(fault) => Why::Failed(fault),
    }
}
