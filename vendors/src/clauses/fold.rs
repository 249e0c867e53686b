//! Folding: the text as the rules see it. Plain ASCII, single spaces, no emphasis marks, straight quotes.
//!
//! A rule then needs one spelling of a dash or a quote. Folded text is for matching only: what is quoted to people is
//! always a slice of the document itself.

/// Folds `raw`, keeping upper and lower case: that tells "Provider", a party, from "provider", anybody.
pub(crate) fn fold(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    let mut in_tag = false;
    while let Some(c) = chars.next() {
        if in_tag {
            in_tag = c != '>';
            continue;
        }
        match c {
            '<' if chars.peek().is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!')) => {
                in_tag = true
            }
            '\u{ad}' | '\u{200b}' | '\u{feff}' | '*' | '\\' | '`' => {}
            '_' => {
                if chars.peek() == Some(&'_') {
                    while chars.peek() == Some(&'_') {
                        chars.next();
                    }
                    space(&mut out);
                    out.push_str("[blank] ");
                }
            }
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => out.push('"'),
            '\u{2010}'..='\u{2012}' => out.push('-'),
            '\u{2013}' | '\u{2014}' | '\u{2015}' | '\u{2212}' => out.push_str(" - "),
            '\u{a7}' => {
                space(&mut out);
                if !out.ends_with("section ") {
                    out.push_str("section ");
                }
            }
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{25cf}' | '\u{2022}' => space(&mut out),
            '-' => {
                // A word broken at the end of a line.
                let broken = chars.peek() == Some(&'\n') && out.ends_with(|last: char| last.is_ascii_lowercase());
                if broken {
                    while chars.peek().is_some_and(|next| next.is_whitespace()) {
                        chars.next();
                    }
                } else {
                    out.push('-');
                }
            }
            c if c.is_whitespace() => space(&mut out),
            c if c.is_ascii() => out.push(c),
            c => out.push(plain(c)),
        }
        if out.ends_with("  ") {
            out.pop();
        }
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// The letter under an accent, or a space for what is no letter.
fn plain(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        c if c.is_alphabetic() => 'x',
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn marks_quotes_dashes_and_blanks_become_plain() {
        assert_eq!(fold("“**Response  Period**” means\nten days"), "\"Response Period\" means ten days");
        assert_eq!(fold("the sub-\ncontractor’s § 164.410"), "the subcontractor's section 164.410");
        assert_eq!(fold("within ____ days"), "within [blank] days");
        assert_eq!(fold("may <span class=x>de‑identify</span> PHI"), "may de-identify PHI");
    }
}
