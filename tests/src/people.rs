//! Several people in one practice, each with a passphrase of their own.

use std::fs;

use serde_json::Value;

use crate::{Place, Ran, text};

/// Who acts, and the file of their passphrase.
#[derive(Debug, Clone)]
pub struct Person {
    /// Pseudonym.
    pub user: String,
    file: String,
}

impl Place {
    /// The founder.
    #[must_use]
    pub fn founder(&self) -> Person {
        let user = fs::read_to_string(self.founder_file()).expect("a founder: the place was made by `founded`");
        Person { user, file: self.path().join("passphrase.txt").display().to_string() }
    }

    /// Somebody new, added by an owner.
    #[must_use]
    pub fn colleague(&self, owner: &Person, name: &str, role: &str) -> Person {
        let file = self.work().join(format!("{name}.txt"));
        fs::write(&file, format!("quiet orchard lantern {name} seven\n")).expect("a file");
        let file = file.display().to_string();
        let mut args = vec!["access", "user", "add", name, "--role", role, "--user-passphrase-file", &file];
        if role == "auditor" {
            args.extend(["--until", "2099-12-31"]);
        }
        let user = text(&self.json_as(owner, &args)["user"]);
        Person { user, file }
    }

    /// Runs as somebody, without `--json`.
    #[must_use]
    pub fn run_as(&self, who: &Person, args: &[&str]) -> Ran {
        self.run(&[&["--as", &who.user, "--passphrase-file", &who.file], args].concat())
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
}
