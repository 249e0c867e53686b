//! How long a signed consent form takes, beside bare Typst setting the same words.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::collections::HashMap;
use std::time::Instant;

use provenote_reports::consent_form;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

const ROUNDS: usize = 20;

/// Typst with one source, one data file and the text font.
struct Bare {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    source: Source,
    files: HashMap<FileId, Bytes>,
}

fn id(name: &str) -> FileId {
    RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).expect("a path")).intern()
}

impl Bare {
    fn new(words: &str) -> Self {
        let file: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
        let fonts: Vec<Font> = Font::iter(Bytes::new(file)).collect();
        let main = id("bare.typ");
        let text = "#set document(title: \"Bare\")\n#set text(font: \"Noto Sans\", fallback: false, lang: \"en\")\n#for row in json(\"words.json\") [#row\\ ]";
        let rows: Vec<&str> = words.lines().collect();
        let json = serde_json::to_vec(&rows).expect("JSON");
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            main,
            source: Source::new(main, text.to_owned()),
            files: HashMap::from([(id("words.json"), Bytes::new(json))]),
        }
    }

    fn print(&self) -> Vec<u8> {
        let document = typst::compile::<PagedDocument>(self).output.expect("it sets");
        let options = PdfOptions {
            standards: PdfStandards::new(&[PdfStandard::A_3a, PdfStandard::Ua_1]).expect("they agree"),
            timestamp: Datetime::from_ymd_hms(2026, 11, 21, 20, 0, 0).map(Timestamp::new_utc),
            ..PdfOptions::default()
        };
        let pdf = typst_pdf::pdf(&document, &options).expect("it prints");
        typst::comemo::evict(0);
        pdf
    }
}

impl World for Bare {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }
    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }
    fn main(&self) -> FileId {
        self.main
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main { Ok(self.source.clone()) } else { Err(FileError::AccessDenied) }
    }
    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or(FileError::AccessDenied)
    }
    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The median of some rounds, in milliseconds, after one round to warm up.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn median(mut work: impl FnMut() -> Vec<u8>) -> f64 {
    assert!(!work().is_empty());
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(!work().is_empty());
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let document = samples::signed();
    // Only the words of the form: ours also sets signatures, digests, the QR code and the attachment.
    let bare = Bare::new(&document.form.text);
    let ours = median(|| consent_form(&document).expect("it prints"));
    let theirs = median(|| bare.print());
    println!(
        "pdf: signed consent form {ours:.1} ms, bare Typst with the form's text {theirs:.1} ms, ratio {:.2}",
        ours / theirs
    );
}
