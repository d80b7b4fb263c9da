//! Tokens of an issuer, and the ways to make one up.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::*;

const ISSUER: &str = "https://ci.example";
const AUDIENCE: &str = "goproxy";

/// A key pair of an issuer.
struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    id: &'static str,
}

impl Signer {
    fn ec(id: &'static str) -> Signer {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Signer { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(der.as_ref()), id }
    }

    fn rsa(id: &'static str) -> Signer {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // RSAPrivateKey (PKCS#1) is what follows the 26 bytes of PKCS#8 around it.
        let der = pkcs8.as_ref().get(26..).unwrap();
        Signer { algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(der), id }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(&jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// An issuer whose keys are in a file, and that asks for claims.
fn issuers(keys: &[Value]) -> Vec<Issuer> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({ "keys": keys }).to_string()).unwrap();
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let settings = IssuerSettings {
        name: "ci".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: list(&[AUDIENCE, "other"]),
        keys: KeyPlace::File(PathBuf::from(file.path())),
        claims: vec![("owner".to_owned(), list(&["corp"]))],
        groups_claim: Some("groups".to_owned()),
        groups: vec![(
            "team-a".to_owned(),
            vec![("repository".to_owned(), list(&["corp/a-*"])), ("ref".to_owned(), list(&["refs/heads/*"]))],
        )],
    };
    vec![Issuer::new(&settings).unwrap()]
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600, "nbf": now() - 1, "sub": "repo:corp/a-x", "owner": "corp",
        "repository": "corp/a-x", "ref": "refs/heads/main" })
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[claim] = value;
    claims
}

fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn why(issuers: &[Issuer], token: &str) -> String {
    match verify(issuers, token) {
        Err(BadSigned::Refused(why)) => why,
        other => panic!("{token}: {other:?}"),
    }
}

#[test]
fn a_token_names_its_bearer_and_its_groups() {
    for signer in [Signer::ec("one"), Signer::rsa("one")] {
        let issuers = issuers(&[signer.jwk()]);
        let (identity, end) = verify(&issuers, &signer.sign(&claims())).unwrap();
        assert_eq!(
            (identity.name().to_string(), identity.groups.as_slice()),
            ("ci:repo:corp/a-x".to_owned(), &["team-a".to_owned()][..])
        );
        assert!(end > now());
        let groups = |claims: &Value| verify(&issuers, &signer.sign(claims)).unwrap().0.groups;
        assert!(groups(&with("repository", json!("corp/b"))).is_empty());
        assert!(groups(&with("ref", json!("refs/pull/1/merge"))).is_empty());
        assert_eq!(groups(&with("groups", json!(["x", "y"]))), ["team-a", "x", "y"]);
        assert!(verify(&issuers, &signer.sign(&with("aud", json!(["else", "other"])))).is_ok());
        assert!(verify(&issuers, &signer.sign(&with("owner", json!(["else", "corp"])))).is_ok());
    }
}

#[test]
fn claims_that_are_not_right_are_refused() {
    let signer = Signer::ec("one");
    let issuers = issuers(&[signer.jwk()]);
    for (claims, words) in [
        (with("exp", json!(now() - 60)), "has expired"),
        (without("exp"), "lacks exp, iss or aud"),
        (with("exp", json!("soon")), "lacks exp"),
        (with("nbf", json!(now() + 60)), "not valid yet"),
        (with("aud", json!("sts.example")), "another audience"),
        (with("aud", json!([])), "another audience"),
        (without("aud"), "lacks exp, iss or aud"),
        (with("iss", json!("https://ci.example.evil.example")), "not accepted here"),
        (with("iss", json!("https://ci.example/")), "not accepted here"),
        (without("iss"), "not accepted here"),
        (with("owner", json!("corp-evil")), "\"owner\""),
        (with("owner", json!({ "corp": "corp" })), "\"owner\""),
        (without("owner"), "\"owner\""),
    ] {
        let why = why(&issuers, &signer.sign(&claims));
        assert!(why.contains(words), "{claims}: {why}");
    }
}

#[test]
fn a_token_that_somebody_else_signed_is_refused() {
    let (signer, stranger) = (Signer::ec("one"), Signer::ec("one"));
    let both = issuers(&[signer.jwk(), Signer::ec("two").jwk()]);
    assert_eq!(why(&both, &stranger.sign(&claims())), "the signature of the token is wrong");
    let token = signer.sign(&claims());
    // Every single character counts.
    for at in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'x' { b'y' } else { b'x' };
        let other = String::from_utf8(other).unwrap();
        // The last character of a signature has bits that say nothing; a decoder that is strict refuses them too.
        assert!(other == token || verify(&both, &other).is_err(), "{at}");
    }
    let [header, body, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    for other in
        [format!("{header}.{body}."), format!("{header}.{body}"), format!(".{body}.{signature}"), String::new()]
    {
        assert!(verify(&both, &other).is_err(), "{other}");
    }
}

#[test]
fn the_header_chooses_no_weaker_algorithm_and_no_key_of_its_own() {
    let (ec, rsa, stranger) = (Signer::ec("ec"), Signer::rsa("rsa"), Signer::ec("evil"));
    let issuers = issuers(&[ec.jwk(), rsa.jwk()]);
    let body = part(&claims());
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS1", "ES256K", "ES512"] {
        let token = format!("{}.{body}.", part(&json!({ "alg": algorithm, "typ": "JWT", "kid": "ec" })));
        assert!(why(&issuers, &token).contains("accepted algorithm"), "{algorithm}");
    }
    // HMAC with the public key as its secret, in each form in which it can be had.
    for secret in [rsa.jwk()["n"].as_str().unwrap().as_bytes(), rsa.jwk().to_string().as_bytes(), b""] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some("rsa".to_owned()), ..Header::new(algorithm) };
            let token = encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
            assert!(why(&issuers, &token).contains("a key that ci does not have"));
        }
    }
    // An algorithm of another kind of key, and of another key.
    let crossed = |signer: &Signer, id: &str| {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(signer.algorithm) };
        encode(&header, &claims(), &signer.key).unwrap()
    };
    assert!(why(&issuers, &crossed(&ec, "rsa")).contains("does not have"));
    assert!(why(&issuers, &crossed(&rsa, "ec")).contains("does not have"));
    // The token brings its own key, or says where it is.
    let url = Some("https://evil.example/keys".to_owned());
    let own = |header: Header| encode(&header, &claims(), &stranger.key).unwrap();
    let plain = || Header::new(Algorithm::ES256);
    let jwk = serde_json::from_value(stranger.jwk()).unwrap();
    for header in [
        Header { jwk: Some(jwk), ..plain() },
        Header { jku: url.clone(), kid: Some("ec".to_owned()), ..plain() },
        Header { x5u: url, kid: Some("ec".to_owned()), ..plain() },
        Header { x5c: Some(vec!["MIIB".to_owned()]), ..plain() },
        plain(),
    ] {
        assert_eq!(why(&issuers, &own(header)), "the signature of the token is wrong");
    }
    let critical = Header { crit: Some(vec!["exp".to_owned()]), kid: Some("ec".to_owned()), ..plain() };
    assert_eq!(why(&issuers, &encode(&critical, &claims(), &ec.key).unwrap()), "the token has critical extensions");
}

#[test]
fn a_key_id_only_chooses_among_the_keys_of_the_issuer() {
    let (one, two) = (Signer::ec("one"), Signer::ec("two"));
    let issuers = issuers(&[one.jwk(), two.jwk()]);
    for id in ["", "ONE", "one ", "one\0", "../one", "' OR 1=1 --", "two", "https://evil.example/one", "/dev/null"] {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
        assert!(verify(&issuers, &encode(&header, &claims(), &one.key).unwrap()).is_err(), "{id:?}");
    }
    // Without an id, it is not guessed which of two keys is meant.
    let header = Header::new(Algorithm::ES256);
    let token = encode(&header, &claims(), &one.key).unwrap();
    assert!(why(&issuers, &token).contains("does not have"));
    assert!(verify(&self::issuers(&[one.jwk()]), &token).is_ok());
}

#[test]
fn only_keys_for_signatures_are_taken() {
    let signer = Signer::ec("one");
    let with = |name: &str, value: &str| {
        let mut jwk = signer.jwk();
        jwk[name] = json!(value);
        jwk
    };
    let parse = |keys: &[Value]| Keys::parse(json!({ "keys": keys }).to_string().as_bytes()).map(|_| ());
    assert!(parse(&[signer.jwk()]).is_ok() && parse(&[with("use", "sig")]).is_ok());
    for wrong in [
        with("use", "enc"),
        with("alg", "RS256"),
        with("alg", "HS256"),
        with("crv", "P-512"),
        with("kty", "oct"),
        json!(1),
    ] {
        assert!(parse(std::slice::from_ref(&wrong)).is_err(), "{wrong}");
        assert!(parse(&[wrong, signer.jwk()]).is_ok(), "others are passed over");
    }
    for text in ["", "[]", "{}", "{\"keys\":[]}", "{\"keys\":1}"] {
        assert!(Keys::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, text, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("a*", "a", true),
        ("a*b", "ab", true),
        ("a*b", "aXb", true),
        ("a*a", "a", false),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "aXcYb", false),
        ("corp/a-*", "evil/corp/a-x", false),
        ("*b", "ab", true),
        ("*b", "ba", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn keys_are_fetched_when_old_or_missing_but_not_more_often() {
    let (fetched, start) = (FetchedKeys::at(None), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!(fetched.begin(at(0)) && !fetched.begin(at(1)));
    assert!(fetched.begin(at(2)) && !fetched.begin(at(3)), "it failed, and nothing can be judged before");
    assert!(fetched.begin(at(30)));
    fetched.due.lock().fetched = Some(at(30));
    assert!(!fetched.begin(at(100)));
    fetched.due.lock().is_wanted = true;
    assert!(fetched.begin(at(100)), "a token named a key that is not there");
    fetched.due.lock().fetched = Some(at(100));
    fetched.due.lock().is_wanted = true;
    assert!(!fetched.begin(at(101)), "strangers cannot make us ask more often");
    assert!(fetched.begin(at(131)));
    fetched.due.lock().fetched = Some(at(131));
    assert!(!fetched.begin(at(730)) && fetched.begin(at(731)));
}
