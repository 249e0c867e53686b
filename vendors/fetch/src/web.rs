//! Getting a page: one request after another, each allowed before it is made.

use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use provenote_vendors::fetching::{Fetch, FetchError, Fetched, is_file};
use ureq::Agent;
use ureq::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use url::{Host, Url};

use crate::walls::wall;

/// Who asks.
pub const USER_AGENT: &str = "Provenote terms check";
/// The most that is taken of one page or file, in bytes.
pub const LARGEST: u64 = 40 << 20;
/// How many redirects are followed.
pub const MOST_REDIRECTS: usize = 5;

/// What can be read, in the words of servers.
const READABLE: &str = "text/html, application/xhtml+xml, application/pdf, text/markdown, text/plain, \
     application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Parts of addresses of pages to sign in or to prove something on.
const DOORS: [&str; 9] =
    ["login", "log-in", "signin", "sign-in", "sso", "captcha", "challenge", "consent", "cookie-consent"];

/// Gets terms from the web and from files.
#[derive(Debug, Clone)]
pub struct Web {
    /// `http://host:port`, where the machine reaches the network through one. The edge reads its environment.
    pub proxy: Option<String>,
    /// How long one request may take in all.
    pub patience: Duration,
    /// Certificates (DER) to trust in place of those that browsers trust, for networks that look into what passes.
    pub trusted: Vec<Vec<u8>>,
}

impl Default for Web {
    /// Twenty seconds a request, no proxy, the certificates that browsers trust.
    fn default() -> Self {
        Self { proxy: None, patience: Duration::from_secs(20), trusted: Vec::new() }
    }
}

impl Fetch for Web {
    fn get(&self, address: &str) -> Result<Fetched, FetchError> {
        if is_file(address) { file(address) } else { self.page(address) }
    }
}

fn failed(status: Option<u16>, why: String) -> FetchError {
    FetchError::Failed { status, why }
}

fn blocked(status: Option<u16>, why: String) -> FetchError {
    FetchError::Blocked { status, why }
}

fn too_large(what: &str) -> FetchError {
    let most = LARGEST >> 20;
    failed(None, format!("{what} is larger than {most} MB, which no terms are: give the address of the terms alone"))
}

fn file(path: &str) -> Result<Fetched, FetchError> {
    let problem = |error: std::io::Error| {
        failed(None, format!("the file {path} could not be read: {error}; track where it is now"))
    };
    let file = File::open(path).map_err(problem)?;
    if !file.metadata().map_err(problem)?.is_file() {
        return Err(failed(None, format!("{path} is no file: track the file itself")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large("the file"));
    }
    if bytes.is_empty() {
        return Err(failed(None, format!("the file {path} is empty")));
    }
    Ok(Fetched { address: path.to_owned(), redirects: Vec::new(), status: None, network: false, bytes })
}

/// Whether the machine itself is meant.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an address is one of a network that is not the world's.
fn is_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_private() || address.is_link_local() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified()
        }
        _ => is_loopback(url),
    }
}

/// What may be asked: https, and http on this machine.
fn allowed(url: &Url) -> Result<(), FetchError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(failed(
            None,
            format!("{url} was not asked for: on the way, http can be changed by anybody; track the https address"),
        )),
        other => Err(failed(None, format!("{url} was not asked for: {other} is not fetched, only https"))),
    }
}

impl Web {
    fn page(&self, address: &str) -> Result<Fetched, FetchError> {
        let asked = Url::parse(address)
            .map_err(|error| failed(None, format!("{address} is no address ({error}); track another")))?;
        let mut url = plain(asked.clone());
        allowed(&url)?;
        let mut redirects: Vec<Url> = Vec::new();
        loop {
            let response = self.ask(&url)?;
            let status = response.status().as_u16();
            let next = matches!(status, 301 | 302 | 303 | 307 | 308)
                .then(|| response.headers().get(LOCATION).and_then(|place| place.to_str().ok()))
                .flatten();
            let Some(next) = next else {
                return self.take(response, &asked, &url, &redirects);
            };
            let next = url.join(next).map(plain).map_err(|error| {
                failed(
                    Some(status),
                    format!("{url} leads to what is no address ({error}): track where the terms are now"),
                )
            })?;
            redirects.push(url.clone());
            let way = || redirects.iter().chain([&next]).map(Url::as_str).collect::<Vec<_>>().join(" -> ");
            if redirects.contains(&next) {
                return Err(failed(
                    Some(status),
                    format!("the address redirects in a circle ({}): track where the terms are now", way()),
                ));
            }
            if redirects.len() > MOST_REDIRECTS {
                return Err(failed(
                    Some(status),
                    format!(
                        "the address redirects more than {MOST_REDIRECTS} times ({}): track where the terms are now",
                        way()
                    ),
                ));
            }
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(failed(
                    Some(status),
                    format!(
                        "the address leads from https to {} ({}), which anybody on the way can change: track the https address",
                        next.scheme(),
                        way()
                    ),
                ));
            }
            if is_inside(&next) && !is_inside(&asked) {
                return Err(failed(
                    Some(status),
                    format!(
                        "the address leads into this machine's own network ({}), where no published terms are",
                        way()
                    ),
                ));
            }
            allowed(&next)?;
            url = next;
        }
    }

    /// Makes one request; redirects come back as they are.
    fn ask(&self, url: &Url) -> Result<Response<ureq::Body>, FetchError> {
        let roots = if self.trusted.is_empty() {
            RootCerts::WebPki
        } else {
            let own: Vec<Certificate<'static>> =
                self.trusted.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
            RootCerts::new_with_certs(&own)
        };
        // This machine is asked without a way around.
        let proxy = self.proxy.as_deref().filter(|_| !is_loopback(url));
        let proxy = proxy
            .map(ureq::Proxy::new)
            .transpose()
            .map_err(|error| failed(None, format!("the proxy cannot be used ({error}): see to http_proxy")))?;
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(self.patience))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .max_idle_connections(0)
            .proxy(proxy)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .into();
        agent.get(url.as_str()).header(ACCEPT, READABLE).call().map_err(|error| self.unreachable(url, &error))
    }

    fn unreachable(&self, url: &Url, error: &ureq::Error) -> FetchError {
        let host = url.host_str().unwrap_or("the server");
        let said = error.to_string();
        if let ureq::Error::Timeout(_) = error {
            return self.slow(host);
        }
        if said.contains("timed out") {
            return self.slow(host);
        }
        if said.contains("certificate") {
            return failed(
                None,
                format!(
                    "the certificate of {host} could not be trusted ({said}), so nothing was taken: somebody may stand in between; try another network, or ask the company"
                ),
            );
        }
        match error {
            ureq::Error::HostNotFound => {
                failed(None, format!("there is no server {host}, or no network: check both and try again"))
            }
            ureq::Error::InvalidProxyUrl => {
                failed(None, format!("the proxy cannot be used ({said}): see to http_proxy"))
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
                failed(None, format!("{host} could not be talked to safely ({said}): nothing was taken"))
            }
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => {
                failed(None, format!("{host} could not be reached ({said}): check the network and try again"))
            }
            _ => failed(None, format!("{host} did not answer as a web server does ({said})")),
        }
    }

    fn slow(&self, host: &str) -> FetchError {
        let seconds = self.patience.as_secs().max(1);
        failed(None, format!("{host} took longer than {seconds} seconds to answer: try again later"))
    }

    /// Takes the page, where it is one.
    fn take(
        &self,
        response: Response<ureq::Body>,
        asked: &Url,
        url: &Url,
        redirects: &[Url],
    ) -> Result<Fetched, FetchError> {
        let status = response.status().as_u16();
        let host = url.host_str().unwrap_or("the server");
        if let Some(why) = refused(status) {
            return Err(blocked(
                Some(status),
                format!(
                    "{host} {why} ({status}), so what the page says now is not known: open it in a browser, or save it and track the file"
                ),
            ));
        }
        match status {
            200 | 203 => {}
            404 | 410 => {
                return Err(failed(
                    Some(status),
                    format!(
                        "there is no page at {url} any more ({status}): find where the terms are now and track that"
                    ),
                ));
            }
            _ => {
                return Err(failed(
                    Some(status),
                    format!("{host} answered {status} where the terms should be: check the address"),
                ));
            }
        }
        if let Some(door) = door(asked, url) {
            return Err(blocked(
                Some(status),
                format!(
                    "{} leads to a page for something else ({door}: {url}), so what the terms say now is not known",
                    asked.as_str()
                ),
            ));
        }
        let (head, body) = response.into_parts();
        let media = media_type(&head.headers);
        let is_page = matches!(media.as_deref(), Some("text/html" | "application/xhtml+xml") | None);
        if let Some(other) = media.filter(|media| !is_readable(media)) {
            return Err(failed(
                Some(status),
                format!(
                    "what stands at {url} is {other}, which holds no terms: give the address of the terms themselves"
                ),
            ));
        }
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > LARGEST) {
            return Err(too_large("the page"));
        }
        let mut bytes = Vec::new();
        // What is unpacked counts, so that a small answer cannot become a large one.
        body.into_reader().take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| {
            let said = error.to_string();
            if said.contains("timeout") || said.contains("timed out") {
                self.slow(host)
            } else {
                failed(Some(status), format!("the answer of {host} broke off ({said}): try again"))
            }
        })?;
        if bytes.len() as u64 > LARGEST {
            return Err(too_large("the page"));
        }
        if let Some(what) = wall(&head.headers, is_page, &bytes) {
            return Err(blocked(
                Some(status),
                format!(
                    "{host} {what}, so what the page says now is not known: open it in a browser, or save it and track the file"
                ),
            ));
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(failed(Some(status), format!("{host} answered with an empty page: try again later")));
        }
        Ok(Fetched {
            address: url.to_string(),
            redirects: redirects.iter().map(Url::to_string).collect(),
            status: Some(status),
            network: true,
            bytes,
        })
    }
}

/// An address without the place on the page, and without a name and password.
fn plain(mut url: Url) -> Url {
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Statuses that keep a page from whoever asks.
fn refused(status: u16) -> Option<&'static str> {
    Some(match status {
        401 | 407 => "asks for a password",
        403 => "does not show the page to programs",
        429 => "says that it was asked too often",
        451 => "may not show the page for legal reasons",
        500..=599 => "is out of order",
        _ => return None,
    })
}

/// The part of an address that shows that a redirect led to a door instead of the terms.
fn door(asked: &Url, url: &Url) -> Option<&'static str> {
    let parts = |url: &Url| -> Vec<String> {
        let host = url.host_str().and_then(|host| host.split('.').next()).map(str::to_owned);
        url.path_segments().into_iter().flatten().map(str::to_lowercase).chain(host).collect()
    };
    let before = parts(asked);
    let after = parts(url);
    DOORS.into_iter().find(|door| after.iter().any(|part| part == door) && !before.iter().any(|part| part == door))
}

/// The media type without parameters, lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_lowercase()).filter(|media| !media.is_empty())
}

/// Whether terms may come in it; what the bytes are, their reader finds out.
fn is_readable(media: &str) -> bool {
    let other_text = ["text/css", "text/javascript", "text/csv", "text/calendar"];
    media.starts_with("text/") && !other_text.contains(&media)
        || READABLE.split(',').any(|known| known.trim() == media)
        || ["application/octet-stream", "binary/octet-stream", "application/x-pdf"].contains(&media)
}
