//! Several people in one place: who acts with which passphrase, and an authenticator for the second factor.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use totp_rs::{Builder, Secret};

use crate::{Place, Ran, text};

/// Who acts.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user's id.
    pub user: String,
    /// The file of their passphrase.
    pub file: String,
}

/// Shows codes (RFC 6238), each once, at most one step ahead of the clock, which is what the program allows.
#[derive(Debug)]
pub struct Authenticator {
    secret: String,
    last: u64,
    /// The recovery codes that were shown at enrolment.
    pub recovery: Vec<String>,
}

impl Authenticator {
    /// The next code that was not shown yet.
    #[allow(clippy::disallowed_methods)]
    pub fn code(&mut self) -> String {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        self.last = (seconds / 30).max(self.last + 1);
        self.code_of(self.last)
    }

    /// The code that was shown last.
    #[must_use]
    pub fn same_code(&self) -> String {
        self.code_of(self.last)
    }

    /// The secret in base 32.
    #[must_use]
    pub fn secret(&self) -> &String {
        &self.secret
    }

    fn code_of(&self, step: u64) -> String {
        let secret = Secret::try_from_base32(&self.secret).expect("base 32");
        let totp = Builder::new().with_secret(secret).build().expect("a secret of its length");
        totp.generate(step * 30).to_string()
    }
}

impl Place {
    /// The founder, an owner.
    #[must_use]
    pub fn founder(&self) -> Person {
        let user = fs::read_to_string(self.founder_file()).expect("a founder: the place was made by `founded`");
        Person { user, file: self.path().join("passphrase.txt").display().to_string() }
    }

    /// The same, in a practice that asks nobody for a second factor: most tests of several people are about something else.
    #[must_use]
    pub fn founder_without_factors(&self) -> Person {
        let roles = "owner clinician supervisor biller researcher compliance_officer front_desk auditor";
        let off: Vec<String> = roles.split(' ').map(|role| format!("{role}=off")).collect();
        self.done(&["settings", "set", "factor_roles", &off.join(",")]);
        self.founder()
    }

    /// Somebody new, added by an owner, with a passphrase of their own.
    #[must_use]
    pub fn colleague(&self, owner: &Person, name: &str, role: &str) -> Person {
        let file = self.file(&format!("{name}.txt"), format!("quiet orchard lantern {name} seven\n").as_bytes());
        let mut args = vec!["access", "user", "add", name, "--role", role, "--user-passphrase-file", &file];
        if role == "auditor" {
            args.extend(["--until", "2099-12-31"]);
        }
        let user = text(&self.json_as(owner, &args)["user"]);
        Person { user, file }
    }

    /// Runs as somebody, with their passphrase.
    #[must_use]
    pub fn run_as(&self, who: &Person, args: &[&str]) -> Ran {
        self.run(&[&["--as", &who.user, "--passphrase-file", &who.file], args].concat())
    }

    /// Runs as somebody, with what their agent holds.
    #[must_use]
    pub fn run_unlocked_as(&self, who: &Person, args: &[&str]) -> Ran {
        self.run_locked(&[&["--as", &who.user], args].concat())
    }

    /// Runs as somebody what must be done; its document.
    pub fn json_as(&self, who: &Person, args: &[&str]) -> Value {
        self.json(&[&["--as", &who.user, "--passphrase-file", &who.file], args].concat())
    }

    /// Runs as somebody; the exit code and the document.
    #[must_use]
    pub fn try_as(&self, who: &Person, args: &[&str]) -> (i32, Value) {
        let ran = self.run_as(who, &[&["--json"], args].concat());
        (ran.code, serde_json::from_str(&ran.out).unwrap_or(Value::Null))
    }

    /// Makes a second factor, the first code given on standard input as soon as the secret is shown.
    #[must_use]
    pub fn enrol(&self, who: &Person) -> Authenticator {
        let args = ["--as", &who.user, "--passphrase-file", &who.file, "access", "factor", "add"];
        let mut child = self
            .command(&args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut shown = std::io::BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        let secret = loop {
            line.clear();
            let read = std::io::BufRead::read_line(&mut shown, &mut line).expect("text");
            assert!(read > 0, "no secret was shown");
            if let Some((_, secret)) = line.split_once("type this secret into it: ") {
                break secret.trim().to_owned();
            }
        };
        let mut authenticator = Authenticator { secret, last: 0, recovery: Vec::new() };
        let code = authenticator.code();
        writeln!(child.stdin.take().expect("piped"), "{code}").expect("it reads");
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut shown, &mut rest).expect("text");
        assert!(child.wait().expect("ends").success(), "{rest}");
        let codes = rest.lines().filter_map(|line| line.strip_prefix("    "));
        authenticator.recovery = codes.map(str::to_owned).collect();
        authenticator
    }
}
