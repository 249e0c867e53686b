//! No file brings the reader down, and every position holds, whatever is in the file.

use proptest::prelude::*;
use provenote_reader::{Language, language_of, read};
use provenote_vendors::reading::Document;

fn holds(document: &Document) {
    let mut reached = 0;
    for block in &document.blocks {
        assert!(reached <= block.start && block.start < block.end, "in order and not empty");
        let text = document.text.get(block.start..block.end).expect("on characters, within the text");
        assert_eq!(text.trim(), text);
        let plain = document.plain(block);
        let words = plain.text().len();
        if words > 0 {
            let origin = plain.origin(0..words);
            assert!(block.start <= origin.start && origin.end <= block.end, "{origin:?} within {block:?}");
            assert!(document.text.get(origin).is_some());
        }
        reached = block.end;
    }
    assert!(matches!(language_of(&document.text), Language::English | Language::Unclear | Language::Other(_)));
}

/// What agreements are made of, and what breaks readers of them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "1. ",
        "1.1 ",
        "(a) ",
        "(i)\t",
        "a) ",
        "IV. ",
        "ARTICLE II\n",
        "**",
        "[",
        "](x)",
        "`",
        "# ",
        "\n",
        "\n\n",
        "    ",
        "| ",
        "|---|\n",
        "- ",
        "• ",
        "<div>",
        "</div>",
        "<ol type=a>",
        "<li>",
        "</ol>",
        "<table><tr><td>",
        "</td></tr></table>",
        "<pre>",
        "<h2>",
        "</h2>",
        "<br>",
        "<!--",
        "-->",
        "shall report",
        "Business Associate",
        "within ten (10) days.",
        "é",
        "\u{a0}",
        "\u{ad}",
        "\u{feff}",
        "日本",
        "\r\n",
        "---\n",
        "===\n",
        "&amp;",
        "\\",
        "~~",
        "“",
        ";",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn text_markdown_and_pages_hold(text in pieces()) {
        for document in [Document::from_text(&text), Document::from_markdown(&text), Document::from_html(&text)] {
            holds(&document);
        }
        prop_assert_eq!(&Document::from_text(&text).text, &text);
        prop_assert_eq!(&Document::from_markdown(&text).text, &text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(document) = read(&bytes) {
            holds(&document);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        name in prop::sample::select(vec!["agreement.pdf", "broken-words.pdf", "locked.pdf", "scan.pdf"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(document) = read(&bytes) {
            holds(&document);
        }
    }
}
