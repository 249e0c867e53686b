//! Typst, held still: no clock, no files, no packages, no fonts but ours.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use provenote_schemas::{Digest, Time};
use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::fonts::FONTS;
use crate::labels::Labels;
use crate::{ReportError, checkpoint, wording};

/// What the template of a document is called while it is set.
const MAIN: &str = "main.typ";

/// What all templates import.
const HOUSE: (&str, &str) = ("house.typ", include_str!("../typ/house.typ"));

/// What templates read their labels from.
const WORDS: &str = "words.json";

/// Typst's own functions, the same for every document.
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// A document on its way to the press.
pub(crate) struct Copy {
    /// What it is, as part of the PDF's identifier: `consent`, `board` …
    kind: &'static str,
    made: Time,
    template: Template,
    labels: Labels,
    data: Value,
    /// True where a word of the data is longer than some line: then templates look for such words and break them.
    long: bool,
    files: BTreeMap<String, Vec<u8>>,
    /// What is made from `files` alone, and is no part of the identity for that.
    derived: BTreeMap<&'static str, Vec<u8>>,
}

/// Typst source that came with the program, as it was parsed when the first document needed it.
#[derive(Clone)]
struct Template {
    source: Source,
    digest: Digest,
}

/// The templates by their text.
static TEMPLATES: LazyLock<Mutex<HashMap<&'static str, Template>>> = LazyLock::new(Mutex::default);

impl Template {
    fn of(name: &str, text: &'static str) -> Result<Self, ReportError> {
        let id = id(name)?;
        let mut parsed = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        let template = parsed
            .entry(text)
            .or_insert_with(|| Self { source: Source::new(id, text.to_owned()), digest: Digest::of(text.as_bytes()) });
        Ok(template.clone())
    }
}

impl Copy {
    /// `template` is Typst source; `data` is what it reads as `/data.json`.
    pub(crate) fn new(
        kind: &'static str,
        template: &'static str,
        made: Time,
        mut data: Value,
    ) -> Result<Self, ReportError> {
        wording::settle(&mut data)?;
        let long = wording::has_long_word(&data);
        let (template, labels) = (Template::of(MAIN, template)?, Labels::of("en"));
        let (files, derived) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { kind, made, template, labels, data, long, files, derived })
    }

    /// Adds words of machines to the data, such as digests and keys, as `codes`. The template breaks them itself, so they
    /// alone are no reason to look for long words everywhere.
    pub(crate) fn codes(mut self, mut codes: Value) -> Result<Self, ReportError> {
        wording::settle(&mut codes)?;
        self.data["codes"] = codes;
        Ok(self)
    }

    /// Puts the words around what is told into another language than English.
    pub(crate) fn in_words_of(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Adds a file the template reads.
    pub(crate) fn file(mut self, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        self.files.insert(name.into(), bytes);
        self
    }

    /// Attaches the record, byte for byte.
    pub(crate) fn record(self, json: &str) -> Result<Self, ReportError> {
        self.attached("record.json", json)
    }

    /// Hands the template JSON to attach, byte for byte.
    pub(crate) fn attached(self, name: &str, json: &str) -> Result<Self, ReportError> {
        serde_json::from_str::<serde::de::IgnoredAny>(json)
            .map_err(|error| ReportError::Record { line: error.line(), column: error.column() })?;
        Ok(self.file(name, json.as_bytes().to_vec()))
    }

    /// Adds the checkpoint where there is one: as a picture for people, and as a text that is attached for programs.
    pub(crate) fn checkpoint(mut self, note: Option<&str>) -> Result<Self, ReportError> {
        match note {
            Some(note) => {
                self.derived.insert("checkpoint.gray", checkpoint::picture(note)?);
                Ok(self.file("checkpoint.txt", note.as_bytes().to_vec()))
            }
            None => Ok(self),
        }
    }

    /// Sets the document and writes it as PDF/A-3a and PDF/UA-1.
    pub(crate) fn print(self) -> Result<Vec<u8>, ReportError> {
        let made = datetime(self.made)?;
        let house = Template::of(HOUSE.0, HOUSE.1)?;
        let (data, words) = (self.data.to_string().into_bytes(), self.labels.json(self.long));
        let given = [("data.json".to_owned(), data), (WORDS.to_owned(), words)];
        // The identifier names the content, so two documents never share one, and one document made twice does.
        let mut content = [house.digest.0, self.template.digest.0].concat();
        let files: BTreeMap<String, Vec<u8>> = self.files.into_iter().chain(given).collect();
        for (name, bytes) in &files {
            content.extend(name.as_bytes());
            content.extend(Digest::of(bytes).0);
        }
        let ident = format!("provenote:{}:{}:{}", self.kind, self.made, Digest::of(&content));
        let derived = self.derived.into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
        let world = Desk::new(self.template.source, house.source, files.into_iter().chain(derived))?;
        let pdf = set(&world, ident, made);
        // Typst keeps what it computed for the next document. Nothing of a client stays behind.
        typst::comemo::evict(0);
        pdf
    }
}

fn datetime(time: Time) -> Result<Datetime, ReportError> {
    let text = time.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u8>().ok());
    let whole = || {
        let year = text.get(0..4).and_then(|digits| digits.parse::<i32>().ok())?;
        Datetime::from_ymd_hms(year, part(5..7)?, part(8..10)?, part(11..13)?, part(14..16)?, part(17..19)?)
    };
    whole().filter(|_| text.len() == 24).ok_or(ReportError::Time { time })
}

fn set(world: &Desk, ident: String, made: Datetime) -> Result<Vec<u8>, ReportError> {
    let document = typst::compile::<PagedDocument>(world).output.map_err(|errors| refusal(&errors))?;
    let standards = PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1])
        .map_err(|error| ReportError::Typesetting(error.message().to_string()))?;
    let options = PdfOptions {
        ident: Smart::Custom(ident),
        creator: Smart::Custom(Some(concat!("Provenote ", env!("CARGO_PKG_VERSION")).to_owned())),
        timestamp: Some(Timestamp::new_utc(made)),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| refusal(&errors))
}

/// Typst quotes the words it stumbled over; they may be a client's, so only what stands before the first quote or colon is kept.
fn refusal(errors: &[SourceDiagnostic]) -> ReportError {
    let message = errors.first().map_or("no reason was given", |error| error.message.as_str());
    if message.contains("could not be displayed with")
        || message.contains("code point")
        || message.contains("codepoint")
    {
        return ReportError::NoJoinedGlyph;
    }
    let kept = message.split(['`', '"', ':']).next().unwrap_or_default();
    ReportError::Typesetting(kept.trim_end().to_owned())
}

/// The only world Typst sees.
struct Desk {
    main: Source,
    house: Source,
    files: HashMap<FileId, Bytes>,
}

impl Desk {
    fn new(main: Source, house: Source, files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Self, ReportError> {
        let files =
            files.map(|(name, bytes)| Ok((id(&name)?, Bytes::new(bytes)))).collect::<Result<_, ReportError>>()?;
        Ok(Self { main, house, files })
    }

    fn missing(id: FileId) -> FileError {
        FileError::NotFound(id.get().vpath().get_without_slash().into())
    }
}

fn id(name: &str) -> Result<FileId, ReportError> {
    let path = VirtualPath::new(name).map_err(|_| ReportError::Typesetting(format!("{name} is no path")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        [&self.main, &self.house].into_iter().find(|source| source.id() == id).cloned().ok_or_else(|| Self::missing(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| Self::missing(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.list.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(template: &'static str, data: Value) -> Result<Vec<u8>, ReportError> {
        Copy::new("test", template, Time::from_millis(1_795_291_200_123), data)?.record("{}")?.print()
    }

    #[test]
    fn a_refusal_repeats_no_word_of_the_document() {
        let error = press("#panic(json(\"/data.json\").name)", serde_json::json!({"name": "Jordan ` Rivera"}))
            .expect_err("a panic");
        let text = error.to_string();
        assert!(!text.contains("Jordan"), "{text}");
    }

    #[test]
    fn the_desk_has_no_file_but_those_given_and_no_clock() {
        for template in [
            "#read(\"/etc/passwd\")",
            "#read(\"../../Cargo.toml\")",
            "#datetime.today()",
            "#import \"@preview/x:1.0.0\"",
        ] {
            assert!(matches!(press(template, Value::Null), Err(ReportError::Typesetting(_))), "{template}");
        }
    }

    #[test]
    fn a_time_no_document_can_carry_is_refused() {
        let far = Time::from_millis(400_000_000_000_000);
        assert!(matches!(datetime(far), Err(ReportError::Time { .. })));
        assert!(datetime(Time::from_millis(0)).is_ok());
    }

    #[test]
    fn a_record_that_is_no_json_is_refused() {
        let copy = Copy::new("test", "", Time::from_millis(0), Value::Null).expect("no data");
        assert!(matches!(copy.record("{\"a\":"), Err(ReportError::Record { line: 1, .. })));
    }
}
