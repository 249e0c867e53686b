//! What a person's hand left: a drawn signature, or signed paper as a scan or picture. Hostile bytes: everything is
//! bounded before it is read.

use std::io::Cursor;

/// The largest file of a signature, in bytes. Ask [`check_size`] before the file is read.
pub const LARGEST_FILE: u64 = 20 * 1024 * 1024;

/// The most picture elements that are decoded: a sheet of letter paper at 600 dots per inch has 34 million.
const MOST_PIXELS: u64 = 40_000_000;

/// How far, of 255, ink stands out from the paper.
const INK: u8 = 32;

/// Fewer dots of ink than this are dirt.
const LEAST_INK: usize = 30;

/// Ink within a smaller span than this, in picture elements, is a dot and no signature.
const LEAST_SPAN: usize = 16;

/// Why a picture or scan was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Larger than [`LARGEST_FILE`].
    #[error("the signature's file has {bytes} bytes, more than {LARGEST_FILE} (20 MB): scan it in black and white")]
    TooLarge {
        /// As large as it is.
        bytes: u64,
    },
    /// More picture elements than are decoded.
    #[error("the picture has {width} by {height} dots, which is more than a sheet of paper needs: make it smaller")]
    TooManyPixels {
        /// Across.
        width: u32,
        /// Down.
        height: u32,
    },
    /// A drawn signature that is no PNG.
    #[error("the drawn signature is no PNG picture")]
    NoPng,
    /// A PNG that cannot be read to its end.
    #[error("the PNG picture is damaged: save it again")]
    DamagedPng,
    /// No ink.
    #[error("the picture is blank: nobody has signed on it")]
    Blank,
    /// A scan that is none of what scanners make.
    #[error("the scan is no PDF file and no PNG or JPEG picture")]
    NoScan,
    /// It begins like one and breaks off.
    #[error("the scan breaks off before its end: scan it again")]
    CutOff,
}

/// What a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// A PDF file.
    Pdf,
    /// A PNG picture, decoded and not blank.
    Png,
    /// A JPEG picture. Whether it shows anything is for people to see.
    Jpeg,
}

impl Scan {
    /// The media type it is sealed under.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Refuses a file by its length alone, before it is read.
///
/// # Errors
/// [`PictureError::TooLarge`].
pub const fn check_size(bytes: u64) -> Result<(), PictureError> {
    if bytes > LARGEST_FILE { Err(PictureError::TooLarge { bytes }) } else { Ok(()) }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Looks at a drawn signature: a whole PNG with ink on it.
///
/// # Errors
/// [`PictureError`].
pub fn check_drawn(png: &[u8]) -> Result<(), PictureError> {
    check_size(png.len() as u64)?;
    if !png.starts_with(PNG) {
        return Err(PictureError::NoPng);
    }
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let (width, height) = {
        let info = decoder.read_header_info().map_err(|_| PictureError::DamagedPng)?;
        (info.width, info.height)
    };
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooManyPixels { width, height });
    }
    let mut reader = decoder.read_info().map_err(|_| PictureError::DamagedPng)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(PictureError::TooManyPixels { width, height })?];
    let frame = reader.next_frame(&mut pixels).map_err(|_| PictureError::DamagedPng)?;
    let samples = frame.color_type.samples();
    let light: Vec<u8> = pixels[..frame.buffer_size()].chunks_exact(samples).map(on_paper).collect();
    if has_ink(&light, frame.width as usize) { Ok(()) } else { Err(PictureError::Blank) }
}

/// How light a dot is on white paper, 0 to 255; the dot is grey or colour, with or without alpha.
fn on_paper(dot: &[u8]) -> u8 {
    let (grey, alpha) = match *dot {
        [grey] => (u32::from(grey), 255),
        [grey, alpha] => (u32::from(grey), u32::from(alpha)),
        [red, green, blue] => (luma(red, green, blue), 255),
        [red, green, blue, alpha] => (luma(red, green, blue), u32::from(alpha)),
        _ => (255, 0),
    };
    u8::try_from((grey * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

/// Rec. 601 luma.
fn luma(red: u8, green: u8, blue: u8) -> u32 {
    (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000
}

fn has_ink(light: &[u8], width: usize) -> bool {
    let mut counts = [0_usize; 256];
    for value in light {
        counts[usize::from(*value)] += 1;
    }
    // The paper is what there is most of.
    let paper = (0..=255_u8).max_by_key(|value| counts[usize::from(*value)]).unwrap_or(255);
    let ink: Vec<usize> =
        light.iter().enumerate().filter(|(_, value)| value.abs_diff(paper) > INK).map(|(place, _)| place).collect();
    let span = |of: fn(usize, usize) -> usize| {
        let places = ink.iter().map(|place| of(*place, width.max(1)));
        places.clone().max().unwrap_or(0) - places.min().unwrap_or(0)
    };
    ink.len() >= LEAST_INK && span(|place, width| place % width) + span(|place, width| place / width) >= LEAST_SPAN
}

/// Looks at signed paper as it was scanned or photographed.
///
/// # Errors
/// [`PictureError`].
pub fn check_scan(bytes: &[u8]) -> Result<Scan, PictureError> {
    check_size(bytes.len() as u64)?;
    if bytes.starts_with(PNG) {
        check_drawn(bytes)?;
        return Ok(Scan::Png);
    }
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        // ITU-T T.81, B.1.1: start of image, segments, end of image.
        let ends =
            bytes.iter().rposition(|byte| *byte != 0).is_some_and(|last| bytes[..=last].ends_with(&[0xff, 0xd9]));
        return match (jpeg_size(bytes), ends) {
            (Some((width, height)), _) if u64::from(width) * u64::from(height) > MOST_PIXELS * 4 => {
                Err(PictureError::TooManyPixels { width, height })
            }
            (Some((width, height)), true) if width > 0 && height > 0 => Ok(Scan::Jpeg),
            _ => Err(PictureError::CutOff),
        };
    }
    if bytes.starts_with(b"%PDF-") {
        // ISO 32000-1, 7.5.5: the end-of-file marker stands in the last lines.
        let tail = &bytes[bytes.len().saturating_sub(1024)..];
        return if tail.windows(5).any(|five| five == b"%%EOF") { Ok(Scan::Pdf) } else { Err(PictureError::CutOff) };
    }
    Err(PictureError::NoScan)
}

/// Width and height from the first start-of-frame segment.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd7 => at += 2,
            0xd9 | 0xda => return None,
            _ => {
                let [high, low] = *bytes.get(at + 2..at + 4)? else { return None };
                let length = usize::from(u16::from_be_bytes([high, low]));
                if (0xc0..=0xcf).contains(&marker) && ![0xc4, 0xc8, 0xcc].contains(&marker) {
                    let [_, h1, h2, w1, w2] = *bytes.get(at + 4..at + 9)? else { return None };
                    return Some((u16::from_be_bytes([w1, w2]).into(), u16::from_be_bytes([h1, h2]).into()));
                }
                if length < 2 {
                    return None;
                }
                at += 2 + length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DRAWN: &[u8] = include_bytes!("../../reports/tests/samples/drawn.png");

    fn png(width: u32, height: u32, kind: png::ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(kind);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().expect("a header").write_image_data(pixels).expect("pixels");
        bytes
    }

    /// A stroke across, on paper of one colour.
    fn stroke(width: usize, height: usize, paper: u8, ink: u8) -> Vec<u8> {
        let mut pixels = vec![paper; width * height];
        for x in 10..width - 10 {
            for thick in 0..2 {
                pixels[(height / 2 + thick + x % 7) * width + x] = ink;
            }
        }
        pixels
    }

    fn grey(pixels: &[u8]) -> Result<(), PictureError> {
        check_drawn(&png(100, 40, png::ColorType::Grayscale, pixels))
    }

    #[test]
    fn ink_is_seen_whatever_the_paper() {
        assert_eq!(check_drawn(DRAWN), Ok(()));
        assert_eq!(grey(&stroke(100, 40, 255, 0)), Ok(()));
        assert_eq!(grey(&stroke(100, 40, 0, 255)), Ok(()), "white ink on black");
        assert_eq!(grey(&stroke(100, 40, 240, 100)), Ok(()), "a pencil");
        // Black ink on nothing at all, as a canvas gives it.
        let clear: Vec<u8> = stroke(100, 40, 0, 255).into_iter().flat_map(|alpha| [0, 0, 0, alpha]).collect();
        assert_eq!(check_drawn(&png(100, 40, png::ColorType::Rgba, &clear)), Ok(()));
    }

    #[test]
    fn a_blank_picture_is_refused() {
        for paper in [0, 128, 255] {
            assert_eq!(grey(&vec![paper; 4000]), Err(PictureError::Blank), "{paper}");
        }
        assert_eq!(check_drawn(&png(100, 40, png::ColorType::Rgba, &vec![0; 16000])), Err(PictureError::Blank));
        // White ink on a clear canvas shows nothing on paper.
        let white: Vec<u8> = stroke(100, 40, 0, 255).into_iter().flat_map(|alpha| [255, 255, 255, alpha]).collect();
        assert_eq!(check_drawn(&png(100, 40, png::ColorType::Rgba, &white)), Err(PictureError::Blank));
        // The grain of paper, a speck of dirt, a dot.
        let grain: Vec<u8> = (0..4000_u32).map(|n| 235 + u8::try_from(n * 7 % 20).expect("small")).collect();
        assert_eq!(grey(&grain), Err(PictureError::Blank));
        let mut dot = vec![255; 4000];
        for (x, y) in (0..6).flat_map(|x| (0..6).map(move |y| (x, y))) {
            dot[(20 + y) * 100 + 50 + x] = 0;
        }
        assert_eq!(grey(&dot), Err(PictureError::Blank));
        assert_eq!(check_scan(&png(100, 40, png::ColorType::Grayscale, &[255; 4000])), Err(PictureError::Blank));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        assert_eq!(check_drawn(b"GIF89a"), Err(PictureError::NoPng));
        assert_eq!(check_drawn(b""), Err(PictureError::NoPng));
        assert_eq!(check_drawn(&DRAWN[..DRAWN.len() / 2]), Err(PictureError::DamagedPng));
        assert_eq!(check_size(300 * 1024 * 1024), Err(PictureError::TooLarge { bytes: 314_572_800 }));
        assert_eq!(check_size(LARGEST_FILE), Ok(()));
        // A small file that says it is a huge picture is never unfolded.
        let mut bomb = png(1, 1, png::ColorType::Grayscale, &[0]);
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let crc = bomb.split_at(29).0[12..].iter().fold(0xffff_ffff_u32, |mut crc, byte| {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
            crc
        });
        bomb[29..33].copy_from_slice(&(crc ^ 0xffff_ffff).to_be_bytes());
        assert_eq!(check_drawn(&bomb), Err(PictureError::TooManyPixels { width: 65536, height: 65536 }));
    }

    #[test]
    fn a_scan_is_a_pdf_or_a_picture_to_its_end() {
        assert_eq!(check_scan(b"%PDF-1.7\n...\n%%EOF\n"), Ok(Scan::Pdf));
        assert_eq!(check_scan(b"%PDF-1.7\n..."), Err(PictureError::CutOff));
        assert_eq!(check_scan(DRAWN), Ok(Scan::Png));
        let jpeg =
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01\x01\x11\x00\xff\xda\x00\x02zz\xff\xd9";
        assert_eq!(check_scan(jpeg), Ok(Scan::Jpeg));
        assert_eq!(check_scan(&jpeg[..jpeg.len() - 2]), Err(PictureError::CutOff));
        assert_eq!(check_scan(b"\xff\xd8\xff\xd9"), Err(PictureError::CutOff));
        for bad in [&b""[..], b"hello", b"PK\x03\x04", b"<html>", b"II*\x00"] {
            assert_eq!(check_scan(bad), Err(PictureError::NoScan));
        }
        assert_eq!(Scan::Jpeg.media_type(), "image/jpeg");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..400),
            head in prop::sample::select(vec![PNG, &b"\xff\xd8\xff"[..], b"%PDF-", DRAWN]),
            hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        ) {
            let mut all = head.to_vec();
            all.append(&mut bytes);
            for (place, value) in hits {
                let place = place.index(all.len());
                all[place] = value;
            }
            let _ = check_scan(&all);
            let _ = check_drawn(&all);
        }
    }
}
