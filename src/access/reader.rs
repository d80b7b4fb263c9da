//! Which modules one client may read: for answers that name several.

use std::sync::Arc;

use super::gate::Access;
use super::identity::Identity;
use super::rules::{Client, Scope, Verdict};

/// A client whose request was admitted, and the rules under which it was.
#[derive(Clone, Default)]
pub struct Reader(
    /// none: there is no access control, and everybody may read everything
    Option<Admitted>,
);

#[derive(Clone)]
struct Admitted {
    access: Arc<Access>,
    identity: Option<Arc<Identity>>,
    /// the names in its verified certificate
    certificate: Arc<[String]>,
}

impl Reader {
    /// The client with this identity, if it has one, and this certificate.
    pub fn new(access: Arc<Access>, identity: Option<Arc<Identity>>, certificate: &[String]) -> Reader {
        Reader(Some(Admitted { access, identity, certificate: certificate.into() }))
    }

    /// Whether it may read the module of this path.
    pub fn may_read(&self, module: &str) -> bool {
        let Some(Admitted { access, identity, certificate }) = &self.0 else { return true };
        if !access.asks_for_credentials() {
            return true;
        }
        let client = Client { identity: identity.as_deref(), certificate };
        let verdict = access.rules.judge(client, &Scope::Module(module.to_owned()));
        matches!(verdict, Verdict::Public | Verdict::Private)
    }
}
