//! C2SP tlog-policy: which logs and witnesses are known, and how many witnesses must have cosigned a checkpoint.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::cosignature::CosignerKey;
use crate::note::{Checkpoint, NoteError, SignedNote, VerifierKey, decimal};

/// The longest policy read, in bytes.
pub const MAX_POLICY: usize = 1 << 20;
/// The most logs, witnesses and groups, of each. The specification asks for at least 32.
pub const MAX_ITEMS: usize = 256;
/// The name under which [`Policy::with_witness`] keeps its group.
const OWN_GROUP: &str = "witnesses";
/// The name of the quorum that asks for nobody.
const NONE: &str = "none";

/// Why a policy is refused, or a checkpoint under it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line cannot be read.
    #[error("line {line}, column {column} of the policy: {fault}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// It is longer than any policy.
    #[error("the policy is longer than 1 MiB")]
    TooLong,
    /// No line says who must agree.
    #[error("the policy has no quorum line: end it with `quorum NAME`, or `quorum none`")]
    NoQuorum,
    /// Too few witnesses cosigned.
    #[error("{}, but the policy asks for {needed}", cosigned(have))]
    Quorum {
        /// The names of those who did.
        have: Vec<String>,
        /// What the quorum asks for, in words.
        needed: String,
    },
    /// A line in the name of a known witness does not hold; such a note is worth nothing (C2SP signed-note).
    #[error("the cosignature in the name of the witness {0} does not hold")]
    BadCosignature(String),
    /// None of the policy's logs signed the note.
    #[error("the checkpoint is not signed by a log of the policy: {0}")]
    Log(#[source] NoteError),
    /// Quorum and groups were written by hand, and are not changed by a program.
    #[error("the policy's groups were written by hand: change its quorum line by hand too")]
    HandMade,
    /// More witnesses are asked for than there are, or none.
    #[error("{asked} witnesses cannot be asked to agree: the policy has {known}")]
    Threshold {
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        known: usize,
    },
    /// A witness to be removed that is not there.
    #[error("the policy has no witness of that name: `provenote witness list` shows those it has")]
    NoSuchWitness,
    /// A name or address that cannot stand in a policy.
    #[error("a witness's name and address are each one word without spaces; the name is not `none`")]
    NotAWord,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A control character.
    #[error("a control character: only tab and newline are allowed, so no Windows line ends")]
    Control,
    /// The last line has no newline.
    #[error("the last line does not end with a newline: the file may be cut off")]
    Unended,
    /// A line that defines nothing known.
    #[error("a line begins with `log`, `witness`, `group`, `quorum` or `#`")]
    Keyword,
    /// Something is missing at the line's end.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something is left over.
    #[error("nothing may stand here")]
    Surplus,
    /// No vkey of a log.
    #[error("this is no verifier key of a log: NAME+KEYID+BASE64, with an Ed25519 key (signature type 1)")]
    LogKey,
    /// No vkey of a witness.
    #[error("this is no verifier key of a witness: NAME+KEYID+BASE64, of signature type 4 or 6")]
    WitnessKey,
    /// A key for the second time.
    #[error("this key stands in the policy already, in line {0}")]
    SameKey(usize),
    /// A name for the second time.
    #[error("this name is used already, in line {0}")]
    SameName(usize),
    /// The name `none`.
    #[error("`none` is no name of a witness or group")]
    Reserved,
    /// A name nothing before it bears.
    #[error("no witness or group of this name stands on a line before")]
    Unknown,
    /// A member for the second time.
    #[error("this is a member of a group already, in line {0}; a witness counts only once")]
    SecondTime(usize),
    /// Neither `all`, `any` nor a number from 1 to the number of members.
    #[error("here stands `all`, `any`, or how many of the members must agree, from 1 to their number")]
    Threshold,
    /// A second quorum line.
    #[error("the quorum is given already, in line {0}")]
    SecondQuorum(usize),
    /// Too many lines of one kind.
    #[error("more than 256 logs, witnesses or groups")]
    TooMany,
}

fn cosigned(have: &[String]) -> String {
    match have {
        [] => "no witness cosigned".to_owned(),
        [one] => format!("only {one} cosigned"),
        many => format!("only {} cosigned", many.join(", ")),
    }
}

/// A log whose checkpoints are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the name is its origin.
    pub key: VerifierKey,
    /// Where it is reached, if that was given.
    pub url: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it. Octets that are no UTF-8 are shown as U+FFFD.
    pub name: String,
    /// Its key.
    pub key: CosignerKey,
    /// Its submission prefix, if that was given.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// Position among the witnesses.
    Witness(usize),
    /// How many of which rules, by their position.
    Group { threshold: usize, members: Vec<usize> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    name: Vec<u8>,
    line: usize,
    rule: Rule,
    /// The line of the group it is a member of.
    member_in: Option<usize>,
}

/// How many of the witnesses must agree, in a policy that [`Policy::with_witness`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quorum {
    /// Every one.
    All,
    /// At least so many.
    AtLeast(usize),
}

/// A policy, read and checked. [`Policy::text`] is what was read, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    text: Vec<u8>,
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    rules: Vec<Named>,
    /// Position of the rule; `None` for `quorum none`.
    quorum: Option<usize>,
}

/// One word of a line, with the column it begins at.
#[derive(Clone, Copy)]
struct Word<'a> {
    line: usize,
    column: usize,
    bytes: &'a [u8],
}

impl Word<'_> {
    fn fault<T>(&self, fault: Fault) -> Result<T, PolicyError> {
        Err(PolicyError::Line { line: self.line, column: self.column, fault })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }

    fn key<K: std::str::FromStr>(&self, fault: Fault) -> Result<K, PolicyError> {
        match std::str::from_utf8(self.bytes).ok().and_then(|text| text.parse().ok()) {
            Some(key) => Ok(key),
            None => self.fault(fault),
        }
    }
}

/// The words of a line, taken one by one.
struct Words<'a> {
    words: std::vec::IntoIter<Word<'a>>,
    line: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn new(line: usize, bytes: &'a [u8]) -> Self {
        let mut words = Vec::new();
        let mut column = 1;
        for part in bytes.split(|b| matches!(b, b' ' | b'\t')) {
            if !part.is_empty() {
                words.push(Word { line, column, bytes: part });
            }
            column += part.len() + 1;
        }
        Self { words: words.into_iter(), line, end: bytes.len() + 1 }
    }

    fn need(&mut self, what: &'static str) -> Result<Word<'a>, PolicyError> {
        let missing = PolicyError::Line { line: self.line, column: self.end, fault: Fault::Missing(what) };
        self.words.next().ok_or(missing)
    }

    fn end(&mut self) -> Result<(), PolicyError> {
        self.words.next().map_or(Ok(()), |word| word.fault(Fault::Surplus))
    }
}

/// What has been read so far; only while parsing.
#[derive(Default)]
struct Reading {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    rules: Vec<Named>,
    by_name: BTreeMap<Vec<u8>, usize>,
    log_keys: BTreeMap<[u8; 32], usize>,
    witness_keys: BTreeMap<Vec<u8>, usize>,
    groups: usize,
    quorum: Option<(usize, Option<usize>)>,
}

impl Reading {
    fn name(&mut self, word: Word<'_>, rule: Rule) -> Result<(), PolicyError> {
        if word.bytes == NONE.as_bytes() {
            return word.fault(Fault::Reserved);
        }
        if let Some(other) = self.by_name.insert(word.bytes.to_vec(), self.rules.len()) {
            return word.fault(Fault::SameName(self.rules[other].line));
        }
        self.rules.push(Named { name: word.bytes.to_vec(), line: word.line, rule, member_in: None });
        Ok(())
    }

    fn log(&mut self, words: &mut Words<'_>) -> Result<(), PolicyError> {
        let vkey = words.need("the log's verifier key")?;
        let key: VerifierKey = vkey.key(Fault::LogKey)?;
        if let Some(line) = self.log_keys.insert(key.key(), vkey.line) {
            return vkey.fault(Fault::SameKey(line));
        }
        if self.logs.len() == MAX_ITEMS {
            return vkey.fault(Fault::TooMany);
        }
        self.logs.push(PolicyLog { key, url: words.words.next().map(|url| url.text()) });
        Ok(())
    }

    fn witness(&mut self, words: &mut Words<'_>) -> Result<(), PolicyError> {
        let name = words.need("the witness's name")?;
        let vkey = words.need("the witness's verifier key")?;
        let key: CosignerKey = vkey.key(Fault::WitnessKey)?;
        if let Some(line) = self.witness_keys.insert(key.public_key(), vkey.line) {
            return vkey.fault(Fault::SameKey(line));
        }
        if self.witnesses.len() == MAX_ITEMS {
            return name.fault(Fault::TooMany);
        }
        self.name(name, Rule::Witness(self.witnesses.len()))?;
        let url = words.words.next().map(|url| url.text());
        self.witnesses.push(PolicyWitness { name: name.text(), key, url });
        Ok(())
    }

    fn group(&mut self, words: &mut Words<'_>) -> Result<(), PolicyError> {
        let name = words.need("the group's name")?;
        let threshold = words.need("`all`, `any` or a number")?;
        let mut members = Vec::new();
        let mut next = Some(words.need("a member")?);
        while let Some(word) = next {
            let Some(member) = self.by_name.get(word.bytes).copied() else { return word.fault(Fault::Unknown) };
            if let Some(line) = self.rules[member].member_in.replace(word.line) {
                return word.fault(Fault::SecondTime(line));
            }
            members.push(member);
            next = words.words.next();
        }
        let number = || std::str::from_utf8(threshold.bytes).ok().and_then(decimal);
        let k = match threshold.bytes {
            b"all" => members.len(),
            b"any" => 1,
            _ => match number().and_then(|k| usize::try_from(k).ok()) {
                Some(k) if (1..=members.len()).contains(&k) => k,
                _ => return threshold.fault(Fault::Threshold),
            },
        };
        if self.groups == MAX_ITEMS {
            return name.fault(Fault::TooMany);
        }
        self.groups += 1;
        self.name(name, Rule::Group { threshold: k, members })
    }

    fn quorum(&mut self, words: &mut Words<'_>) -> Result<(), PolicyError> {
        let name = words.need("a witness, a group or `none`")?;
        if let Some((line, _)) = self.quorum {
            return name.fault(Fault::SecondQuorum(line));
        }
        let rule = match self.by_name.get(name.bytes).copied() {
            _ if name.bytes == NONE.as_bytes() => None,
            Some(rule) => Some(rule),
            None => return name.fault(Fault::Unknown),
        };
        self.quorum = Some((name.line, rule));
        Ok(())
    }
}

impl Policy {
    /// The policy of somebody without witnesses.
    #[must_use]
    pub fn without_witnesses() -> Self {
        Self {
            text: b"quorum none\n".to_vec(),
            logs: Vec::new(),
            witnesses: Vec::new(),
            rules: Vec::new(),
            quorum: None,
        }
    }

    /// Reads a policy. Names are octets: nothing is normalised.
    ///
    /// # Errors
    /// [`PolicyError`], with line and column.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        let text = text.as_ref();
        if text.len() > MAX_POLICY {
            return Err(PolicyError::TooLong);
        }
        let mut reading = Reading::default();
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let here = |column, fault| Err(PolicyError::Line { line: number, column, fault });
            let Some(length) = rest.iter().position(|b| *b == b'\n') else {
                return here(rest.len() + 1, Fault::Unended);
            };
            let (line, after) = (&rest[..length], &rest[length + 1..]);
            rest = after;
            if let Some(at) = line.iter().position(|b| (*b < 0x20 && *b != b'\t') || *b == 0x7f) {
                return here(at + 1, Fault::Control);
            }
            let mut words = Words::new(number, line);
            let Some(keyword) = words.words.next() else { continue };
            match keyword.bytes {
                [b'#', ..] => continue,
                b"log" => reading.log(&mut words)?,
                b"witness" => reading.witness(&mut words)?,
                b"group" => reading.group(&mut words)?,
                b"quorum" => reading.quorum(&mut words)?,
                _ => return keyword.fault(Fault::Keyword),
            }
            words.end()?;
        }
        let Reading { logs, witnesses, rules, quorum, .. } = reading;
        let (_, quorum) = quorum.ok_or(PolicyError::NoQuorum)?;
        Ok(Self { text: text.to_vec(), logs, witnesses, rules, quorum })
    }

    /// The policy as it was read.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The logs it accepts; empty when they are known from elsewhere.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses it knows.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether the quorum can be met at all by witnesses whose cosignatures this program can check.
    #[must_use]
    pub fn can_be_met(&self) -> bool {
        let checkable: Vec<bool> = self.witnesses.iter().map(|witness| witness.key.can_be_checked()).collect();
        self.quorum.is_none_or(|quorum| self.holds(quorum, &checkable))
    }

    /// What the quorum asks for, in words: "2 of 3 in group witnesses (a, b, c)".
    #[must_use]
    pub fn quorum_in_words(&self) -> String {
        self.quorum.map_or_else(|| "nobody".to_owned(), |rule| self.in_words(rule))
    }

    fn in_words(&self, rule: usize) -> String {
        let Named { name, rule, .. } = &self.rules[rule];
        let name = String::from_utf8_lossy(name);
        match rule {
            Rule::Witness(_) => format!("the witness {name}"),
            Rule::Group { threshold, members } => {
                let names: Vec<_> = members.iter().map(|m| String::from_utf8_lossy(&self.rules[*m].name)).collect();
                format!("{threshold} of {} in group {name} ({})", members.len(), names.join(", "))
            }
        }
    }

    fn holds(&self, rule: usize, cosigned: &[bool]) -> bool {
        // Members stand before their group, so this ends; each is a member once, so it visits each rule once.
        match &self.rules[rule].rule {
            Rule::Witness(witness) => cosigned[*witness],
            Rule::Group { threshold, members } => {
                members.iter().filter(|member| self.holds(**member, cosigned)).count() >= *threshold
            }
        }
    }

    /// Which of the witnesses cosigned a checkpoint, and when, in seconds since 1970; if they are enough.
    /// Whether a log of ours signed it is another question: [`Policy::open`].
    ///
    /// # Errors
    /// [`PolicyError::Quorum`] when they are too few, [`PolicyError::BadCosignature`].
    pub fn agreed(&self, note: &SignedNote) -> Result<Vec<(String, u64)>, PolicyError> {
        let who = self.cosigners(note)?;
        let mut cosigned = vec![false; self.witnesses.len()];
        who.iter().for_each(|(witness, _)| cosigned[*witness] = true);
        let who: Vec<(String, u64)> =
            who.into_iter().map(|(witness, time)| (self.witnesses[witness].name.clone(), time)).collect();
        if self.quorum.is_none_or(|quorum| self.holds(quorum, &cosigned)) {
            return Ok(who);
        }
        let have = who.into_iter().map(|(name, _)| name).collect();
        Err(PolicyError::Quorum { have, needed: self.quorum_in_words() })
    }

    /// Which witnesses cosigned, enough or not: positions in [`Policy::witnesses`], with the time.
    ///
    /// # Errors
    /// [`PolicyError::BadCosignature`].
    pub fn cosigners(&self, note: &SignedNote) -> Result<Vec<(usize, u64)>, PolicyError> {
        let mut who = Vec::new();
        for (at, witness) in self.witnesses.iter().enumerate() {
            match note.cosigned_by(&witness.key) {
                Ok(time) => who.push((at, time)),
                Err(NoteError::Unsigned | NoteError::CannotCheck) => {}
                Err(_) => return Err(PolicyError::BadCosignature(witness.name.clone())),
            }
        }
        Ok(who)
    }

    /// Checks a checkpoint as the specification does: signed by one of the policy's logs, whose name is its origin,
    /// and cosigned by enough witnesses.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn open(&self, note: &str) -> Result<(Checkpoint, Vec<(String, u64)>), PolicyError> {
        let mut trouble = NoteError::Unsigned;
        for log in &self.logs {
            match Checkpoint::open(note, &log.key) {
                Ok(checkpoint) => {
                    let note = SignedNote::parse(note).map_err(PolicyError::Log)?;
                    return Ok((checkpoint, self.agreed(&note)?));
                }
                Err(NoteError::Unsigned) => {}
                Err(other) => trouble = other,
            }
        }
        Err(PolicyError::Log(trouble))
    }

    /// Whether the groups and the quorum line are such as [`Policy::with_witness`] writes, and how many agree: all of
    /// them, or a number.
    fn own(&self) -> Option<Quorum> {
        let mut groups = self.rules.iter().enumerate().filter(|(_, named)| matches!(named.rule, Rule::Group { .. }));
        match (groups.next(), groups.next()) {
            (None, _) => match self.quorum {
                None => self.witnesses.is_empty().then_some(Quorum::All),
                Some(_) => (self.witnesses.len() == 1).then_some(Quorum::All),
            },
            (Some((at, Named { name, rule: Rule::Group { threshold, members }, .. })), None) => {
                let own = name == OWN_GROUP.as_bytes()
                    && self.quorum == Some(at)
                    && members.iter().all(|member| matches!(self.rules[*member].rule, Rule::Witness(_)))
                    && members.len() == self.witnesses.len();
                let asked = if *threshold == members.len() { Quorum::All } else { Quorum::AtLeast(*threshold) };
                own.then_some(asked)
            }
            _ => None,
        }
    }

    /// This policy with one more log; the same when it has it already.
    ///
    /// # Errors
    /// [`PolicyError::Line`] when the key stands there under another name.
    pub fn with_log(&self, key: &VerifierKey) -> Result<Self, PolicyError> {
        if self.logs.iter().any(|log| log.key == *key) {
            return Ok(self.clone());
        }
        Self::parse([&self.text, format!("log {key}\n").as_bytes()].concat())
    }

    /// This policy with one more witness. Lines stay as they are, comments and all, but for the group `witnesses` and
    /// the quorum line, which come last. Without a `quorum`, all must agree if all had to before, and otherwise as many
    /// as before; groups and quorum written by hand stay, so that the new witness is known but not asked for.
    ///
    /// # Errors
    /// [`PolicyError`]: the name or the key is known already, or it is no name; [`PolicyError::HandMade`] when a quorum
    /// is given and the groups were written by hand; [`PolicyError::Threshold`].
    pub fn with_witness(
        &self,
        name: &str,
        key: &CosignerKey,
        url: Option<&str>,
        quorum: Option<Quorum>,
    ) -> Result<Self, PolicyError> {
        let word = |text: &str| !text.is_empty() && !text.bytes().any(|b| b <= 0x20 || b == 0x7f);
        if !word(name) || name == NONE || !url.is_none_or(word) {
            return Err(PolicyError::NotAWord);
        }
        let mut line = format!("witness {name} {key}");
        if let Some(url) = url {
            let _ = write!(line, " {url}");
        }
        line.push('\n');
        let names = self.witnesses_by_name().chain([name.as_bytes().to_vec()]).collect::<Vec<_>>();
        match self.own().map(|old| quorum.unwrap_or(old)) {
            Some(asked) => self.rewritten(&line, &names, asked),
            None if quorum.is_some() => self.with_quorum_of(&line, &names, quorum),
            None => Self::parse([&self.text, line.as_bytes()].concat()),
        }
    }

    /// This policy without a witness. Of the others all must agree if all had to before, and otherwise as many as
    /// before, or as there are. With the last witness goes the quorum.
    ///
    /// # Errors
    /// [`PolicyError::NoSuchWitness`]; [`PolicyError::HandMade`] when groups were written by hand.
    pub fn without_witness(&self, name: &str) -> Result<Self, PolicyError> {
        if !self.witnesses_by_name().any(|known| known == name.as_bytes()) {
            return Err(PolicyError::NoSuchWitness);
        }
        let old = self.own().ok_or(PolicyError::HandMade)?;
        let names = self.witnesses_by_name().filter(|known| known != name.as_bytes()).collect::<Vec<_>>();
        let mut text = Vec::new();
        for line in self.text.split_inclusive(|b| *b == b'\n') {
            let mut words = Words::new(0, line.strip_suffix(b"\n").unwrap_or(line)).words;
            let of_it = words.next().is_some_and(|word| word.bytes == b"witness")
                && words.next().is_some_and(|word| word.bytes == name.as_bytes());
            if !of_it {
                text.extend_from_slice(line);
            }
        }
        let asked = match old {
            Quorum::AtLeast(k) if k < names.len() => old,
            Quorum::AtLeast(_) | Quorum::All => Quorum::All,
        };
        // Its groups and quorum still name the witness: they are written anew.
        Self { text, ..self.clone() }.rewritten("", &names, asked)
    }

    /// This policy with another quorum over all its witnesses.
    ///
    /// # Errors
    /// [`PolicyError::HandMade`] when it has groups written by hand, [`PolicyError::Threshold`].
    pub fn with_quorum(&self, quorum: Quorum) -> Result<Self, PolicyError> {
        let names = self.witnesses_by_name().collect::<Vec<_>>();
        match self.own() {
            Some(_) => self.rewritten("", &names, quorum),
            None => self.with_quorum_of("", &names, Some(quorum)),
        }
    }

    /// A quorum line written by hand may be replaced when it is asked for, groups may not.
    fn with_quorum_of(&self, line: &str, names: &[Vec<u8>], quorum: Option<Quorum>) -> Result<Self, PolicyError> {
        if self.rules.iter().any(|named| matches!(named.rule, Rule::Group { .. })) {
            return Err(PolicyError::HandMade);
        }
        self.rewritten(line, names, quorum.unwrap_or(Quorum::All))
    }

    fn witnesses_by_name(&self) -> impl Iterator<Item = Vec<u8>> {
        self.rules.iter().filter(|named| matches!(named.rule, Rule::Witness(_))).map(|named| named.name.clone())
    }

    fn rewritten(&self, line: &str, names: &[Vec<u8>], quorum: Quorum) -> Result<Self, PolicyError> {
        let asked = match quorum {
            Quorum::All => "all".to_owned(),
            Quorum::AtLeast(k) if (1..=names.len()).contains(&k) => k.to_string(),
            Quorum::AtLeast(asked) => return Err(PolicyError::Threshold { asked, known: names.len() }),
        };
        let mut text = Vec::new();
        for line in self.text.split_inclusive(|b| *b == b'\n') {
            let keyword = Words::new(0, line.strip_suffix(b"\n").unwrap_or(line)).words.next();
            if !keyword.is_some_and(|word| matches!(word.bytes, b"group" | b"quorum")) {
                text.extend_from_slice(line);
            }
        }
        text.extend_from_slice(line.as_bytes());
        if names.is_empty() {
            text.extend_from_slice(b"quorum none\n");
        } else {
            text.extend_from_slice(format!("group {OWN_GROUP} {asked}").as_bytes());
            for name in names {
                text.push(b' ');
                text.extend_from_slice(name);
            }
            text.extend_from_slice(format!("\nquorum {OWN_GROUP}\n").as_bytes());
        }
        Self::parse(text)
    }
}

impl fmt::Display for Policy {
    /// The text; octets that are no UTF-8 as U+FFFD. To write a file, take [`Policy::text`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::cosignature::Cosigner;
    use crate::hash::Hash;
    use crate::note::LogSigner;

    fn witness(n: u8) -> Cosigner {
        Cosigner::new(&format!("w{n}.example"), &Zeroizing::new([n; 32])).expect("a cosigner")
    }

    fn log(n: u8) -> LogSigner {
        LogSigner::new(&format!("log{n}.example"), &Zeroizing::new([100 + n; 32])).expect("a signer")
    }

    fn cosigned(by: &[u8]) -> SignedNote {
        let note = SignedNote::parse(&log(1).sign(9, Hash([1; 32]))).expect("a note");
        let lines: String = by.iter().map(|n| witness(*n).cosign(note.text(), 1000 + u64::from(*n))).collect();
        if lines.is_empty() {
            return note;
        }
        SignedNote::parse(&note.with_lines(&lines).expect("adds")).expect("a note")
    }

    /// The example of the specification, with keys.
    fn example() -> String {
        let key = |n| witness(n).key().to_string();
        format!(
            "log {}\n\nwitness X1 {}\nwitness X2 {}\n witness  X3\t{} https://x3.example/  \ngroup X-witnesses 2 X1 X2 X3\n\n\
             # the others\nwitness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\ngroup Y-witnesses any Y1 Y2 Y3\n\n\
             group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
            log(1).verifier(),
            key(1),
            key(2),
            key(3),
            key(4),
            key(5),
            key(6)
        )
    }

    #[test]
    fn the_specifications_example_asks_for_two_and_one() {
        let policy = Policy::parse(example()).expect("a policy");
        assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
        assert_eq!(policy.witnesses()[2].url.as_deref(), Some("https://x3.example/"));
        assert_eq!(policy.to_string(), example());
        assert!(policy.can_be_met());
        for (by, enough) in [
            (&[][..], false),
            (&[1, 2], false),
            (&[4, 5, 6], false),
            (&[1, 4, 5, 6], false),
            (&[1, 3, 6], true),
            (&[1, 2, 3, 4], true),
        ] {
            assert_eq!(policy.agreed(&cosigned(by)).is_ok(), enough, "{by:?}");
        }
        let who = policy.agreed(&cosigned(&[1, 3, 6])).expect("enough");
        assert_eq!(who, [("X1".to_owned(), 1001), ("X3".to_owned(), 1003), ("Y3".to_owned(), 1006)]);
        let Err(PolicyError::Quorum { have, needed }) = policy.agreed(&cosigned(&[1])) else { panic!("too few") };
        assert_eq!(
            (have, needed.as_str()),
            (vec!["X1".to_owned()], "2 of 2 in group X-and-Y (X-witnesses, Y-witnesses)")
        );
    }

    #[test]
    fn a_checkpoint_opens_when_log_and_witnesses_signed_it() {
        let policy = Policy::parse(example()).expect("a policy");
        let note = |note: &SignedNote| {
            note.signatures().iter().fold(format!("{}\n", note.text()), |text, line| text + &line.to_string())
        };
        let (checkpoint, who) = policy.open(&note(&cosigned(&[1, 2, 4]))).expect("opens");
        assert_eq!((checkpoint.size, who.len()), (9, 3));
        assert!(matches!(policy.open(&note(&cosigned(&[1, 2]))), Err(PolicyError::Quorum { .. })));
        assert!(matches!(policy.open(&log(2).sign(9, Hash([1; 32]))), Err(PolicyError::Log(NoteError::Unsigned))));
        assert!(matches!(policy.open("nothing"), Err(PolicyError::Log(NoteError::Malformed(_)))));
        // One line that lies spoils the note, however many are good.
        let text = note(&cosigned(&[1, 2, 3, 4])).replace("\n9\n", "\n10\n");
        let bad = SignedNote::parse(&text).expect("a note");
        assert_eq!(policy.agreed(&bad), Err(PolicyError::BadCosignature("X1".to_owned())));
    }

    #[test]
    fn each_fault_is_told_with_its_place() {
        let (l, w1, w2) = (log(1).verifier().to_string(), witness(1).key().to_string(), witness(2).key().to_string());
        let wl = format!("log1.example+{}", l.split_once('+').expect("parts").1);
        for (text, line, column, fault) in [
            ("quorum none\r\n".to_owned(), 1, 12, Fault::Control),
            ("#\u{7f}\nquorum none\n".to_owned(), 1, 2, Fault::Control),
            ("quorum none".to_owned(), 1, 12, Fault::Unended),
            ("  quroum none\n".to_owned(), 1, 3, Fault::Keyword),
            ("\n\nlog\n".to_owned(), 3, 4, Fault::Missing("the log's verifier key")),
            (format!("log {w1}\nquorum none\n"), 1, 5, Fault::LogKey),
            (format!("log {l}x\nquorum none\n"), 1, 5, Fault::LogKey),
            (format!("log {l} u v\nquorum none\n"), 1, l.len() + 8, Fault::Surplus),
            (format!("log {l}\nlog {wl}\nquorum none\n"), 2, 5, Fault::SameKey(1)),
            ("witness a\n".to_owned(), 1, 10, Fault::Missing("the witness's verifier key")),
            (format!("witness a {l}\nquorum a\n"), 1, 11, Fault::WitnessKey),
            (format!("witness none {w1}\nquorum none\n"), 1, 9, Fault::Reserved),
            (format!("witness a {w1}\nwitness b {w1}\nquorum a\n"), 2, 11, Fault::SameKey(1)),
            (format!("witness a {w1}\nwitness a {w2}\nquorum a\n"), 2, 9, Fault::SameName(1)),
            (format!("witness a {w1}\ngroup a any a\nquorum a\n"), 2, 7, Fault::SameName(1)),
            (format!("witness a {w1}\ngroup g 0 a\nquorum g\n"), 2, 9, Fault::Threshold),
            (format!("witness a {w1}\ngroup g 2 a\nquorum g\n"), 2, 9, Fault::Threshold),
            (format!("witness a {w1}\ngroup g 01 a\nquorum g\n"), 2, 9, Fault::Threshold),
            (format!("witness a {w1}\ngroup g most a\nquorum g\n"), 2, 9, Fault::Threshold),
            (format!("witness a {w1}\ngroup g any\nquorum g\n"), 2, 12, Fault::Missing("a member")),
            (format!("witness a {w1}\ngroup g any a b\nquorum g\n"), 2, 15, Fault::Unknown),
            (format!("witness a {w1}\ngroup g any none\nquorum g\n"), 2, 13, Fault::Unknown),
            (format!("witness a {w1}\ngroup g any a a\nquorum g\n"), 2, 15, Fault::SecondTime(2)),
            (format!("witness a {w1}\ngroup g any a\ngroup h any a\nquorum g\n"), 3, 13, Fault::SecondTime(2)),
            ("group g any g\nquorum g\n".to_owned(), 1, 13, Fault::Unknown),
            (format!("quorum a\nwitness a {w1}\n"), 1, 8, Fault::Unknown),
            ("quorum none\nquorum none\n".to_owned(), 2, 8, Fault::SecondQuorum(1)),
            ("quorum none none\n".to_owned(), 1, 13, Fault::Surplus),
        ] {
            assert_eq!(Policy::parse(&text), Err(PolicyError::Line { line, column, fault }), "{text}");
        }
        assert_eq!(Policy::parse("# nothing\n"), Err(PolicyError::NoQuorum));
        assert_eq!(Policy::parse(vec![b'\n'; MAX_POLICY + 1]), Err(PolicyError::TooLong));
        // A name is octets: these two are not the same, and neither is UTF-8.
        let octets =
            [b"witness \xffK ", w1.as_bytes(), b"\nwitness \xfeK ", w2.as_bytes(), b"\nquorum \xfeK\n"].concat();
        let policy = Policy::parse(&octets).expect("a policy");
        assert_eq!(policy.text(), octets);
        assert!(policy.agreed(&cosigned(&[1])).is_err());
        assert_eq!(policy.agreed(&cosigned(&[2])), Ok(vec![("\u{fffd}K".to_owned(), 1002)]));
    }

    #[test]
    fn thirty_two_of_each_are_read_and_too_many_refused() {
        let policy = |count: u16| {
            let mut text = String::new();
            for n in 0..count {
                let mut seed = [7; 32];
                seed[..2].copy_from_slice(&n.to_be_bytes());
                let witness = Cosigner::new("w.example", &Zeroizing::new(seed)).expect("a cosigner");
                let log = LogSigner::new("log.example", &Zeroizing::new(seed)).expect("a signer");
                let _ = writeln!(text, "log {}\nwitness w{n} {}\ngroup g{n} any w{n}", log.verifier(), witness.key());
            }
            Policy::parse(text + "quorum none\n")
        };
        assert_eq!(policy(32).map(|policy| policy.witnesses().len()), Ok(32));
        assert!(matches!(policy(257), Err(PolicyError::Line { fault: Fault::TooMany, .. })));
    }

    #[test]
    fn a_quorum_of_ml_dsa_witnesses_is_never_met() {
        let mut material = vec![6];
        material.extend_from_slice(&[5; 1312]);
        let id = crate::note::key_id("w.example/pq", 6, &material[1..]);
        let vkey = {
            use base64::Engine as _;
            format!("w.example/pq+{id:08x}+{}", base64::engine::general_purpose::STANDARD.encode(&material))
        };
        let policy = Policy::parse(format!("witness pq {vkey}\nquorum pq\n")).expect("a policy");
        assert!(!policy.can_be_met());
        let line = crate::note::NoteSignature { name: "w.example/pq".to_owned(), id, bytes: vec![1; 2428] };
        let note = SignedNote::parse(&cosigned(&[]).with_lines(&line.to_string()).expect("adds")).expect("a note");
        assert!(matches!(policy.agreed(&note), Err(PolicyError::Quorum { .. })));
    }

    #[test]
    fn witnesses_are_added_and_the_rest_stays() {
        let base = Policy::parse("# ours\nquorum none\n").expect("a policy");
        let one = base.with_witness("a", witness(1).key(), Some("https://a.example/w"), None).expect("adds");
        let text = format!(
            "# ours\nwitness a {} https://a.example/w\ngroup witnesses all a\nquorum witnesses\n",
            witness(1).key()
        );
        assert_eq!(one.to_string(), text);
        assert!(base.agreed(&cosigned(&[])).is_ok() && one.agreed(&cosigned(&[])).is_err());
        let two = one.with_witness("b", witness(2).key(), None, None).expect("adds");
        assert!(two.agreed(&cosigned(&[1])).is_err(), "all are asked for");
        assert!(two.agreed(&cosigned(&[1, 2])).is_ok());
        let three = two.with_witness("c", witness(3).key(), None, Some(Quorum::AtLeast(2))).expect("adds");
        assert!(three.agreed(&cosigned(&[1, 3])).is_ok() && three.agreed(&cosigned(&[3])).is_err());
        let four = three.with_witness("d", witness(4).key(), None, None).expect("adds");
        assert!(four.agreed(&cosigned(&[3, 4])).is_ok(), "the number stays");
        assert!(four.to_string().starts_with("# ours\nwitness a "));
        let any = four.with_quorum(Quorum::AtLeast(1)).expect("changes");
        assert!(any.agreed(&cosigned(&[4])).is_ok());
        assert_eq!(four.with_quorum(Quorum::AtLeast(5)), Err(PolicyError::Threshold { asked: 5, known: 4 }));
        assert_eq!(four.with_quorum(Quorum::AtLeast(0)), Err(PolicyError::Threshold { asked: 0, known: 4 }));
        assert!(four.with_witness("d", witness(5).key(), None, None).is_err(), "the name is taken");
        assert!(four.with_witness("e", witness(4).key(), None, None).is_err(), "so is the key");
        assert!(four.with_witness("witnesses", witness(5).key(), None, None).is_err(), "so is the group's name");
        let left = four.without_witness("a").and_then(|left| left.without_witness("d")).expect("removes");
        assert!(left.agreed(&cosigned(&[2, 3])).is_ok() && left.agreed(&cosigned(&[3])).is_err());
        assert_eq!(left.without_witness("a"), Err(PolicyError::NoSuchWitness));
        let none = left.without_witness("b").and_then(|left| left.without_witness("c")).expect("removes");
        assert_eq!(none.to_string(), "# ours\nquorum none\n");
        for bad in ["", "none", "two words", "tab\t", "line\n"] {
            assert_eq!(four.with_witness(bad, witness(5).key(), None, None), Err(PolicyError::NotAWord), "{bad:?}");
        }
        assert_eq!(four.with_witness("e", witness(5).key(), Some("a b"), None), Err(PolicyError::NotAWord));
    }

    #[test]
    fn a_log_is_added_once() {
        let one = Policy::without_witnesses().with_log(log(1).verifier()).expect("adds");
        assert_eq!(one.with_log(log(1).verifier()).as_ref(), Ok(&one));
        let other = VerifierKey::new("log2.example", &log(1).verifier().key()).expect("a key");
        assert!(matches!(one.with_log(&other), Err(PolicyError::Line { line: 3, .. })), "the same key, another name");
        let two = one.with_log(log(2).verifier()).expect("adds");
        assert_eq!(two.logs().iter().map(|log| log.key.name()).collect::<Vec<_>>(), ["log1.example", "log2.example"]);
    }

    #[test]
    fn a_quorum_written_by_hand_stays() {
        let hand = Policy::parse(example()).expect("a policy");
        let more = hand.with_witness("z", witness(9).key(), None, None).expect("adds");
        assert_eq!(more.witnesses().len(), 7);
        assert!(more.agreed(&cosigned(&[1, 2, 4])).is_ok(), "the new one is not asked for");
        assert_eq!(hand.with_witness("z", witness(9).key(), None, Some(Quorum::All)), Err(PolicyError::HandMade));
        let none = Policy::parse(format!("witness a {}\nquorum none\n", witness(1).key())).expect("a policy");
        let two = none.with_witness("b", witness(2).key(), None, None).expect("adds");
        assert!(two.agreed(&cosigned(&[])).is_ok(), "`none` was chosen");
        let both = two.with_quorum(Quorum::All).expect("changes");
        assert!(both.agreed(&cosigned(&[1])).is_err() && both.agreed(&cosigned(&[1, 2])).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Policy::parse(&bytes);
        }

        #[test]
        fn no_lines_make_the_reader_panic(
            lines in "((log|witness|group|quorum|#)?([ \t]|none|all|any|a|b|2|w1.example[+]0[+]AA){0,6}\n){0,8}",
        ) {
            if let Ok(policy) = Policy::parse(&lines) {
                prop_assert_eq!(policy.text(), lines.as_bytes());
                let _ = policy.agreed(&cosigned(&[1]));
            }
        }

        #[test]
        fn a_threshold_means_so_many(count in 1_u8..6, k in 1_usize..6, mask in 0_u8..64) {
            let k = k.min(usize::from(count));
            let mut policy = Policy::without_witnesses();
            for n in 1..=count {
                policy = policy.with_witness(&format!("w{n}"), witness(n).key(), None, None).expect("adds");
            }
            policy = policy.with_quorum(Quorum::AtLeast(k)).expect("changes");
            let by: Vec<u8> = (1..=count).filter(|n| mask & (1 << n) != 0).collect();
            prop_assert_eq!(policy.agreed(&cosigned(&by)).is_ok(), by.len() >= k);
            prop_assert_eq!(Policy::parse(policy.text()), Ok(policy));
        }
    }
}
