//! What is read out of certificates (RFC 5280): names, and the time for which they are valid. Signatures are rustls's part.

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::files::CertificatePeriod;

/// Names of one certificate that are kept.
const MAX_NAMES: usize = 64;

/// A certificate that was taken apart.
#[derive(Debug)]
pub(super) struct Certificate(CertificateInner<Raw>);

/// Who a client is, by the certificate that it proved to hold and that leads to an authority of the setting `tls.client_ca`. The
/// names are as the authority signed them: they may have any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// the whole subject as text (RFC 4514), such as `CN=build,O=Example`; empty if the certificate has none
    pub subject: String,
    /// the first common name of the subject
    pub common_name: Option<String>,
    /// DNS names
    pub dns: Vec<String>,
    /// mail addresses
    pub emails: Vec<String>,
    /// URIs, such as SPIFFE IDs
    pub uris: Vec<String>,
}

impl ClientCertificate {
    /// The names in a certificate that rustls has verified.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn read(der: &[u8]) -> Result<ClientCertificate, String> {
        let certificate = Certificate::parse(der)?;
        let subject = certificate.0.tbs_certificate().subject();
        let common_name = subject.common_name().map_err(|error| format!("its common name: {error}"))?;
        let mut client = ClientCertificate {
            subject: subject.to_string(),
            common_name: common_name.map(|name| name.value().into_owned()),
            ..ClientCertificate::default()
        };
        for name in certificate.alternative_names()?.into_iter().take(MAX_NAMES) {
            match name {
                GeneralName::DnsName(name) => client.dns.push(name.to_string()),
                GeneralName::Rfc822Name(name) => client.emails.push(name.to_string()),
                GeneralName::UniformResourceIdentifier(name) => client.uris.push(name.to_string()),
                _ => {}
            }
        }
        Ok(client)
    }

    /// Every name by which a rule can name this client: the common name, then the alternative names of each kind.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let alternative = self.dns.iter().chain(&self.emails).chain(&self.uris);
        self.common_name.iter().chain(alternative).map(String::as_str)
    }
}

impl Certificate {
    /// Takes a certificate apart.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(der: &[u8]) -> Result<Certificate, String> {
        CertificateInner::<Raw>::from_der(der).map(Certificate).map_err(|error| format!("not a certificate: {error}"))
    }

    pub(super) fn validity(&self) -> CertificatePeriod {
        CertificatePeriod::of(&self.0)
    }

    /// Whether it names any host.
    pub(super) fn names_hosts(&self) -> bool {
        let is_host = |name: &GeneralName| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_));
        self.alternative_names().is_ok_and(|names| names.iter().any(is_host))
    }

    /// Whether this one, by its name, issued `other`.
    pub(super) fn is_issuer_of(&self, other: &Certificate) -> bool {
        self.0.tbs_certificate().subject() == other.0.tbs_certificate().issuer()
    }

    fn alternative_names(&self) -> Result<Vec<GeneralName>, String> {
        let found = self.0.tbs_certificate().get_extension::<SubjectAltName>();
        let found = found.map_err(|error| format!("its alternative names: {error}"))?;
        Ok(found.map(|(_, names)| names.0).unwrap_or_default())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn all_names_of_a_client_are_read() {
        let mut params = CertificateParams::new(vec!["build.corp.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "build");
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc");
        params.subject_alt_names.push(SanType::Rfc822Name("build@corp.example".try_into().unwrap()));
        params.subject_alt_names.push(SanType::URI("spiffe://corp.example/build".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress([10, 0, 0, 1].into()));
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let client = ClientCertificate::read(&der).unwrap();
        assert_eq!(client.common_name.as_deref(), Some("build"));
        assert_eq!(client.subject, "O=Example\\, Inc,CN=build");
        let names: Vec<&str> = client.names().collect();
        assert_eq!(names, ["build", "build.corp.example", "build@corp.example", "spiffe://corp.example/build"]);
    }

    #[test]
    fn any_part_of_a_certificate_is_read_or_refused() {
        let params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        for end in 0..der.len() {
            assert!(ClientCertificate::read(der.get(..end).unwrap()).is_err(), "{end}");
        }
        for at in 0..der.len() {
            let mut changed = der.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0x81;
            }
            let _ = ClientCertificate::read(&changed); // it does not panic
        }
    }
}
