//! How one base is reached, apart from its URL: a token or password, certificates of a private authority, an outbound proxy.
//! None of it is ever shown.

use std::fmt;
use std::path::Path;

use reqwest::header::HeaderValue;
use reqwest::{Proxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::fault::Fault;
use crate::files;
use crate::upstream::base::{Base, BaseLocation, basic, may_carry_login};

/// How one base is reached.
#[derive(Clone, Default)]
pub struct Access {
    /// the whole `Authorization` header
    pub(super) token: Option<HeaderValue>,
    pub(in crate::upstream) roots: Vec<CertificateDer<'static>>,
    pub(in crate::upstream) proxy: Option<Proxy>,
}

// Both a token and a proxy's URL are secret: the latter may have a password in it.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = |has| if has { "given" } else { "none" };
        write!(
            f,
            "Access {{ token: {}, certificates: {}, proxy: {} }}",
            state(self.token.is_some()),
            self.roots.len(),
            state(self.proxy.is_some())
        )
    }
}

impl Access {
    /// With a token for `base` (`Authorization: Bearer TOKEN`, RFC 6750). It overrides the passwords of the URL and of netrc.
    ///
    /// # Errors
    /// `Usage` for an invalid token, or one that would be sent over plain http to another machine.
    pub fn bearer(mut self, base: &Base, token: &str) -> Result<Access, Fault> {
        let usage = |why: &str| Fault::Usage(format!("the token for {base}: {why}"));
        let BaseLocation::Site(site) = &base.location else { return Err(usage("a folder cannot have one")) };
        if !may_carry_login(&site.url) {
            return Err(usage("refusing to send a token over plain http"));
        }
        let token = token.trim();
        let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| plain);
        let mut value = value.ok_or_else(|| usage("must be one word of printable ASCII"))?;
        value.set_sensitive(true);
        self.token = Some(value);
        Ok(self)
    }

    /// With a user's name and password for `base` (RFC 7617). They override those of the URL and of netrc.
    ///
    /// # Errors
    /// `Usage` where they would be sent over plain http to another machine.
    pub fn basic(mut self, base: &Base, name: &str, password: &str) -> Result<Access, Fault> {
        let usage = |why: &str| Fault::Usage(format!("the password for {base}: {why}"));
        let BaseLocation::Site(site) = &base.location else { return Err(usage("a folder cannot have one")) };
        if !may_carry_login(&site.url) {
            return Err(usage("refusing to send a password over plain http"));
        }
        self.token = Some(basic(name, password).ok_or_else(|| usage("cannot be sent"))?);
        Ok(self)
    }

    /// Trusts the certificates in a PEM file in addition to the system's.
    ///
    /// # Errors
    /// `Unavailable` where it cannot be read, `Usage` where it has no certificates.
    pub fn certificates(mut self, file: &Path) -> Result<Access, Fault> {
        let name = file.display().to_string();
        let unread = |error: std::io::Error| Fault::disk(&name, error.to_string());
        let pem = files::read_certificates(file).map_err(unread)?;
        let parse = |pem: Vec<u8>| CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().ok();
        let found = pem.and_then(parse).unwrap_or_default();
        if found.is_empty() {
            return Err(Fault::Usage(format!("{name} {}", files::NO_CERTIFICATES)));
        }
        self.roots.extend(found);
        Ok(self)
    }

    /// Through the proxy that `url` names (`http://`, `https://` or `socks5://[NAME:PASSWORD@]HOST[:PORT]`), which overrides the
    /// environment's. This machine itself is still reached directly.
    ///
    /// # Errors
    /// `Usage` for any other URL.
    pub fn proxy(mut self, url: &str) -> Result<Access, Fault> {
        let usage = || Fault::Usage("an outbound proxy should be http://, https:// or socks5://HOST[:PORT]".to_owned());
        let parsed = Url::parse(url).map_err(|_| usage())?;
        if !matches!(parsed.scheme(), "http" | "https" | "socks5" | "socks5h") || parsed.host().is_none() {
            return Err(usage());
        }
        self.proxy = Some(Proxy::all(parsed).map_err(|_| usage())?);
        Ok(self)
    }
}
