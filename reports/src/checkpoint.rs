//! The ledger's checkpoint as a QR code.

use qrcode::bits::{Bits, encode_auto};
use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::ec::construct_codewords;
use qrcode::types::{Color, EcLevel, QrError};

use crate::ReportError;

/// The longest checkpoint that is printed, in bytes. Longer ones need modules under 0.35 mm at
/// 36 mm, which phones no longer read from office paper.
pub const MAX_CHECKPOINT: usize = 900;

/// Up to here the code also survives a fold or a stain (15 % of it may be lost); above, 7 %.
const STURDY: usize = 400;

/// The code as rows of modules, a bit for each, the lowest at the left: set where it is dark.
fn encode(note: &str) -> Result<Vec<u128>, ReportError> {
    let too_long = || ReportError::CheckpointTooLong { bytes: note.len(), max: MAX_CHECKPOINT };
    if note.len() > MAX_CHECKPOINT {
        return Err(too_long());
    }
    let level = if note.len() <= STURDY { EcLevel::M } else { EcLevel::L };
    let bits = encode_auto(note.as_bytes(), level).map_err(|_| too_long())?;
    masked(bits, level).map_err(|_| too_long())
}

/// The masks (ISO/IEC 18004 §7.8.2).
const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// The code with the mask that readers have the least trouble with. The library would choose too; its count takes a
/// tenth of the time that the whole document takes.
fn masked(bits: Bits, level: EcLevel) -> Result<Vec<u128>, QrError> {
    let version = bits.version();
    let (data, correction) = construct_codewords(&bits.into_bytes(), version, level)?;
    let mut plain = Canvas::new(version, level);
    plain.draw_all_functional_patterns();
    plain.draw_data(&data, &correction);
    let width = usize::try_from(version.width()).unwrap_or_default();
    let candidates = MASKS.into_iter().map(|mask| {
        let mut canvas = plain.clone();
        canvas.apply_mask(mask);
        rows(&canvas.into_colors(), width)
    });
    Ok(candidates.min_by_key(|rows| penalty(rows)).unwrap_or_default())
}

/// Modules as bits. A checkpoint's code has 105 modules on a side at most: version 22 holds [`MAX_CHECKPOINT`] bytes.
fn rows(modules: &[Color], width: usize) -> Vec<u128> {
    let bit = |color: &Color| u128::from(*color == Color::Dark);
    modules.chunks(width).map(|row| row.iter().rev().fold(0, |bits, color| bits << 1 | bit(color))).collect()
}

/// What stands against a masked code (ISO/IEC 18004 §7.8.3.1): runs, blocks, what looks like a finder, and imbalance.
fn penalty(rows: &[u128]) -> u32 {
    let width = rows.len();
    let all = (1 << width) - 1;
    let columns: Vec<u128> =
        (0..width).map(|x| rows.iter().rev().fold(0, |bits, row| bits << 1 | (row >> x & 1))).collect();
    let mut points = 0;
    for line in rows.iter().chain(&columns) {
        for bits in [*line, !line & all] {
            // Where five in a row begin: a run of five counts 3, and each more 1.
            let fives = bits & bits >> 1 & bits >> 2 & bits >> 3 & bits >> 4;
            points += fives.count_ones() + 2 * (fives & !(fives << 1)).count_ones();
        }
        // A finder's 1:1:3:1:1 with four light modules before or after it; beyond the edge all is light.
        let (wide, light) = (line << 4, !(line << 4));
        let finder = wide & light >> 1 & wide >> 2 & wide >> 3 & wide >> 4 & light >> 5 & wide >> 6;
        let before = light << 1 & light << 2 & light << 3 & light << 4 | 1;
        let after = light >> 7 & light >> 8 & light >> 9 & light >> 10;
        points += 40 * (finder & (before | after)).count_ones();
    }
    for (above, below) in rows.iter().zip(rows.iter().skip(1)) {
        let (same_down, same_right) = (!(above ^ below), !(above ^ above >> 1));
        let block = same_down & same_down >> 1 & same_right & (all >> 1);
        points += 3 * block.count_ones();
    }
    let (dark, modules) = (rows.iter().map(|row| row.count_ones()).sum::<u32>(), (width * width) as u32);
    points + (dark * 200 / modules).abs_diff(100)
}

/// Dots of the picture to a module's side: a viewer that smooths pictures blurs a quarter of a module, which readers bear.
const DOTS: usize = 2;
/// Modules of the quiet zone on each side (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// The code with its quiet zone as a square picture, a byte of grey for each dot, row by row. Drawn as paths it would
/// take a third of the time that the whole document takes.
pub(crate) fn picture(note: &str) -> Result<Vec<u8>, ReportError> {
    let code = encode(note)?;
    let side = (code.len() + 2 * QUIET) * DOTS;
    let mut dots = vec![u8::MAX; side * side];
    for (y, row) in code.iter().enumerate() {
        let top = (y + QUIET) * DOTS * side;
        for x in (0..code.len()).filter(|x| row >> x & 1 == 1) {
            let left = top + (x + QUIET) * DOTS;
            dots[left..left + DOTS].fill(0);
        }
        for further in 1..DOTS {
            dots.copy_within(top..top + side, top + further * side);
        }
    }
    Ok(dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a code back from its picture, as a camera would see it.
    fn read(note: &str) -> String {
        let dots = picture(note).expect("it fits");
        let side = dots.len().isqrt();
        assert_eq!(side * side, dots.len());
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| dots[y * side + x]);
        let grids = seen.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().expect("a readable code").1
    }

    #[test]
    fn a_checkpoint_is_read_back_as_it_was_written() {
        let note = "provenote/ledger/7f3a9c2e5b1d4f60\n214\n3q2+7wAAESIzRFVmd4iZqrvM3e7/ABEiM0RVZneImao=\n\n\u{2014} provenote/ledger/7f3a9c2e5b1d4f60 Kx2ad9aWJ1tq8m0m9rQm7g0Xc0sFhQ1bq2dGh7b1nZ6yq0pVtZr8lq7g5m2Yw1e4fJt3uV0xk9hR6sD5aB4nC2mLQEw=\n";
        assert_eq!(read(note), note);
        let longest = "x".repeat(MAX_CHECKPOINT);
        assert_eq!(read(&longest), longest);
    }

    #[test]
    fn the_mask_is_the_one_the_library_would_choose() {
        for length in (40..=MAX_CHECKPOINT).step_by(43) {
            let note: String = (0..length).map(|at| char::from(b'+' + (at * at % 73 + length % 11) as u8)).collect();
            let level = if length <= STURDY { EcLevel::M } else { EcLevel::L };
            let code = qrcode::QrCode::with_error_correction_level(&note, level).expect("it fits");
            assert!(encode(&note).expect("it fits") == rows(&code.to_colors(), code.width()), "{length}");
        }
    }

    #[test]
    fn one_byte_too_many_is_refused() {
        let error = picture(&"x".repeat(MAX_CHECKPOINT + 1)).expect_err("too long").to_string();
        assert!(error.contains("901 bytes"), "{error}");
    }
}
