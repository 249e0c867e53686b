//! PDF: the letters on the pages, with their places, by `hayro`; lines, columns and paragraphs by us.
//!
//! A PDF says where each glyph stands and, if it is well made, which letter it is. What is a word, a line, a column or a
//! paragraph has to be found again.

mod layout;
mod paragraphs;
mod tables;

use std::collections::{HashMap, HashSet};

use hayro_interpret::font::Glyph as Drawn;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, GlyphDrawMode, Image, InterpreterCache, InterpreterSettings, Paint,
    PathDrawMode, SoftMask, TransformExt as _, interpret_page,
};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use kurbo::{Affine, BezPath, Point, Rect};
use provenote_vendors::reading::Document;

use crate::ReadError;

/// The most pages that are read: an agreement has a hundred, and the longest of them a thousand.
const MOST_PAGES: usize = 1500;

/// The most glyphs on one page; the densest print has twenty thousand.
const MOST_GLYPHS: usize = 200_000;

/// Reads a PDF.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    let broken = |why: &str| ReadError::Broken { format: "PDF".to_owned(), why: why.to_owned() };
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => ReadError::Encrypted,
        LoadPdfError::Decryption(_) => broken("its encryption is not one of the standard's"),
        LoadPdfError::Invalid => broken("its table of objects cannot be followed"),
    })?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(broken("it has no pages"));
    }
    if pages.len() > MOST_PAGES {
        return Err(ReadError::Bomb);
    }
    let settings = InterpreterSettings::default();
    let cache = InterpreterCache::new();
    let mut fonts = HashMap::new();
    let mut lines = Vec::new();
    let (mut letters, mut nameless, mut pictures) = (0, 0, 0);
    for (number, page) in pages.iter().enumerate() {
        let (width, height) = page.render_dimensions();
        let transform = page.initial_transform(true).to_kurbo();
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let mut context = Context::new(transform, bounds, &cache, pdf.xref(), settings.clone());
        let mut sheet = Sheet {
            width,
            height,
            fonts: &mut fonts,
            glyphs: Vec::new(),
            seen: HashSet::new(),
            nameless: 0,
            pictures: 0,
        };
        interpret_page(page, &mut context, &mut sheet);
        if sheet.glyphs.len() >= MOST_GLYPHS {
            return Err(ReadError::Bomb);
        }
        letters += sheet.glyphs.iter().filter(|glyph| glyph.text.chars().any(char::is_alphabetic)).count();
        nameless += sheet.nameless;
        pictures += usize::from(sheet.pictures > 0);
        lines.extend(layout::lines(sheet.glyphs, number, (width, height)));
    }
    if nameless > letters {
        return Err(ReadError::NoLetters);
    }
    // A stamp or a page number on a scan is no text.
    if letters < pages.len() * 20 && pictures * 2 >= pages.len() {
        return Err(ReadError::Scan { pages: pages.len() });
    }
    Ok(paragraphs::compose(layout::without_running_lines(lines, pages.len())))
}

/// A glyph on a page, in points from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
struct Glyph {
    text: String,
    x0: f32,
    x1: f32,
    /// The base line.
    y: f32,
    size: f32,
    bold: bool,
}

/// A page that glyphs are drawn on.
struct Sheet<'f> {
    width: f32,
    height: f32,
    /// Which fonts are bold.
    fonts: &'f mut HashMap<u128, bool>,
    glyphs: Vec<Glyph>,
    /// Letters and their places: shadows and poor man's bold draw a letter twice.
    seen: HashSet<(char, i32, i32)>,
    nameless: usize,
    pictures: usize,
}

impl Sheet<'_> {
    fn bold(&mut self, glyph: &Drawn<'_>) -> bool {
        let Drawn::Outline(outline) = glyph else { return false };
        *self.fonts.entry(outline.font_cache_key()).or_insert_with(|| {
            outline.font_data().is_some_and(|font| {
                font.weight.is_some_and(|weight| weight >= 600)
                    || font.postscript_name.is_some_and(|name| {
                        let name = name.to_lowercase();
                        name.contains("bold") || name.contains("black") || name.contains("heavy")
                    })
            })
        })
    }
}

impl Device<'_> for Sheet<'_> {
    fn draw_glyph(
        &mut self,
        glyph: &Drawn<'_>,
        transform: Affine,
        glyph_transform: Affine,
        _: &Paint<'_>,
        _: &GlyphDrawMode,
    ) {
        if self.glyphs.len() >= MOST_GLYPHS {
            return;
        }
        let Some(text) = glyph.as_unicode() else {
            self.nameless += 1;
            return;
        };
        let text = match text {
            BfString::Char(sign) => letters(sign),
            BfString::String(text) => text.chars().map(letters).collect(),
        };
        if text
            .chars()
            .any(|sign| sign == '\u{fffd}' || ('\u{e000}'..='\u{f8ff}').contains(&sign) && sign != '\u{f0b7}')
        {
            self.nameless += 1;
            return;
        }
        let place = transform * glyph_transform;
        let origin = place * Point::ZERO;
        let up = place * Point::new(0.0, 1000.0) - origin;
        let advance = match glyph {
            Drawn::Outline(outline) => f64::from(outline.advance_width().unwrap_or(500.0)),
            Drawn::Type3(_) => 500.0,
        };
        let along = place * Point::new(advance, 0.0) - origin;
        let size = up.hypot() as f32;
        // Turned text is a stamp or a note in the margin; text off the page is for nobody.
        let turned = along.y.abs() > along.x.abs() * 0.1 || along.x < 0.0;
        let (x, y) = (origin.x as f32, origin.y as f32);
        let off = !(x > -20.0 && y > -20.0 && x < self.width + 20.0 && y < self.height + 20.0);
        if turned || off || !(1.0..400.0).contains(&size) {
            return;
        }
        let Some(first) = text.chars().next() else { return };
        // Narrower than the narrowest letter, so that the two of `ll` are two.
        let cell = |place: f32| (place / (size * 0.12)).round() as i32;
        if !first.is_whitespace() && !self.seen.insert((first, cell(x), cell(y))) {
            return;
        }
        let bold = self.bold(glyph);
        self.glyphs.push(Glyph { text, x0: x, x1: x + along.x as f32, y, size, bold });
    }

    fn draw_image(&mut self, _: Image<'_, '_>, _: Affine) {
        self.pictures += 1;
    }

    fn set_soft_mask(&mut self, _: Option<SoftMask<'_>>) {}
    fn set_blend_mode(&mut self, _: BlendMode) {}
    fn draw_path(&mut self, _: &BezPath, _: Affine, _: &Paint<'_>, _: &PathDrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn pop_clip_path(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// A sign as plain letters: ligatures in parts, spaces of all widths as one, nothing for signs of control.
fn letters(sign: char) -> String {
    match sign {
        'ﬀ' => "ff".to_owned(),
        'ﬁ' => "fi".to_owned(),
        'ﬂ' => "fl".to_owned(),
        'ﬃ' => "ffi".to_owned(),
        'ﬄ' => "ffl".to_owned(),
        'ﬅ' | 'ﬆ' => "st".to_owned(),
        _ if sign.is_whitespace() => " ".to_owned(),
        '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}' => String::new(),
        _ if sign.is_control() => String::new(),
        _ => sign.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_are_letters() {
        assert_eq!("oﬃce ﬁle\u{a0}ﬂow".chars().map(letters).collect::<String>(), "office file flow");
    }

    #[test]
    fn what_is_no_pdf_is_said_to_be_broken() {
        for bytes in [&b"%PDF-1.7\n"[..], b"%PDF-1.7\ntrailer <</Root 1 0 R>>\n%%EOF", b"%PDF-"] {
            assert!(matches!(read(bytes), Err(ReadError::Broken { .. })));
        }
    }
}
