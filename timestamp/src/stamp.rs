//! What a token proves.

use std::time::Duration;

use der::asn1::{AnyRef, ObjectIdentifier, SetOfVec};
use der::{Decode as _, Encode as _, Tag, Tagged as _};
use provenote_ledger::SignedNote;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::authorities::Authorities;
use crate::ecdsa::EcdsaSha512;
use crate::formats::{
    Accuracy, EssCertId, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_RSA_ENCRYPTION, ID_SHA_256, ID_SIGNING_CERTIFICATE,
    ID_SIGNING_CERTIFICATE_V2, ID_TIME_STAMPING, ID_TST_INFO, IssuerAndSerialNumber, SignedData, SignerInfo,
    SigningCertificate, TstInfo, damage, digest, open_token,
};
use crate::response::{Response, ResponseError, plain};

/// How far this computer's clock may be behind a stamp's time, in milliseconds.
const AHEAD_MS: i64 = 5 * 60 * 1000;
/// The most certificates a token may carry; each costs a look, and a chain has three.
const MAX_CERTIFICATES: usize = 32;
/// The most of a name that is repeated, in characters.
const MAX_NAME: usize = 80;

/// An algorithm, and the digest it is used with.
type Signature = (&'static dyn SignatureVerificationAlgorithm, &'static ring::digest::Algorithm);

/// RSA of 2048 to 8192 bits, PKCS #1 v1.5.
static RSA_PKCS1: [Signature; 3] = [
    (webpki::ring::RSA_PKCS1_2048_8192_SHA256, &ring::digest::SHA256),
    (webpki::ring::RSA_PKCS1_2048_8192_SHA384, &ring::digest::SHA384),
    (webpki::ring::RSA_PKCS1_2048_8192_SHA512, &ring::digest::SHA512),
];
/// RSA-PSS of the same lengths, with a salt as long as the digest; ECDSA on P-256 and P-384, one for each kind of key.
static OTHERS: [Signature; 9] = [
    (webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY, &ring::digest::SHA256),
    (webpki::ring::RSA_PSS_2048_8192_SHA384_LEGACY_KEY, &ring::digest::SHA384),
    (webpki::ring::RSA_PSS_2048_8192_SHA512_LEGACY_KEY, &ring::digest::SHA512),
    (webpki::ring::ECDSA_P256_SHA256, &ring::digest::SHA256),
    (webpki::ring::ECDSA_P256_SHA384, &ring::digest::SHA384),
    (webpki::ring::ECDSA_P384_SHA256, &ring::digest::SHA256),
    (webpki::ring::ECDSA_P384_SHA384, &ring::digest::SHA384),
    (&EcdsaSha512::P256, &ring::digest::SHA512),
    (&EcdsaSha512::P384, &ring::digest::SHA512),
];

/// What a time-stamp states, once verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The authority's time, in milliseconds since 1970, UTC. What is finer is cut off.
    pub time_ms: i64,
    /// How far the time may be off, either way; `None` where the authority does not say.
    pub accuracy: Option<Duration>,
    /// The token's number at its authority, hexadecimal.
    pub serial: String,
    /// The policy it was made under: a dotted object identifier.
    pub policy: String,
    /// Who signed it, by the certificate's subject: common name, or else organisation, or else all of it.
    pub authority: String,
}

impl Stamp {
    /// The time as people read it: RFC 3339, UTC, whole seconds.
    #[must_use]
    pub fn time(&self) -> String {
        moment(self.time_ms)
    }
}

/// Why a time-stamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// The answer holds no token.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// The note to compare with is none.
    #[error("the checkpoint beside the time-stamp cannot be read: {0}")]
    Note(#[from] provenote_ledger::NoteError),
    /// Not the form of a time-stamp token.
    #[error("the time-stamp cannot be read: {0}")]
    Malformed(&'static str),
    /// It stamps something else.
    #[error("the time-stamp is of something else than this checkpoint")]
    OtherCheckpoint,
    /// It answers another request.
    #[error("the time-stamp answers another request than the one just made: ask again")]
    WrongNonce,
    /// The token does not carry its signer's certificate.
    #[error("the time-stamp does not carry the certificate of whoever signed it")]
    NoCertificate,
    /// The certificate that signed is not the one the token names.
    #[error("the time-stamp names another certificate than that of {0}, which it carries")]
    OtherCertificate(String),
    /// The signer's certificate is not one for time-stamping and nothing else (RFC 3161 §2.3).
    #[error("the certificate of {0} is not for time-stamping alone, as a time-stamp's must be")]
    NotForTimeStamping(String),
    /// The signer's certificate was not valid at the stamp's time.
    #[error("the certificate of {name} was not valid at {time}, the time-stamp's own time, but from {from} to {until}")]
    Expired {
        /// Who signed.
        name: String,
        /// The stamp's time.
        time: String,
        /// When the certificate begins.
        from: String,
        /// When it ends.
        until: String,
    },
    /// A signature or digest this program does not verify.
    #[error("the time-stamp of {name} is signed by an algorithm this program does not verify ({algorithm})")]
    Algorithm {
        /// Who signed.
        name: String,
        /// The algorithm's object identifier.
        algorithm: String,
    },
    /// The signature is wrong.
    #[error("the time-stamp's signature by {0} does not verify: it was altered, or never made")]
    BadSignature(String),
    /// Everything is right, but nobody told this program to trust the authority. Here is what it states.
    #[error(
        "the time-stamp is by an authority this program was not told to trust: {}; if you trust it, name its \
         certificate with --authority", .0.authority
    )]
    UnknownAuthority(Box<Stamp>),
    /// The certificates between the signer and a trusted authority do not hold.
    #[error("the certificates between {name} and a trusted authority do not hold at {time}: {why}")]
    Chain {
        /// Who signed.
        name: String,
        /// The stamp's time.
        time: String,
        /// What is wrong with them.
        why: String,
    },
    /// It comes from the future.
    #[error("the time-stamp is of {time}, but this computer's clock shows {now}: set the clock")]
    Future {
        /// The stamp's time.
        time: String,
        /// The clock's.
        now: String,
    },
}

/// Verifies a kept time-stamp: `note` is a checkpoint, a signed note with any signatures, `tsr` the file beside it (a
/// `TimeStampResp`). `now_ms` as in [`verify`].
///
/// # Errors
/// [`StampError`]; [`StampError::UnknownAuthority`] where everything holds but the trust.
pub fn check(note: &str, tsr: &[u8], authorities: &Authorities, now_ms: i64) -> Result<Stamp, StampError> {
    let note = SignedNote::parse(note)?;
    verify(Response::parse(tsr)?.token(), note.text(), None, authorities, now_ms)
}

/// Verifies a token (a CMS `ContentInfo` in DER) against a checkpoint's note text: one signer; the content type, the
/// digest and the certificate named in the signed attributes (RFC 3161 §2.4.2, RFC 5816); the imprint; the nonce, where
/// one is given; the signer's certificate for time-stamping alone and valid at the stamp's time (§2.3); the signature;
/// and the chain to one of `authorities` at the stamp's time.
///
/// `now_ms` is the clock, in milliseconds since 1970: a stamp more than five minutes later is refused. A certificate
/// that has expired since does no harm.
///
/// Not compared: the name in the optional field `tsa`, which the authority itself writes under the same signature.
///
/// # Errors
/// [`StampError`]; [`StampError::UnknownAuthority`] where everything holds but the trust.
pub fn verify(
    token: &[u8],
    note_text: &str,
    nonce: Option<u64>,
    authorities: &Authorities,
    now_ms: i64,
) -> Result<Stamp, StampError> {
    let signed = open_token(token).map_err(StampError::Malformed)?;
    let info = content(&signed)?;
    let signer = signer(&signed)?;
    let certificates = certificates(&signed)?;
    let (raw, certificate) = signers_certificate(&signer, &certificates)?;
    let name = subject(certificate.tbs_certificate().subject());
    let attributes = Attributes::parse(&signer)?;

    let unverified = |algorithm: &AlgorithmIdentifierRef<'_>| StampError::Algorithm {
        name: name.clone(),
        algorithm: algorithm.oid.to_string(),
    };
    let hash = digest(&signer.digest_algorithm).ok_or_else(|| unverified(&signer.digest_algorithm))?;
    attributes.bind(&signed, hash)?;
    if !attributes.name_certificate(raw)? {
        return Err(StampError::OtherCertificate(name));
    }
    let imprint = ring::digest::digest(&ring::digest::SHA256, note_text.as_bytes());
    let stamped = &info.message_imprint;
    if stamped.hash_algorithm.oid != ID_SHA_256
        || digest(&stamped.hash_algorithm).is_none()
        || stamped.hashed_message.as_bytes() != imprint.as_ref()
    {
        return Err(StampError::OtherCheckpoint);
    }
    if let Some(nonce) = nonce {
        let asked = der::asn1::Uint::new(&nonce.to_be_bytes()).map_err(|_| StampError::WrongNonce)?;
        if info.nonce.as_ref() != Some(&asked) {
            return Err(StampError::WrongNonce);
        }
    }
    if !for_time_stamping(&certificate) {
        return Err(StampError::NotForTimeStamping(name));
    }
    let der = CertificateDer::from(raw);
    let end = EndEntityCert::try_from(&der)
        .map_err(|_| StampError::Malformed("its signer's certificate is of no known form"))?;
    let signature = signatures(&signer, hash);
    if signature.is_empty() {
        return Err(unverified(&signer.signature_algorithm));
    }
    let message = attributes.signed_bytes()?;
    if !signature.iter().any(|(one, _)| end.verify_signature(*one, &message, signer.signature.as_bytes()).is_ok()) {
        return Err(StampError::BadSignature(name));
    }
    let stamp = Stamp {
        time_ms: info.gen_time.0,
        accuracy: info.accuracy.map(duration),
        serial: info.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        policy: info.policy.to_string(),
        authority: name.clone(),
    };
    let at = Duration::from_millis(u64::try_from(stamp.time_ms).unwrap_or_default());
    let validity = certificate.tbs_certificate().validity();
    if at < validity.not_before.to_unix_duration() || at > validity.not_after.to_unix_duration() {
        return Err(StampError::Expired {
            name,
            time: stamp.time(),
            from: validity.not_before.to_date_time().to_string(),
            until: validity.not_after.to_date_time().to_string(),
        });
    }
    if stamp.time_ms > now_ms.saturating_add(AHEAD_MS) {
        return Err(StampError::Future { time: stamp.time(), now: moment(now_ms) });
    }
    let between: Vec<CertificateDer<'_>> =
        certificates.iter().filter(|other| other.as_slice() != raw).map(|other| other.as_slice().into()).collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        RSA_PKCS1.iter().chain(&OTHERS).map(|(one, _)| *one).collect();
    let chain = end.verify_for_usage(
        &algorithms,
        authorities.anchors(),
        &between,
        UnixTime::since_unix_epoch(at),
        TimeStamping,
        None,
        None,
    );
    match chain {
        Ok(_) => Ok(stamp),
        Err(webpki::Error::UnknownIssuer) => Err(StampError::UnknownAuthority(Box::new(stamp))),
        Err(error) => Err(StampError::Chain { name, time: stamp.time(), why: fault(&error) }),
    }
}

/// The stamped facts, from the signed content.
fn content<'a>(signed: &'a SignedData<'_>) -> Result<TstInfo<'a>, StampError> {
    if signed.encap_content_info.content_type != ID_TST_INFO {
        return Err(StampError::Malformed("it is a signed message, but no time-stamp"));
    }
    // Version 3: the content is not plain data (RFC 5652 §5.1).
    if signed.version != 3 {
        return Err(StampError::Malformed("its signed data has an unknown version"));
    }
    let info = TstInfo::from_der(signed.encap_content_info.content.as_bytes())
        .map_err(|error| StampError::Malformed(damage(&error, "what it states is not of the form of RFC 3161")))?;
    if info.version != 1 {
        return Err(StampError::Malformed("it has an unknown version"));
    }
    if info.extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(StampError::Malformed("it has a condition this program does not know"));
    }
    let out_of_range = |part: Option<u16>| part.is_some_and(|part| !(1..1000).contains(&part));
    if info.accuracy.is_some_and(|accuracy| out_of_range(accuracy.millis) || out_of_range(accuracy.micros)) {
        return Err(StampError::Malformed("its accuracy is out of range"));
    }
    Ok(info)
}

/// The one signer (RFC 3161 §2.4.2: no signature but the authority's).
fn signer<'a>(signed: &'a SignedData<'_>) -> Result<SignerInfo<'a>, StampError> {
    if signed.signer_infos.len() != 1 {
        return Err(StampError::Malformed("it is not signed by exactly one authority"));
    }
    let only = signed.signer_infos.get(0).ok_or(StampError::Malformed("nobody signed it"))?;
    let signer: SignerInfo<'a> = only
        .decode_as()
        .map_err(|error: der::Error| StampError::Malformed(damage(&error, "its signature cannot be read")))?;
    if !signed.digest_algorithms.iter().any(|one| *one == signer.digest_algorithm) {
        return Err(StampError::Malformed("it does not name its signer's digest"));
    }
    Ok(signer)
}

/// The X.509 certificates a token carries, as they came.
fn certificates(signed: &SignedData<'_>) -> Result<Vec<Vec<u8>>, StampError> {
    let carried = signed.certificates.iter().flat_map(|set| set.iter()).filter(|one| one.tag() == Tag::Sequence);
    let carried: Result<Vec<_>, _> = carried.map(der::Encode::to_der).collect();
    let carried = carried.map_err(|_| StampError::Malformed("a certificate it carries cannot be read"))?;
    if carried.len() > MAX_CERTIFICATES {
        return Err(StampError::Malformed("it carries more than 32 certificates"));
    }
    Ok(carried)
}

/// The certificate that the signer is named by: issuer and serial number, or the subject's key identifier
/// (RFC 5652 §5.3).
fn signers_certificate<'a>(
    signer: &SignerInfo<'_>,
    carried: &'a [Vec<u8>],
) -> Result<(&'a [u8], Certificate), StampError> {
    let by_issuer = (signer.version == 1).then(|| signer.sid.decode_as::<IssuerAndSerialNumber>().ok()).flatten();
    let key_identifier = Tag::ContextSpecific { constructed: false, number: der::TagNumber(0) };
    let by_key = (signer.version == 3 && signer.sid.tag() == key_identifier).then(|| signer.sid.value());
    for raw in carried {
        let Ok(certificate) = Certificate::from_der(raw) else { continue };
        let facts = certificate.tbs_certificate();
        let named = by_issuer
            .as_ref()
            .is_some_and(|id| id.issuer == *facts.issuer() && id.serial_number == *facts.serial_number());
        let keyed = by_key.is_some_and(|id| {
            facts.get_extension::<SubjectKeyIdentifier>().ok().flatten().is_some_and(|(_, own)| own.0.as_bytes() == id)
        });
        if named || keyed {
            return Ok((raw, certificate));
        }
    }
    Err(StampError::NoCertificate)
}

/// The signed attributes, once as bytes and once taken apart.
struct Attributes<'a> {
    raw: AnyRef<'a>,
    set: SetOfVec<Attribute>,
}

impl<'a> Attributes<'a> {
    fn parse(signer: &SignerInfo<'a>) -> Result<Self, StampError> {
        const WRONG: StampError = StampError::Malformed("its signed attributes cannot be read");
        let raw = signer.signed_attributes;
        if raw.tag() != (Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) }) {
            return Err(StampError::Malformed("its signature has no signed attributes"));
        }
        let set = AnyRef::new(Tag::Set, raw.value()).and_then(|set| set.decode_as()).map_err(|_| WRONG)?;
        Ok(Self { raw, set })
    }

    /// What is signed: the attributes as they came, under the tag of a set (RFC 5652 §5.4).
    fn signed_bytes(&self) -> Result<Vec<u8>, StampError> {
        let set = AnyRef::new(Tag::Set, self.raw.value()).and_then(|set| set.to_der());
        set.map_err(|_| StampError::Malformed("its signed attributes cannot be read"))
    }

    /// The single value of an attribute that stands at most once.
    fn value(&self, id: ObjectIdentifier) -> Result<Option<AnyRef<'_>>, StampError> {
        let mut found = self.set.iter().filter(|attribute| attribute.oid == id);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(one), None) if one.values.len() == 1 => Ok(one.values.get(0).map(AnyRef::from)),
            _ => Err(StampError::Malformed("a signed attribute stands more than once")),
        }
    }

    /// Holds the attributes to the content: its type and its digest.
    fn bind(&self, signed: &SignedData<'_>, hash: &'static ring::digest::Algorithm) -> Result<(), StampError> {
        let kind = self.value(ID_CONTENT_TYPE)?.and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
        if kind != Some(ID_TST_INFO) {
            return Err(StampError::Malformed("its signature is not one over a time-stamp"));
        }
        let digest = ring::digest::digest(hash, signed.encap_content_info.content.as_bytes());
        match self.value(ID_MESSAGE_DIGEST)? {
            Some(stated) if stated.tag() == Tag::OctetString && stated.value() == digest.as_ref() => Ok(()),
            _ => Err(StampError::Malformed("what it states is not what was signed")),
        }
    }

    /// Whether the attributes name this certificate as the signer's, in every form they use (RFC 5816 §2.2.1).
    fn name_certificate(&self, certificate: &[u8]) -> Result<bool, StampError> {
        const WRONG: StampError = StampError::Malformed("the certificate it names cannot be read");
        let mut named = false;
        for (id, by_default) in [
            (ID_SIGNING_CERTIFICATE, &ring::digest::SHA1_FOR_LEGACY_USE_ONLY),
            (ID_SIGNING_CERTIFICATE_V2, &ring::digest::SHA256),
        ] {
            let Some(value) = self.value(id)? else { continue };
            let listed: SigningCertificate<'_> = value.decode_as().map_err(|_| WRONG)?;
            // The first is the signer's; others may follow.
            let first: EssCertId<'_> = listed.certs.first().ok_or(WRONG)?.decode_as().map_err(|_| WRONG)?;
            let hash = match first.hash_algorithm {
                None => by_default,
                Some(_) if id == ID_SIGNING_CERTIFICATE => return Err(WRONG),
                Some(algorithm) => digest(&algorithm).ok_or(WRONG)?,
            };
            if ring::digest::digest(hash, certificate).as_ref() != first.cert_hash.as_bytes() {
                return Ok(false);
            }
            named = true;
        }
        if named { Ok(true) } else { Err(StampError::Malformed("it does not name the certificate it is signed with")) }
    }
}

/// Whether a certificate's key may make time-stamps and nothing else, marked critical (RFC 3161 §2.3).
fn for_time_stamping(certificate: &Certificate) -> bool {
    let usage = certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>();
    matches!(usage, Ok(Some((true, ExtendedKeyUsage(purposes)))) if purposes == [ID_TIME_STAMPING])
}

/// The algorithms a signature may be verified by: those of its name and digest, one for each kind of key.
fn signatures(signer: &SignerInfo<'_>, hash: &'static ring::digest::Algorithm) -> Vec<Signature> {
    let name = &signer.signature_algorithm;
    let fits = |(_, digest): &&Signature| *digest == hash;
    // CMS also knows the key's own name for PKCS #1 v1.5; the digest then says the rest (RFC 3370 §3.2).
    if name.oid == ID_RSA_ENCRYPTION && name.parameters.is_none_or(AnyRef::is_null) {
        return RSA_PKCS1.iter().filter(fits).copied().collect();
    }
    let mut stated = name.oid.to_der().unwrap_or_default();
    stated.extend(name.parameters.and_then(|parameters| parameters.to_der().ok()).unwrap_or_default());
    let named = |(algorithm, _): &&Signature| *algorithm.signature_alg_id() == *stated;
    RSA_PKCS1.iter().chain(&OTHERS).filter(fits).filter(named).copied().collect()
}

/// In a chain for time-stamps every certificate that limits its use allows this one.
struct TimeStamping;

impl ExtendedKeyUsageValidator for TimeStamping {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let wanted = KeyPurposeId::new(ID_TIME_STAMPING.as_bytes());
        let mut limited = false;
        for purpose in purposes {
            limited = true;
            if purpose? == wanted {
                return Ok(());
            }
        }
        // The signer's own certificate was held to the stricter rule before.
        if limited { Err(webpki::Error::EndEntityUsedAsCa) } else { Ok(()) }
    }
}

/// What is wrong with a chain, in words.
fn fault(error: &webpki::Error) -> String {
    match error {
        webpki::Error::CertExpired { .. } => "one had expired".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "one was not valid yet".to_owned(),
        webpki::Error::InvalidSignatureForPublicKey => {
            "one is not signed by the trusted authority of that name".to_owned()
        }
        webpki::Error::EndEntityUsedAsCa => "one may not be used for this".to_owned(),
        other => format!("{other:?}"),
    }
}

fn duration(accuracy: Accuracy) -> Duration {
    Duration::from_secs(accuracy.seconds.unwrap_or_default().into())
        + Duration::from_millis(accuracy.millis.unwrap_or_default().into())
        + Duration::from_micros(accuracy.micros.unwrap_or_default().into())
}

/// A subject in a few words.
fn subject(name: &Name) -> String {
    let common = name.common_name().ok().flatten().map(|part| plain(&part.value()));
    let organisation = || name.organization().ok().flatten().map(|part| plain(&part.value()));
    let short = common.filter(|part| !part.is_empty()).or_else(organisation).filter(|part| !part.is_empty());
    let words = short.unwrap_or_else(|| plain(&name.to_string()));
    if words.is_empty() { "somebody without a name".to_owned() } else { words.chars().take(MAX_NAME).collect() }
}

fn moment(millis: i64) -> String {
    let seconds = Duration::from_secs(u64::try_from(millis / 1000).unwrap_or_default());
    der::DateTime::from_unix_duration(seconds)
        .map_or_else(|_| "a time that cannot be written".to_owned(), |t| t.to_string())
}
