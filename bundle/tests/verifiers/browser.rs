//! Chromium without a window, driven over the DevTools protocol through a pipe: no port, no WebSocket, no crate.
//!
//! `--remote-debugging-pipe` reads commands from file descriptor 3 and writes answers to 4, JSON ended by a zero byte.
//! A shell puts standard input and output there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take before the test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<Value>,
    last: u64,
    session: String,
    /// Removed when the browser is gone.
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Opens a page that lies in a file, and waits until it is loaded.
    pub(crate) fn open(page: &Path) -> Self {
        let profile = tempfile::Builder::new().prefix("pv-browser-").tempdir().expect("a folder");
        let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
            Command::new(name).arg("--version").stdin(Stdio::null()).output().is_ok_and(|out| out.status.success())
        });
        let program = found.expect("Chromium is missing: run `scripts/install-deps.sh test`, which installs it");
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh", program])
            // Its own sandbox needs rights a test machine often lacks; the page is ours and loads nothing.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let commands = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { return };
                if sender.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut this = Self { child, commands, answers, last: 0, session: String::new(), _profile: profile };
        let target = this.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = this.ask("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        this.session = attached["sessionId"].as_str().expect("a session").to_owned();
        this.ask("Page.enable", json!({}));
        this.ask("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        // The answer to `navigate` comes once the page is there; its scripts may still run.
        this.evaluate("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))");
        this
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = Value::from(self.session.as_str());
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).expect("Chromium takes commands");
        self.last
    }

    fn receive(&mut self) -> Value {
        self.answers
            .recv_timeout(PATIENCE)
            .expect("Chromium answers: does `chromium --headless` start on this machine?")
    }

    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        loop {
            let message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Chooses a file as a person does with the button, and returns what the page then says. Not the same file twice: that
    /// is no change.
    pub(crate) fn choose(&mut self, file: &Path) -> String {
        let document = self.ask("DOM.getDocument", json!({}));
        let root = document["root"]["nodeId"].clone();
        let input = self.ask("DOM.querySelector", json!({ "nodeId": root, "selector": "#file" }));
        // The page says that it is busy as soon as a file is chosen; it is waited for before and after.
        self.evaluate(
            "globalThis.answered = new Promise((done) => { let begun = false; const result = document.getElementById('result'); \
             new MutationObserver((_, observer) => { const busy = result.getAttribute('aria-busy') === 'true'; begun ||= busy; \
             if (begun && !busy) { observer.disconnect(); done(); } }).observe(result, { attributes: true }); }); 0",
        );
        self.ask("DOM.setFileInputFiles", json!({ "nodeId": input["nodeId"], "files": [file] }));
        self.evaluate("answered.then(() => document.getElementById('result').innerText)")
            .as_str()
            .expect("the page says something")
            .to_owned()
    }
}
