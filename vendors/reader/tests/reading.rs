//! Whole files, of every format, as people get them.

use std::io::{Cursor, Write as _};

use provenote_reader::{ReadError, expect_english, read};
use provenote_vendors::reading::{BlockKind, Document, Format};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
}

/// A document's blocks, a line each.
fn shown(document: &Document) -> Vec<String> {
    let mut reached = 0;
    document
        .blocks
        .iter()
        .map(|block| {
            assert!(block.start >= reached && block.end > block.start, "in order, and not empty");
            reached = block.end;
            let text = &document.text[block.start..block.end];
            assert_eq!(text.trim(), text);
            match &block.kind {
                BlockKind::Heading { level } => format!("h{level} {text}"),
                BlockKind::Paragraph => format!("p {text}"),
                BlockKind::ListItem { depth, .. } => format!("*{depth} {text}"),
                BlockKind::Clause { number, depth } => format!("{number}^{depth} {text}"),
                BlockKind::TableCell { row, column } => format!("[{row},{column}] {text}"),
            }
        })
        .collect()
}

const AGREEMENT: [&str; 15] = [
    "h1 Business Associate Agreement",
    "p This agreement is made between Willow Lane Counseling (the “Practice”) and Notewright, Inc. (the “Vendor”), and holds from the day on which both have signed it.",
    "1^0 Definitions",
    "1.1^1 “Breach” has the meaning that 45 CFR 164.402 gives it, and “PHI” means protected health information that the Vendor receives from the Practice or creates for it.",
    "1.2^1 “Discovery” means the first day on which a breach is known to the Vendor or would have been known with reasonable diligence.",
    "2^0 What the Vendor does",
    "2.1^1 The Vendor uses PHI only to provide the services, and for nothing else.",
    "2.2^1 The Vendor shall:",
    "2.2(a)^2 report to the Practice every Breach of unsecured PHI without unreasonable delay, and in no case later than five (5) business days after its Discovery;",
    "2.2(b)^2 see to it that every subcontractor that handles PHI agrees in writing to the same restrictions; and",
    "2.2(c)^2 make its books available to the Secretary.",
    "2.3^1 The Vendor does not use PHI, nor anything derived from it, to train or improve any model.",
    "3^0 End",
    "3.1^1 This agreement ends with the services. The Practice may end it earlier when the Vendor breaks it and does not cure within thirty (30) days.",
    "3.2^1 Within sixty (60) days of the end the Vendor returns or destroys all PHI, at the choice of the Practice, and keeps no copies.",
];

#[test]
fn a_pdf_reads_alike_in_one_column_and_in_two() {
    for name in ["agreement.pdf", "two-columns.pdf"] {
        let document = read(&fixture(name)).expect("read");
        assert_eq!(document.format, Format::Pdf);
        let blocks = shown(&document);
        assert_eq!(blocks[..15], AGREEMENT, "{name}");
        assert_eq!(blocks.len(), 45, "{name}: thirty clauses more, over two pages or columns, and no running lines");
        assert!(!document.text.contains("Page ") && !document.text.contains("Notewright BAA 2026"), "{name}");
        assert!(blocks[44].starts_with("4.30^1 Words that fill") && blocks[44].ends_with("number 30."), "{name}");
        assert_eq!(expect_english(&document), Ok(()));
    }
}

#[test]
fn words_broken_at_a_lines_end_are_whole() {
    for name in ["broken-words.pdf", "owner-locked.pdf"] {
        let document = read(&fixture(name)).expect("read");
        assert_eq!(
            shown(&document),
            [
                "p The Vendor shall tell the Practice of every use of information that this agreement does not allow, and of every non-compliance with it. The Vendor may not use de-identified data. It shall not sell such data, and it shall not re-identify a person from it."
            ],
            "{name}"
        );
    }
}

#[test]
fn ligatures_tables_and_lists_of_a_browsers_pdf() {
    let blocks = shown(&read(&fixture("table.pdf")).expect("read"));
    assert_eq!(blocks[1], "p The office keeps this first list of flows on file; the affiliates confirm it.");
    for cell in [
        "[0,0] Cloudhaus",
        "[0,1] Keeps the recordings and the notes, encrypted, until they are destroyed",
        "[0,2] United States",
        "[1,2] Ireland",
        "1.a^1 Part of it.",
        "2^0 Second duty.",
    ] {
        assert!(blocks.iter().any(|block| block == cell), "{cell}: {blocks:#?}");
    }
}

#[test]
fn a_pdf_that_cannot_be_read_says_why() {
    assert_eq!(read(&fixture("scan.pdf")), Err(ReadError::Scan { pages: 2 }));
    assert_eq!(read(&fixture("locked.pdf")), Err(ReadError::Encrypted));
    assert!(matches!(read(b"%PDF-1.7\nnothing\n%%EOF"), Err(ReadError::Broken { .. })));
}

/// A DOCX of these parts.
fn docx(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("a ZIP").into_inner()
}

const WORD: &str = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'";
const TYPES: (&str, &str) = ("[Content_Types].xml", "<Types/>");

fn body(inner: &str) -> String {
    format!("<?xml version='1.0'?><w:document {WORD}><w:body>{inner}</w:body></w:document>")
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn a_word_document_has_its_numbers_headings_notes_and_tables() {
    let numbering = format!(
        "<w:numbering {WORD}><w:abstractNum w:abstractNumId='4'>\
         <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>\
         <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:pStyle w:val='N2'/><w:lvlText w:val='%1.%2'/></w:lvl>\
         <w:lvl w:ilvl='2'><w:start w:val='1'/><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='(%3)'/></w:lvl></w:abstractNum>\
         <w:abstractNum w:abstractNumId='5'><w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/><w:lvlText w:val='\u{f0b7}'/></w:lvl></w:abstractNum>\
         <w:num w:numId='1'><w:abstractNumId w:val='4'/></w:num><w:num w:numId='2'><w:abstractNumId w:val='5'/></w:num></w:numbering>"
    );
    let styles = format!(
        "<w:styles {WORD}><w:style w:type='paragraph' w:styleId='T'><w:name w:val='Title'/></w:style>\
         <w:style w:type='paragraph' w:styleId='H1'><w:name w:val='heading 1'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style>\
         <w:style w:type='paragraph' w:styleId='N2'><w:name w:val='Clause'/><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style>\
         <w:style w:type='paragraph' w:styleId='C1'><w:name w:val='toc 1'/></w:style></w:styles>"
    );
    let number = |level: u8| format!("<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='1'/></w:numPr>");
    let inner = [
        paragraph("<w:pStyle w:val='T'/>", "Business Associate Agreement"),
        paragraph("<w:pStyle w:val='C1'/>", "Definitions 3"),
        paragraph("<w:pStyle w:val='H1'/>", "Definitions"),
        paragraph("<w:pStyle w:val='N2'/>", "PHI is what the law says."),
        paragraph("<w:pStyle w:val='H1'/>", "Duties"),
        format!("<w:p><w:pPr>{}</w:pPr><w:r><w:t xml:space='preserve'>Report within </w:t></w:r><w:del><w:r><w:delText>thirty</w:delText></w:r></w:del><w:ins><w:r><w:t>ten</w:t></w:r></w:ins><w:r><w:footnoteReference w:id='2'/></w:r><w:r><w:t xml:space='preserve'> days</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:t>.</w:t></w:r></w:p>", number(1)),
        paragraph(&number(2), "first;"),
        paragraph(&number(2), "second."),
        paragraph("<w:numPr><w:ilvl w:val='0'/><w:numId w:val='2'/></w:numPr>", "a point"),
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t xml:space='preserve'>Two paragraphs </w:t></w:r></w:p>".to_owned(),
        paragraph("", "became one."),
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Place</w:t></w:r></w:p></w:tc></w:tr>\
         <w:tr><w:tc><w:p><w:r><w:t>A</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>US</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
            .to_owned(),
        "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>REF x</w:instrText></w:r><w:r><w:t>(a) typed by hand.</w:t></w:r></w:p>".to_owned(),
    ]
    .concat();
    let notes = format!(
        "<w:footnotes {WORD}><w:footnote w:id='2'><w:p><w:r><w:t>Calendar days.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    );
    let file = docx(&[
        TYPES,
        ("word/document.xml", &body(&inner)),
        ("word/styles.xml", &styles),
        ("word/numbering.xml", &numbering),
        ("word/footnotes.xml", &notes),
    ]);
    let document = read(&file).expect("read");
    assert_eq!(
        shown(&document),
        [
            "h1 Business Associate Agreement",
            "h1 1. Definitions",
            "1.1^1 PHI is what the law says.",
            "h1 2. Duties",
            "2.1^1 Report within ten days.",
            "p Note 2: Calendar days.",
            "2.1(a)^2 first;",
            "2.1(b)^2 second.",
            "*0 a point",
            "p Two paragraphs became one.",
            "[0,0] Name",
            "[0,1] Place",
            "[1,0] A",
            "[1,1] US",
            "2.1(a)^2 typed by hand.",
        ]
    );
    assert!(document.text.contains("2.1 Report within ten days."), "computed numbers are printed: {}", document.text);
}

#[test]
fn a_zip_that_is_no_plain_document_says_why() {
    let text = body(&paragraph("", "Words."));
    let main = ("word/document.xml", text.as_str());
    assert_eq!(read(&docx(&[TYPES, main, ("word/vbaProject.bin", "x")])), Err(ReadError::Macros));
    let enabled = "<Types><Override PartName='/word/document.xml' ContentType='application/vnd.ms-word.document.macroEnabled.main+xml'/></Types>";
    assert_eq!(read(&docx(&[("[Content_Types].xml", enabled), main])), Err(ReadError::Macros));
    assert!(
        matches!(read(&docx(&[TYPES, ("xl/workbook.xml", "<x/>")])), Err(ReadError::Unreadable { what }) if what.contains("XLSX"))
    );
    assert!(matches!(read(&docx(&[("a.txt", "x")])), Err(ReadError::Unreadable { what }) if what == "a ZIP archive"));
    assert!(matches!(read(&docx(&[TYPES, ("word/document.xml", "<w:document")])), Err(ReadError::Broken { .. })));
    let entity = format!("<!DOCTYPE x [<!ENTITY a 'aaaaaaaa'>]>{}", body("&a;"));
    assert!(matches!(read(&docx(&[TYPES, ("word/document.xml", &entity)])), Err(ReadError::Broken { .. })));
    assert_eq!(
        read(&docx(&[TYPES, ("word/document.xml", &body(""))])),
        Err(ReadError::NoText { format: "DOCX".to_owned() })
    );
    let bomb = body(&" ".repeat(40 << 20));
    assert_eq!(read(&docx(&[TYPES, ("word/document.xml", &bomb)])), Err(ReadError::Bomb));
    let deep = body(&format!("{}{}", "<w:sdt><w:sdtContent>".repeat(5000), "</w:sdtContent></w:sdt>".repeat(5000)));
    assert!(read(&docx(&[TYPES, ("word/document.xml", &deep)])).is_err());
}

#[test]
fn text_in_any_encoding_keeps_its_place() {
    let text = "Business Associate Agreement\r\n\r\n1. The “Vendor” shall report — within §3 days.\r\n";
    let wide: Vec<u8> = [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    for bytes in [text.as_bytes().to_vec(), wide] {
        let document = read(&bytes).expect("read");
        assert_eq!((document.text.as_str(), document.format), (text, Format::Text));
        assert_eq!(
            shown(&document),
            ["h2 Business Associate Agreement", "1^0 The “Vendor” shall report — within §3 days."]
        );
    }
}

#[test]
fn what_is_nothing_or_too_much_is_refused() {
    assert_eq!(read(b""), Err(ReadError::Empty));
    assert_eq!(read(b"\xef\xbb\xbf \r\n"), Err(ReadError::Empty));
    assert_eq!(read(b"<html><script>x</script></html>"), Err(ReadError::NoText { format: "HTML".to_owned() }));
    let page = format!("<!doctype html>{}", "<p>words</p>".repeat(5 << 20));
    assert_eq!(page.len() >> 20, 60);
    assert!(matches!(read(page.as_bytes()), Err(ReadError::TooLarge { .. })));
    let page = &page[..20 << 20];
    assert_eq!(read(page.as_bytes()), Err(ReadError::TooLarge { megabytes: 20, most: 12 }));
}

#[test]
fn another_language_is_named() {
    let german = "Der Auftragnehmer meldet dem Verantwortlichen jede Verletzung des Schutzes personenbezogener Daten unverzüglich, \
                  spätestens jedoch binnen zehn Tagen, nachdem er davon Kenntnis erlangt hat. ";
    let document = read(german.repeat(20).as_bytes()).expect("read");
    assert_eq!(expect_english(&document), Err(ReadError::OtherLanguage("German".to_owned())));
}
