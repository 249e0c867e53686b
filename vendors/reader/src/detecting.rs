//! What a file is, by its content; the ending of its name says nothing.

use std::sync::LazyLock;

use provenote_vendors::reading::looks_like_html;

use crate::{ReadError, encoding};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `%PDF-` within the first 1024 bytes, as readers accept it (ISO 32000-1, annex H, note 13).
    Pdf,
    /// A ZIP file; whether a document is in it, its parts will tell.
    Docx,
    /// A web page, decoded.
    Html(String),
    /// Text with Markdown's marks, decoded.
    Markdown(String),
    /// Text, decoded.
    Text(String),
}

/// Tells what a file is.
pub(crate) fn detect(bytes: &[u8]) -> Result<Kind, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty);
    }
    let head = &bytes[..bytes.len().min(1024)];
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Kind::Docx);
    }
    // A page that quotes a PDF's first bytes is still a page.
    if head.windows(5).any(|five| five == b"%PDF-") && !head.trim_ascii_start().starts_with(b"<") {
        return Ok(Kind::Pdf);
    }
    if let Some(what) = foreign(bytes) {
        return Err(match what {
            // Word's encryption wraps the ZIP in an older container, with a stream of this name in UTF-16.
            "an older Office file (.doc, .xls)" if holds_utf16(bytes, "EncryptedPackage") => ReadError::EncryptedOffice,
            _ => ReadError::Unreadable { what: what.to_owned() },
        });
    }
    let text = encoding::decode(bytes)?;
    if text.trim().is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(if looks_like_html(&text) {
        Kind::Html(text)
    } else if looks_like_markdown(&text) {
        Kind::Markdown(text)
    } else {
        Kind::Text(text)
    })
}

/// What people send instead.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 14] = [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an older Office file (.doc, .xls)"),
        (b"{\\rtf", "an RTF file"),
        (b"\x89PNG", "a picture (PNG)"),
        (b"\xff\xd8\xff", "a picture (JPEG)"),
        (b"GIF8", "a picture (GIF)"),
        (b"II*\0", "a picture (TIFF)"),
        (b"MM\0*", "a picture (TIFF)"),
        (b"\x1f\x8b", "a packed file (gzip)"),
        (b"Rar!", "a packed file (RAR)"),
        (b"7z\xbc\xaf", "a packed file (7z)"),
        (b"\x7fELF", "a program"),
        (b"MZ\x90", "a program"),
        (b"%!PS", "a PostScript file"),
        (b"ID3", "a sound file"),
    ];
    known.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
}

fn holds_utf16(bytes: &[u8], word: &str) -> bool {
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(wide.len()).any(|part| part == wide)
}

/// True where a text has marks that only Markdown gives a meaning.
fn looks_like_markdown(text: &str) -> bool {
    static MARKS: LazyLock<[regex::Regex; 4]> = LazyLock::new(|| {
        [
            // Headings.
            r"(?m)^#{1,6} +\S",
            // Bold, and links.
            r"\*\*[^\s*][^*\n]*\*\*|\[[^\]\n]+\]\((?:https?:|mailto:|/|#)[^)\s]*\)",
            // Bullets, and items within items.
            r"(?m)^ {0,8}[*+-] +\S",
            // Tables and code.
            r"(?m)^\|.*\|\s*$|^```",
        ]
        .map(|pattern| regex::Regex::new(pattern).expect("a pattern of ours"))
    });
    let weight = |pattern: &regex::Regex| pattern.find_iter(text).take(4).count();
    let counts: Vec<usize> = MARKS.iter().map(weight).collect();
    counts[0] >= 2 || counts[0] + counts[1] + counts[3] >= 2 || counts[0] >= 1 && counts[2] >= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        assert_eq!(detect(b"junk\n%PDF-1.4\n"), Ok(Kind::Pdf));
        assert_eq!(detect(b"PK\x03\x04"), Ok(Kind::Docx));
        assert!(matches!(detect(b"<html><p>about %PDF-1.4"), Ok(Kind::Html(_))));
        assert!(matches!(detect(b"# A\n\n## B\n"), Ok(Kind::Markdown(_))));
        assert!(matches!(detect(b"**1. A.** b\n\n**2. C.** d\n"), Ok(Kind::Markdown(_))));
        assert!(matches!(detect(b"1. One * two\n#5 of 7\n"), Ok(Kind::Text(_))));
        assert_eq!(detect(b" \n\t"), Err(ReadError::Empty));
        assert_eq!(detect(b""), Err(ReadError::Empty));
        assert!(matches!(detect(b"{\\rtf1 x}"), Err(ReadError::Unreadable { .. })));
        assert!(matches!(detect(b"\x89PNG\r\n"), Err(ReadError::Unreadable { .. })));
        let mut encrypted = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(detect(&encrypted), Err(ReadError::EncryptedOffice));
    }
}
