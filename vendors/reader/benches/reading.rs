//! How long an agreement of sixty pages takes to read in each format, beside what its parser takes to do nothing with it.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures")]

use std::hint::black_box;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use hayro_interpret::{Context, DummyDevice, InterpreterCache, InterpreterSettings, TransformExt as _, interpret_page};
use provenote_reader::{Limits, Program, read, read_in_child};

const PAGES: usize = 60;
const LINES: usize = 46;
const ROUNDS: usize = 7;

/// A line of words that no two pages share.
fn line(page: usize, line: usize) -> String {
    match line % 6 {
        0 => format!(
            "{}.{} Clause. The vendor shall keep what it is given, in the place numbered {}, and",
            page + 1,
            line / 6 + 1,
            page * line
        ),
        5 => "shall tell the practice when it does not.".to_owned(),
        _ => format!(
            "do with it what clause {} of this agreement says, on the day numbered {} or before,",
            page + line,
            line * 7 + page
        ),
    }
}

/// A PDF with the words of all pages, in a font of the fourteen.
fn pdf() -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let mut add = |bytes: &mut Vec<u8>, text: String| {
        places.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{text}\nendobj\n", places.len()).into_bytes());
    };
    let kids: String = (0..PAGES).map(|page| format!("{} 0 R ", 4 + page * 2)).collect();
    add(&mut bytes, "<< /Type /Catalog /Pages 2 0 R >>".to_owned());
    add(&mut bytes, format!("<< /Type /Pages /Kids [{kids}] /Count {PAGES} >>"));
    add(&mut bytes, "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>".to_owned());
    for page in 0..PAGES {
        add(
            &mut bytes,
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources << /Font << /F 3 0 R >> >> >>",
                5 + page * 2
            ),
        );
        let words: String = (0..LINES).map(|at| format!("({}) Tj T*\n", line(page, at))).collect();
        let content = format!("BT /F 11 Tf 14 TL 72 730 Td\n{words}ET");
        add(&mut bytes, format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let table = bytes.len();
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1);
    for place in &places {
        end.push_str(&format!("{place:010} 00000 n \n"));
    }
    end.push_str(&format!("trailer << /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", places.len() + 1));
    bytes.extend(end.into_bytes());
    bytes
}

/// The paragraphs of all pages.
fn paragraphs() -> Vec<String> {
    (0..PAGES)
        .flat_map(|page| {
            (0..LINES / 6).map(move |at| (at * 6..at * 6 + 6).map(|at| line(page, at)).collect::<Vec<_>>().join(" "))
        })
        .collect()
}

fn docx() -> Vec<u8> {
    let mut xml =
        "<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body>".to_owned();
    for paragraph in paragraphs() {
        xml.push_str("<w:p><w:pPr><w:spacing w:after='120'/></w:pPr>");
        for words in paragraph.split_inclusive(", ") {
            xml.push_str(&format!(
                "<w:r><w:rPr><w:sz w:val='22'/></w:rPr><w:t xml:space='preserve'>{words}</w:t></w:r>"
            ));
        }
        xml.push_str("</w:p>");
    }
    xml.push_str("</w:body></w:document>");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("[Content_Types].xml", "<Types/>"), ("word/document.xml", xml.as_str())] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
}

/// The fastest of some rounds, in milliseconds.
fn fastest(mut work: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::MAX, f64::min)
}

/// Interprets the pages of a PDF and draws nothing.
fn draw_nothing(bytes: &[u8]) {
    let Ok(pdf) = hayro_syntax::Pdf::new(bytes.to_vec()) else { return };
    let cache = InterpreterCache::new();
    for page in pdf.pages().iter() {
        let bounds = kurbo::Rect::new(0.0, 0.0, 612.0, 792.0);
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, bounds, &cache, pdf.xref(), InterpreterSettings::default());
        interpret_page(page, &mut context, &mut DummyDevice);
    }
}

fn main() {
    let pdf = pdf();
    let page = format!(
        "<!doctype html><body><main>{}</main>",
        paragraphs().iter().map(|text| format!("<p>{text}</p>")).collect::<String>()
    );
    let text = paragraphs().join("\n\n");
    let base = fastest(|| draw_nothing(black_box(&pdf)));
    println!(
        "reading: {PAGES} pages, {} words; a PDF interpreted and not drawn takes {base:.1} ms",
        text.split_whitespace().count()
    );
    for (name, bytes) in [("PDF", &pdf), ("DOCX", &docx()), ("HTML", &page.into_bytes()), ("text", &text.into_bytes())]
    {
        let blocks = read(bytes).map_or(0, |document| document.blocks.len());
        let took = fastest(|| drop(black_box(read(black_box(bytes)))));
        println!("reading: {name}: {took:.1} ms, {:.2} of that; {blocks} blocks", took / base);
    }
    let program = Program { path: PathBuf::from(env!("CARGO_BIN_EXE_provenote-reader")), arguments: Vec::new() };
    let limits = Limits { allow_no_sandbox: true, ..Limits::default() };
    let took = fastest(|| drop(black_box(read_in_child(&program, black_box(&pdf), limits))));
    println!("reading: PDF in a process of its own: {took:.1} ms, {:.2} of that", took / base);
}
