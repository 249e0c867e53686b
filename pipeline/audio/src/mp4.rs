//! The one thing of an MP4 file that the demuxer leaves out: its edit list.
//!
//! AAC begins with a thousand or two samples of the encoder's own delay and ends with padding. MP4 says in the edit
//! list (ISO/IEC 14496-12 §8.6.6) which part is the recording; without it every phone recording would come out some
//! 50 ms too long and begin with a stretch of nothing.

use std::io::{self, Read, Seek, SeekFrom};

/// The part of the sound track that is the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Where it begins: ticks, and ticks a second.
    begin: (u64, u32),
    /// How long it is: ticks, and ticks a second. None where it runs to the end.
    length: Option<(u64, u32)>,
}

impl Edit {
    /// Frames to leave out at the start, and frames to keep.
    pub(crate) fn frames(self, rate: u32) -> (u64, u64) {
        let frames = |(ticks, scale): (u64, u32)| {
            let frames = (u128::from(ticks) * u128::from(rate) + u128::from(scale) / 2) / u128::from(scale.max(1));
            u64::try_from(frames).unwrap_or(u64::MAX)
        };
        (frames(self.begin), self.length.map_or(u64::MAX, frames))
    }
}

/// More boxes than a recording has; a file that claims more is not searched further.
const MOST_BOXES: u32 = 10_000;

/// The edit of the first sound track, where the file has exactly one that matters.
pub(crate) fn edit(source: &mut (impl Read + Seek)) -> io::Result<Option<Edit>> {
    let end = source.seek(SeekFrom::End(0))?;
    let mut walk = Walk { source, left: MOST_BOXES };
    let Some(movie) = walk.find((0, end), *b"moov")? else { return Ok(None) };
    let Some(movie_scale) = walk.timescale(movie, *b"mvhd")? else { return Ok(None) };
    let mut from = movie.0;
    while let Some(track) = walk.find((from, movie.1), *b"trak")? {
        from = track.1;
        let Some(media) = walk.find(track, *b"mdia")? else { continue };
        let handler = match walk.find(media, *b"hdlr")? {
            Some(handler) => walk.read(handler, 12)?,
            None => continue,
        };
        // Version and flags, a reserved word, then what handles the track.
        if handler.get(8..12) != Some(b"soun") {
            continue;
        }
        let Some(media_scale) = walk.timescale(media, *b"mdhd")? else { return Ok(None) };
        let Some(edits) = walk.find(track, *b"edts")? else { return Ok(None) };
        let Some(list) = walk.find(edits, *b"elst")? else { return Ok(None) };
        return Ok(parse(&walk.read(list, 8 + 20 * 16)?, movie_scale, media_scale));
    }
    Ok(None)
}

/// The edit list's one edit that is not empty.
fn parse(list: &[u8], movie_scale: u32, media_scale: u32) -> Option<Edit> {
    let long = *list.first()? == 1;
    let count = usize::try_from(word(list, 4)?).ok()?;
    let size = if long { 20 } else { 12 };
    let mut found = None;
    for entry in list.get(8..)?.chunks_exact(size).take(count) {
        let (length, begin) = if long {
            (double(entry, 0)?, double(entry, 8)?.cast_signed())
        } else {
            (u64::from(word(entry, 0)?), i64::from(word(entry, 4)?.cast_signed()))
        };
        // A negative time is a pause before the sound: recorders write none worth keeping.
        let Ok(begin) = u64::try_from(begin) else { continue };
        if found.is_some() {
            // Several parts, as an editor makes them: all of the sound is kept.
            return None;
        }
        found = Some(Edit { begin: (begin, media_scale), length: (length > 0).then_some((length, movie_scale)) });
    }
    found.filter(|_| count <= 16)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn double(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

struct Walk<'a, S> {
    source: &'a mut S,
    left: u32,
}

impl<S: Read + Seek> Walk<'_, S> {
    /// The first box of that kind between two offsets: where its content begins and ends.
    fn find(&mut self, (mut at, end): (u64, u64), kind: [u8; 4]) -> io::Result<Option<(u64, u64)>> {
        while at + 8 <= end && self.left > 0 {
            self.left -= 1;
            let head = self.read((at, end), 16)?;
            let (Some(size), Some(name)) = (word(&head, 0), head.get(4..8)) else { return Ok(None) };
            // Size 1: a 64-bit size follows. Size 0: to the end of the file (§4.2).
            let (content, next) = match size {
                0 => (8, Some(end)),
                1 => (16, double(&head, 8).and_then(|size| at.checked_add(size))),
                size => (8, at.checked_add(u64::from(size))),
            };
            let Some(next) = next.filter(|next| *next >= at + content && *next <= end) else { return Ok(None) };
            if name == kind {
                return Ok(Some((at + content, next)));
            }
            at = next;
        }
        Ok(None)
    }

    /// Up to `most` bytes of a box's content.
    fn read(&mut self, (at, end): (u64, u64), most: u64) -> io::Result<Vec<u8>> {
        self.source.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        self.source.take(most.min(end - at)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Ticks a second, of a movie or media header: behind two times, which are longer in version 1.
    fn timescale(&mut self, parent: (u64, u64), kind: [u8; 4]) -> io::Result<Option<u32>> {
        let Some(header) = self.find(parent, kind)? else { return Ok(None) };
        let bytes = self.read(header, 24)?;
        Ok(word(&bytes, if bytes.first() == Some(&1) { 20 } else { 12 }).filter(|scale| *scale > 0))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
    }

    fn movie(handler: &[u8; 4], edits: &[(u32, i32)]) -> Vec<u8> {
        let header = |scale: u32| [&[0; 12][..], &scale.to_be_bytes(), &[0; 8]].concat();
        let list: Vec<u8> = edits
            .iter()
            .flat_map(|(length, begin)| [length.to_be_bytes(), begin.to_be_bytes(), [0, 1, 0, 0]].concat())
            .collect();
        let list = [&[0; 4][..], &(edits.len() as u32).to_be_bytes(), &list].concat();
        let media =
            [boxed(b"mdhd", &header(44_100)), boxed(b"hdlr", &[&[0; 8][..], handler, &[0; 12]].concat())].concat();
        let track = [boxed(b"edts", &boxed(b"elst", &list)), boxed(b"mdia", &media)].concat();
        [
            boxed(b"ftyp", b"M4A "),
            boxed(b"free", &[0; 99]),
            boxed(b"moov", &[boxed(b"mvhd", &header(1_000)), boxed(b"trak", &track)].concat()),
        ]
        .concat()
    }

    fn found(bytes: &[u8]) -> Option<Edit> {
        edit(&mut Cursor::new(bytes)).expect("bytes in memory")
    }

    #[test]
    fn the_encoders_delay_and_padding_are_known() {
        let edit = found(&movie(b"soun", &[(1_000, 1_024)])).expect("an edit");
        assert_eq!(edit.frames(44_100), (1_024, 44_100));
        assert_eq!(edit.frames(22_050), (512, 22_050));
        let open_ended = found(&movie(b"soun", &[(0, 2_112)])).expect("an edit");
        assert_eq!(open_ended.frames(44_100), (2_112, u64::MAX));
        let after_a_pause = found(&movie(b"soun", &[(500, -1), (1_000, 1_024)])).expect("an edit");
        assert_eq!(after_a_pause.frames(44_100), (1_024, 44_100));
    }

    #[test]
    fn other_tracks_and_cut_up_sound_have_no_edit() {
        assert_eq!(found(&movie(b"vide", &[(1_000, 1_024)])), None);
        assert_eq!(found(&movie(b"soun", &[])), None);
        assert_eq!(found(&movie(b"soun", &[(100, 0), (100, 5_000)])), None);
        assert_eq!(found(b""), None);
    }

    #[test]
    fn no_bytes_make_it_fail() {
        let whole = movie(b"soun", &[(1_000, 1_024)]);
        for at in 0..whole.len() {
            found(&whole[..at]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Some(edit) = found(&bytes) {
                    edit.frames(48_000);
                }
            }
        }
    }
}
