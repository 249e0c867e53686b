//! The authorities a user trusts.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};

/// The most certificates that are read from one file.
const MAX_CERTIFICATES: usize = 1_000;

/// Why a file names no authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// No certificate in it.
    #[error("there is no certificate in the file of trusted authorities: give a PEM file, or one certificate in DER")]
    Empty,
    /// Something in it is no certificate.
    #[error("certificate {0} in the file of trusted authorities cannot be read")]
    Unreadable(usize),
    /// More than anybody trusts.
    #[error("the file of trusted authorities has more than {MAX_CERTIFICATES} certificates")]
    TooMany,
}

/// Certificates of authorities whose time-stamps are believed. Empty: none is.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    anchors: Vec<TrustAnchor<'static>>,
}

impl Authorities {
    /// Reads the certificates of a file: PEM, any number of them, or one in DER. They are the authorities' own (CA)
    /// certificates, not those of the servers that sign.
    ///
    /// # Errors
    /// [`AuthoritiesError`].
    pub fn parse(file: &[u8]) -> Result<Self, AuthoritiesError> {
        let certificates: Vec<CertificateDer<'_>> = if file.first() == Some(&0x30) {
            vec![CertificateDer::from(file)]
        } else {
            let read = CertificateDer::pem_slice_iter(file).take(MAX_CERTIFICATES + 1).enumerate();
            read.map(|(n, one)| one.map_err(|_| AuthoritiesError::Unreadable(n + 1))).collect::<Result<_, _>>()?
        };
        if certificates.len() > MAX_CERTIFICATES {
            return Err(AuthoritiesError::TooMany);
        }
        let anchors = certificates.iter().enumerate().map(|(n, certificate)| {
            webpki::anchor_from_trusted_cert(certificate)
                .map(|anchor| anchor.to_owned())
                .map_err(|_| AuthoritiesError::Unreadable(n + 1))
        });
        let anchors = anchors.collect::<Result<Vec<_>, _>>()?;
        if anchors.is_empty() { Err(AuthoritiesError::Empty) } else { Ok(Self { anchors }) }
    }

    /// Those of several files together.
    pub fn extend(&mut self, others: Self) {
        self.anchors.extend(others.anchors);
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    pub(crate) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let end = "-----END CERTIFICATE-----\n";
        for (bad, why) in [
            (String::new(), AuthoritiesError::Empty),
            ("trust me\n".to_owned(), AuthoritiesError::Empty),
            (format!("{begin}AAAA\n{end}"), AuthoritiesError::Unreadable(1)),
            (format!("{begin}****\n{end}"), AuthoritiesError::Unreadable(1)),
            ("0\u{1}\u{1}".to_owned(), AuthoritiesError::Unreadable(1)),
            (format!("{begin}AAAA\n{end}").repeat(1_001), AuthoritiesError::TooMany),
        ] {
            assert_eq!(Authorities::parse(bad.as_bytes()).err(), Some(why));
        }
    }
}
