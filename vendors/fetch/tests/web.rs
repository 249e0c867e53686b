//! Real servers on this machine, and what is made of their answers.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use provenote_fetch::{LARGEST, USER_AGENT, Web};
use provenote_vendors::fetching::{Fetch as _, FetchError};

/// Answers by path; what was asked is kept, head by head.
type Answers = HashMap<&'static str, Vec<u8>>;

struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        out.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    out.extend(b"\r\n");
    out.extend(body);
    out
}

fn html(body: &str) -> Vec<u8> {
    answer("200 OK", &[("Content-Type", "text/html; charset=utf-8")], body.as_bytes())
}

fn leads(status: &str, to: &str) -> Vec<u8> {
    answer(status, &[("Location", to)], b"")
}

fn serve(stream: &mut (impl Read + Write), answers: &Answers, asked: &Mutex<Vec<String>>) {
    let mut head = String::new();
    let mut reader = BufReader::new(&mut *stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    drop(reader);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().expect("no panic").push(head);
    if path == "/silent" {
        // Nothing is said until the other side gives up.
        let _ = stream.read(&mut [0]);
        return;
    }
    if let Some(bytes) = answers.get(path.as_str()) {
        let _ = stream.write_all(bytes);
        let _ = stream.flush();
    }
    if path == "/stalls" {
        let _ = stream.read(&mut [0]);
    }
}

fn http(answers: Answers) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            serve(&mut stream, &answers, &kept);
        }
    });
    Server { address, asked }
}

/// A server with a certificate that nobody vouches for; and that certificate.
fn https(answers: Answers, names: &[&str]) -> (Server, Vec<u8>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let (certificate, key) = (made.cert.der().clone(), made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], rustls::pki_types::PrivateKeyDer::try_from(key).expect("a key"))
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            serve(&mut tls, &answers, &kept);
            session.send_close_notify();
            let _ = session.complete_io(&mut stream);
        }
    });
    (Server { address, asked }, certificate.to_vec())
}

fn why(error: FetchError) -> (bool, Option<u16>, String) {
    match error {
        FetchError::Blocked { status, why } => (true, status, why),
        FetchError::Failed { status, why } => (false, status, why),
    }
}

#[test]
fn a_page_is_taken_and_the_way_to_it_is_told() {
    let page = "<h1>Terms</h1><p>We never sell your data.</p>";
    let server = http(HashMap::from([
        ("/terms", leads("301 Moved Permanently", "/legal/terms#top")),
        ("/legal/terms", leads("302 Found", "terms-2026")),
        ("/legal/terms-2026", html(page)),
    ]));
    let got = Web::default().get(&format!("{}/terms", server.address)).expect("a page");
    assert_eq!(got.bytes, page.as_bytes());
    assert_eq!(got.address, format!("{}/legal/terms-2026", server.address));
    assert_eq!(got.redirects, [format!("{}/terms", server.address), format!("{}/legal/terms", server.address)]);
    assert_eq!((got.status, got.network), (Some(200), true));
    let asked = server.asked.lock().expect("no panic");
    assert_eq!(asked.len(), 3);
    for head in asked.iter() {
        let head = head.to_lowercase();
        assert!(head.contains(&format!("user-agent: {}", USER_AGENT.to_lowercase())), "{head}");
        assert!(!head.contains("cookie:"), "{head}");
    }
}

#[test]
fn what_is_packed_is_unpacked_and_counted_unpacked() {
    let pack = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).expect("packed");
        packer.finish().expect("packed")
    };
    let headers = [("Content-Type", "text/html"), ("Content-Encoding", "gzip")];
    let bomb = vec![b' '; usize::try_from(LARGEST).expect("a size") + 2];
    let server = http(HashMap::from([
        ("/packed", answer("200 OK", &headers, &pack(b"<p>We keep it for a year.</p>"))),
        ("/bomb", answer("200 OK", &headers, &pack(&bomb))),
    ]));
    let got = Web::default().get(&format!("{}/packed", server.address)).expect("a page");
    assert_eq!(got.bytes, b"<p>We keep it for a year.</p>");
    let refused = why(Web::default().get(&format!("{}/bomb", server.address)).expect_err("too large"));
    assert!(!refused.0 && refused.2.contains("larger than 40 MB"), "{refused:?}");
}

#[test]
fn a_page_that_is_kept_from_a_program_is_another_answer_than_one_that_is_not_there() {
    let plain = |status: &str| answer(status, &[("Content-Type", "text/html")], b"<p>no</p>");
    let server = http(HashMap::from([
        ("/401", plain("401 Unauthorized")),
        ("/403", plain("403 Forbidden")),
        ("/429", plain("429 Too Many Requests")),
        ("/451", plain("451 Unavailable For Legal Reasons")),
        ("/503", plain("503 Service Unavailable")),
        ("/captcha", html("<title>Just a moment...</title><p>Verify you are human</p>")),
        ("/cookies", html("<p>Accept cookies to continue.</p>")),
        ("/terms", leads("302 Found", "/account/login?next=terms")),
        ("/account/login?next=terms", html("<p>Sign in.</p>")),
        ("/404", plain("404 Not Found")),
        ("/410", plain("410 Gone")),
        ("/304", plain("304 Not Modified")),
        ("/empty", html(" \n ")),
        ("/image", answer("200 OK", &[("Content-Type", "image/png")], b"\x89PNG")),
        ("/json", answer("200 OK", &[("Content-Type", "application/json")], b"{}")),
        ("/no-http", b"220 mail.example ESMTP\r\n".to_vec()),
        ("/cut", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<p>We".to_vec()),
    ]));
    for (path, is_blocked, status, said) in [
        ("/401", true, Some(401), "asks for a password (401)"),
        ("/403", true, Some(403), "does not show the page to programs (403)"),
        ("/429", true, Some(429), "asked too often (429)"),
        ("/451", true, Some(451), "legal reasons (451)"),
        ("/503", true, Some(503), "out of order (503)"),
        ("/captcha", true, Some(200), "proof that a person is there"),
        ("/cookies", true, Some(200), "accept cookies first"),
        ("/terms", true, Some(200), "leads to a page for something else (login:"),
        ("/404", false, Some(404), "there is no page at"),
        ("/410", false, Some(410), "there is no page at"),
        ("/304", false, Some(304), "answered 304"),
        ("/empty", false, Some(200), "an empty page"),
        ("/image", false, Some(200), "is image/png, which holds no terms"),
        ("/json", false, Some(200), "is application/json, which holds no terms"),
        ("/no-http", false, None, "did not answer as a web server does"),
        ("/cut", false, Some(200), "broke off"),
    ] {
        let told = why(Web::default().get(&format!("{}{path}", server.address)).expect_err(path));
        assert_eq!((told.0, told.1), (is_blocked, status), "{path}: {}", told.2);
        assert!(told.2.contains(said), "{path}: {}", told.2);
    }
}

#[test]
fn redirects_end() {
    let mut answers: Answers = HashMap::from([
        ("/loop", leads("302 Found", "/back")),
        ("/back", leads("307 Temporary Redirect", "/loop")),
        ("/self", leads("301 Moved Permanently", "/self#here")),
        ("/mail", leads("302 Found", "mailto:legal@example.org")),
        ("/5", html("<p>Terms.</p>")),
    ]);
    for (from, to) in [("/0", "/1"), ("/1", "/2"), ("/2", "/3"), ("/3", "/4"), ("/4", "/5"), ("/more", "/0")] {
        answers.insert(from, leads("308 Permanent Redirect", to));
    }
    let server = http(answers);
    let get = |path: &str| Web::default().get(&format!("{}{path}", server.address));
    for (path, said) in [
        ("/loop", "redirects in a circle"),
        ("/self", "redirects in a circle"),
        ("/more", "redirects more than 5 times"),
        ("/mail", "mailto is not fetched"),
    ] {
        let told = why(get(path).expect_err(path));
        assert!(!told.0 && told.2.contains(said), "{path}: {}", told.2);
    }
    assert_eq!(get("/0").expect("five are followed").redirects.len(), 5);
    let told = why(get("/loop").expect_err("a circle")).2;
    assert!(told.contains(&format!("{0}/loop -> {0}/back -> {0}/loop", server.address)), "the circle is named: {told}");
}

#[test]
fn only_safe_ways_are_taken() {
    let plain = http(HashMap::from([("/terms", html("<p>Terms.</p>"))]));
    let to_http: &'static str = Box::leak(format!("{}/terms", plain.address).into_boxed_str());
    let answers = HashMap::from([("/terms", html("<p>Terms.</p>")), ("/down", leads("302 Found", to_http))]);
    let (server, certificate) = https(answers, &["localhost"]);
    let trusting = Web { trusted: vec![certificate.clone()], ..Web::default() };
    let got = trusting.get(&format!("{}/terms", server.address)).expect("a page over TLS");
    assert_eq!(got.bytes, b"<p>Terms.</p>");
    let told = why(trusting.get(&format!("{}/down", server.address)).expect_err("downgrade"));
    assert!(!told.0 && told.2.contains("leads from https to http"), "{told:?}");
    assert!(plain.asked.lock().expect("no panic").is_empty(), "the other was never asked");

    // Nobody vouches for the certificate.
    let before = server.asked.lock().expect("no panic").len();
    let told = why(Web::default().get(&format!("{}/terms", server.address)).expect_err("a stranger's certificate"));
    assert!(!told.0 && told.2.contains("the certificate of localhost could not be trusted"), "{told:?}");
    assert!(!told.2.contains("\n"), "{}", told.2);
    // It is of another name.
    let (other, certificate) = https(HashMap::from([("/terms", html("<p>Terms.</p>"))]), &["elsewhere.example"]);
    let trusting = Web { trusted: vec![certificate], ..Web::default() };
    let told = why(trusting.get(&format!("{}/terms", other.address)).expect_err("another's certificate"));
    assert!(told.2.contains("the certificate of localhost could not be trusted"), "{told:?}");
    assert_eq!(server.asked.lock().expect("no panic").iter().filter(|head| !head.is_empty()).count(), before);

    for (address, said) in [
        ("http://terms.example/", "track the https address"),
        ("ftp://terms.example/", "ftp is not fetched"),
        ("no address", "is no address"),
    ] {
        let told = why(Web::default().get(address).expect_err(address));
        assert!(!told.0 && told.2.contains(said), "{address}: {}", told.2);
    }
}

#[test]
fn time_and_size_end() {
    let large = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", 50 << 20);
    let mut endless = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize(50 << 20, b'x');
    let stalls = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<p>We".to_vec();
    let server = http(HashMap::from([("/large", large.into_bytes()), ("/endless", endless), ("/stalls", stalls)]));
    for path in ["/large", "/endless"] {
        let told = why(Web::default().get(&format!("{}{path}", server.address)).expect_err(path));
        assert!(!told.0 && told.2.contains("larger than 40 MB"), "{path}: {}", told.2);
    }
    let hasty = Web { patience: Duration::from_millis(200), ..Web::default() };
    for path in ["/silent", "/stalls"] {
        let told = why(hasty.get(&format!("{}{path}", server.address)).expect_err(path));
        assert!(!told.0 && told.2.contains("took longer than"), "{path}: {}", told.2);
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let told = why(Web::default().get(&format!("http://{closed}/")).expect_err("nobody there"));
    assert!(!told.0 && told.2.contains("could not be reached"), "{told:?}");
}

#[test]
fn a_file_is_read_and_no_network_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("baa of notewell.txt");
    std::fs::write(&path, "The parties agree.").expect("written");
    let got = Web::default().get(path.to_str().expect("UTF-8")).expect("a file");
    assert_eq!((got.bytes.as_slice(), got.network, got.status), (b"The parties agree.".as_slice(), false, None));
    std::fs::write(&path, "").expect("written");
    let empty = why(Web::default().get(path.to_str().expect("UTF-8")).expect_err("empty"));
    assert!(empty.2.contains("is empty"), "{empty:?}");
    let gone = why(Web::default().get("/no-such-folder/baa.txt").expect_err("gone"));
    assert!(!gone.0 && gone.2.contains("could not be read"), "{gone:?}");
    let folder = why(Web::default().get(folder.path().to_str().expect("UTF-8")).expect_err("a folder"));
    assert!(folder.2.contains("is no file"), "{folder:?}");
}
