//! The exchange with an authority over HTTP (RFC 3161 §3.4).

use std::time::Duration;

use ureq::Agent;
use ureq::http::Uri;

use crate::response::{MAX_RESPONSE, plain};

/// How long a request may take in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why an authority gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No `http://` or `https://` address.
    #[error("the authority's address is neither http:// nor https://: give it as the authority states it")]
    BadAddress,
    /// The server could not be reached, took too long, or what it said was no HTTP.
    #[error("{host} could not be reached: {why}; check the address and the network, and try again")]
    Unreachable {
        /// The address's host.
        host: String,
        /// What the network said.
        why: String,
    },
    /// The server answered with something else than a time-stamp.
    #[error("{host} answered {status}: check the address")]
    Refused {
        /// The address's host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server is no time-stamping authority, or the address is not quite its own.
    #[error("{host} is no time-stamping authority: it answered with \u{201c}{kind}\u{201d}; check the address")]
    NoAuthority {
        /// The address's host.
        host: String,
        /// The answer's content type.
        kind: String,
    },
    /// The answer does not end.
    #[error("{host} answered with more than {MAX_RESPONSE} bytes: check the address")]
    TooLong {
        /// The address's host.
        host: String,
    },
}

/// Sends a [`request`](crate::request) and returns the answer's bytes, for [`Response::parse`](crate::Response::parse).
///
/// At most 30 seconds and [`MAX_RESPONSE`] bytes. Redirects are not followed: the request would go to somebody the
/// user did not name. `proxy` is `http://host:port`, where the machine reaches the network through one; the edge reads
/// its environment. Plain HTTP is usual among authorities and does no harm: what counts is the signature in the answer.
///
/// # Errors
/// [`FetchError`].
pub fn fetch(url: &str, request: &[u8], proxy: Option<&str>) -> Result<Vec<u8>, FetchError> {
    fetch_within(PATIENCE, url, request, proxy)
}

fn fetch_within(patience: Duration, url: &str, request: &[u8], proxy: Option<&str>) -> Result<Vec<u8>, FetchError> {
    let uri: Uri = url.parse().map_err(|_| FetchError::BadAddress)?;
    let host = match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => host.to_owned(),
        _ => return Err(FetchError::BadAddress),
    };
    let unreachable = |error: ureq::Error| match error {
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLong { host: host.clone() },
        ureq::Error::Timeout(_) => FetchError::Unreachable { host: host.clone(), why: "it took too long".to_owned() },
        other => FetchError::Unreachable { host: host.clone(), why: plain(&other.to_string()) },
    };
    let proxy = proxy.map(ureq::Proxy::new).transpose().map_err(unreachable)?;
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .accept_encoding("identity")
        .user_agent(concat!("provenote/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .timeout_global(Some(patience))
        .build()
        .into();
    let response = agent
        .post(uri)
        .header("Content-Type", "application/timestamp-query")
        .header("Accept", "application/timestamp-reply")
        .send(request)
        .map_err(unreachable)?;
    if response.status() != 200 {
        return Err(FetchError::Refused { host, status: response.status().as_u16() });
    }
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("nothing named");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/timestamp-reply") {
        return Err(FetchError::NoAuthority { host, kind: plain(kind) });
    }
    response.into_body().into_with_config().limit(MAX_RESPONSE as u64).read_to_vec().map_err(unreachable)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_authority_that_never_answers_is_given_up() {
        // The system completes the connection; nobody ever reads from it.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tsa", silent.local_addr().expect("an address"));
        let error = fetch_within(Duration::from_millis(20), &url, b"query", None).expect_err("no answer");
        assert_eq!(
            error.to_string(),
            "127.0.0.1 could not be reached: it took too long; check the address and the network, and try again"
        );
    }

    #[test]
    fn only_http_addresses_are_asked() {
        for bad in ["", "tsa.example", "ftp://tsa.example/", "file:///etc/passwd", "http://", "https:///tsr"] {
            let error = fetch(bad, b"query", None).expect_err("refused");
            assert!(matches!(error, FetchError::BadAddress), "{bad}: {error}");
        }
    }
}
