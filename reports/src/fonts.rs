//! The fonts: part of the program, parsed when the first document needs them.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// Regular, bold, italic and bold italic of the text; then the monospaced one; then DejaVu Sans,
/// which has ☐ ☑, Arabic and Hebrew.
const FILES: [&[u8]; 6] = [
    include_bytes!("../fonts/NotoSans-Regular.ttf"),
    include_bytes!("../fonts/NotoSans-Bold.ttf"),
    include_bytes!("../fonts/NotoSans-Italic.ttf"),
    include_bytes!("../fonts/NotoSans-BoldItalic.ttf"),
    include_bytes!("../fonts/NotoSansMono-Regular.ttf"),
    include_bytes!("../fonts/DejaVuSans.ttf"),
];

/// How many of [`FILES`] are faces of the text font.
const TEXT_FACES: usize = 4;
/// Where the fallback stands in [`FILES`].
const FALLBACK: usize = 5;

pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) list: Vec<Font>,
}

pub(crate) static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let list: Vec<Font> = FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&list)), list }
});

impl Fonts {
    /// True where the character can be printed in every weight and slant the documents use.
    pub(crate) fn can_print(&self, character: char) -> bool {
        let has = |font: &Font| font.info().coverage.contains(character.into());
        self.list.iter().take(TEXT_FACES).all(has) || self.list.get(FALLBACK).is_some_and(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_one_font_of_the_families_the_templates_name() {
        let families: Vec<&str> = FONTS.list.iter().map(|font| font.info().family.as_str()).collect();
        assert_eq!(families, ["Noto Sans", "Noto Sans", "Noto Sans", "Noto Sans", "Noto Sans Mono", "DejaVu Sans"]);
    }

    #[test]
    fn boxes_and_several_scripts_can_be_printed_and_chinese_cannot() {
        for character in "aé☐☑—–“”’ßЖΩשم€…".chars() {
            assert!(FONTS.can_print(character), "{character}");
        }
        assert!(!FONTS.can_print('中'));
    }
}
