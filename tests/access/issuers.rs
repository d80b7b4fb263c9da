//! Tokens of an OIDC issuer: its keys are found by its configuration, fetched, fetched anew when they change, and kept when the
//! issuer is down.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::world::{World, basic, bearer, until, words};

/// An issuer on this machine.
struct Issuer {
    url: String,
    /// guards what `/keys` answers; none while it is down
    keys: Arc<Mutex<Option<String>>>,
}

impl Issuer {
    fn start() -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, own) = (Arc::<Mutex<Option<String>>>::default(), url.clone());
        let answered = Arc::clone(&keys);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let body = match (head.split(' ').nth(1), answered.lock().unwrap().clone()) {
                    (Some("/.well-known/openid-configuration"), Some(_)) => {
                        json!({ "issuer": own, "jwks_uri": format!("{own}/keys") }).to_string()
                    }
                    (Some("/keys"), Some(keys)) => keys,
                    _ => continue, // the connection breaks off
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Issuer { url, keys }
    }

    fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<Value> = keys.iter().map(|signer| signer.jwk()).collect();
        *self.keys.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn settings(&self) -> String {
        format!(
            "[[access.issuer]]\nname = \"ci\"\nissuer = \"{}\"\naudience = [\"goproxy\"]\nclaims = {{ repository_owner = \"corp\" }}\n\
             groups.team-a = {{ repository = \"corp/a-*\" }}\n\n[[access.rule]]\nwho = \"group:team-a\"\n",
            self.url
        )
    }
}

struct Signer {
    key: EncodingKey,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Signer {
        let der = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
        Signer { key: EncodingKey::from_ec_der(der.as_ref()), id }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(&jwk).unwrap()
    }

    fn sign(&self, issuer: &Issuer, repository: &str, subject: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({ "iss": issuer.url, "aud": "goproxy", "exp": now + 3600, "sub": subject, "repository": repository,
            "repository_owner": "corp" });
        encode(&Header { kid: Some(self.id.to_owned()), ..Header::new(Algorithm::ES256) }, &claims, &self.key).unwrap()
    }
}

#[test]
fn keys_are_fetched_and_outlive_their_issuer() {
    const PATH: &str = "/example.com/a/@v/list";
    let (world, issuer, signer) = (World::new(), Issuer::start(), Signer::new("one"));
    let server = world.serve(&issuer.settings(), &[]);
    let token = signer.sign(&issuer, "corp/a-x", "repo:corp/a-x");
    // Nobody can tell yet: not 401, which would be final.
    let early = server.get(PATH, &bearer(&token));
    assert_eq!((early.status, early.header("retry-after")), (503, Some("2")), "{early:?}");
    issuer.publish(&[&signer]);
    until("the keys are fetched", || server.get(PATH, &bearer(&token)).status == 200);
    // The way of go: as the password of netrc or of a URL.
    assert_eq!(server.get(PATH, &basic("oauth2", &token)).status, 200);
    let other = server.get(PATH, &bearer(&signer.sign(&issuer, "corp/b", "repo:corp/b")));
    assert_eq!(
        (other.status, words(&other).as_str()),
        (403, "ci:repo:corp/b may not read example.com/a:\nno rule lets it\n")
    );
    let stranger = Signer::new("one").sign(&issuer, "corp/a-x", "x");
    let refused = server.get(PATH, &bearer(&stranger));
    assert!(refused.status == 401 && refused.text().contains("the signature of the token is wrong"), "{refused:?}");
    *issuer.keys.lock().unwrap() = None;
    let fresh = signer.sign(&issuer, "corp/a-y", "repo:corp/a-y");
    assert_eq!(server.get(PATH, &bearer(&fresh)).status, 200, "the issuer is down");
    let (_, logged) = server.serving.end("-TERM");
    for token in [token, fresh, stranger] {
        assert!(!logged.contains(&token) && !logged.contains(token.rsplit('.').next().unwrap()), "{logged}");
    }
}
