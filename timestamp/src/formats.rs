//! The structures of RFC 3161 (TSP), RFC 5652 (CMS) and RFC 5035 (signing certificates), as far as a time-stamp uses
//! them. Decoding is strict DER: no indefinite length, no spare bytes.

use der::asn1::{AnyRef, ObjectIdentifier, OctetString, SetOfVec, Uint};
use der::{Decode, Sequence, Tag, Tagged as _};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

pub(crate) const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const ID_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
pub(crate) const ID_CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
pub(crate) const ID_MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
pub(crate) const ID_SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
pub(crate) const ID_SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
pub(crate) const ID_TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
pub(crate) const ID_RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(crate) const ID_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(crate) const ID_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(crate) const ID_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The algorithm behind a digest's name; `None` for those too weak or unknown. Parameters are absent or NULL
/// (RFC 5754 §2).
pub(crate) fn digest(name: &AlgorithmIdentifierRef<'_>) -> Option<&'static ring::digest::Algorithm> {
    if name.parameters.is_some_and(|parameters| !parameters.is_null()) {
        return None;
    }
    match name.oid {
        ID_SHA_256 => Some(&ring::digest::SHA256),
        ID_SHA_384 => Some(&ring::digest::SHA384),
        ID_SHA_512 => Some(&ring::digest::SHA512),
        _ => None,
    }
}

/// `TimeStampReq` (RFC 3161 §2.4.1).
#[derive(Sequence)]
pub(crate) struct TimeStampReq<'a> {
    pub(crate) version: u8,
    pub(crate) message_imprint: MessageImprint<'a>,
    pub(crate) nonce: Uint,
    pub(crate) cert_req: bool,
}

/// `MessageImprint`.
#[derive(Sequence)]
pub(crate) struct MessageImprint<'a> {
    pub(crate) hash_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) hashed_message: OctetString,
}

/// `TimeStampResp` (§2.4.2).
#[derive(Sequence)]
pub(crate) struct TimeStampResp<'a> {
    pub(crate) status: PkiStatusInfo<'a>,
    #[asn1(optional = "true")]
    pub(crate) time_stamp_token: Option<AnyRef<'a>>,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
pub(crate) struct PkiStatusInfo<'a> {
    pub(crate) status: u8,
    #[asn1(optional = "true")]
    pub(crate) status_string: Option<Vec<String>>,
    #[asn1(optional = "true")]
    pub(crate) fail_info: Option<der::asn1::BitStringRef<'a>>,
}

/// `ContentInfo` (RFC 5652 §3).
#[derive(Sequence)]
pub(crate) struct ContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(crate) content: AnyRef<'a>,
}

/// `SignedData` (§5.1).
#[derive(Sequence)]
pub(crate) struct SignedData<'a> {
    pub(crate) version: u8,
    pub(crate) digest_algorithms: SetOfVec<AlgorithmIdentifierRef<'a>>,
    pub(crate) encap_content_info: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) certificates: Option<SetOfVec<AnyRef<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) crls: Option<SetOfVec<AnyRef<'a>>>,
    pub(crate) signer_infos: SetOfVec<AnyRef<'a>>,
}

/// `EncapsulatedContentInfo` (§5.2). A time-stamp carries its content.
#[derive(Sequence)]
pub(crate) struct EncapsulatedContentInfo {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(crate) content: OctetString,
}

/// `SignerInfo` (§5.3). Signed attributes are mandatory here, since the content is not plain data; they are kept as
/// they came, because the signature is over these bytes.
#[derive(Sequence)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) version: u8,
    pub(crate) sid: AnyRef<'a>,
    pub(crate) digest_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signed_attributes: AnyRef<'a>,
    pub(crate) signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signature: OctetString,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) unsigned_attributes: Option<SetOfVec<AnyRef<'a>>>,
}

/// `IssuerAndSerialNumber` (§10.2.4).
#[derive(Sequence)]
pub(crate) struct IssuerAndSerialNumber {
    pub(crate) issuer: Name,
    pub(crate) serial_number: SerialNumber,
}

/// `SigningCertificate` (RFC 5035 §5) and `SigningCertificateV2` (§3): the certificates' ids, still encoded.
#[derive(Sequence)]
pub(crate) struct SigningCertificate<'a> {
    pub(crate) certs: Vec<AnyRef<'a>>,
    #[asn1(optional = "true")]
    pub(crate) policies: Option<AnyRef<'a>>,
}

/// `ESSCertID` and `ESSCertIDv2`: the first knows only SHA-1 and never names it, the second means SHA-256 where it
/// names none.
#[derive(Sequence)]
pub(crate) struct EssCertId<'a> {
    #[asn1(optional = "true")]
    pub(crate) hash_algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub(crate) cert_hash: OctetString,
    #[asn1(optional = "true")]
    pub(crate) issuer_serial: Option<AnyRef<'a>>,
}

/// `TSTInfo` (RFC 3161 §2.4.2).
#[derive(Sequence)]
pub(crate) struct TstInfo<'a> {
    pub(crate) version: u8,
    pub(crate) policy: ObjectIdentifier,
    pub(crate) message_imprint: MessageImprint<'a>,
    pub(crate) serial_number: Uint,
    pub(crate) gen_time: GenTime,
    #[asn1(optional = "true")]
    pub(crate) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub(crate) ordering: bool,
    #[asn1(optional = "true")]
    pub(crate) nonce: Option<Uint>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) tsa: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) extensions: Option<Vec<Extension>>,
}

/// `Accuracy`: what is missing is zero.
#[derive(Sequence, Clone, Copy)]
pub(crate) struct Accuracy {
    #[asn1(optional = "true")]
    pub(crate) seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) micros: Option<u16>,
}

/// A `GeneralizedTime` that may have a fraction of a second, which the `der` crate's may not. In milliseconds since
/// 1970; what is finer is cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct GenTime(pub(crate) i64);

impl der::FixedTag for GenTime {
    const TAG: Tag = Tag::GeneralizedTime;
}

impl<'a> der::DecodeValue<'a> for GenTime {
    type Error = der::Error;

    fn decode_value<R: der::Reader<'a>>(reader: &mut R, header: der::Header) -> der::Result<Self> {
        let text = reader.read_slice(header.length())?;
        gen_time(text).map(Self).ok_or_else(|| Tag::GeneralizedTime.value_error().into())
    }
}

impl der::EncodeValue for GenTime {
    fn value_len(&self) -> der::Result<der::Length> {
        der::Length::try_from(self.text().len())
    }

    fn encode_value(&self, writer: &mut impl der::Writer) -> der::Result<()> {
        writer.write(self.text().as_bytes())
    }
}

impl GenTime {
    fn text(self) -> String {
        let whole = der::DateTime::from_unix_duration(std::time::Duration::from_secs((self.0 / 1000).unsigned_abs()));
        let seconds = whole.map_or(String::new(), |time| time.to_string().replace(['-', ':', 'T', 'Z'], ""));
        let fraction = format!("{:03}", self.0 % 1000);
        match fraction.trim_end_matches('0') {
            "" => format!("{seconds}Z"),
            digits => format!("{seconds}.{digits}Z"),
        }
    }
}

/// `YYYYMMDDhhmmss[.s...]Z`, the fraction without a zero at its end (RFC 3161 §2.4.2, "genTime").
fn gen_time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || (text.contains('.') && fraction.ends_with('0')) {
        return None;
    }
    let number = |from: usize, to: usize| whole.get(from..to)?.parse::<u8>().ok();
    let time = der::DateTime::new(
        whole.get(..4)?.parse().ok()?,
        number(4, 6)?,
        number(6, 8)?,
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?,
    )
    .ok()?;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(i64::try_from(time.unix_duration().as_secs()).ok()? * 1000 + millis)
}

/// One token's signed data, its signer and what it stamps.
pub(crate) fn open_token(token: &[u8]) -> Result<SignedData<'_>, &'static str> {
    let outer = ContentInfo::from_der(token).map_err(|error| damage(&error, "it is no CMS message"))?;
    if outer.content_type != ID_SIGNED_DATA || outer.content.tag() != Tag::Sequence {
        return Err("it is no signed message");
    }
    outer.content.decode_as().map_err(|error: der::Error| damage(&error, "its signed data cannot be read"))
}

/// The reason to give for a decoding error.
pub(crate) fn damage(error: &der::Error, otherwise: &'static str) -> &'static str {
    if matches!(error.kind(), der::ErrorKind::Incomplete { .. }) { "it breaks off" } else { otherwise }
}

#[cfg(test)]
mod tests {
    use der::Encode as _;

    use super::*;

    #[test]
    fn times_with_and_without_a_fraction() {
        for (text, millis) in [
            ("20261121231506Z", 1_795_302_906_000),
            ("20261121231506.5Z", 1_795_302_906_500),
            ("20261121231506.123Z", 1_795_302_906_123),
            ("20261121231506.0001Z", 1_795_302_906_000),
            ("20240229000000Z", 1_709_164_800_000),
        ] {
            assert_eq!(gen_time(text.as_bytes()), Some(millis), "{text}");
        }
        for bad in [
            "20261121231506",
            "20261121231506.Z",
            "20261121231506.50Z",
            "20261121231506.0Z",
            "20261121231506,5Z",
            "202611212315Z",
            "20230229000000Z",
            "20261121236006Z",
            "20261121231506+0100",
            "2026112123150\u{e9}Z",
            "+0261121231506Z",
            "Z",
            "",
        ] {
            assert_eq!(gen_time(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for millis in [1_795_302_906_000, 1_795_302_906_500, 1_795_302_906_120] {
            let der = GenTime(millis).to_der().expect("encodes");
            assert!(GenTime::from_der(&der).expect("decodes") == GenTime(millis));
        }
    }
}
