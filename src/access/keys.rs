//! The public keys of an issuer: a JWK set (RFC 7517), of which only keys for signatures of the accepted algorithms are taken.

use std::path::Path;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::watched::{self, Readers};
use crate::fault::Fault;

/// The longest key set, in bytes.
pub(super) const MAX_BYTES: usize = 256 << 10;
/// The most keys of one set.
const MAX_KEYS: usize = 100;

/// RSA: with PKCS#1 v1.5 and PSS.
const RSA: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// The keys.
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    /// what it verifies; never HMAC: anybody may have a public key
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl Keys {
    /// The keys of the file at `path`.
    ///
    /// # Errors
    /// `Usage`: the file cannot be read, others may write it, or has no key that can be used.
    pub(super) fn read(path: &Path) -> Result<Keys, Fault> {
        let text = watched::read(path, crate::sumdb::number::wide(MAX_BYTES), Readers::Anybody)?;
        Keys::parse(text.as_bytes()).map_err(|why| Fault::Usage(format!("{}: {why}", path.display())))
    }

    /// The keys of a JWK set. A key of an unknown kind is passed over, as RFC 7517 section 5 wants it.
    ///
    /// # Errors
    /// What is wrong with the set, in words.
    pub(super) fn parse(bytes: &[u8]) -> Result<Keys, String> {
        let set: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| "not a JWK set: not JSON".to_owned())?;
        let keys = set.get("keys").and_then(|keys| keys.as_array()).ok_or("not a JWK set: no list of keys")?;
        let keys: Vec<Key> = keys.iter().take(MAX_KEYS).filter_map(Key::of).collect();
        if keys.is_empty() {
            Err("has no key that can be used (RSA, P-256, P-384 or Ed25519)".to_owned())
        } else {
            Ok(Keys(keys))
        }
    }

    /// The key for a token with this algorithm and key id. Without an id, the set must have only one key for the algorithm.
    pub(super) fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&DecodingKey> {
        let mut fit = self.0.iter().filter(|key| key.algorithms.contains(&algorithm));
        match id {
            Some(id) => fit.find(|key| key.id.as_deref() == Some(id)),
            None => fit.next().filter(|_| fit.next().is_none()),
        }
        .map(|key| &key.key)
    }
}

impl Key {
    fn of(value: &serde_json::Value) -> Option<Key> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|for_what| *for_what != PublicKeyUse::Signature) {
            return None;
        }
        let all = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => RSA,
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => return None,
        };
        let own = jwk.common.key_algorithm.map(named);
        let algorithms: Vec<Algorithm> =
            all.iter().copied().filter(|algorithm| own.is_none_or(|own| own == Some(*algorithm))).collect();
        if algorithms.is_empty() {
            return None;
        }
        Some(Key { id: jwk.common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(&jwk).ok()? })
    }
}

fn named(algorithm: KeyAlgorithm) -> Option<Algorithm> {
    algorithm.to_string().parse().ok()
}
