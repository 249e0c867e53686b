//! Drawn signatures: a PNG becomes bare pixels, so that nothing else of the file reaches paper.

use serde_json::{Value, json};
use typst::foundations::Bytes;
use typst::visualize::{ExchangeFormat, RasterImage};

use crate::ReportError;

/// The largest file, in bytes.
const MAX_BYTES: usize = 4 << 20;
/// The most pixels on a side: far more than paper shows, far less than a decompression bomb needs.
const MAX_SIDE: u32 = 4096;

/// Pixels, and how the template is told of them.
pub(crate) struct Pixels {
    /// Eight bits each of red, green, blue and opacity, row by row.
    pub(crate) rgba: Vec<u8>,
    pub(crate) about: Value,
}

/// Reads the PNG of drawn signature `number`, counted from 1.
pub(crate) fn read(number: usize, file: &str, png: &[u8]) -> Result<Pixels, ReportError> {
    let bad = |why: String| ReportError::BadPicture { number, why };
    if png.len() > MAX_BYTES {
        return Err(bad(format!("it has {} bytes and may have {MAX_BYTES}", png.len())));
    }
    // The header of a PNG (ISO/IEC 15948 §5.2, §11.2.2) is read before anything is unpacked.
    let side = |at: usize| png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let (Some(width), Some(height), true) = (side(16), side(20), png.starts_with(b"\x89PNG\r\n\x1a\n")) else {
        return Err(bad("it is no PNG".to_owned()));
    };
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(bad(format!("it has {width} by {height} pixels and may have {MAX_SIDE} by {MAX_SIDE}")));
    }
    let picture = RasterImage::plain(Bytes::new(png.to_vec()), ExchangeFormat::Png)
        .map_err(|_| bad("it is a broken PNG".to_owned()))?;
    let pixels = picture.dynamic().to_rgba8();
    let mut dots = pixels.pixels();
    if dots.next().is_none_or(|first| dots.all(|dot| dot == first)) {
        return Err(bad("nothing is drawn on it".to_owned()));
    }
    let (width, height) = pixels.dimensions();
    Ok(Pixels { rgba: pixels.into_raw(), about: json!({ "file": file, "width": width, "height": height }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_png_is_refused_in_a_sentence_without_a_name() {
        let mut huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        huge.extend(60_000_u32.to_be_bytes());
        huge.extend(60_000_u32.to_be_bytes());
        let mut broken = huge.clone();
        broken.truncate(16);
        broken.extend([0, 0, 0, 9, 0, 0, 0, 9, 8, 6]);
        for (png, why) in
            [(b"%PDF-1.7".to_vec(), "no PNG"), (Vec::new(), "no PNG"), (huge, "60000 by 60000"), (broken, "broken PNG")]
        {
            let error = read(2, "signature-2.rgba", &png).err().expect("refused").to_string();
            assert!(error.contains(why) && error.contains("number 2"), "{error}");
        }
    }
}
