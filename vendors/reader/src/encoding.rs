//! Bytes to letters: UTF-8, UTF-16, and Windows-1252, which is what older files are in when they say nothing.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::ReadError;

/// Decodes a text. A byte order mark decides, then UTF-8 where it fits, then UTF-16 where every other byte is zero, then
/// what a page says of itself, then Windows-1252.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, ReadError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return sane(text.into_owned());
    }
    if let Some(encoding) = wide(bytes) {
        return sane(encoding.decode_without_bom_handling(bytes).0.into_owned());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return sane(text.to_owned());
    }
    let encoding = declared(bytes).unwrap_or(WINDOWS_1252);
    sane(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

/// UTF-16 without a mark: in English, one byte of each two is nearly always zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(4096) & !1];
    let pairs = head.len() / 2;
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match () {
        () if pairs < 4 => None,
        () if odd * 10 >= pairs * 7 && even * 10 < pairs => Some(UTF_16LE),
        () if even * 10 >= pairs * 7 && odd * 10 < pairs => Some(UTF_16BE),
        () => None,
    }
}

/// What a page says its encoding is, in its first 1024 bytes (WHATWG HTML, "prescan a byte stream").
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_ascii_lowercase();
    let (_, after) = head.split_once("charset")?;
    let name = after.trim_start().strip_prefix('=')?.trim_start_matches(['"', '\'', ' ']);
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(name.len());
    // A page that decodes as bytes cannot be in the encoding of two bytes that it may name.
    Encoding::for_label(&name.as_bytes()[..end]).filter(|encoding| encoding.is_ascii_compatible())
}

/// A text full of signs that no text has is none.
fn sane(text: String) -> Result<String, ReadError> {
    let (mut all, mut odd) = (0_usize, 0_usize);
    for sign in text.chars().take(200_000) {
        all += 1;
        let control = sign.is_control() && !matches!(sign, '\n' | '\r' | '\t' | '\u{c}' | '\u{b}');
        odd += usize::from(control || sign == '\u{fffd}');
    }
    if odd * 50 > all {
        Err(ReadError::Unreadable { what: "no text in an encoding we know".to_owned() })
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The “Vendor” shall report — within §3 days.\n";

    #[test]
    fn every_encoding_gives_the_same_text() {
        let wide = |to: fn(u16) -> [u8; 2]| TEXT.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let (narrow, _, _) = WINDOWS_1252.encode(TEXT);
        for bytes in [
            TEXT.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", TEXT.as_bytes()].concat(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat(),
            [b"\xfe\xff".to_vec(), wide(u16::to_be_bytes)].concat(),
            narrow.to_vec(),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok(TEXT));
        }
    }

    #[test]
    fn a_page_says_what_it_is() {
        let page = b"<html><meta charset='iso-8859-7'><p>\xe1";
        assert!(decode(page).expect("decoded").ends_with('α'));
        let page = b"<html><meta charset=utf-16><p>\x93x\x94";
        assert!(decode(page).expect("decoded").ends_with("“x”"), "it cannot be");
    }

    #[test]
    fn noise_is_no_text() {
        let noise: Vec<u8> = (0..4000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(matches!(decode(&noise), Err(ReadError::Unreadable { .. })));
    }
}
