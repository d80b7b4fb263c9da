//! Whether a request is admitted: networks, limits, identity, rules, in this order.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use parking_lot::RwLock;

use super::credentials;
use super::identity::Identity;
use super::known_login::{KNOWN_TIME, KnownLogin};
use super::limits::{Counted, InFlight};
use super::refused::Refused;
use super::rules::{Client, Rules, Scope, Verdict};
use super::sign_in::{Known, SignIn};
use crate::upstream::{Http, Peer, Settings};

/// How often files and keys are looked at: a token that is revoked is refused after twice this time at the latest.
const LOOK: Duration = Duration::from_secs(1);
/// The longest that one fetch of keys may take.
const FETCH: Duration = Duration::from_secs(15);

/// Who may ask: the state that requests see. A reload replaces it as a whole.
#[derive(Default)]
pub struct Gate {
    /// whether there is a state; read by every request
    is_on: AtomicBool,
    state: RwLock<Option<Arc<Access>>>,
}

/// The settings of access control, with all that they name read and understood.
pub struct Access {
    pub(super) networks: Vec<IpNet>,
    pub(super) clients: Option<Counted<Peer>>,
    pub(super) credentials: Option<Counted<Arc<str>>>,
    /// none: credentials are not asked for
    pub(super) sign_in: Option<SignIn>,
    pub(super) rules: Rules,
}

/// The client of one request, as its connection and its headers show it. An identity that the connection proved comes in here.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// its address: that of the connection, or what a trusted proxy says
    pub address: IpAddr,
    /// the names in its verified certificate
    pub certificate: &'a [String],
    /// the credentials that its connection brought last
    pub login: &'a KnownLogin,
}

/// A request that is admitted. It counts as in flight until this is dropped.
#[derive(Debug, Default)]
pub struct Admission {
    /// whether not every client may have the answer
    pub is_private: bool,
    /// the client, where it has signed in with credentials
    pub identity: Option<Arc<Identity>>,
    in_flight: [Option<InFlight>; 2],
}

impl Admission {
    /// Whether something is counted until it is dropped.
    pub fn counts(&self) -> bool {
        self.in_flight.iter().any(Option::is_some)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

impl Gate {
    /// With this state; none admits everything.
    pub fn new(access: Option<Access>) -> Gate {
        let gate = Gate::default();
        gate.replace(access);
        gate
    }

    /// Replaces the state for all requests that begin from now on.
    pub fn replace(&self, access: Option<Access>) {
        let is_on = access.is_some();
        *self.state.write() = access.map(Arc::new);
        self.is_on.store(is_on, Ordering::Release);
    }

    /// The state; none admits everything.
    pub fn access(&self) -> Option<Arc<Access>> {
        if self.is_on.load(Ordering::Acquire) { self.state.read().clone() } else { None }
    }

    /// Looks at files and keys for ever, and reads again what changed.
    pub async fn tend(&self) {
        let files = async {
            loop {
                tokio::time::sleep(LOOK).await;
                if let Some(access) = self.access() {
                    let read =
                        tokio::task::spawn_blocking(move || access.sign_in.iter().for_each(SignIn::refresh_files));
                    let _ = read.await; // fails when the process ends
                }
            }
        };
        let keys = async {
            let http = Http::new(Settings { total: FETCH, silence: FETCH, tries: 1, ..Settings::default() });
            loop {
                if let Some(access) = self.access()
                    && let Some(sign_in) = &access.sign_in
                {
                    sign_in.refresh_keys(&http).await;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::join!(files, keys);
    }
}

impl Access {
    /// Whether `asker`, with these `Authorization` headers, may have what `scope` says.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit<'a>(
        &self,
        asker: Asker<'_>,
        headers: impl Iterator<Item = &'a [u8]>,
        scope: &Scope,
    ) -> Result<Admission, Refused> {
        if *scope == Scope::Open {
            return Ok(Admission::default());
        }
        let (now, peer) = (Instant::now(), Peer::of(asker.address));
        let address = asker.address.to_canonical();
        if !self.networks.is_empty() && !self.networks.iter().any(|network| network.contains(&address)) {
            return Err(Refused::Forbidden(vec![format!(
                "clients at {address} are not answered here (access.networks)"
            )]));
        }
        let of_client = count(self.clients.as_ref(), &peer, now, "requests from this address")?;
        let Some(sign_in) = &self.sign_in else {
            return Ok(Admission { is_private: false, identity: None, in_flight: [of_client, None] });
        };
        let identity = identity(sign_in, asker, headers, (peer, now)).await?;
        let client = Client { identity: identity.as_deref(), certificate: asker.certificate };
        let of_credential = match &self.credentials {
            Some(credentials) if client.is_signed_in() => {
                count(Some(credentials), &name(client), now, "requests with these credentials")?
            }
            _ => None,
        };
        let is_private = match self.rules.judge(client, scope) {
            Verdict::Public => false,
            Verdict::Private => true,
            Verdict::Refused(reason) => return Err(refusal(client, scope, reason)),
            Verdict::OutOfScope => {
                return Err(refusal(
                    client,
                    scope,
                    Some("its scopes (gosumcheck token list) do not cover that".to_owned()),
                ));
            }
        };
        Ok(Admission { is_private, identity, in_flight: [of_client, of_credential] })
    }
}

/// Whose credentials `headers` are, which are those of `peer`; none if there are none.
async fn identity<'a>(
    sign_in: &SignIn,
    asker: Asker<'_>,
    mut headers: impl Iterator<Item = &'a [u8]>,
    (peer, now): (Peer, Instant),
) -> Result<Option<Arc<Identity>>, Refused> {
    let Some(header) = headers.next() else { return Ok(None) };
    let second = headers.next();
    let generation = sign_in.generation();
    if second.is_none()
        && let Some(identity) = asker.login.identity(header, generation, now)
    {
        return Ok(Some(identity));
    }
    let (identity, until) = match sign_in.known(credentials::parse([header].into_iter().chain(second)), now) {
        Known::Nobody => return Ok(None),
        Known::Is(identity, until) => (identity, until.min(now + KNOWN_TIME)),
        Known::Refused(refused) => return Err(refused),
        // It is remembered now, and the next request finds it.
        Known::Unverified { user, password } => {
            return Box::pin(sign_in.verify(peer, &user, &password)).await.map(Some);
        }
    };
    asker.login.learn(header, &identity, until, generation);
    Ok(Some(identity))
}

/// The name that the limits of credentials count, and that refusals show.
fn name(client: Client<'_>) -> Arc<str> {
    let certificate = || client.certificate.first().map_or("", String::as_str);
    client.identity.map_or_else(|| format!("cert:{}", certificate()).into(), |identity| Arc::clone(identity.name()))
}

fn count<K: std::hash::Hash + Eq + Clone>(
    counted: Option<&Counted<K>>,
    key: &K,
    now: Instant,
    what: &str,
) -> Result<Option<InFlight>, Refused> {
    let Some(counted) = counted else { return Ok(None) };
    counted.admit(key, now).map_err(|after| Refused::TooMany { why: format!("too many {what}"), after })
}

fn refusal(client: Client<'_>, scope: &Scope, reason: Option<String>) -> Refused {
    if !client.is_signed_in() {
        return Refused::SignIn(format!("sign in to {}", scope.words()));
    }
    let reason = reason.unwrap_or_else(|| "no rule lets it".to_owned());
    Refused::Forbidden(vec![format!("{} may not {}:", name(client), scope.words()), reason])
}
