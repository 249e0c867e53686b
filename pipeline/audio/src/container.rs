//! What kind of file it is, by its first bytes, before any decoder sees it.
//!
//! A decoder that looks for a frame anywhere in a file finds MP3 in photographs. So only a file that begins as audio
//! begins is handed on.

use std::io::{Read, Seek, SeekFrom};

use crate::AudioError;
use crate::mp4::{self, Edit};

/// A container that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// RIFF WAVE.
    Wav,
    /// Native FLAC.
    Flac,
    /// Ogg; `whole` is false where the last page is cut or does not close the stream (RFC 3533 §6).
    Ogg { whole: bool },
    /// MPEG-4 part 12 and 14, with the part of the sound that is the recording.
    Mp4 { edit: Option<Edit> },
    /// MPEG audio, or AAC in ADTS frames, perhaps behind an ID3 tag.
    Mpeg,
}

/// An Ogg page is at most 27 + 255 + 255 * 255 bytes (RFC 3533 §6).
const OGG_PAGE: u64 = 65_307;
const OGG_HEADER: usize = 27;
/// Rates that recorders use, with room to spare.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
const MOST_CHANNELS: usize = 32;

impl Container {
    /// Reads the first bytes (and Ogg's last), and leaves the source at its start.
    ///
    /// # Errors
    /// [`AudioError::Empty`], [`AudioError::NotAudio`], [`AudioError::Unsupported`], [`AudioError::Unreadable`].
    pub(crate) fn of(source: &mut (impl Read + Seek)) -> Result<Self, AudioError> {
        let mut first = Vec::with_capacity(12);
        source.by_ref().take(12).read_to_end(&mut first).map_err(AudioError::Unreadable)?;
        let container = match first.as_slice() {
            [] => return Err(AudioError::Empty),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E'] => {
                sane_wav(source)?;
                Self::Wav
            }
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'O', b'g', b'g', b'S', ..] => Self::Ogg { whole: ogg_is_whole(source).map_err(AudioError::Unreadable)? },
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
                Self::Mp4 { edit: mp4::edit(source).map_err(AudioError::Unreadable)? }
            }
            [b'I', b'D', b'3', ..] => Self::Mpeg,
            // Eleven sync bits, then neither the reserved version nor the reserved layer; layer 0 is AAC in ADTS.
            [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x18 != 0x08 => Self::Mpeg,
            [0x1a, 0x45, 0xdf, 0xa3, ..] => return unsupported("WebM or Matroska"),
            [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => return unsupported("a 64-bit WAV"),
            [b'F', b'O', b'R', b'M', ..] => return unsupported("AIFF"),
            [b'c', b'a', b'f', b'f', ..] => return unsupported("CAF"),
            [b'#', b'!', b'A', b'M', b'R', ..] => return unsupported("AMR"),
            [0x30, 0x26, 0xb2, 0x75, ..] => return unsupported("WMA"),
            _ => return Err(AudioError::NotAudio),
        };
        source.rewind().map_err(AudioError::Unreadable)?;
        Ok(container)
    }
}

/// What a WAV's format chunk claims (RIFF MCI, "fmt "), before a decoder multiplies with it.
fn sane_wav(source: &mut (impl Read + Seek)) -> Result<(), AudioError> {
    let mut head = Vec::new();
    source.take(4096).read_to_end(&mut head).map_err(AudioError::Unreadable)?;
    // The chunks before it: name, length, bytes, and a byte of padding after an odd length (RIFF §2).
    let mut chunk = head.as_slice();
    while let [a, b, c, d, l0, l1, l2, l3, rest @ ..] = chunk {
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        if [*a, *b, *c, *d] == *b"fmt " {
            let [_, _, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1, ..] = rest else {
                return Err(AudioError::CutShort { at_s: 0.0, promised_s: None });
            };
            sane_rate(u32::from_le_bytes([*r0, *r1, *r2, *r3]))?;
            sane_channels(u16::from_le_bytes([*c0, *c1]).into())?;
            return match u16::from_le_bytes([*b0, *b1]) {
                bits @ (0 | 65..) => Err(AudioError::AbsurdHeader { what: format!("{bits} bits a sample") }),
                _ => Ok(()),
            };
        }
        chunk = rest.get(length + length % 2..).unwrap_or_default();
    }
    // A format chunk behind pages of other chunks is the decoder's to find.
    Ok(())
}

/// A rate some recorder uses.
pub(crate) fn sane_rate(rate: u32) -> Result<(), AudioError> {
    if RATES.contains(&rate) {
        Ok(())
    } else {
        Err(AudioError::AbsurdHeader { what: format!("a sample rate of {rate} Hz") })
    }
}

/// As many channels as some recorder has.
pub(crate) fn sane_channels(channels: usize) -> Result<(), AudioError> {
    if (1..=MOST_CHANNELS).contains(&channels) {
        Ok(())
    } else {
        Err(AudioError::AbsurdHeader { what: format!("{channels} channels") })
    }
}

fn unsupported<T>(kind: &'static str) -> Result<T, AudioError> {
    Err(AudioError::Unsupported { kind })
}

/// True when the last page that begins in the file also ends in it and carries the end-of-stream flag.
fn ogg_is_whole(source: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(length.saturating_sub(OGG_PAGE + OGG_HEADER as u64)))?;
    let mut tail = Vec::new();
    source.take(OGG_PAGE + OGG_HEADER as u64).read_to_end(&mut tail)?;
    let last = tail.windows(4).rposition(|w| w == b"OggS").map(|at| &tail[at..]);
    Ok(last.is_some_and(|page| {
        let segments = page.get(26).map_or(0, |&n| usize::from(n));
        let body = page
            .get(OGG_HEADER..OGG_HEADER + segments)
            .map(|sizes| sizes.iter().map(|&n| usize::from(n)).sum::<usize>());
        let ends = body.is_some_and(|body| OGG_HEADER + segments + body <= page.len());
        ends && page[5] & 0x04 != 0
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn of(bytes: &[u8]) -> Result<Container, AudioError> {
        Container::of(&mut Cursor::new(bytes))
    }

    #[test]
    fn photographs_texts_and_pdfs_are_no_audio() {
        for bytes in [
            &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"[..],
            b"%PDF-1.7 ......",
            b"Dear Ms",
            b"PK\x03\x04",
            b"\0\0\0\0",
            b"\xff\xfe\xff\xfe",
        ] {
            let found = of(bytes);
            // A UTF-16 text begins FF FE, which has the sync bits of MPEG layer I: the demuxer refuses it later.
            assert!(matches!(found, Err(AudioError::NotAudio)) || bytes[..2] == [0xff, 0xfe], "{bytes:?} is {found:?}");
        }
        assert!(matches!(of(b""), Err(AudioError::Empty)));
    }

    #[test]
    fn other_containers_are_named() {
        for (bytes, name) in [
            (&b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f"[..], "WebM or Matroska"),
            (b"FORM\0\0\0\0AIFF", "AIFF"),
            (b"#!AMR\n", "AMR"),
            (b"RF64\xff\xff\xff\xffWAVE", "a 64-bit WAV"),
        ] {
            assert!(matches!(of(bytes), Err(AudioError::Unsupported { kind }) if kind == name), "{name}");
        }
    }

    #[test]
    fn an_ogg_file_is_whole_when_its_last_page_closes_the_stream() {
        let page = |flags: u8, body: usize| {
            let mut page = b"OggS\0".to_vec();
            page.push(flags);
            page.extend([0; 20]);
            page.push(1);
            page.push(u8::try_from(body).expect("a small page"));
            page.resize(page.len() + body, 7);
            page
        };
        let whole = [page(2, 30), page(0, 200), page(4, 99)].concat();
        assert_eq!(of(&whole).ok(), Some(Container::Ogg { whole: true }));
        for cut in [1, 98, 99, 110, 130] {
            assert_eq!(of(&whole[..whole.len() - cut]).ok(), Some(Container::Ogg { whole: false }), "cut by {cut}");
        }
        assert_eq!(of(&whole[..230]).ok(), Some(Container::Ogg { whole: false }));
    }
}
