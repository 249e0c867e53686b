//! What the end-to-end tests share: a place of its own for each test, and the real `provenote` run in it.
//!
//! The program, its workers and the tests come from one profile. `cargo test` does not build other packages' programs,
//! so `make` builds them first; where they are missing, a test says so.

// These are tests: here a panic is the way to fail, and the environment names the models.
#![allow(clippy::missing_panics_doc)]

pub mod audio;
pub mod drivers;
pub mod files;
pub mod people;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The passphrase of every practice in these tests.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// Catalogue ids and files of the small models.
const SMALL: [(&str, &str); 4] = [
    ("whisper-tiny.en", "ggml-tiny.en.bin"),
    ("whisper-base", "ggml-base.bin"),
    ("silero-vad", "ggml-silero-v6.2.0.bin"),
    ("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"),
];

/// The folder of the programs: two above the test's own file.
fn programs() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a file");
    let folder = own.parent().and_then(Path::parent).expect("a test lies in deps/").to_path_buf();
    for program in ["provenote", "provenote-worker-whisper", "provenote-worker-llama"] {
        assert!(folder.join(program).is_file(), "{program} is not beside the tests: run `make` first");
    }
    folder
}

/// The program under test.
#[must_use]
pub fn program() -> PathBuf {
    programs().join("provenote")
}

/// Where the fetched models lie.
fn fetched_models() -> PathBuf {
    let named = std::env::var_os("PROVENOTE_MODELS").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/provenote/models"));
    named.or_else(home).expect("HOME or PROVENOTE_MODELS is set")
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    // Relative to the package, where cargo runs its tests: build products are kept between checkouts, so the folder they
    // were compiled in may be gone.
    let package = std::env::current_dir().expect("a working folder");
    package.parent().expect("the tests lie in the repository").to_path_buf()
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A place of its own: a home, a folder to work in, a passphrase, the small models and nothing else of this machine.
#[derive(Debug)]
pub struct Place {
    dir: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A place without a practice.
    #[must_use]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("pv-").tempdir().expect("a temporary folder");
        for folder in ["work", "run", "cache", "models", "user"] {
            fs::create_dir(dir.path().join(folder)).expect("a folder");
        }
        fs::write(dir.path().join("passphrase.txt"), format!("{PASSPHRASE}\n")).expect("a passphrase file");
        let fetched = fetched_models();
        for (id, file) in SMALL {
            let model = fetched.join(file);
            assert!(
                model.is_file(),
                "the model {id} is not at {}: run `scripts/fetch-models.sh small`",
                model.display()
            );
            symlink(model, dir.path().join("models").join(file)).expect("a link");
        }
        Self { dir }
    }

    /// A place with a practice: Elm Street Counseling, Dana Reyes, Illinois, the quick speech model.
    #[must_use]
    pub fn founded() -> Self {
        let place = Self::new();
        let made = place.json(&[
            "init",
            "--practice",
            "Elm Street Counseling",
            "--clinician",
            "Dana Reyes, LCSW",
            "--state",
            "IL",
        ]);
        fs::write(place.founder_file(), text(&made["user"])).expect("a file");
        place.done(&["settings", "set", "speech", "whisper-tiny.en"]);
        place
    }

    /// Another place with a copy of this one's home and working folder.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self::new();
        files::copy_folder(&self.home(), &copy.home());
        files::copy_folder(&self.work(), &copy.work());
        if self.founder_file().exists() {
            fs::copy(self.founder_file(), copy.founder_file()).expect("a copy");
        }
        copy
    }

    /// Where the founder's pseudonym is remembered: beside everything that tests look into.
    pub(crate) fn founder_file(&self) -> PathBuf {
        self.dir.path().join("founder")
    }

    /// The practice's folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// The folder commands run in.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Everything of this place.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The folder with the models.
    #[must_use]
    pub fn models(&self) -> PathBuf {
        self.dir.path().join("models")
    }

    /// Writes a file into the working folder and returns its path.
    #[must_use]
    pub fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.work().join(name);
        fs::write(&path, contents).expect("a file");
        path.display().to_string()
    }

    /// A command in this place, with nothing of this machine's environment.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path().join("user"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("XDG_DATA_HOME", self.path().join("user"))
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("PROVENOTE_HOME", self.home())
            .env("PROVENOTE_MODELS", self.models())
            .env("PROVENOTE_PASSPHRASE_FILE", self.path().join("passphrase.txt"))
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Ran {
        finished(args, &mut self.command(args))
    }

    /// Runs a command without a passphrase file.
    #[must_use]
    pub fn run_locked(&self, args: &[&str]) -> Ran {
        finished(args, self.command(args).env_remove("PROVENOTE_PASSPHRASE_FILE"))
    }

    /// Runs a command that must do what it is asked; its standard output.
    pub fn done(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?} failed: {}", ran.err);
        ran.out
    }

    /// Runs a command with `--json` that must do what it is asked; its document.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[&["--json"], args].concat());
        assert_eq!(ran.code, 0, "{args:?} failed: {}", ran.err);
        document(args, &ran.out)
    }

    /// Runs a command that must end with this code and one sentence; the sentence.
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, code, "{args:?}: {}{}", ran.out, ran.err);
        sentence(args, &ran.err)
    }

    /// How many entries the ledger has.
    pub fn size(&self) -> usize {
        self.entries(&[]).len()
    }

    /// Entries, as `ledger log` tells the founder. In a practice of one, asking is no entry.
    pub fn entries(&self, filter: &[&str]) -> Vec<Value> {
        let founder = fs::read_to_string(self.founder_file()).unwrap_or_default();
        let who = if founder.is_empty() { Vec::new() } else { vec!["--as", founder.as_str()] };
        let log = self.json(&[&who[..], &["ledger", "log"], filter].concat());
        log["entries"].as_array().expect("a list of entries").clone()
    }

    /// The newest entry of a kind.
    pub fn newest(&self, kind: &str) -> Value {
        self.entries(&["--kind", kind]).pop().unwrap_or_else(|| panic!("no entry {kind}"))
    }

    /// Verifies the whole ledger with opened keys, which must find it intact.
    pub fn verify(&self) -> Value {
        let report = self.json(&["ledger", "verify"]);
        assert_eq!(report["verdict"], "intact", "{report:#}");
        assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
        assert_eq!(report["signed"], true);
        report
    }

    /// Adds a client of this name; the id.
    pub fn client(&self, name: &str) -> String {
        text(&self.json(&["client", "add", name])["client"])
    }

    /// Adds a client who signs today's form; the id.
    pub fn consenting(&self, name: &str) -> String {
        let client = self.client(name);
        self.consent(&client, name);
        client
    }

    /// Makes a form of today's facts and has this participant sign it.
    pub fn consent(&self, client: &str, name: &str) {
        let (form, signed) = (format!("{client}-{}.md", self.size()), format!("{client}-{}.pdf", self.size()));
        self.done(&["consent", "form", client, "-o", &form]);
        self.done(&["consent", "sign", client, "--participant", name, "--typed", name, "-o", &signed]);
    }
}

impl Drop for Place {
    /// A test that failed must not leave an agent behind.
    fn drop(&mut self) {
        let held = fs::read_dir(self.path().join("run")).is_ok_and(|mut run| run.next().is_some());
        if held {
            let _ = self.command(&["lock"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Runs a command to its end and holds it to what every command owes: no panic, and with `--json` one document.
fn finished(args: &[&str], command: &mut Command) -> Ran {
    let output = command.output().expect("the program starts");
    let ran = Ran {
        code: output.status.code().unwrap_or_else(|| panic!("{args:?} ended by {}", output.status)),
        out: String::from_utf8(output.stdout).expect("standard output is text"),
        err: String::from_utf8(output.stderr).expect("standard error is text"),
    };
    for word in ["fault of its own", "panicked", "RUST_BACKTRACE", "stack backtrace", "unwrap()"] {
        assert!(!ran.err.contains(word) && !ran.out.contains(word), "{args:?} broke down: {}{}", ran.out, ran.err);
    }
    if args.contains(&"--json") && ran.code != 2 {
        document(args, &ran.out);
    }
    ran
}

/// Standard output as the one JSON document it must be.
fn document(args: &[&str], out: &str) -> Value {
    serde_json::from_str(out)
        .unwrap_or_else(|error| panic!("{args:?} did not print one JSON document ({error}): {out}"))
}

/// Holds standard error to be the one sentence it must be, and returns it.
pub fn sentence(args: &[&str], err: &str) -> String {
    // A reminder of what is overdue may come before it.
    let reminder = |line: &&str| line.contains("due for destruction") && line.contains("`provenote retention run`");
    let said = err.lines().skip_while(reminder).collect::<Vec<_>>().join("\n");
    let said = said.strip_prefix("provenote: ").unwrap_or_else(|| panic!("{args:?} said: {err}"));
    assert!(!said.is_empty() && said.lines().count() == 1, "{args:?} said more or less than a sentence: {err}");
    said.to_owned()
}

/// A JSON string's text.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Waits until a condition holds or a process has ended, whichever is first.
pub fn wait(child: &mut Child, mut holds: impl FnMut() -> bool) {
    while !holds() && child.try_wait().expect("a child can be asked").is_none() {
        std::thread::yield_now();
    }
}

/// Waits until a condition holds; gives up where it never does.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        if holds() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("{what} never came about");
}

/// Whether a program of this machine can be run.
#[must_use]
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A process that was started and its standard output, which may be read while it runs.
#[derive(Debug)]
pub struct Running {
    /// The process.
    pub child: Child,
    out: PathBuf,
}

impl Running {
    /// Starts a command.
    #[must_use]
    pub fn start(place: &Place, name: &str, args: &[&str]) -> Self {
        let out = place.path().join(format!("{name}.out"));
        let file = fs::File::create(&out).expect("a file");
        let child = place.command(args).stdout(file).stderr(Stdio::null()).spawn().expect("the program starts");
        Self { child, out }
    }

    /// What it has printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        let mut text = String::new();
        fs::File::open(&self.out).and_then(|mut file| file.read_to_string(&mut text)).expect("its output is text");
        text
    }

    /// Kills it with SIGKILL and waits for its end.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().expect("a child ends");
    }
}

/// A readable table of a verification's findings, for messages of tests.
#[must_use]
pub fn findings(report: &Value) -> String {
    let mut out = text(&report["verdict"]);
    for finding in report["findings"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n{}: {}", finding["kind"], finding["detail"]);
    }
    out
}
