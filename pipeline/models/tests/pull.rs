//! Downloads from a server on loopback: broken off and resumed, refused when wrong, never half there.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use provenote_models::{Condition, Description, Engine, ModelDir, ModelError, Pull, PullError, Pulled};
use provenote_schemas::Digest;

/// What the server does with a request; one a request, in order, the last one again and again.
#[derive(Clone)]
enum Answer {
    /// As a good server: ranges, lengths, a strong entity tag.
    Well(&'static str),
    /// As a good server, but the connection ends after so many bytes of the answer.
    BreaksOff(&'static str, usize),
    /// The whole file whatever range is asked for.
    IgnoresRange,
    /// The whole file, without saying how long it is, until the connection closes.
    NoLength,
    /// Bytes from another place than asked for.
    WrongRange,
    Status(u16),
    Redirect(&'static str),
}

/// A server of one file, and what it was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<Mutex<bool>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(content: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let (heard, stopped, mut answers) = (Arc::clone(&asked), Arc::clone(&stop), answers.to_vec());
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if *stopped.lock().expect("no test panics holding it") {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                // A client that goes away in the middle is part of the tests.
                let _ = serve(connection, &content, &answer, &heard);
            }
        });
        Self { address, asked, stop, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> Option<String> {
        Some(format!("http://{}/{path}", self.address))
    }

    /// The ranges asked for, `-` where none was.
    fn ranges(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics holding it").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.stop.lock().expect("no test panics holding it") = true;
        let _ = TcpStream::connect(&self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut to: TcpStream, content: &[u8], answer: &Answer, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut range, mut condition) = (None, None);
    let mut lines = BufReader::new(to.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "range" => {
                    range = value
                        .strip_prefix("bytes=")
                        .and_then(|v| v.strip_suffix('-'))
                        .and_then(|v| v.parse::<usize>().ok())
                }
                "if-range" => condition = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    heard.lock().expect("no test panics holding it").push(range.map_or("-".to_owned(), |from| from.to_string()));
    let total = content.len();
    let (tag, cut) = match answer {
        Answer::Well(tag) => (*tag, usize::MAX),
        Answer::BreaksOff(tag, cut) => (*tag, *cut),
        Answer::IgnoresRange => ("", usize::MAX),
        Answer::NoLength => {
            write!(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            return to.write_all(content);
        }
        Answer::WrongRange => {
            write!(
                to,
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/{total}\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"
            )?;
            return to.write_all(&content[..10]);
        }
        Answer::Status(status) => {
            return write!(to, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Redirect(path) => {
            return write!(
                to,
                "HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
    };
    let ranges = !matches!(answer, Answer::IgnoresRange) && condition.is_none_or(|condition| condition == tag);
    let from = range.filter(|_| ranges);
    match from {
        Some(from) if from >= total => {
            write!(
                to,
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )?;
            return Ok(());
        }
        Some(from) => write!(
            to,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\nContent-Length: {}\r\n",
            total - 1,
            total - from
        )?,
        None => write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n")?,
    }
    if !tag.is_empty() {
        write!(to, "ETag: {tag}\r\n")?;
    }
    write!(to, "Connection: close\r\n\r\n")?;
    let body = &content[from.unwrap_or(0)..];
    to.write_all(&body[..body.len().min(cut)])?;
    to.flush()
}

/// A file that begins as a GGUF model does.
fn model() -> Vec<u8> {
    let mut bytes = [&b"GGUF"[..], &3u32.to_le_bytes(), &290u64.to_le_bytes(), &30u64.to_le_bytes()].concat();
    bytes.extend((0..400_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
    bytes
}

fn wanted(url: Option<String>, content: &[u8]) -> Pull {
    Pull { id: "my-model".to_owned(), url, sha256: Some(Digest::of(content)), ..Pull::default() }
}

struct Home {
    folder: tempfile::TempDir,
    dir: ModelDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = ModelDir::open(folder.path().join("models"), Vec::new()).expect("an empty folder");
        Self { folder, dir }
    }

    fn pull(&mut self, pull: &Pull) -> Result<(), ModelError> {
        self.dir.pull(pull, &mut |_| ControlFlow::Continue(())).map(drop)
    }

    fn files(&self) -> Vec<String> {
        let folder = std::fs::read_dir(self.folder.path().join("models"));
        let mut names: Vec<String> = folder
            .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }
}

const TAG: &str = "\"one\"";

#[test]
fn a_model_comes_is_proven_and_is_there_the_next_time() {
    let content = model();
    let server = Server::start(content.clone(), &[Answer::Well(TAG)]);
    let mut home = Home::new();
    let mut seen = Vec::new();
    let pull = Pull {
        description: Description {
            name: Some("My model".to_owned()),
            maker: Some("Me".to_owned()),
            ..Description::default()
        },
        ..wanted(server.url("m.gguf"), &content)
    };
    let entry = home
        .dir
        .pull(&pull, &mut |pulled| {
            seen.push(pulled);
            ControlFlow::Continue(())
        })
        .expect("a good server");
    assert_eq!((entry.engine, entry.bytes, entry.name.as_str()), (Engine::Llama, content.len() as u64, "My model"));
    assert_eq!(seen.last(), Some(&Pulled { done: content.len() as u64, total: Some(content.len() as u64) }));
    let file = home.dir.resolve("my-model").expect("it is there");
    assert_eq!((std::fs::read(&file.path).expect("it is there"), file.sha256), (content.clone(), Digest::of(&content)));
    assert_eq!(home.files(), ["catalogue.yaml", "my-model.model"], "no partial file is left");

    // A new process finds it, and does not fetch it again.
    home.dir = ModelDir::open(home.folder.path().join("models"), Vec::new()).expect("what it wrote");
    home.pull(&pull).expect("it is there");
    assert_eq!(server.ranges(), ["-"]);
    let checked = home.dir.check(&mut |_, _, _| {});
    assert!(checked.iter().any(|c| c.id == "my-model" && c.condition == Condition::Right));
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let content = model();
    let breaks = |at| Answer::BreaksOff(TAG, at);
    let server = Server::start(content.clone(), &[breaks(100_000), breaks(50_000), Answer::Well(TAG)]);
    let mut home = Home::new();
    home.pull(&wanted(server.url("m"), &content)).expect("it resumes by itself while bytes come");
    assert_eq!(server.ranges(), ["-", "100000", "150000"]);
    assert!(home.dir.resolve("my-model").is_ok());
}

#[test]
fn a_later_pull_goes_on_where_the_last_one_gave_up() {
    let content = model();
    let mut home = Home::new();
    let server = Server::start(
        content.clone(),
        &[Answer::BreaksOff(TAG, 100_000), Answer::BreaksOff(TAG, 0), Answer::Well(TAG)],
    );
    let pull = wanted(server.url("m"), &content);
    let error = home.pull(&pull).expect_err("it breaks off twice, the second time without a byte");
    assert!(matches!(error, ModelError::Pull(PullError::BrokenOff { done: 100_000 })), "{error}");
    assert!(error.to_string().contains("pull again"), "{error}");
    assert!(matches!(home.dir.resolve("my-model"), Err(ModelError::Unknown { .. })), "nothing half-kept is a model");
    home.pull(&pull).expect("the rest");
    assert_eq!(server.ranges(), ["-", "100000", "100000"]);
}

#[test]
fn a_stopped_download_is_kept_and_goes_on() {
    let content = model();
    let server = Server::start(content.clone(), &[Answer::Well(TAG)]);
    let mut home = Home::new();
    let pull = wanted(server.url("m"), &content);
    let stop =
        &mut |pulled: Pulled| if pulled.done > 100_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let Err(ModelError::Pull(PullError::Stopped { done })) = home.dir.pull(&pull, stop) else {
        panic!("it was stopped")
    };
    assert!(done > 100_000 && done < content.len() as u64);
    home.pull(&pull).expect("the rest");
    assert_eq!(server.ranges(), ["-".to_owned(), done.to_string()]);
}

#[test]
fn a_server_that_ignores_ranges_or_forgets_lengths_still_gives_the_model() {
    let content = model();
    for second in [Answer::IgnoresRange, Answer::NoLength, Answer::WrongRange] {
        let server = Server::start(content.clone(), &[Answer::BreaksOff(TAG, 100_000), second, Answer::Well(TAG)]);
        let mut home = Home::new();
        let pull = wanted(server.url("m"), &content);
        if home.pull(&pull).is_err() {
            home.pull(&pull).expect("at the latest when asked again");
        }
        let file = home.dir.resolve("my-model").expect("it is there");
        assert_eq!(std::fs::read(file.path).expect("it is there"), content);
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_start() {
    let content = model();
    let server = Server::start(content.clone(), &[Answer::BreaksOff("\"old\"", 100_000), Answer::Well("\"new\"")]);
    let mut home = Home::new();
    home.pull(&wanted(server.url("m"), &content)).expect("the server sees that its file is another");
    // It was asked from 100,000 on, if the tag were still the old one, and answered with the whole.
    assert_eq!(server.ranges(), ["-", "100000"]);
    assert!(home.dir.resolve("my-model").is_ok());
}

#[test]
fn a_wrong_digest_is_refused_and_removed() {
    let content = model();
    let server = Server::start(content.clone(), &[Answer::Well(TAG)]);
    let mut home = Home::new();
    let other = Digest::of(b"another file");
    let error =
        home.pull(&Pull { sha256: Some(other), ..wanted(server.url("m"), &content) }).expect_err("another file");
    let ModelError::Pull(PullError::WrongDigest { expected, found }) = &error else { panic!("{error}") };
    assert_eq!((*expected, *found), (other, Digest::of(&content)));
    assert_eq!(error.to_string().lines().count(), 1);
    assert_eq!(home.files(), Vec::<String>::new());
    assert!(home.dir.resolve("my-model").is_err());
}

#[test]
fn a_damaged_partial_file_ends_in_a_wrong_digest_once_and_heals() {
    let content = model();
    let server = Server::start(
        content.clone(),
        &[Answer::BreaksOff(TAG, 100_000), Answer::BreaksOff(TAG, 0), Answer::Well(TAG)],
    );
    let mut home = Home::new();
    let pull = wanted(server.url("m"), &content);
    home.pull(&pull).expect_err("broken off");
    let part = home.folder.path().join("models/my-model.model.part");
    let mut bytes = std::fs::read(&part).expect("the partial file");
    bytes[50_000] ^= 1;
    std::fs::write(&part, bytes).expect("the partial file");
    assert!(matches!(home.pull(&pull), Err(ModelError::Pull(PullError::WrongDigest { .. }))));
    home.pull(&pull).expect("from the start");
}

#[test]
fn a_file_of_another_length_is_refused_before_it_comes() {
    let server = Server::start(model(), &[Answer::Well(TAG), Answer::NoLength]);
    let mut home = Home::new();
    let pull = Pull { id: "silero-vad".to_owned(), url: server.url("m"), ..Pull::default() };
    for announced in [true, false] {
        // The catalogue knows 885,098 bytes; the server has fewer, and says so or not.
        let error = home.pull(&pull).expect_err("another file");
        match error {
            ModelError::Pull(PullError::WrongLength { expected: 885_098, .. }) if announced => {}
            ModelError::Pull(PullError::WrongDigest { .. }) if !announced => {}
            other => panic!("{other}"),
        }
        assert_eq!(home.files(), Vec::<String>::new());
    }
    let endless = Server::start(vec![7; 2_000_000], &[Answer::NoLength]);
    let error = home.pull(&Pull { url: endless.url("m"), ..pull }).expect_err("too long");
    assert!(matches!(error, ModelError::Pull(PullError::WrongLength { .. })), "{error}");
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn what_a_server_refuses_is_said_and_redirects_are_followed() {
    let content = model();
    let mut home = Home::new();
    for status in [401, 403, 404, 500, 503] {
        let server = Server::start(content.clone(), &[Answer::Status(status)]);
        let error = home.pull(&wanted(server.url("m?token=secret"), &content)).expect_err("refused");
        assert!(matches!(&error, ModelError::Pull(PullError::Refused { status: s, .. }) if *s == status), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let server = Server::start(content.clone(), &[Answer::Redirect("/elsewhere"), Answer::Well(TAG)]);
    home.pull(&wanted(server.url("m"), &content)).expect("followed");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let error = Home::new().pull(&wanted(Some(format!("http://{closed}/m")), &content)).expect_err("nobody there");
    assert!(matches!(error, ModelError::Pull(PullError::Unreachable { .. })), "{error}");
}

#[test]
fn what_is_no_model_does_not_become_one_by_its_digest() {
    let page = b"<!doctype html><title>Sign in</title> to fetch this model".to_vec();
    let server = Server::start(page.clone(), &[Answer::Well(TAG)]);
    let mut home = Home::new();
    let error = home.pull(&wanted(server.url("m"), &page)).expect_err("no model");
    assert!(matches!(error, ModelError::NoModel(_)), "{error}");
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn two_processes_do_not_pull_into_one_file() {
    let content = model();
    let server = Server::start(content.clone(), &[Answer::Well(TAG)]);
    let mut home = Home::new();
    let models = home.folder.path().join("models");
    std::fs::create_dir(&models).expect("a temporary folder");
    let other = std::fs::File::create(models.join("my-model.model.part")).expect("a temporary folder");
    other.lock().expect("nobody else has it");
    let pull = wanted(server.url("m"), &content);
    assert!(matches!(home.pull(&pull), Err(ModelError::Pull(PullError::Busy))));
    drop(other);
    home.pull(&pull).expect("the other is gone");
}

#[test]
fn requests_that_cannot_be_meant_are_refused_without_the_network() {
    let mut home = Home::new();
    let digest = Some(Digest::of(b"x"));
    let pull = |id: &str, url: Option<&str>, sha256| Pull {
        id: id.to_owned(),
        url: url.map(str::to_owned),
        sha256,
        ..Pull::default()
    };
    let http = Some("http://127.0.0.1:9/m");
    assert!(matches!(home.pull(&pull("whisper-base", None, None)), Err(ModelError::NoAddress { .. })));
    assert!(matches!(home.pull(&pull("whisper-base", http, digest)), Err(ModelError::OtherDigest { .. })));
    assert!(matches!(home.pull(&pull("new", http, None)), Err(ModelError::NoDigest { .. })));
    assert!(matches!(home.pull(&pull("../new", http, digest)), Err(ModelError::BadId { .. })));
    for url in ["ftp://127.0.0.1/m", "file:///etc/passwd", "m.gguf", "http://"] {
        assert!(
            matches!(home.pull(&pull("new", Some(url), digest)), Err(ModelError::Pull(PullError::BadAddress))),
            "{url}"
        );
    }
}
