//! ECDSA with SHA-512 on P-256 and P-384: some authorities sign with it, and *ring* has it not. For verification only;
//! no secret is near.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EcdsaSha512 {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

impl SignatureVerificationAlgorithm for EcdsaSha512 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self {
            Self::P256 => alg_id::ECDSA_P256,
            Self::P384 => alg_id::ECDSA_P384,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }

    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // A digest longer than the curve's order counts with its first bits (FIPS 186-5 §6.4.2).
        let digest = ring::digest::digest(&ring::digest::SHA512, message);
        let verified = match self {
            Self::P256 => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
                p256::ecdsa::Signature::from_der(signature).and_then(|one| key.verify_prehash(digest.as_ref(), &one))
            }
            Self::P384 => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
                p384::ecdsa::Signature::from_der(signature).and_then(|one| key.verify_prehash(digest.as_ref(), &one))
            }
        };
        verified.map_err(|_| InvalidSignature)
    }
}
