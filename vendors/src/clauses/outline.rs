//! From blocks to clauses: headings, leads and their items, notes, definitions.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::fold::fold;
use super::labels::{self, Style};
use super::parties::Parties;
use super::sentences::sentences;
use super::{Agreement, Bound, Clause, ClauseKind, Definition, Stretches};
use crate::reading::{Block, BlockKind, Document};

/// No more than this of the governing words is kept, in bytes: leads can nest.
const LONGEST_LEAD: usize = 900;
/// A sentence is not matched whole beyond this many bytes; its items are.
const LONGEST_WHOLE: usize = 2_400;

static NOTE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?xi)^[\[({\s*_]*(?:
            note\ to\b | ntd\b | notes?:?\ (?:to|for)\ draft | draft(?:ing|er'?s?)?['\ ]?s?\ note | (?:editor|author|counsel|reviewer)'?s?\ (?:note|comment) | practice\ (?:note|tip|pointer)
          | guidance\b | commentary\b | comments?: | instructions?\b | option(?:al)?\ (?:\d|[a-c]\b|language|provision|clause|text) | alternative\ (?:\d|[a-c]\b|language) | choose\b | select\b | insert\b | include\b | describe\b | specify\b | list\b | delete\b | add\b
          | (?:if|where|when)\ (?:the\ )?(?:parties|applicable|desired|covered|this|you\ are\ using) | the\ parties\ (?:may|should|could|might|can|must\ decide) | parties\ (?:may|should|could) | the\ agreement\ (?:also\ )?(?:could|may|should) | consider\b | bracketed\b | in\ addition\ to\ other\ permissible | this\ (?:template|form|sample|model) | sample\b | use\ (?:this|one)\b | (?:to\ be\ )?(?:complete|fill)
        )",
    )
});
static NOTE_INSIDE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:parties|agreement|drafter|counsel|attorney|you|practice|covered entity|business associate)s? (?:may|should|could|might) (?:also )?(?:wish|want|specify|choose|provide|add|consider|need to|include|delete|negotiate|state)|drafting note|note to (?:draft|counsel)|bracketed (?:language|text)|delete (?:if|this)|choose (?:one|either)|may be added|counsel to confirm|legal (?:review|to confirm)|sample language|template",
    )
});
static BLANK_BRACKET: LazyLock<Regex> = LazyLock::new(|| regex(r"^\[[^\[\]]{0,60}\]$"));
static OPTIONAL: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)^\s*[\[(]optional[^\])]{0,30}[\])]:?\s*"));
static MODAL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:shall|will|may|must|agrees?|is|are|was|were|can|cannot|means|has|have|had|do|does|acknowledges?|represents?|warrants?|authorizes?|grants?|reserves?|remains?|applies|apply|survives?|prevails?|controls?|governs?|requires?|includes?|becomes?|constitutes?|ensures?|reports?|notif(?:y|ies)|maintains?|uses?|keeps?|retains?|train[s]?|sells?|shares?|provides?|deletes?|stores?|never|not|hold|holds|give|gives|limit|limits|send|sends|belong|belongs|take|takes|exempts?|own|owns|support|supports|cooperate|follow|follows)\b",
    )
});
static ACTION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\b(?:shall|will|may|must|agrees?|is|are|can|means|to|following|if|not|has|have|only|include|includes|that|by|for|applies|where|of)\W*$|\b(?:shall|will|may|must|agrees?|follow)\b",
    )
});
static DEFINES: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"^(?:as used (?:herein|in this \w+), )?(?:the terms? |for (?:the )?purposes of this \w+, )?"([^"]{2,60})"(?:(?:,| or| and|\)|\(|the|each|a|an|collectively|abbreviated|as| |,)*"[^"]{1,60}")*(?: ?\([^)]{0,80}\))?[,:]?(?: as used (?:herein|in this \w+),?| in this \w+,?)? ?(?:-|:|(?:(?:shall|will|generally|also|has|have|only) )*(?:means?|is|are|refers? to|has|have|includes?|is defined|are defined|does|do|be|mean|excludes?)\b)(.*)$"#,
    )
});
static DEFINES_ALL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^(?:the following (?:terms|definitions)|(?:all |any )?(?:other )?(?:capitalized )?terms (?:used|not otherwise|defined))\b|\bterms\b.{0,120}\b(?:shall |will )?ha(?:ve|s) the (?:same )?meanings?\b",
    )
});
static DEFINES_BARE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^([A-Z][A-Za-z-]*(?: (?:[A-Z][A-Za-z-]*|of|and|to)){0,5}) (?:shall mean|means|has the meaning|have the meaning|shall have the (?:same )?meaning|refers to)\b(.*)$",
    )
});
static INLINE_TERM: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"\((?:the |each,? (?:a |an )?|collectively,? (?:the )?|hereinafter,? (?:the )?|such \w+,? (?:the )?|a )?"([A-Z][^"]{2,40}?)"\)"#,
    )
});
static SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b(VENDOR|PRACTICE|each party|the parties|both parties|either party|neither party|parties)\b(?:,? (?:and|or) (?:its|their) [^,]{0,40},?)?,?(?: [a-z' -]{0,60}?,)?(?: (?:hereby|further|also|each|and))*,? (?:shall|will|may|must|agrees? to|agrees? not|is (?:\w+ )?(?:permitted|authorized|required|responsible|liable|entitled|obligated|prohibited|not)|are (?:\w+ )?(?:permitted|not|authorized)|can|cannot|reserves|do|does|never|remains|warrants|has|have|uses|keeps|holds)\b",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant expression, used by the tests")
}

/// A piece of the document that governs what comes after it.
struct Level {
    /// Twice the depth; a lead without a label stands half a step above its items.
    rank: i32,
    lead: String,
    caption: String,
    /// The last place in the sequence of its items, to see a list begin anew.
    value: u32,
}

struct Walk<'a> {
    document: &'a Document,
    parties: Parties,
    notes: Vec<Range<usize>>,
    clauses: Vec<Clause>,
    definitions: HashMap<String, Definition>,
    headings: Vec<(i32, String)>,
    levels: Vec<Level>,
    /// An open sentence without a label, waiting for its items.
    pending: Option<String>,
    /// True while unlabelled paragraphs continue a list.
    trailing: Option<String>,
    row: Option<(u32, String, Vec<String>)>,
    header: Vec<String>,
}

/// Reads a document as clauses.
pub(super) fn read(document: &Document) -> Agreement {
    let folded = fold(&document.text);
    let mut walk = Walk {
        document,
        parties: Parties::read(&folded),
        notes: notes(&document.text),
        clauses: Vec::new(),
        definitions: HashMap::new(),
        headings: Vec::new(),
        levels: Vec::new(),
        pending: None,
        trailing: None,
        row: None,
        header: Vec::new(),
    };
    for block in &document.blocks {
        walk.block(block);
    }
    Agreement { clauses: walk.clauses, definitions: walk.definitions }
}

/// Brackets that hold a note or a blank to fill in, over several paragraphs too. `[or destroy]` is text and stays.
fn notes(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'[' => open.push(at),
            b']' => {
                if let Some(start) = open.pop()
                    && at - start < 3_000
                    && bytes.get(at + 1) != Some(&b'(')
                {
                    let inside = &text[start + 1..at];
                    let plain = fold(inside);
                    if plain.eq_ignore_ascii_case("optional") {
                        continue;
                    }
                    if NOTE.is_match(&plain) || (plain.len() > 60 && NOTE_INSIDE.is_match(&plain)) {
                        found.push(start..at + 1);
                    }
                }
            }
            b'{' if bytes.get(at + 1) == Some(&b'{') => {
                if let Some(length) = text[at..].find("}}") {
                    found.push(at..at + length + 2);
                }
            }
            b'<' if text[at..].starts_with("<!--") => {
                if let Some(length) = text[at..].find("-->") {
                    found.push(at..at + length + 3);
                }
            }
            // A bracket that is never closed governs no more than its paragraph.
            b'\n' if bytes.get(at + 1) == Some(&b'\n') && open.first().is_some_and(|start| at - start > 3_000) => {
                open.clear()
            }
            _ => {}
        }
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut outer: Vec<Range<usize>> = Vec::new();
    for range in found {
        if outer.last().is_none_or(|last| range.start >= last.end) {
            outer.push(range);
        }
    }
    outer
}

impl Walk<'_> {
    fn block(&mut self, block: &Block) {
        let text = self.document.text.as_str();
        if !matches!(block.kind, BlockKind::TableCell { .. }) {
            self.row = None;
            self.header.clear();
        }
        match &block.kind {
            BlockKind::Heading { level } => {
                let raw = &text[block.start..block.end];
                let folded = fold(raw);
                if heading_like(&folded) || !MODAL.is_match(&folded) {
                    self.heading(i32::from(*level), block.start..block.end, &folded);
                } else {
                    self.body(block.start..block.end, None, None);
                }
            }
            BlockKind::TableCell { row, column } => self.cell(*row, *column, block.start..block.end),
            BlockKind::Paragraph => {
                let raw = &text[block.start..block.end];
                let label = labels::at_start(raw);
                match label {
                    Some(label) if label.length < raw.len() => {
                        let depth = depth_of(label.style);
                        let inside = block.start + label.length..block.end;
                        self.body(inside, Some((depth, label.value)), Some(label.printed));
                    }
                    _ => self.body(block.start..block.end, None, None),
                }
            }
            BlockKind::ListItem { depth, .. } => {
                // Below whatever stands open.
                let base = self
                    .levels
                    .iter()
                    .filter(|level| level.rank < 40)
                    .map(|level| level.rank)
                    .max()
                    .unwrap_or(0)
                    .max(0);
                self.body(block.start..block.end, Some((base.max(18) / 2 + 1 + i32::from(*depth), 0)), None);
            }
            BlockKind::Clause { number, depth } => {
                let value = last_value(number);
                self.body(block.start..block.end, Some((i32::from(*depth), value)), Some(number.clone()));
            }
        }
    }

    fn heading(&mut self, level: i32, range: Range<usize>, folded: &str) {
        let canonical = self.parties.canonical(folded);
        self.headings.retain(|(own, _)| *own < level);
        self.headings.push((level, canonical.clone()));
        self.levels.clear();
        self.pending = None;
        self.trailing = None;
        self.clauses.push(Clause {
            range,
            own: 0,
            heading: self.path(),
            number: None,
            kind: ClauseKind::Heading,
            bound: Bound::Unknown,
            optional: false,
            whole: false,
            stretches: Stretches::read(""),
            text: canonical,
        });
    }

    fn path(&self) -> String {
        let mut parts: Vec<&str> = self.headings.iter().map(|(_, text)| text.as_str()).collect();
        parts.extend(self.levels.iter().map(|level| level.caption.as_str()).filter(|caption| !caption.is_empty()));
        parts.join(" / ")
    }

    /// One block of running text, with `place` (depth and value of its label) and its printed number.
    fn body(&mut self, range: Range<usize>, place: Option<(i32, u32)>, number: Option<String>) {
        let raw = &self.document.text[range.clone()];
        if self.is_note(&range, raw) {
            let folded = fold(raw);
            let text = self.parties.canonical(&folded);
            self.push(range, (String::new(), text), ClauseKind::Note, number, false, false);
            return;
        }
        let mut optional = BLANK_BRACKET.is_match(raw.trim())
            || (raw.trim_start().starts_with('[') && raw.trim_end().trim_end_matches('.').ends_with(']'));
        let mut start = range.start;
        if let Some(found) = OPTIONAL.find(raw) {
            start += found.end();
            optional = false;
        }
        let mut spans: Vec<Range<usize>> = sentences(&self.document.text[start..range.end])
            .into_iter()
            .map(|span| span.start + start..span.end + start)
            .collect();
        if spans.is_empty() {
            return;
        }
        // A label at the start of a sentence belongs to the block, not to the quote.
        let first = fold(&self.document.text[spans[0].clone()]);
        // Under words that wait for their items, a short item is an item and no caption.
        let waits = self.pending.is_some()
            || self.trailing.is_some()
            || self
                .levels
                .iter()
                .any(|level| !level.lead.is_empty() && place.is_some_and(|(depth, _)| level.rank < depth * 2));
        let captioned = self.caption(&mut spans, &first, waits);
        if place.is_none() {
            self.headings.retain(|(own, _)| *own < 60);
            if let Some(caption) = captioned.as_ref().filter(|_| !spans.is_empty()) {
                let canonical = self.parties.canonical(caption);
                self.headings.push((60, canonical));
            }
        }
        let lead = self.governing(place, &captioned.clone().unwrap_or_default());
        if spans.is_empty() {
            // Only a caption: it governs what stands below it.
            let text = self.parties.canonical(&first);
            if let Some((depth, _)) = place {
                if let Some(level) = self.levels.last_mut()
                    && level.rank == depth * 2
                {
                    level.caption = text.clone();
                }
            } else {
                self.headings.retain(|(own, _)| *own < 50);
                self.headings.push((50, text.clone()));
                self.levels.clear();
            }
            let heading = self.path();
            self.clauses.push(Clause {
                range,
                own: 0,
                heading,
                number,
                kind: ClauseKind::Heading,
                bound: Bound::Unknown,
                optional: false,
                whole: false,
                stretches: Stretches::read(""),
                text,
            });
            return;
        }
        let count = spans.len();
        let mut open = None;
        for (place_in_block, span) in spans.into_iter().enumerate() {
            let governing = if place_in_block == 0 { lead.clone() } else { String::new() };
            let last = place_in_block + 1 == count;
            let closing = self.sentence(span, governing, number.clone(), optional, last);
            if last {
                open = closing;
            }
        }
        self.settle(place, open, raw);
    }

    /// Takes a run-in caption ("Reporting of Breaches.", "**Offshore:**") off the front of a block.
    fn caption(&mut self, spans: &mut Vec<Range<usize>>, first: &str, waits: bool) -> Option<String> {
        if waits && spans.len() == 1 && !first.contains(": ") {
            return None;
        }
        if heading_like(first) && (spans.len() > 1 || !first.ends_with('.')) && !first.ends_with(':')
            || (spans.len() == 1 && heading_like(first) && first.len() < 60 && !first.ends_with(['.', ';', ':']))
        {
            spans.remove(0);
            let caption = first.trim_end_matches(['.', ':']).to_owned();
            return Some(caption);
        }
        let (head, rest) =
            first.split_once(": ").or_else(|| first.split_once(" - ")).or_else(|| first.split_once(" -- "))?;
        let short = head.split(' ').count() <= 7 && head.len() < 70;
        let begins =
            rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '"' || c.is_ascii_digit()) || rest.len() < 60;
        if short && begins && !MODAL.is_match(head) && !head.contains('"') {
            let span = spans[0].clone();
            let raw = &self.document.text[span.clone()];
            let cut = raw
                .find(": ")
                .map(|at| at + 1)
                .or_else(|| raw.find(":**").map(|at| at + 3))
                .or_else(|| raw.find('—').map(|at| at + '—'.len_utf8()))
                .or_else(|| raw.find('–').map(|at| at + '–'.len_utf8()))
                .or_else(|| raw.find(" - ").map(|at| at + 3))
                .or_else(|| raw.find(":\t").map(|at| at + 2))?;
            let from = span.start + cut;
            let skipped = self.document.text[from..span.end].len()
                - self.document.text[from..span.end].trim_start_matches([' ', '\t', '*', '\n']).len();
            if from + skipped >= span.end {
                return None;
            }
            spans[0] = from + skipped..span.end;
            let canonical = self.parties.canonical(&fold(rest));
            let clause = self.clauses.len();
            self.definitions.entry(self.parties.canonical(head).to_lowercase()).or_insert(Definition {
                body: canonical,
                clause,
                stated: false,
            });
            return Some(head.to_owned());
        }
        None
    }

    /// The words that govern a block at `place`, after closing the levels that end here.
    fn governing(&mut self, place: Option<(i32, u32)>, caption: &str) -> String {
        let caption = self.parties.canonical(caption);
        let Some((depth, value)) = place else {
            if let Some(lead) = self.trailing.clone().or_else(|| self.pending.clone()) {
                self.trailing = Some(lead.clone());
                self.pending = None;
                return lead;
            }
            return String::new();
        };
        self.trailing = None;
        let rank = depth * 2;
        while self.levels.last().is_some_and(|level| level.rank >= rank) {
            self.levels.pop();
        }
        if let Some(lead) = self.pending.take() {
            while self.levels.last().is_some_and(|level| level.rank >= rank - 1) {
                self.levels.pop();
            }
            self.levels.push(Level { rank: rank - 1, lead, caption: String::new(), value: 0 });
        }
        if let Some(level) = self.levels.last_mut() {
            if value > 0 && value <= level.value && level.rank == rank - 1 {
                // The list began anew: its old lead is over.
                self.levels.pop();
            } else if level.rank == rank - 1 || level.value == 0 {
                level.value = value;
            }
        }
        let mut lead = self
            .levels
            .iter()
            .map(|level| level.lead.as_str())
            .filter(|lead| !lead.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if lead.len() > LONGEST_LEAD {
            lead = lead[lead.len() - LONGEST_LEAD..].to_owned();
        }
        self.levels.push(Level { rank, lead: String::new(), caption, value: 0 });
        lead
    }

    /// After a block: an open last sentence governs what follows.
    fn settle(&mut self, place: Option<(i32, u32)>, open: Option<String>, raw: &str) {
        match (place, open) {
            (Some(_), Some(open)) => {
                if let Some(level) = self.levels.last_mut() {
                    level.lead = open;
                }
                self.pending = None;
            }
            (None, Some(open)) => {
                self.pending = Some(open);
                self.trailing = None;
            }
            (None, None) => {
                let tail = raw.trim_end();
                let goes_on = tail.ends_with(';')
                    || tail.ends_with(',')
                    || tail.ends_with("; and")
                    || tail.ends_with("; or")
                    || tail.ends_with(", and");
                if !goes_on {
                    self.trailing = None;
                    self.pending = None;
                }
            }
            (Some(_), None) => self.pending = None,
        }
    }

    /// One sentence: its enumerated items as clauses, and itself. Returns its words if it stands open for items below.
    fn sentence(
        &mut self,
        span: Range<usize>,
        lead: String,
        number: Option<String>,
        optional: bool,
        last: bool,
    ) -> Option<String> {
        let raw = &self.document.text[span.clone()];
        if self.is_note(&span, raw) {
            let text = self.parties.canonical(&fold(raw));
            self.push(span, (String::new(), text), ClauseKind::Note, number, false, false);
            return None;
        }
        let folded = self.fold_without_notes(&span);
        let canonical = self.parties.canonical(&folded);
        let kind = self.kind_of(&folded);
        if kind == ClauseKind::Definition {
            self.define(&folded);
        }
        let items = labels::inline_items(raw);
        let is_open = last && stands_open(&folded);
        let whole = items.len() >= 2;
        if canonical.len() < LONGEST_WHOLE || !whole {
            self.push(span.clone(), (lead.clone(), canonical.clone()), kind, number.clone(), optional, whole);
        }
        let here = self.clauses.len().saturating_sub(1);
        self.inline_terms(&folded, here);
        if whole {
            let intro = self.parties.canonical(&fold(&raw[..items[0]]));
            let intro = if lead.is_empty() { intro } else { format!("{lead} {intro}") };
            let mut previous = String::new();
            for (place, begin) in items.iter().enumerate() {
                let end = items.get(place + 1).copied().unwrap_or(raw.len());
                let part = raw[*begin..end].trim_end();
                let label = part.find(')').map_or(0, |at| at + 1);
                let skipped = part[label..].len() - part[label..].trim_start().len();
                let from = span.start + begin + label + skipped;
                let to = span.start + begin + trim_item(part).len();
                if to <= from {
                    continue;
                }
                let text = self.parties.canonical(&self.fold_without_notes(&(from..to)));
                let own_lead = if independent(&text) { previous.clone() } else { intro.clone() };
                previous = String::new();
                self.push(from..to, (own_lead, text), kind, number.clone(), optional, false);
            }
        }
        is_open.then(|| if lead.is_empty() { canonical.clone() } else { format!("{lead} {canonical}") })
    }

    fn push(
        &mut self,
        range: Range<usize>,
        (lead, text): (String, String),
        kind: ClauseKind,
        number: Option<String>,
        optional: bool,
        whole: bool,
    ) {
        let heading = self.path();
        let own = if lead.is_empty() { 0 } else { lead.len() + 1 };
        let text = if lead.is_empty() { text } else { format!("{lead} {text}") };
        let bound = bound(&text, &heading);
        let stretches = Stretches::read(&text);
        self.clauses.push(Clause { range, text, own, heading, number, kind, bound, optional, whole, stretches });
    }

    fn kind_of(&self, folded: &str) -> ClauseKind {
        if folded.starts_with("WHEREAS") || folded.starts_with("Whereas") {
            return ClauseKind::Recital;
        }
        if DEFINES.is_match(folded) || DEFINES_BARE.is_match(folded) || DEFINES_ALL.is_match(folded) {
            return ClauseKind::Definition;
        }
        ClauseKind::Operative
    }

    fn define(&mut self, folded: &str) {
        let Some(caught) = DEFINES.captures(folded).or_else(|| DEFINES_BARE.captures(folded)) else { return };
        let term = self.parties.canonical(&caught[1]).to_lowercase();
        let body = self.parties.canonical(caught.get(2).map_or("", |group| group.as_str()));
        let clause = self.clauses.len();
        self.definitions.insert(term, Definition { body, clause, stated: true });
    }

    /// "… no later than five days (the "Notice Period")": the term stands for the words before it.
    fn inline_terms(&mut self, folded: &str, clause: usize) {
        for caught in INLINE_TERM.captures_iter(folded) {
            let whole = caught.get(0).map_or(0, |group| group.start());
            let from = folded.floor_char_boundary(whole.saturating_sub(160));
            let body = self.parties.canonical(&folded[from..whole]);
            let term = self.parties.canonical(&caught[1]).to_lowercase();
            self.definitions.entry(term).or_insert(Definition { body, clause, stated: false });
        }
    }

    fn cell(&mut self, row: u32, column: u32, range: Range<usize>) {
        let raw = &self.document.text[range.clone()];
        let canonical = self.parties.canonical(&fold(raw));
        if canonical.is_empty() {
            return;
        }
        let new_row = self.row.as_ref().is_none_or(|(own, _, _)| *own != row);
        if new_row {
            self.row = Some((row, String::new(), Vec::new()));
        }
        if row == 0 {
            self.header.resize(self.header.len().max(column as usize + 1), String::new());
            self.header[column as usize] = canonical.clone();
        }
        let header = self.header.get(column as usize).cloned().unwrap_or_default();
        let before = self.row.as_ref().map(|(_, _, cells)| cells.join(": ")).unwrap_or_default();
        let mut lead = before.clone();
        if row > 0 && column > 0 && !header.is_empty() && header.len() < 120 {
            lead = if lead.is_empty() { format!("{header}:") } else { format!("{lead} ({header}):") };
        } else if !lead.is_empty() {
            lead.push(':');
        }
        if column == 1 && !before.is_empty() && before.len() < 60 {
            let clause = self.clauses.len();
            self.definitions.entry(before.to_lowercase()).or_insert(Definition {
                body: canonical.clone(),
                clause,
                stated: false,
            });
        }
        let short = !MODAL.is_match(&canonical) && column == 0 && canonical.split(' ').count() <= 8;
        if short {
            let heading = self.path();
            self.clauses.push(Clause {
                range,
                own: 0,
                heading,
                number: None,
                kind: ClauseKind::Heading,
                bound: Bound::Unknown,
                optional: false,
                whole: false,
                stretches: Stretches::read(""),
                text: canonical.clone(),
            });
        } else {
            let spans = sentences(raw);
            for span in spans {
                let absolute = span.start + range.start..span.end + range.start;
                let text = self.parties.canonical(&self.fold_without_notes(&absolute));
                self.push(absolute, (lead.clone(), text), ClauseKind::Operative, None, false, false);
            }
        }
        if let Some((_, _, cells)) = &mut self.row {
            cells.push(canonical);
        }
    }

    /// True for a block or sentence that lies in a note, or says that it is one.
    fn is_note(&self, range: &Range<usize>, raw: &str) -> bool {
        let trimmed = raw.trim_start();
        let start = range.start + (raw.len() - trimmed.len());
        let end = start + raw.trim().len();
        let covered = self.notes.iter().any(|note| note.start <= start && note.end + 2 >= end);
        if covered {
            return true;
        }
        let lower = trimmed[..trimmed.floor_char_boundary(60)]
            .trim_start_matches(['*', '_', '(', '[', '>', ' '])
            .to_lowercase();
        let named = [
            "drafting note",
            "drafter's note",
            "drafter’s note",
            "note to drafter",
            "note to draft",
            "ntd:",
            "ntd –",
            "note to counsel",
            "practice note",
            "practice tip",
            "guidance note",
            "instructions:",
            "instruction:",
            "editor's note",
            "drafting tip",
            "commentary:",
            "comment:",
            "explanatory note",
            "template note",
            "legal note",
            "notes to drafter",
            "guidance:",
            "author's note",
            "note for drafters",
        ];
        named.iter().any(|name| lower.starts_with(name))
            || (lower.starts_with("note:") && NOTE_INSIDE.is_match(raw))
            || (trimmed.starts_with('[') && !trimmed.contains(']') && NOTE.is_match(trimmed) && trimmed.len() > 40)
    }

    fn fold_without_notes(&self, range: &Range<usize>) -> String {
        let text = self.document.text.as_str();
        let mut kept = String::new();
        let mut from = range.start;
        for note in self.notes.iter().filter(|note| note.start < range.end && note.end > range.start) {
            if note.start > from {
                kept.push_str(&text[from..note.start]);
            }
            kept.push_str(" [blank] ");
            from = note.end.min(range.end).max(from);
        }
        if from == range.start {
            return fold(&text[range.clone()]);
        }
        kept.push_str(&text[from..range.end]);
        fold(&kept)
    }
}

fn depth_of(style: Style) -> i32 {
    match style {
        Style::Decimal(level) => i32::from(level) - 1,
        Style::UpperRoman | Style::Upper => 0,
        Style::LowerParen | Style::Lower | Style::UpperParen | Style::Digit | Style::DigitParen => 6,
        Style::RomanParen | Style::Roman => 7,
        Style::Bullet => 9,
    }
}

fn last_value(number: &str) -> u32 {
    let last = number.rsplit(|c: char| !c.is_alphanumeric()).find(|part| !part.is_empty()).unwrap_or_default();
    last.parse().ok().unwrap_or_else(|| {
        let mut chars = last.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_ascii_alphabetic() => u32::from(c.to_ascii_lowercase() as u8 - b'a') + 1,
            (Some('i' | 'I'), Some('i' | 'I')) if last.len() == 2 => 2,
            _ => 99,
        }
    })
}

/// Short, without a verb that binds: a heading or a caption.
fn heading_like(folded: &str) -> bool {
    let words = folded.split(' ').count();
    if folded.is_empty() || words > 14 || folded.len() > 110 {
        return false;
    }
    if folded.ends_with([';', ',']) {
        return false;
    }
    let letters: Vec<char> = folded.chars().filter(|c| c.is_alphabetic()).collect();
    let all_caps = letters.len() > 4 && letters.iter().all(|c| c.is_uppercase());
    if all_caps {
        return words <= 12
            && !folded.ends_with(':')
            && !folded.contains(" SHALL ")
            && !folded.contains(" WILL ")
            && !folded.contains(" MAY ")
            && !folded.contains(" NOT ");
    }
    if !folded.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '"') {
        return false;
    }
    let binding = [
        " shall ", " will ", " may ", " must ", " agrees ", " agree ", " is ", " are ", " means ", " not ", " never ",
        " can ", " we ", "We ", " has ", " have ",
    ];
    if binding.iter().any(|verb| folded.contains(verb)) {
        return false;
    }
    // "Use appropriate safeguards." is an item, "Reporting of Breaches." is a caption: title case tells.
    let long: Vec<&str> = folded
        .split([' ', '/', '-'])
        .filter(|word| word.len() > 3 && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | ',' | '\'' | ':')))
        .collect();
    let titled = long.iter().filter(|word| word.starts_with(|c: char| c.is_uppercase())).count();
    if long.len() <= 1 {
        words <= 4
    } else {
        titled * 3 >= long.len() * 2 || (words <= 5 && !MODAL.is_match(folded) && !folded.contains("["))
    }
}

fn stands_open(folded: &str) -> bool {
    let tail = folded.trim_end();
    if tail.ends_with(':') {
        return true;
    }
    let end = tail.trim_end_matches([' ', '-']);
    if end.len() < tail.len() {
        return true;
    }
    !tail.ends_with(['.', ';', ',', '!', '?', ')', ']', '"'])
        && ACTION.is_match(tail)
        && !tail.ends_with(" and")
        && !tail.ends_with(" or")
}

fn independent(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(60)];
    SUBJECT.find(head).is_some_and(|found| found.start() < 5)
}

/// An item without the conjunction that leads to the next.
fn trim_item(part: &str) -> &str {
    let mut part = part.trim_end();
    for tail in [" and", " or", ";", ","] {
        part = part.strip_suffix(tail).unwrap_or(part).trim_end();
    }
    for tail in [";", ","] {
        part = part.strip_suffix(tail).unwrap_or(part).trim_end();
    }
    part
}

fn bound(text: &str, heading: &str) -> Bound {
    if let Some(caught) = SUBJECT.captures(text) {
        return match &caught[1] {
            "VENDOR" => Bound::Vendor,
            "PRACTICE" => Bound::Practice,
            _ => Bound::Both,
        };
    }
    if heading.contains("of PRACTICE")
        || heading.contains("PRACTICE's")
        || heading.contains("PRACTICE obligations")
        || heading.contains("PRACTICE responsibilities")
    {
        return Bound::Practice;
    }
    if heading.contains("of VENDOR")
        || heading.contains("VENDOR's")
        || heading.contains("by VENDOR")
        || heading.contains("VENDOR obligations")
    {
        return Bound::Vendor;
    }
    Bound::Unknown
}
