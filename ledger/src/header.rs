//! Entry headers: one strict RFC 8785 encoding, and the only reader of it.
//!
//! ```text
//! {"actor":"usr-…","facts":{…},"kind":"consent.granted","payloads":[…],"prev":"…","refs":{…},"seq":7,"time":"2026-11-21T20:00:00.123Z","v":1}
//! ```
//!
//! Every string of a header is a token: ASCII, no space, no character that JSON would have to escape. So a header
//! holds no free text, and its canonical form can be checked byte by byte while reading; a text that is valid JSON
//! but not canonical (spaces, another order of keys, `1.0` for `1`, an escape) is refused.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::moment;

/// The longest header, in bytes.
pub const MAX_HEADER: usize = 65_535;
/// The format this code writes and reads.
pub const FORMAT: u32 = 1;
/// The longest token.
pub const MAX_TOKEN: usize = 128;
/// JSON numbers are exact up to here (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
pub const MAX_NUMBER: i64 = (1 << 53) - 1;

/// A fact of an entry: a token, a number or a flag, never free text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// 1 to 128 of `A-Z a-z 0-9 . _ : + / @ , = -`.
    Text(String),
    /// A whole number between −(2⁵³−1) and 2⁵³−1.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// What a header says of a sealed payload: enough to find, hash and size it, nothing of what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadRef {
    /// The payload's role in its entry, such as `prompt`.
    pub name: String,
    /// Class of payload, such as `clinical`.
    pub class: String,
    /// Whose: a client's id, or `practice`.
    pub scope: String,
    /// Retention group: the payloads destroyed together.
    pub group: String,
    /// Media type of the plaintext.
    pub media_type: String,
    /// Length of the padded plaintext, in bytes.
    pub padded_length: u64,
    /// SHA-256 of the ciphertext.
    pub ciphertext: Hash,
    /// HMAC-SHA256 of the plaintext under a key derived from the data key.
    pub commitment: Hash,
    /// SHA-256 of the wrapped data key, so that a damaged key is found without opening anything.
    pub wrapped_key: Hash,
}

/// An entry's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format version, 1.
    pub v: u32,
    /// Position in the log, from 0.
    pub seq: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// Leaf hash of the entry before (RFC 6962 §2.1: SHA-256 of 0x00 and its bytes); zeros in the first entry.
    pub prev: Hash,
    /// Who acted.
    pub actor: String,
    /// What the entry records.
    pub kind: String,
    /// Pseudonymous ids by name.
    pub refs: BTreeMap<String, String>,
    /// Facts by name.
    pub facts: BTreeMap<String, Fact>,
    /// Sealed payloads.
    pub payloads: Vec<PayloadRef>,
}

/// Why some bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// More than [`MAX_HEADER`] bytes.
    #[error("the header has {0} bytes; at most 65535 are allowed")]
    TooLong(usize),
    /// Not the canonical form.
    #[error("the header is not in its canonical form at byte {0}")]
    NotCanonical(usize),
    /// Written by a newer program.
    #[error("the header is of format {0}; this program reads format 1")]
    Version(i64),
}

/// Part of a new entry that a header may not hold. Names the place, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A string with a character outside the token set, empty, or too long.
    #[error("{place} is no token: 1 to 128 letters, digits or . _ : + / @ , = - are allowed in a header")]
    NotAToken {
        /// Which field, such as `fact model`.
        place: String,
    },
    /// A number beyond what JSON holds exactly.
    #[error("{place} is beyond 2^53-1, the largest number a header holds exactly")]
    NumberTooLarge {
        /// Which field.
        place: String,
    },
}

const NAME: u8 = 1;
const WORD: u8 = 2;
const MEDIA: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut c = 0_usize;
    while c < 256 {
        let b = c as u8;
        let lower = b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let word = lower || b.is_ascii_uppercase() || matches!(b, b':' | b'+' | b'/' | b'@' | b',' | b'=');
        table[c] =
            if lower { NAME } else { 0 } | if word { WORD | MEDIA } else { 0 } | if b == b';' { MEDIA } else { 0 };
        c += 1;
    }
    table
};

fn is_token(text: &str, class: u8) -> bool {
    if !(1..=MAX_TOKEN).contains(&text.len()) {
        return false;
    }
    // A long text is looked at in blocks.
    let looked_at =
        if class == WORD && text.len() >= BLOCK / 4 { Scan::new(text.as_bytes(), 0).first_outside(0) } else { 0 };
    text.bytes().skip(looked_at).all(|b| CLASSES[usize::from(b)] & class != 0)
}

fn check(text: &str, class: u8, place: impl FnOnce() -> String) -> Result<(), TokenError> {
    if is_token(text, class) { Ok(()) } else { Err(TokenError::NotAToken { place: place() }) }
}

/// Checks everything a caller may put into a header.
pub(crate) fn check_parts(
    actor: &str,
    kind: &str,
    refs: &BTreeMap<String, String>,
    facts: &BTreeMap<String, Fact>,
    payloads: &[PayloadRef],
) -> Result<(), TokenError> {
    check(actor, WORD, || "the actor".to_owned())?;
    check(kind, NAME, || "the kind".to_owned())?;
    for (name, value) in refs {
        check(name, NAME, || "a reference's name".to_owned())?;
        check(value, WORD, || format!("reference {name}"))?;
    }
    for (name, fact) in facts {
        check(name, NAME, || "a fact's name".to_owned())?;
        match fact {
            Fact::Text(text) => check(text, WORD, || format!("fact {name}"))?,
            Fact::Number(n) if n.unsigned_abs() > MAX_NUMBER.unsigned_abs() => {
                return Err(TokenError::NumberTooLarge { place: format!("fact {name}") });
            }
            Fact::Number(_) | Fact::Flag(_) => {}
        }
    }
    for payload in payloads {
        check(&payload.name, NAME, || "a payload's name".to_owned())?;
        check(&payload.class, NAME, || format!("the class of payload {}", payload.name))?;
        check(&payload.scope, WORD, || format!("the scope of payload {}", payload.name))?;
        check(&payload.group, WORD, || format!("the group of payload {}", payload.name))?;
        check(&payload.media_type, MEDIA, || format!("the media type of payload {}", payload.name))?;
        if payload.padded_length > MAX_NUMBER.unsigned_abs() {
            return Err(TokenError::NumberTooLarge { place: format!("the length of payload {}", payload.name) });
        }
    }
    Ok(())
}

/// True for 1 to 128 characters of the set a reference or a text fact may hold.
#[must_use]
pub fn is_word(text: &str) -> bool {
    is_token(text, WORD)
}

/// True for a word that is also a safe name for a key file: lower case, digits, `.`, `_`, `-`.
pub(crate) fn is_name(text: &str) -> bool {
    is_token(text, NAME)
}

pub(crate) fn is_media_type(text: &str) -> bool {
    is_token(text, MEDIA)
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`HeaderError`] for anything but the exact bytes [`Header::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let view = View::parse(bytes)?;
        Ok(Self {
            v: FORMAT,
            seq: view.seq,
            time: view.time,
            prev: view.prev,
            actor: text(view.actor),
            kind: text(view.kind),
            refs: view.refs().map(|(name, value)| (text(name), text(value))).collect(),
            facts: view.facts().map(|(name, fact)| (text(name), fact.to_fact())).collect(),
            payloads: view.payloads().collect(),
        })
    }

    /// The header's one encoding: RFC 8785 JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let draft = Draft::new(&self.actor, &self.kind, &self.refs, &self.facts, self.payloads.iter());
        let mut out = Vec::with_capacity(draft.length(self.seq));
        draft.finish(&self.prev, self.seq, &moment::text(self.time), self.v, &mut out);
        out
    }
}

/// A header encoded but for what its place in the log gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    /// Where the hash of the entry before goes; the rest is followed by position, time and version.
    prev: usize,
}

impl Draft {
    pub(crate) fn new<'p>(
        actor: &str,
        kind: &str,
        refs: &BTreeMap<String, String>,
        facts: &BTreeMap<String, Fact>,
        payloads: impl ExactSizeIterator<Item = &'p PayloadRef>,
    ) -> Self {
        let mut out = Vec::with_capacity(320 + 48 * (refs.len() + facts.len()) + 480 * payloads.len());
        out.extend_from_slice(b"{\"actor\":");
        quote(&mut out, actor);
        out.extend_from_slice(b",\"facts\":{");
        for (i, (name, fact)) in facts.iter().enumerate() {
            key(&mut out, i, name);
            match fact {
                Fact::Text(text) => quote(&mut out, text),
                Fact::Number(n) => out.extend_from_slice(n.to_string().as_bytes()),
                Fact::Flag(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
            }
        }
        out.extend_from_slice(b"},\"kind\":");
        quote(&mut out, kind);
        out.extend_from_slice(b",\"payloads\":[");
        for (i, payload) in payloads.enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"ciphertext\":\"");
            payload.ciphertext.push_hex(&mut out);
            out.extend_from_slice(b"\",\"class\":");
            quote(&mut out, &payload.class);
            out.extend_from_slice(b",\"commitment\":\"");
            payload.commitment.push_hex(&mut out);
            out.extend_from_slice(b"\",\"group\":");
            quote(&mut out, &payload.group);
            out.extend_from_slice(b",\"media_type\":");
            quote(&mut out, &payload.media_type);
            out.extend_from_slice(b",\"name\":");
            quote(&mut out, &payload.name);
            out.extend_from_slice(format!(",\"padded_length\":{},\"scope\":", payload.padded_length).as_bytes());
            quote(&mut out, &payload.scope);
            out.extend_from_slice(b",\"wrapped_key\":\"");
            payload.wrapped_key.push_hex(&mut out);
            out.extend_from_slice(b"\"}");
        }
        out.extend_from_slice(b"],\"prev\":\"");
        let prev = out.len();
        out.extend_from_slice(b"\",\"refs\":{");
        for (i, (name, value)) in refs.iter().enumerate() {
            key(&mut out, i, name);
            quote(&mut out, value);
        }
        out.extend_from_slice(b"},\"seq\":");
        Self { bytes: out, prev }
    }

    /// Bytes of the header at a position, in format 1.
    pub(crate) fn length(&self, seq: u64) -> usize {
        let digits = seq.checked_ilog10().unwrap_or(0) as usize + 1;
        self.bytes.len() + 64 + digits + b",\"time\":\"".len() + moment::LENGTH + b"\",\"v\":1}".len()
    }

    /// Appends the whole header. `time` is a moment's text.
    pub(crate) fn finish(&self, prev: &Hash, seq: u64, time: &str, version: u32, out: &mut Vec<u8>) {
        let (before, after) = self.bytes.split_at(self.prev);
        out.extend_from_slice(before);
        prev.push_hex(out);
        out.extend_from_slice(after);
        out.extend_from_slice(seq.to_string().as_bytes());
        out.extend_from_slice(b",\"time\":\"");
        out.extend_from_slice(time.as_bytes());
        out.extend_from_slice(b"\",\"v\":");
        out.extend_from_slice(version.to_string().as_bytes());
        out.push(b'}');
    }
}

fn key(out: &mut Vec<u8>, index: usize, name: &str) {
    if index > 0 {
        out.push(b',');
    }
    quote(out, name);
    out.push(b':');
}

/// Tokens need no escape, so quoting is all there is to encoding a string.
fn quote(out: &mut Vec<u8>, token: &str) {
    out.push(b'"');
    out.extend_from_slice(token.as_bytes());
    out.push(b'"');
}

/// A header read in place: nothing is copied or allocated. Its tokens are ASCII.
///
/// References, facts and payloads were checked when it was read; [`View::refs`] and the like go over their bytes again.
pub(crate) struct View<'a> {
    pub(crate) seq: u64,
    pub(crate) time: i64,
    pub(crate) prev: Hash,
    pub(crate) actor: &'a [u8],
    pub(crate) kind: &'a [u8],
    bytes: &'a [u8],
    facts: usize,
    payloads: usize,
    refs: usize,
}

/// A reference: its name and its value.
pub(crate) type Named<'a> = (&'a [u8], &'a [u8]);

#[derive(Clone, Copy)]
pub(crate) enum FactView<'a> {
    Text(&'a [u8]),
    Number(i64),
    Flag(bool),
}

impl FactView<'_> {
    fn to_fact(self) -> Fact {
        match self {
            Self::Text(token) => Fact::Text(text(token)),
            Self::Number(n) => Fact::Number(n),
            Self::Flag(yes) => Fact::Flag(yes),
        }
    }
}

/// A token as text.
pub(crate) fn text(token: &[u8]) -> String {
    String::from_utf8_lossy(token).into_owned()
}

struct PayloadView<'a> {
    ciphertext: Hash,
    class: &'a [u8],
    commitment: Hash,
    group: &'a [u8],
    media_type: &'a [u8],
    name: &'a [u8],
    padded_length: u64,
    scope: &'a [u8],
    wrapped_key: Hash,
}

impl PayloadView<'_> {
    fn to_ref(&self) -> PayloadRef {
        PayloadRef {
            name: text(self.name),
            class: text(self.class),
            scope: text(self.scope),
            group: text(self.group),
            media_type: text(self.media_type),
            padded_length: self.padded_length,
            ciphertext: self.ciphertext,
            commitment: self.commitment,
            wrapped_key: self.wrapped_key,
        }
    }
}

impl<'a> View<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        if bytes.len() > MAX_HEADER {
            return Err(HeaderError::TooLong(bytes.len()));
        }
        let mut scan = Scan::new(bytes, 0);
        scan.literal(b"{\"actor\":\"")?;
        let actor = scan.token(WORD)?;
        scan.literal(b",\"facts\":{")?;
        let facts = scan.at;
        let mut last = None;
        while let Some((name, _)) = scan.fact(last)? {
            last = Some(name);
        }
        scan.literal(b",\"kind\":\"")?;
        let kind = scan.token(NAME)?;
        scan.literal(b",\"payloads\":[")?;
        let payloads = scan.at;
        while scan.payload(scan.at == payloads)?.is_some() {}
        scan.literal(b",\"prev\":\"")?;
        let prev = scan.hash()?;
        scan.literal(b",\"refs\":{")?;
        let refs = scan.at;
        let mut last = None;
        while let Some((name, _)) = scan.reference(last)? {
            last = Some(name);
        }
        scan.literal(b",\"seq\":")?;
        let seq = scan.count()?;
        scan.literal(b",\"time\":\"")?;
        let time = scan.moment()?;
        scan.literal(b"\",\"v\":")?;
        let version = scan.number()?;
        scan.literal(b"}")?;
        if scan.at != bytes.len() {
            return Err(scan.wrong());
        }
        if version != i64::from(FORMAT) {
            return Err(HeaderError::Version(version));
        }
        Ok(Self { seq, time, prev, actor, kind, bytes, facts, payloads, refs })
    }

    /// Names and values of the facts, in order.
    pub(crate) fn facts(&self) -> impl Iterator<Item = (&'a [u8], FactView<'a>)> + use<'a> {
        let mut scan = Scan::new(self.bytes, self.facts);
        let mut last = None;
        std::iter::from_fn(move || {
            let fact = scan.fact(last).ok()??;
            last = Some(fact.0);
            Some(fact)
        })
    }

    /// Names and values of the references, in order.
    pub(crate) fn refs(&self) -> impl Iterator<Item = Named<'a>> + use<'a> {
        let mut scan = Scan::new(self.bytes, self.refs);
        let mut last = None;
        std::iter::from_fn(move || {
            let reference = scan.reference(last).ok()??;
            last = Some(reference.0);
            Some(reference)
        })
    }

    /// The payloads, in order.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = PayloadRef> + use<'a> {
        let start = self.payloads;
        let mut scan = Scan::new(self.bytes, start);
        std::iter::from_fn(move || scan.payload(scan.at == start).ok()?.map(|payload| payload.to_ref()))
    }

    /// True when it speaks of payloads.
    pub(crate) fn has_payloads(&self) -> bool {
        self.bytes.get(self.payloads) == Some(&b'{')
    }
}

/// Characters looked at together.
const BLOCK: usize = 64;

/// Which of 64 characters may not stand in a reference or a text fact ([`CLASSES`] says the same of one): a bit for each,
/// the lowest for the first. Written as ranges over all of them, which a compiler turns into vector instructions.
fn outside(block: &[u8; BLOCK]) -> u64 {
    // Signed, since processors compare bytes so: moved to the lowest value, a range is what lies below its length.
    let within = |b: u8, from: u8, to: u8| {
        b.wrapping_sub(from).wrapping_add(0x80).cast_signed() < (to - from + 1 + 0x80).cast_signed()
    };
    let flags = block.map(|b| {
        let inside = within(b, b'+', b':') | within(b, b'@', b'Z') | within(b, b'a', b'z') | (b == b'=') | (b == b'_');
        u8::from(!inside)
    });
    let mut bits = 0;
    for (at, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        // The product's highest byte has the eight flags side by side.
        let side_by_side = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= side_by_side << (8 * at);
    }
    bits
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The block of the bytes that `outside` is of, the first being 1; 0 before any has been looked at.
    block: usize,
    outside: u64,
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, block: 0, outside: 0 }
    }

    /// Where the first character from `at` on stands that is in no word; the end, when there is none.
    #[inline(always)]
    fn first_outside(&mut self, mut at: usize) -> usize {
        loop {
            let block = at / BLOCK + 1;
            if block != self.block {
                if at >= self.bytes.len() {
                    return self.bytes.len();
                }
                self.look_at(block);
            }
            let from_here = self.outside >> (at % BLOCK);
            if from_here != 0 {
                return at + from_here.trailing_zeros() as usize;
            }
            at = block * BLOCK;
        }
    }

    fn look_at(&mut self, block: usize) {
        let rest = self.bytes.get((block - 1) * BLOCK..).unwrap_or_default();
        self.block = block;
        self.outside = match rest.first_chunk() {
            Some(whole) => outside(whole),
            None => {
                // What is past the end is in no word.
                let mut padded = [b'"'; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                outside(&padded)
            }
        };
    }

    fn wrong(&self) -> HeaderError {
        HeaderError::NotCanonical(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Of a length known when compiled, so that comparing is a few instructions.
    #[inline(always)]
    fn literal<const N: usize>(&mut self, text: &[u8; N]) -> Result<(), HeaderError> {
        if self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) == Some(text) {
            self.at += N;
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    /// The rest of a string whose opening quote has been read, and its closing quote.
    fn token(&mut self, class: u8) -> Result<&'a [u8], HeaderError> {
        let start = self.at;
        let mut end = self.first_outside(start);
        while class == MEDIA && self.bytes.get(end) == Some(&b';') {
            end = self.first_outside(end + 1);
        }
        self.at = end;
        let token = self.bytes.get(start..end).unwrap_or_default();
        // Names are short, and some words are no names.
        let named = class != NAME || token.iter().fold(NAME, |all, b| all & CLASSES[usize::from(*b)]) != 0;
        if !(1..=MAX_TOKEN).contains(&token.len()) || !named || !self.skip(b'"') {
            return Err(self.wrong());
        }
        Ok(token)
    }

    /// The next key of an object whose `{` has been read, with its colon; `None` at the object's end.
    /// Keys must ascend strictly (RFC 8785 §3.2.3; all are ASCII, so bytes order as UTF-16 units do).
    fn next_key(&mut self, before: Option<&[u8]>) -> Result<Option<&'a [u8]>, HeaderError> {
        if self.skip(b'}') {
            return Ok(None);
        }
        if before.is_some() {
            self.literal(b",")?;
        }
        self.literal(b"\"")?;
        let name = self.token(NAME)?;
        if before.is_some_and(|before| before >= name) {
            return Err(self.wrong());
        }
        self.literal(b":")?;
        Ok(Some(name))
    }

    fn fact(&mut self, before: Option<&[u8]>) -> Result<Option<(&'a [u8], FactView<'a>)>, HeaderError> {
        let Some(name) = self.next_key(before)? else { return Ok(None) };
        let fact = match self.peek() {
            Some(b'"') => {
                self.at += 1;
                FactView::Text(self.token(WORD)?)
            }
            Some(b't') => self.literal(b"true").map(|()| FactView::Flag(true))?,
            Some(b'f') => self.literal(b"false").map(|()| FactView::Flag(false))?,
            _ => FactView::Number(self.number()?),
        };
        Ok(Some((name, fact)))
    }

    fn reference(&mut self, before: Option<&[u8]>) -> Result<Option<Named<'a>>, HeaderError> {
        let Some(name) = self.next_key(before)? else { return Ok(None) };
        self.literal(b"\"")?;
        Ok(Some((name, self.token(WORD)?)))
    }

    /// The next payload of an array whose `[` has been read; `None` at the array's end.
    fn payload(&mut self, first: bool) -> Result<Option<PayloadView<'a>>, HeaderError> {
        if self.skip(b']') {
            return Ok(None);
        }
        if !first {
            self.literal(b",")?;
        }
        self.literal(b"{\"ciphertext\":\"")?;
        let ciphertext = self.hash()?;
        self.literal(b",\"class\":\"")?;
        let class = self.token(NAME)?;
        self.literal(b",\"commitment\":\"")?;
        let commitment = self.hash()?;
        self.literal(b",\"group\":\"")?;
        let group = self.token(WORD)?;
        self.literal(b",\"media_type\":\"")?;
        let media_type = self.token(MEDIA)?;
        self.literal(b",\"name\":\"")?;
        let name = self.token(NAME)?;
        self.literal(b",\"padded_length\":")?;
        let padded_length = self.count()?;
        self.literal(b",\"scope\":\"")?;
        let scope = self.token(WORD)?;
        self.literal(b",\"wrapped_key\":\"")?;
        let wrapped_key = self.hash()?;
        self.literal(b"}")?;
        Ok(Some(PayloadView {
            ciphertext,
            class,
            commitment,
            group,
            media_type,
            name,
            padded_length,
            scope,
            wrapped_key,
        }))
    }

    fn number(&mut self) -> Result<i64, HeaderError> {
        let negative = self.skip(b'-');
        let n = i64::try_from(self.count()?).map_err(|_| self.wrong())?;
        match (negative, n) {
            // RFC 8785 writes minus zero as 0.
            (true, 0) => Err(self.wrong()),
            (true, n) => Ok(-n),
            (false, n) => Ok(n),
        }
    }

    fn count(&mut self) -> Result<u64, HeaderError> {
        let start = self.at;
        let mut n = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            n = n * 10 + u64::from(digit - b'0');
            self.at += 1;
            if self.at - start > 16 {
                return Err(self.wrong());
            }
        }
        let digits = self.at - start;
        if digits == 0 || (digits > 1 && self.bytes[start] == b'0') || n > MAX_NUMBER.unsigned_abs() {
            return Err(self.wrong());
        }
        Ok(n)
    }

    fn hash(&mut self) -> Result<Hash, HeaderError> {
        let text = self.bytes.get(self.at..self.at + 64).ok_or_else(|| self.wrong())?;
        let hash = Hash::from_hex(text).map_err(|_| self.wrong())?;
        self.at += 64;
        self.literal(b"\"")?;
        Ok(hash)
    }

    fn moment(&mut self) -> Result<i64, HeaderError> {
        let text = self.bytes.get(self.at..self.at + moment::LENGTH).ok_or_else(|| self.wrong())?;
        let time = moment::parse(text).ok_or_else(|| self.wrong())?;
        self.at += moment::LENGTH;
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word() -> impl Strategy<Value = String> {
        "[A-Za-z0-9._:+/@,=-]{1,40}"
    }

    fn name() -> impl Strategy<Value = String> {
        "[a-z0-9._-]{1,20}"
    }

    fn fact() -> impl Strategy<Value = Fact> {
        prop_oneof![
            word().prop_map(Fact::Text),
            (-MAX_NUMBER..=MAX_NUMBER).prop_map(Fact::Number),
            any::<bool>().prop_map(Fact::Flag)
        ]
    }

    prop_compose! {
        fn payload()(name in name(), class in name(), scope in word(), group in word(), padded_length in 0_u64..1 << 53,
                     media_type in "[a-z]{1,9}/[A-Z0-9]{1,9};rate=[0-9]{4}", hashes in any::<[[u8; 32]; 3]>()) -> PayloadRef {
            let [ciphertext, commitment, wrapped_key] = hashes.map(Hash);
            PayloadRef { name, class, scope, group, media_type, padded_length, ciphertext, commitment, wrapped_key }
        }
    }

    prop_compose! {
        fn header()(seq in 0_u64..1 << 53, time in moment::EARLIEST..=moment::LATEST, prev in any::<[u8; 32]>(), actor in word(),
                    kind in name(), refs in proptest::collection::btree_map(name(), word(), 0..4),
                    facts in proptest::collection::btree_map(name(), fact(), 0..4),
                    payloads in proptest::collection::vec(payload(), 0..3)) -> Header {
            Header { v: 1, seq, time, prev: Hash(prev), actor, kind, refs, facts, payloads }
        }
    }

    #[test]
    fn blocks_and_single_characters_are_judged_alike() {
        for b in 0..=u8::MAX {
            let word = CLASSES[usize::from(b)] & WORD != 0;
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = b;
                assert_eq!(outside(&block), if word { 0 } else { 1 << at }, "{b} at {at}");
                let mut block = [b'"'; BLOCK];
                block[at] = b;
                assert_eq!(!outside(&block), if word { 1 << at } else { 0 }, "{b} at {at}");
            }
        }
    }

    #[test]
    fn what_ends_a_word_is_found_wherever_it_stands() {
        for length in 0..3 * BLOCK {
            let mut bytes = vec![b'a'; length];
            for from in 0..=length {
                assert_eq!(Scan::new(&bytes, 0).first_outside(from), length);
            }
            for at in (0..length).rev() {
                bytes[at] = b';';
                assert_eq!(Scan::new(&bytes, 0).first_outside(at / 2), at);
            }
        }
    }

    #[test]
    fn a_wrong_character_is_found_wherever_it_stands() {
        for length in [1, 15, 16, 17, 32, 47, 63, 64, 65, MAX_TOKEN] {
            for at in 0..length {
                let mut token = vec![b's'; length];
                token[at] = b' ';
                let text = String::from_utf8(token).expect("text");
                assert!(Header::parse(sample().replacen("ses-0", &text, 1).as_bytes()).is_err(), "{at} of {length}");
            }
        }
    }

    #[test]
    fn tokens_of_every_length_are_read_up_to_the_longest() {
        for length in 0..=2 * MAX_TOKEN {
            let text = sample().replacen("ses-0", &"s".repeat(length), 1);
            assert_eq!(Header::parse(text.as_bytes()).is_ok(), (1..=MAX_TOKEN).contains(&length), "{length}");
        }
    }

    proptest! {
        #[test]
        fn the_encoding_is_rfc_8785_and_comes_back(header in header()) {
            let bytes = header.encode();
            prop_assert_eq!(Header::parse(&bytes), Ok(header));
            let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            let canonical = serde_json_canonicalizer::to_vec(&value).expect("canonical");
            prop_assert_eq!(String::from_utf8(bytes), String::from_utf8(canonical));
        }

        #[test]
        fn what_is_read_is_written_the_same(header in header(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = header.encode();
            let at = at.index(bytes.len());
            if cut { bytes.remove(at); } else { bytes[at] = byte; }
            if let Ok(read) = Header::parse(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Header::parse(&bytes).is_err());
        }
    }

    fn sample() -> String {
        let header = Header {
            v: 1,
            seq: 7,
            time: 0,
            prev: Hash::ZERO,
            actor: "usr-0123456789abcdef".to_owned(),
            kind: "prompt.sent".to_owned(),
            refs: BTreeMap::from([
                ("client".to_owned(), "cli-0".to_owned()),
                ("session".to_owned(), "ses-0".to_owned()),
            ]),
            facts: BTreeMap::from([("seed".to_owned(), Fact::Number(7)), ("ok".to_owned(), Fact::Flag(true))]),
            payloads: Vec::new(),
        };
        String::from_utf8(header.encode()).expect("text")
    }

    #[test]
    fn other_spellings_of_the_same_are_refused() {
        let good = sample();
        assert!(Header::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            (r#""seq":7"#, r#""seq": 7"#),
            (r#""seq":7"#, r#""seq":7.0"#),
            (r#""seq":7"#, r#""seq":07"#),
            (r#""seq":7"#, r#""seq":7e0"#),
            (r#""seq":7"#, r#""seq":9007199254740992"#),
            (r#""seed":7"#, r#""seed":-0"#),
            (r#""seed":7"#, r#""seed":null"#),
            (r#""seed":7"#, r#""seed":7,"seed":7"#),
            (r#""ok":true,"seed":7"#, r#""seed":7,"ok":true"#),
            ("usr-", "usr\\u002d"),
            ("usr-", "usr "),
            ("prompt.sent", "Prompt.sent"),
            (r#""v":1"#, r#""v":1,"w":1"#),
            (r#""v":1"#, r#""v":2"#),
            ("{\"actor\"", " {\"actor\""),
            (r#""facts":"#, r#""FACTS":"#),
            ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000+00:00"),
            ("1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(Header::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Header::parse(format!("{good}\n").as_bytes()).is_err());
        assert_eq!(Header::parse(&vec![b'{'; MAX_HEADER + 1]), Err(HeaderError::TooLong(MAX_HEADER + 1)));
    }

    #[test]
    fn free_text_has_no_place_in_a_header() {
        let facts = |text: &str| BTreeMap::from([("f".to_owned(), Fact::Text(text.to_owned()))]);
        for bad in ["", "two words", "quote\"", "back\\slash", "tab\t", "naïve", "semi;colon", &"a".repeat(129)] {
            let refused = check_parts("a", "k", &BTreeMap::new(), &facts(bad), &[]).expect_err(bad);
            assert!(bad.is_empty() || !refused.to_string().contains(bad), "the value is not repeated");
        }
        assert_eq!(check_parts("a", "k", &BTreeMap::new(), &facts("Q4_K_M@sha256:ab/c+d,e=f"), &[]), Ok(()));
        let number = BTreeMap::from([("f".to_owned(), Fact::Number(i64::MIN))]);
        assert!(check_parts("a", "k", &BTreeMap::new(), &number, &[]).is_err());
    }
}
