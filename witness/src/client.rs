//! Asking a witness to cosign the log's latest checkpoint.

use std::time::Duration;

use provenote_ledger::Hash;
use provenote_ledger::note::{Checkpoint, MAX_NOTE, NoteError, SignedNote, VerifierKey};
use provenote_ledger::policy::PolicyWitness;
use provenote_ledger::witness::{
    ADD_CHECKPOINT, AddCheckpoint, MAX_ANSWER, Refusal, Reply, checkpoint_path, read_reply,
};
use ureq::Agent;
use ureq::http::Uri;

/// How often a witness may name another size before that is nonsense. More than once is honest when several processes
/// of one practice ask it at a time.
const ROUNDS: usize = 4;
/// How far a witness's clock may be ahead of ours, in seconds.
const CLOCK_TOLERANCE: u64 = 3600;

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `http://host:port`, where the machine reaches the network through one. The edge reads its environment.
    pub proxy: Option<&'a str>,
    /// How long one request may take in all.
    pub patience: Duration,
    /// The time, in seconds since 1970.
    pub now: u64,
}

impl Call<'_> {
    /// Ten seconds a request, no proxy.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self { proxy: None, patience: Duration::from_secs(10), now }
    }
}

/// The log that asks.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// Its latest checkpoint, a signed note.
    pub note: &'a str,
    /// All keys it ever signed with: what a witness holds may be signed by an earlier one.
    pub keys: &'a [VerifierKey],
}

/// What a witness's answer means for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It cosigned the latest checkpoint.
    Cosigned {
        /// Its signature line, checked, with its newline: for [`SignedNote::with_lines`].
        line: String,
        /// The time it states, in seconds since 1970.
        time: u64,
    },
    /// **Alarm.** It has cosigned a longer log than this one: an older copy of the ledger was put back, or its end was
    /// cut off. Unless another process of the practice appended and asked meanwhile: read the latest checkpoint again,
    /// and ask again when it is as long by now.
    RollbackAlarm {
        /// The size it has cosigned.
        their_size: u64,
        /// The checkpoint of that size, when the witness shows one that a key of this log signed. Without it there is only
        /// the witness's word.
        evidence: Option<String>,
    },
    /// **Alarm.** It has cosigned another history than this one's.
    ForkAlarm {
        /// The size it has cosigned.
        their_size: u64,
        /// As above.
        evidence: Option<String>,
    },
    /// It could not be reached. Try again later.
    Unreachable {
        /// What the network said, in one line.
        why: String,
    },
    /// It does not know this log, or not its key: its operator has to add the log's vkey.
    Unknown,
    /// What it answered is no witness's answer.
    Nonsense {
        /// What was wrong, in a few words.
        why: String,
    },
}

impl Outcome {
    /// Whether the ledger, not the network, is in trouble.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::RollbackAlarm { .. } | Self::ForkAlarm { .. })
    }

    /// What happened, in one sentence, of the witness called `name`.
    #[must_use]
    pub fn sentence(&self, name: &str) -> String {
        let seen = |evidence: &Option<String>| match evidence {
            Some(_) => "and shows a checkpoint of it that this ledger's key signed",
            None => "but shows no checkpoint of it",
        };
        match self {
            Self::Cosigned { .. } => format!("the witness {name} cosigned the latest checkpoint"),
            Self::RollbackAlarm { their_size, evidence } => format!(
                "the witness {name} has cosigned {their_size} entries of this ledger, more than it has, {}: an older copy \
                 was put back or its end was cut off; restore the newest copy",
                seen(evidence)
            ),
            Self::ForkAlarm { their_size, evidence } => format!(
                "the witness {name} says that the first {their_size} entries of this ledger are not those it has cosigned, \
                 {}; run `provenote ledger verify`",
                seen(evidence)
            ),
            Self::Unreachable { why } => {
                format!("the witness {name} could not be reached ({why}); `provenote witness update` tries again")
            }
            Self::Unknown => {
                format!("the witness {name} does not know this ledger's key: give its vkey to whoever runs the witness")
            }
            Self::Nonsense { why } => {
                format!("the witness {name} answered with {why}; check its address in the policy")
            }
        }
    }
}

/// Why a witness could not even be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError<E> {
    /// The policy has no address of it, or none that can be asked.
    #[error("the witness {0} has no http:// or https:// address in the policy")]
    NoAddress(String),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// The log's own checkpoint is none.
    #[error("the ledger's own checkpoint cannot be sent: {0}")]
    Checkpoint(#[from] Refusal),
    /// The proof could not be made.
    #[error(transparent)]
    Prove(E),
}

/// Asks `witness` to cosign the log's latest checkpoint. `known` is the size it cosigned last as far as is known, 0 if
/// nothing is: the witness names another one if that is wrong. `prove` makes the consistency proof between two
/// sizes ([`prove_consistency`](provenote_ledger::proof::prove_consistency)); the second is the checkpoint's, as the log
/// may have grown since.
///
/// Redirects are not followed, answers are read up to 128 KiB, and each request ends after [`Call::patience`].
///
/// # Errors
/// [`AskError`]; whatever the witness does is an [`Outcome`].
pub fn update<E>(
    log: &Log<'_>,
    known: u64,
    prove: &mut dyn FnMut(u64, u64) -> Result<Vec<Hash>, E>,
    witness: &PolicyWitness,
    call: &Call<'_>,
) -> Result<Outcome, AskError<E>> {
    let nonsense = |why: &str| Ok(Outcome::Nonsense { why: why.to_owned() });
    if !witness.key.can_be_checked() {
        return nonsense("cosignatures of a kind that cannot be checked by this program (ML-DSA-44)");
    }
    let base = witness.url.as_deref().filter(|url| is_address(url));
    let base = base.ok_or_else(|| AskError::NoAddress(witness.name.clone()))?.trim_end_matches('/');
    let proxy =
        call.proxy.map(ureq::Proxy::new).transpose().map_err(|error| AskError::Proxy(plain(&error.to_string())))?;
    let asking = Asking {
        agent: Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("identity")
            .user_agent(concat!("provenote/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .timeout_global(Some(call.patience))
            .build()
            .into(),
        base,
    };
    let size = AddCheckpoint::new(0, Vec::new(), log.note)?.checkpoint().size;
    let mut old = known.min(size);
    for _ in 0..ROUNDS {
        let request = AddCheckpoint::new(old, prove(old, size).map_err(AskError::Prove)?, log.note)?;
        let (status, body) = match asking.post(&request) {
            Ok(answer) => answer,
            Err(outcome) => return Ok(outcome),
        };
        match read_reply(&request, &witness.key, status, &body) {
            Reply::Cosigned { time, .. } if time > call.now.saturating_add(CLOCK_TOLERANCE) => {
                return nonsense("a cosignature of the future: its clock or ours is wrong");
            }
            Reply::Cosigned { line, time } => return Ok(Outcome::Cosigned { line, time }),
            Reply::Conflict { seen } if seen > size => {
                let evidence = asking.evidence(log, request.checkpoint(), |theirs| theirs.size > size);
                return Ok(Outcome::RollbackAlarm { their_size: seen, evidence });
            }
            Reply::Conflict { seen } if seen == old => return nonsense("a conflict with the very size it has seen"),
            Reply::Conflict { seen } => old = seen,
            // Nothing contradicts an empty tree.
            Reply::Inconsistent if old == 0 => return nonsense("a contradiction where there is nothing to contradict"),
            Reply::Inconsistent => {
                let evidence = asking.evidence(log, request.checkpoint(), |theirs| theirs.size == old);
                return Ok(Outcome::ForkAlarm { their_size: old, evidence });
            }
            Reply::UnknownLog | Reply::UnknownKey => return Ok(Outcome::Unknown),
            Reply::Malformed => return nonsense("a complaint about the form of the request"),
            Reply::Nonsense(why) => return nonsense(why),
        }
    }
    nonsense("another size each time it was asked")
}

/// Whether a witness can be asked at this address.
#[must_use]
pub fn is_address(url: &str) -> bool {
    let uri: Result<Uri, _> = url.parse();
    uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    })
}

struct Asking<'a> {
    agent: Agent,
    base: &'a str,
}

impl Asking<'_> {
    fn post(&self, request: &AddCheckpoint) -> Result<(u16, Vec<u8>), Outcome> {
        let url = format!("{}/{ADD_CHECKPOINT}", self.base);
        let sent = self.agent.post(url).header("Content-Type", "text/plain; charset=utf-8").send(request.to_string());
        read(sent)
    }

    /// The checkpoint the witness shows monitors, if a key of this log signed it and it is what was asked for.
    fn evidence(&self, log: &Log<'_>, ours: &Checkpoint, wanted: impl Fn(&Checkpoint) -> bool) -> Option<String> {
        let url = format!("{}/{}", self.base, checkpoint_path(&ours.origin));
        let (status, body) = read(self.agent.get(url).call()).ok()?;
        let note = String::from_utf8(body).ok().filter(|note| status == 200 && note.len() <= MAX_NOTE)?;
        let signed = |key: &VerifierKey| match SignedNote::parse(&note).and_then(|note| note.signed_by(key)) {
            Ok(()) => Ok(true),
            Err(NoteError::Unsigned) => Ok(false),
            Err(other) => Err(other),
        };
        let signed: Result<Vec<bool>, NoteError> = log.keys.iter().map(signed).collect();
        let theirs = SignedNote::parse(&note).and_then(|note| Checkpoint::parse(note.text())).ok()?;
        let holds = signed.is_ok_and(|signed| signed.contains(&true)) && theirs.origin == ours.origin;
        (holds && wanted(&theirs)).then_some(note)
    }
}

fn read(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(u16, Vec<u8>), Outcome> {
    let unreachable = |error: ureq::Error| match error {
        ureq::Error::BodyExceedsLimit(_) => Outcome::Nonsense { why: "more than 128 KiB".to_owned() },
        ureq::Error::Timeout(_) => Outcome::Unreachable { why: "it took too long".to_owned() },
        other => Outcome::Unreachable { why: plain(&other.to_string()) },
    };
    let response = sent.map_err(unreachable)?;
    let status = response.status().as_u16();
    let body = response.into_body().into_with_config().limit(MAX_ANSWER as u64).read_to_vec().map_err(unreachable)?;
    Ok((status, body))
}

/// Foreign words made fit for a terminal: one short line without control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_asked() {
        for bad in ["", "w.example", "ftp://w.example", "file:///etc", "http://", "https:///x", "http://w.example/?q"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_address("http://127.0.0.1:8080") && is_address("https://w.example/provenote/"));
    }

    #[test]
    fn foreign_words_are_one_short_line() {
        assert_eq!(plain("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(plain(&"x".repeat(5000)).len(), 200);
    }
}
