//! `[[access.issuer]]` of gosumcheck.toml: an OIDC issuer whose tokens (JWT) are accepted, and what their claims mean.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::document::SettingsFile;
use super::fields::{only, text, words};
use super::source::ByteRange;
use crate::fault::Fault;

/// A claim, and the patterns of which its value, or one of its values, must match one. In a pattern `*` stands for any text.
pub type ClaimPattern = (String, Vec<String>);

/// One `[[access.issuer]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// what rules, logs and refusals call it
    pub name: String,
    /// the `iss` claim
    pub issuer: String,
    /// one of these must be in the `aud` claim
    pub audience: Vec<String>,
    /// where its keys are
    pub keys: KeyPlace,
    /// what each token must have
    pub claims: Vec<ClaimPattern>,
    /// a claim that lists groups
    pub groups_claim: Option<String>,
    /// groups, and the claims that put a token into each
    pub groups: Vec<(String, Vec<ClaimPattern>)>,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// this file, a JWK set (RFC 7517)
    File(PathBuf),
    /// at this URL, a JWK set
    Url(String),
    /// where the issuer's `/.well-known/openid-configuration` says (OpenID Connect Discovery 1.0)
    Discovered,
}

const KEYS: [&str; 7] = ["name", "issuer", "audience", "jwks", "claims", "groups_claim", "groups"];

/// The issuer of one table.
pub(super) fn read(file: &SettingsFile, table: &DeTable<'_>, place: &ByteRange) -> Result<IssuerSettings, Fault> {
    only(file, table, &KEYS, "an issuer")?;
    let missing = |what: &str, such: &str| file.fault(place, &format!("{what} is missing, such as {what} = {such}"));
    let (name, _) = text(file, table, "name")?.ok_or_else(|| missing("name", "\"github\""))?;
    let such = "\"https://token.actions.githubusercontent.com\"";
    let (issuer, at) = text(file, table, "issuer")?.ok_or_else(|| missing("issuer", such))?;
    let audience = words(file, table, "audience", |text| Ok(text.to_owned()))?.unwrap_or_default();
    let audience: Vec<String> = audience.into_iter().map(|(text, _)| text).collect();
    if audience.is_empty() {
        // Without it, a token that was made for another service would do here.
        return Err(missing("audience", "[\"https://goproxy.corp.example\"]"));
    }
    let keys = match text(file, table, "jwks")? {
        Some((place, at)) => match place.split_once("://") {
            Some(_) if is_fit(&place) => KeyPlace::Url(place),
            Some(_) => return Err(file.fault(&at, "jwks: not an https URL; http is only for this machine")),
            None => KeyPlace::File(PathBuf::from(place)),
        },
        None if is_fit(&issuer) => KeyPlace::Discovered,
        None => return Err(file.fault(&at, "issuer: not an https URL, so name its keys: jwks = \"FILE or URL\"")),
    };
    let claims = claims(file, table, "claims")?;
    let groups_claim = text(file, table, "groups_claim")?.map(|(name, _)| name);
    let groups = match table.get("groups").map(|value| (value.get_ref(), value.span())) {
        None => Vec::new(),
        Some((DeValue::Table(groups), _)) => {
            let each = groups.keys().map(|name| {
                let asked = claims_of(file, groups, name.get_ref())?;
                if asked.is_empty() {
                    return Err(file.fault(&name.span(), "names no claim; every token would be in this group"));
                }
                Ok((name.get_ref().clone().into_owned(), asked))
            });
            each.collect::<Result<Vec<_>, Fault>>()?
        }
        Some((_, at)) => {
            return Err(file.fault(&at, "groups: write tables, as in groups.team-a = { repository = \"corp/a-*\" }"));
        }
    };
    Ok(IssuerSettings { name, issuer, audience, keys, claims, groups_claim, groups })
}

fn claims(file: &SettingsFile, table: &DeTable<'_>, name: &str) -> Result<Vec<ClaimPattern>, Fault> {
    if table.get(name).is_none() { Ok(Vec::new()) } else { claims_of(file, table, name) }
}

fn claims_of(file: &SettingsFile, table: &DeTable<'_>, name: &str) -> Result<Vec<ClaimPattern>, Fault> {
    let wrong = |at: &ByteRange| file.fault(at, &format!("{name}: write a table of claims: {{ CLAIM = \"PATTERN\" }}"));
    match table.get(name).map(|value| (value.get_ref(), value.span())) {
        Some((DeValue::Table(claims), _)) => {
            let each = claims.keys().map(|claim| {
                let patterns = words(file, claims, claim.get_ref(), |text| Ok(text.to_owned()))?.unwrap_or_default();
                Ok((claim.get_ref().clone().into_owned(), patterns.into_iter().map(|(text, _)| text).collect()))
            });
            each.collect()
        }
        Some((_, at)) => Err(wrong(&at)),
        None => Err(wrong(&(0..0))),
    }
}

/// Whether a URL may be asked for keys: nobody on the way can put others in their place.
fn is_fit(url: &str) -> bool {
    let local = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
    url.starts_with("https://") || local.iter().any(|start| url.starts_with(start))
}
