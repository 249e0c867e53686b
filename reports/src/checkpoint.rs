//! The ledger's checkpoint as a QR code.

use qrcode::types::EcLevel;
use qrcode::{QrCode, Version};

use crate::ReportError;

/// The longest checkpoint that is printed, in bytes. Longer ones need modules under 0.35 mm at
/// 36 mm, which phones no longer read from office paper.
pub const MAX_CHECKPOINT: usize = 900;

/// Up to here the code also survives a fold or a stain (15 % of it may be lost); above, 7 %.
const STURDY: usize = 400;

fn encode(note: &str) -> Result<QrCode, ReportError> {
    let too_long = || ReportError::CheckpointTooLong { bytes: note.len(), max: MAX_CHECKPOINT };
    if note.len() > MAX_CHECKPOINT {
        return Err(too_long());
    }
    let level = if note.len() <= STURDY { EcLevel::M } else { EcLevel::L };
    QrCode::with_error_correction_level(note.as_bytes(), level).map_err(|_| too_long())
}

/// Dots of the picture to a module's side: enough that a viewer that smooths pictures blurs no edge to speak of.
const DOTS: usize = 4;
/// Modules of the quiet zone on each side (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// The code with its quiet zone as a square picture, a byte of grey for each dot, row by row. Drawn as paths it would
/// take a third of the time that the whole document takes.
pub(crate) fn picture(note: &str) -> Result<Vec<u8>, ReportError> {
    let code = encode(note)?;
    debug_assert!(!matches!(code.version(), Version::Micro(_)), "phones do not read Micro QR");
    let (width, colors) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * DOTS;
    let mut dots = vec![u8::MAX; side * side];
    for (at, _) in colors.iter().enumerate().filter(|(_, color)| **color == qrcode::Color::Dark) {
        let (x, y) = ((at % width + QUIET) * DOTS, (at / width + QUIET) * DOTS);
        for row in y..y + DOTS {
            dots[row * side + x..row * side + x + DOTS].fill(0);
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
    fn one_byte_too_many_is_refused() {
        let error = picture(&"x".repeat(MAX_CHECKPOINT + 1)).expect_err("too long").to_string();
        assert!(error.contains("901 bytes"), "{error}");
    }
}
