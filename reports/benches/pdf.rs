//! How long a signed consent form takes, beside bare Typst setting the same words.
//!
//! Both make a tagged PDF/A-3a and PDF/UA-1 of every word of the paper: letterhead, form, signature, "About this form",
//! checkpoint, a foot with the number of the page and of all pages. Both attach the same three files, use the same faces
//! of the same fonts, keep library and fonts in memory, and forget between two papers all else that Typst computed.
//! - Ours is [`consent_form`], from checking the signatures to the file: it cuts the form into blocks, hands them as JSON
//!   to templates parsed once, and sets our layout, with a rule, frames, columns and the checkpoint as a QR code.
//! - Bare is Typst source that holds the words as headings, paragraphs and lists, parsed anew each time. It has no layout
//!   of its own, no picture, and checks nothing.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::collections::HashMap;
use std::time::Instant;

use provenote_consent::samples::adult;
use provenote_reports::{ConsentDocument, consent_form};
use provenote_schemas::Time;
use provenote_templates::{Block, Span, blocks};
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

const ROUNDS: usize = 100;

/// Typst with one source, the files to attach and the faces that our form uses.
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

/// Words of people as a string in Typst source.
fn quoted(text: &str) -> String {
    format!("#{};", serde_json::to_string(text).expect("a string"))
}

/// Words of machines, set in the monospaced font.
fn mono(text: &str) -> String {
    format!("#mono({});", serde_json::to_string(text).expect("a string"))
}

/// The form's own text: nothing but its headings, paragraphs and lists.
fn form(text: &str) -> String {
    let mut out = String::new();
    let mut title = true;
    for block in blocks(text) {
        match block {
            Block::Heading { text, .. } if title => {
                out.push_str(&format!("= {}\n\nSigned copy\n\n", spans(&text)));
                title = false;
            }
            Block::Heading { text, .. } => out.push_str(&format!("== {}\n\n", spans(&text))),
            Block::Paragraph(text) | Block::Checkbox { text, .. } => out.push_str(&format!("{}\n\n", spans(&text))),
            Block::Bullets(items) => items.iter().for_each(|item| out.push_str(&format!("- {}\n", spans(item)))),
            Block::Numbered(items) => items.iter().for_each(|item| out.push_str(&format!("+ {}\n", spans(item)))),
            Block::Table { .. } | Block::Rule => panic!("the form of this benchmark has no table and no rule"),
        }
        out.push('\n');
    }
    out
}

/// What our paper says besides the form's own text, as somebody would write it in Typst who wants no more than its words:
/// a paragraph for each, the machine words in a monospaced font. The same foot, and the same files attached.
fn markup(document: &ConsentDocument) -> String {
    let (practice, asked) = (&document.practice, &document.form);
    let time = |time: Time| {
        let text = time.to_string();
        format!("{}, {} UTC", provenote_consent::date_words(time, "en"), &text[11..19])
    };
    let mut out = format!(
        "#set document(title: \"Bare\")\n\
         #set text(font: (\"Noto Sans\", \"DejaVu Sans\"), fallback: false, lang: \"en\", size: 10pt)\n\
         #let mono(words) = text(font: \"Noto Sans Mono\", words)\n\
         #set page(paper: \"us-letter\", margin: 25mm, footer: context [Copy for the client · consent {} #h(1fr) \
         Page #counter(page).display(\"1 of 1\", both: true)])\n\n",
        mono(asked.consent.as_str())
    );
    let mut line = |words: String| out.push_str(&format!("{words}\n\n"));
    line(quoted(&practice.name));
    line(quoted(&practice.clinician));
    let license = practice.license.as_deref().expect("the sample has a license");
    line(quoted(&format!("{license} · {}", practice.state.as_deref().expect("the sample has a state"))));
    line(form(&asked.text));
    line(format!("== Signatures\n\n{}", quoted(&document.intent)));
    for grant in &document.grants {
        let person = asked.participants.iter().find(|one| one.id == grant.participant).expect("a participant");
        line(format!("*{}* Client", quoted(&person.name)));
        line(format!("_{}_", quoted(&person.name)));
        line(quoted(&format!("Signed {}", time(grant.time))));
        line("How The person typed their name.".to_owned());
        line(quoted(&format!("Identity check {}", grant.evidence.identity.as_deref().expect("the sample has one"))));
    }
    line("== About this form".to_owned());
    line(format!("Consent {}", mono(asked.consent.as_str())));
    line(format!("Form {}", mono(&asked.template)));
    line(quoted(&format!("Made {}", time(asked.made))));
    line(quoted(&format!("Ends by itself {}", time(asked.expires))));
    line(format!("Text, SHA-256 {}", mono(&asked.text_sha256.to_string())));
    line(format!("Disclosures, SHA-256 {}", mono(&asked.disclosure_digest.to_string())));
    line(
        "The first number changes when a single letter of the text above changes. The second stands for the facts the \
         text tells: which models are used, where, and how long things are kept. When they change in substance, this \
         consent no longer holds and you are asked again. The record behind this form is attached to this file as \
         #mono(\"record.json\"). A receipt that other programs can read is attached as #mono(\"receipt.json\")."
            .to_owned(),
    );
    line(
        "== Ledger checkpoint\n\nKeep this page. The code is a signed statement by the practice of everything its ledger \
         held when this copy was made. If the ledger is later changed or cut short, your copy shows it."
            .to_owned(),
    );
    for row in document.checkpoint.as_deref().expect("the sample has one").lines() {
        line(mono(row));
    }
    line(format!(
        "Its key is {}. Evidence that the practice hands out later must name the same key, or lead to a newer one from it.",
        mono(document.vkey.as_deref().expect("the sample has one"))
    ));
    for (name, relationship, mime) in [
        ("checkpoint.txt", "supplement", "text/plain"),
        ("record.json", "data", "application/json"),
        ("receipt.json", "data", "application/json"),
    ] {
        line(format!(
            "#pdf.attach(\"/{name}\", relationship: \"{relationship}\", mime-type: \"{mime}\", description: \"{name}\")"
        ));
    }
    out
}

impl Bare {
    fn new(document: &ConsentDocument) -> Self {
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
            source: Source::new(main, String::new()),
            files: [
                ("checkpoint.txt", document.checkpoint.as_ref()),
                ("record.json", Some(&document.record_json)),
                ("receipt.json", document.receipt_json.as_ref()),
            ]
            .map(|(name, text)| (id(name), Bytes::new(text.expect("the sample has all three").clone().into_bytes())))
            .into(),
        }
    }

    /// Read anew each time, as ours reads its own anew; nothing is kept from one time to the next.
    fn print(&mut self, source: &str) -> Vec<u8> {
        self.source = Source::new(self.main, source.to_owned());
        let document = typst::compile::<PagedDocument>(&*self).output.expect("it sets");
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

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn main() {
    let ctx = adult("CO").expect("a state");
    let document = samples::sign(samples::of_template("ai-notes", "en", &ctx));
    let source = markup(&document);
    let mut bare = Bare::new(&document);
    let mut ours = || consent_form(&document).expect("it prints");
    let mut theirs = || bare.print(&source);
    // For a profiler: one of the two alone, written to a file to be looked at.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    if let (Some(which), Some(file)) = (words.next(), words.next()) {
        let rounds: usize = words.next().map_or(1, |word| word.parse().expect("a number of rounds"));
        let work: &mut dyn FnMut() -> Vec<u8> = if which == "bare" { &mut theirs } else { &mut ours };
        for _ in 0..rounds {
            std::fs::write(&file, work()).expect("written");
        }
        return;
    }
    let start = Instant::now();
    let first = ours().len();
    let after_start = start.elapsed().as_secs_f64() * 1000.0;
    let [ours, theirs] = medians([&mut ours, &mut theirs]);
    println!("pdf: first signed consent form after start {after_start:.1} ms ({first} bytes)");
    println!(
        "pdf: signed consent form {ours:.1} ms, bare Typst with the same words {theirs:.1} ms, ratio {:.2}",
        ours / theirs
    );
}
