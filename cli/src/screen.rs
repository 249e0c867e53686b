//! What people see: sentences and progress on standard error, results on standard output.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use provenote_practice::ports::Stage;
use serde_json::Value;
use zeroize::Zeroizing;

/// A line on standard output. A reader that has gone away is no error.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One JSON document on standard output.
pub(crate) fn print_json(value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".to_owned());
    print(&text);
}

/// A line on standard error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A value that is written as one word, as `--json` writes it.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// True where a person can be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line, shown as it is typed.
pub(crate) fn ask(prompt: &str) -> Result<String, String> {
    let problem = |error: std::io::Error| format!("the answer could not be read: {error}");
    let mut stderr = std::io::stderr();
    stderr.write_all(prompt.as_bytes()).and_then(|()| stderr.flush()).map_err(problem)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(problem)?;
    Ok(line.trim().to_owned())
}

/// Asks for a passphrase without showing it.
pub(crate) fn ask_passphrase(prompt: &str) -> Result<Zeroizing<String>, String> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| format!("the passphrase could not be read: {error}"))
}

/// Progress of a long act, a bar a stage. Silent where nobody watches.
pub(crate) struct Bars {
    quiet: bool,
    current: Option<(String, ProgressBar)>,
}

impl Bars {
    pub(crate) fn new(json: bool) -> Self {
        Self { quiet: json || !std::io::stderr().is_terminal(), current: None }
    }

    /// Shows how far a stage is, 0 to 1.
    pub(crate) fn show(&mut self, label: &str, done: f32) {
        if self.quiet {
            return;
        }
        if self.current.as_ref().is_none_or(|(name, _)| name != label) {
            self.end();
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("  {msg:32} {wide_bar:.cyan/dim} {percent:>3} %  {elapsed}")
            {
                bar.set_style(style.progress_chars("━━─"));
            }
            bar.set_message(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            self.current = Some((label.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.current {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            bar.set_position((done.clamp(0.0, 1.0) * 1000.0) as u64);
        }
    }

    /// So many of so many.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn count(&mut self, label: &str, done: usize, of: usize) {
        // A short list is done before anybody could read the bar.
        if of > 200 {
            self.show(label, done as f32 / of as f32);
        }
    }

    /// Ends the bar that is shown.
    pub(crate) fn end(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.set_position(1000);
            bar.finish();
        }
    }

    /// As the use cases report.
    pub(crate) fn stage(&mut self, stage: Stage, done: f32) -> ControlFlow<()> {
        let label = match stage {
            Stage::Sealing => "sealing the recording".to_owned(),
            Stage::StartingSpeech => "starting the speech model".to_owned(),
            Stage::Transcribing => "transcribing".to_owned(),
            Stage::StartingDrafting => "starting the drafting model".to_owned(),
            Stage::Drafting { part: 1, parts: 1 } => "drafting".to_owned(),
            Stage::Drafting { part, parts } => format!("drafting, part {part} of {parts}"),
            Stage::Checking => "checking against the transcript".to_owned(),
        };
        self.show(&label, done);
        ControlFlow::Continue(())
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.abandon();
        }
    }
}
