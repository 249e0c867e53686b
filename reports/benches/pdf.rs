//! How long a signed consent form takes, beside bare Typst setting the same words.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::collections::HashMap;
use std::time::Instant;

use provenote_consent::samples::adult;
use provenote_reports::{ConsentDocument, consent_form};
use provenote_templates::{Block, Span, blocks};
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

const ROUNDS: usize = 40;

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

/// Typst source for spans, each of them a string: nothing in it is read as markup.
fn spans(text: &[Span]) -> String {
    let quoted = |text: &str| serde_json::to_string(text).expect("a string");
    let mut out = String::new();
    for span in text {
        out.push_str(&match (span.bold, span.italic) {
            (true, _) => format!("#strong({})", quoted(&span.text)),
            (_, true) => format!("#emph({})", quoted(&span.text)),
            _ => format!("#{};", quoted(&span.text)),
        });
    }
    out
}

/// The form as somebody would write it in Typst who wants nothing but its headings, paragraphs and lists; then `rest`,
/// a paragraph for each line.
fn markup(text: &str, rest: &str) -> String {
    let mut out = String::from(
        "#set document(title: \"Bare\")\n#set text(font: (\"Noto Sans\", \"DejaVu Sans\"), fallback: false, lang: \"en\")\n\
         #set page(paper: \"us-letter\", numbering: \"1\")\n",
    );
    let mut title = true;
    for block in blocks(text) {
        match block {
            Block::Heading { text, .. } => {
                out.push_str(&format!("{} {}\n\n", if title { "=" } else { "==" }, spans(&text)));
                title = false;
            }
            Block::Paragraph(text) | Block::Checkbox { text, .. } => out.push_str(&format!("{}\n\n", spans(&text))),
            Block::Bullets(items) => items.iter().for_each(|item| out.push_str(&format!("- {}\n", spans(item)))),
            Block::Numbered(items) => items.iter().for_each(|item| out.push_str(&format!("+ {}\n", spans(item)))),
            Block::Table { .. } | Block::Rule => {}
        }
        out.push('\n');
    }
    for line in rest.lines().filter(|line| !line.trim().is_empty()) {
        out.push_str(&format!("#{};\n\n", serde_json::to_string(line).expect("a string")));
    }
    out
}

impl Bare {
    fn new(source: &str) -> Self {
        // The faces that our form uses too.
        let files: [&[u8]; 4] = [
            include_bytes!("../fonts/NotoSans-Regular.ttf"),
            include_bytes!("../fonts/NotoSans-Bold.ttf"),
            include_bytes!("../fonts/NotoSans-Italic.ttf"),
            include_bytes!("../fonts/NotoSansMono-Regular.ttf"),
        ];
        let fonts: Vec<Font> = files.into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect();
        let main = id("bare.typ");
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            main,
            source: Source::new(main, source.to_owned()),
            files: HashMap::new(),
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

/// The medians of two works that take turns, in milliseconds, after a round to warm up: what else the machine does
/// falls on both.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn medians(mut works: [&mut dyn FnMut() -> Vec<u8>; 2]) -> [f64; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            assert!(!work().is_empty());
            if round > 0 {
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}

/// What our form prints besides the form's own text: labels, signatures, digests, the checkpoint.
fn rest(document: &ConsentDocument) -> String {
    let form = &document.form;
    let mut out = format!("{}\n{}\n{}\n", document.practice.name, document.practice.clinician, document.intent);
    for grant in &document.grants {
        let name = form.participants.iter().find(|one| one.id == grant.participant).map_or("", |one| one.name.as_str());
        out.push_str(&format!("{name}\nClient\n{name}\nSigned {}\nHow The person typed their name.\n", grant.time));
        out.push_str(&format!("Identity check {}\n", grant.evidence.identity.as_deref().unwrap_or_default()));
    }
    out.push_str(&format!(
        "About this form\nConsent {}\nForm {}\nMade {}\nEnds by itself {}\nText, SHA-256 {}\nDisclosures, SHA-256 {}\n",
        form.consent, form.template, form.made, form.expires, form.text_sha256, form.disclosure_digest
    ));
    out.push_str(
        "The first number changes when a single letter of the text above changes. The second stands for the facts the \
         text tells: which models are used, where, and how long things are kept. When they change in substance, this \
         consent no longer holds and you are asked again. The record behind this form is attached to this file. A \
         receipt that other programs can read is attached.\nLedger checkpoint\nKeep this page. The code is a signed \
         statement by the practice of everything its ledger held when this copy was made. If the ledger is later \
         changed or cut short, your copy shows it.\n",
    );
    out.push_str(document.checkpoint.as_deref().unwrap_or_default());
    out.push_str(document.vkey.as_deref().unwrap_or_default());
    out
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn main() {
    let ctx = adult("CO").expect("a state");
    let document = samples::sign(samples::of_template("ai-notes", "en", &ctx));
    let start = Instant::now();
    let first = consent_form(&document).expect("it prints").len();
    let after_start = start.elapsed().as_secs_f64() * 1000.0;
    // The same words in plain headings, paragraphs and lists, as tagged PDF/A-3a: no layout of ours, no picture, nothing
    // attached. It is built anew each round, since ours reads its templates anew too.
    let source = markup(&document.form.text, &rest(&document));
    let mut bare = Bare::new(&source);
    let [ours, theirs] = medians([&mut || consent_form(&document).expect("it prints"), &mut || {
        bare.source = Source::new(bare.main, source.clone());
        bare.print()
    }]);
    println!("pdf: first signed consent form after start {after_start:.1} ms ({first} bytes)");
    println!(
        "pdf: signed consent form {ours:.1} ms, bare Typst with the same words {theirs:.1} ms, ratio {:.2}",
        ours / theirs
    );
}
