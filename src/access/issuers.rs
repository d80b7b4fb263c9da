//! Tokens of OIDC issuers (JWT, RFC 7519): whose they are, and which groups their claims put them in. What a token says of its own
//! key (`jwk`, `jku`, `x5u`, `x5c`) is not looked at; its key id only chooses among the keys of its issuer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, dangerous::insecure_decode, decode, decode_header};
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};

use super::identity::{Identity, Name};
use super::keys::{Keys, MAX_BYTES};
use super::watched::Watched;
use crate::config::settings::{ClaimPattern, IssuerSettings, KeyPlace};
use crate::fault::Fault;
use crate::upstream::{Http, document};

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;
/// The longest subject that is kept, in bytes.
const MAX_SUBJECT_BYTES: usize = 256;
/// The most groups of one token.
const MAX_GROUPS: usize = 256;
/// How old keys may be before they are asked for again.
const KEYS_AGE: Duration = Duration::from_secs(10 * 60);
/// The least time between two tries to get the keys of an issuer.
const KEYS_PAUSE: Duration = Duration::from_secs(30);
/// The same while there are none: until then none of its tokens can be judged.
const FIRST_KEYS_PAUSE: Duration = Duration::from_secs(2);

/// An issuer whose tokens are accepted.
pub(super) struct Issuer {
    settings: IssuerSettings,
    keys: KeySource,
}

enum KeySource {
    File(Watched<Keys>),
    Url(FetchedKeys),
}

/// Keys that are fetched. Where the issuer is down, the last ones go on.
struct FetchedKeys {
    /// the URL of the set, or none if it is found by the issuer's configuration
    url: Option<String>,
    keys: RwLock<Option<Arc<Keys>>>,
    due: Mutex<Due>,
}

struct Due {
    tried: Option<Instant>,
    /// when the keys were fetched
    fetched: Option<Instant>,
    /// whether a token named a key that is not there
    is_wanted: bool,
}

/// Why a token is refused, in words that say nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadSigned {
    /// it is not valid
    Refused(String),
    /// the keys of its issuer are not here yet
    NoKeys(String),
}

fn refused(why: &str) -> BadSigned {
    BadSigned::Refused(why.to_owned())
}

/// Whose token this is, and when it ends, in seconds since 1970.
pub(super) fn verify(issuers: &[Issuer], token: &str) -> Result<(Identity, u64), BadSigned> {
    let header =
        decode_header(token).map_err(|_| refused("the token is malformed, or not signed by an accepted algorithm"))?;
    // RFC 7515 section 4.1.11: what is critical must be understood.
    if header.crit.is_some() {
        return Err(refused("the token has critical extensions"));
    }
    // Read before it is verified, to know which keys to verify it with; it decides nothing else.
    let claimed = insecure_decode::<Map<String, Value>>(token).map_err(|_| refused("the token is malformed"))?.claims;
    let named = claimed.get("iss").and_then(Value::as_str).unwrap_or_default();
    let issuer = issuers.iter().find(|issuer| issuer.settings.issuer == named);
    issuer.ok_or_else(|| refused("the token is of an issuer that is not accepted here"))?.verify(token, &header)
}

impl Issuer {
    /// # Errors
    /// `Usage`: its key file is wrong.
    pub(super) fn new(settings: &IssuerSettings) -> Result<Issuer, Fault> {
        let keys = match &settings.keys {
            KeyPlace::File(path) => KeySource::File(Watched::open(path, Keys::read)?),
            KeyPlace::Url(url) => KeySource::Url(FetchedKeys::at(Some(url.clone()))),
            KeyPlace::Discovered => KeySource::Url(FetchedKeys::at(None)),
        };
        Ok(Issuer { settings: settings.clone(), keys })
    }

    fn verify(&self, token: &str, header: &jsonwebtoken::Header) -> Result<(Identity, u64), BadSigned> {
        let name = &self.settings.name;
        let keys =
            match &self.keys {
                KeySource::File(file) => file.said(),
                KeySource::Url(fetched) => fetched.keys.read().clone().ok_or_else(|| {
                    BadSigned::NoKeys(format!("the keys of the issuer {name} could not be fetched yet"))
                })?,
            };
        let Some(key) = keys.find(header.alg, header.kid.as_deref()) else {
            if let KeySource::Url(fetched) = &self.keys {
                fetched.due.lock().is_wanted = true;
            }
            return Err(BadSigned::Refused(format!("the token is signed with a key that {name} does not have")));
        };
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&self.settings.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let claims =
            decode::<Map<String, Value>>(token, key, &validation).map_err(|error| refused(words(error.kind())))?.claims;
        let missing = self.settings.claims.iter().find(|claim| !has(&claims, claim));
        if let Some((claim, _)) = missing {
            return Err(BadSigned::Refused(format!(
                "the claim {claim:?} of the token is not what {name} must say here"
            )));
        }
        let end = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::as_conversions, reason = "saturates; a far end is bounded by what remembers it")]
        let end = end as u64;
        Ok((self.identity(&claims), end))
    }

    fn identity(&self, claims: &Map<String, Value>) -> Identity {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or("?");
        let subject = subject.get(..subject.floor_char_boundary(MAX_SUBJECT_BYTES)).unwrap_or_default();
        let mapped = self.settings.groups.iter().filter(|(_, asked)| asked.iter().all(|claim| has(claims, claim)));
        let mut groups: Vec<String> = mapped.map(|(group, _)| group.clone()).collect();
        let listed = self.settings.groups_claim.as_ref().and_then(|claim| claims.get(claim));
        groups.extend(listed.map(texts).unwrap_or_default());
        groups.truncate(MAX_GROUPS);
        let name = Name::Subject { issuer: self.settings.name.clone(), subject: subject.to_owned() };
        Identity { groups, ..Identity::named(name) }
    }

    /// Reads a changed file of keys again; gives whether they changed.
    pub(super) fn refresh_file(&self) -> Result<bool, Fault> {
        if let KeySource::File(file) = &self.keys { file.refresh() } else { Ok(false) }
    }

    /// Fetches keys that are old, or lack one that a token named; gives whether that was done.
    ///
    /// # Errors
    /// Why they could not be fetched; the old ones go on.
    pub(super) async fn refresh_fetched(&self, http: &Http, now: Instant) -> Result<bool, Fault> {
        let KeySource::Url(fetched) = &self.keys else { return Ok(false) };
        if !fetched.begin(now) {
            return Ok(false);
        }
        let url = match &fetched.url {
            Some(url) => url.clone(),
            None => discover(http, &self.settings.issuer).await?,
        };
        let bytes = document(http, &url, MAX_BYTES).await?;
        let keys = Keys::parse(&bytes).map_err(|why| Fault::upstream(url, why))?;
        *fetched.keys.write() = Some(Arc::new(keys));
        fetched.due.lock().fetched = Some(now);
        Ok(true)
    }
}

impl FetchedKeys {
    fn at(url: Option<String>) -> FetchedKeys {
        let due = Mutex::new(Due { tried: None, fetched: None, is_wanted: false });
        FetchedKeys { url, keys: RwLock::new(None), due }
    }

    /// Whether to fetch them now.
    fn begin(&self, now: Instant) -> bool {
        let mut due = self.due.lock();
        let since = |when: Option<Instant>| when.map_or(Duration::MAX, |when| now.saturating_duration_since(when));
        let pause = if due.fetched.is_none() { FIRST_KEYS_PAUSE } else { KEYS_PAUSE };
        let begins = since(due.tried) >= pause && (due.is_wanted || since(due.fetched) >= KEYS_AGE);
        if begins {
            due.tried = Some(now);
            due.is_wanted = false;
        }
        begins
    }
}

/// The URL of the keys, as the issuer's configuration says (OpenID Connect Discovery 1.0, section 4).
async fn discover(http: &Http, issuer: &str) -> Result<String, Fault> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let bytes = document(http, &url, MAX_BYTES).await?;
    let configuration: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // Section 4.3: the issuer must be this one.
    if configuration.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err(Fault::upstream(url, "is the configuration of another issuer, or none"));
    }
    let found = configuration.get("jwks_uri").and_then(Value::as_str);
    let fit = found.filter(|found| found.starts_with("https://") || issuer.starts_with("http://"));
    fit.map(str::to_owned).ok_or_else(|| Fault::upstream(url, "names no https URL of keys"))
}

/// Whether the claim, or one of its values, matches one of the patterns.
fn has(claims: &Map<String, Value>, (claim, patterns): &ClaimPattern) -> bool {
    let values = claims.get(claim).map(texts).unwrap_or_default();
    values.iter().any(|value| patterns.iter().any(|pattern| matches(pattern, value)))
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(is) => vec![is.to_string()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.iter().filter(|value| !value.is_array()).flat_map(texts).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// Whether `text` is `pattern`, in which a star stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

fn words(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks exp, iss or aud",
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        _ => "the token is not valid",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
#[path = "issuers/tests.rs"]
mod tests;
