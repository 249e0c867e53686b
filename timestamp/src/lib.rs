//! Independent time: RFC 3161 time-stamps of a checkpoint.
//!
//! A checkpoint says what the log held; the clock beside it is the keeper's own. A time-stamping authority that signs
//! the checkpoint's hash says that the log held this no later than the authority's time, whoever keeps the log and
//! whatever their clock says. The authority learns 32 bytes of hash and nothing else.
//!
//! What is stamped is the checkpoint's note text (origin, size, root and the extension lines, if any), without
//! signatures: cosignatures that come later do not break the stamp, and `openssl ts` verifies it with the text as data.
//!
//! - [`request`]: the query (RFC 3161 §2.4.1)
//! - [`Response`]: the answer (§2.4.2), and the form it is kept in
//! - [`verify`], [`check`]: everything §2.3 and §2.4.2 ask of a token, and the chain to an authority that is trusted
//! - [`fetch`]: the exchange over HTTP (§3.4)
//!
//! Verification needs no network. It looks at no revocation list: a certificate that was withdrawn later says nothing
//! about a stamp made before, and one that was withdrawn before is found by whoever asks the authority.
//!
//! The structures of CMS and TSP are declared here, on the `der` crate: the released `x509-tsp` and `cms` are a
//! generation behind `x509-cert`, the next ones are candidates, and a signature is checked over the bytes as they came,
//! which none of them keeps.

mod authorities;
mod ecdsa;
mod exchange;
mod formats;
mod query;
mod response;
mod stamp;

pub use authorities::{Authorities, AuthoritiesError};
pub use exchange::{FetchError, fetch};
pub use query::request;
pub use response::{MAX_RESPONSE, Response, ResponseError};
pub use stamp::{Stamp, StampError, check, verify};
