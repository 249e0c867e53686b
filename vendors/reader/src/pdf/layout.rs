//! Glyphs to lines, in the order in which people read them.

use std::collections::HashMap;

use super::Glyph;

/// A line of text, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) page: usize,
    /// Counts the columns through which the reading goes, over the whole document.
    pub(super) column: usize,
    pub(super) x0: f32,
    pub(super) x1: f32,
    /// The base line, from the top of the page, in points.
    pub(super) y: f32,
    pub(super) size: f32,
    /// True where most of it is bold.
    pub(super) bold: bool,
    /// Its parts, where wide gaps part it: where each begins and ends, and its text.
    pub(super) cells: Vec<(f32, f32, String)>,
    /// How far down the page, between 0 and 1.
    down: f32,
}

/// Glyphs that stand close together on one base line.
#[derive(Debug, Clone)]
struct Fragment {
    text: String,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    bold: usize,
    letters: usize,
}

/// The lines of one page, in reading order.
pub(super) fn lines(glyphs: Vec<Glyph>, page: usize, (_, height): (f32, f32)) -> Vec<Line> {
    let rows = rows(glyphs);
    let mut fragments: Vec<Fragment> = rows.into_iter().flat_map(fragments).collect();
    fragments.retain(|fragment| !fragment.text.trim().is_empty());
    let mut ordered = Vec::new();
    columns(fragments, 0, &mut ordered);
    let mut lines: Vec<Line> = Vec::new();
    let mut column = 0;
    for part in ordered {
        for mut row in into_rows(part) {
            row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
            let Some(first) = row.first() else { continue };
            // The sizes of most letters, and the place of the largest: a raised note does not move the line.
            let widest = row.iter().max_by_key(|fragment| fragment.letters).unwrap_or(first);
            let (bold, all) = row.iter().fold((0, 0), |sum, part| (sum.0 + part.bold, sum.1 + part.letters));
            lines.push(Line {
                text: row.iter().map(|part| part.text.trim()).collect::<Vec<_>>().join(" "),
                page,
                column,
                x0: first.x0,
                x1: row.iter().map(|part| part.x1).fold(first.x1, f32::max),
                y: widest.y,
                size: widest.size,
                bold: bold * 10 > all * 8,
                cells: row.iter().map(|part| (part.x0, part.x1, part.text.trim().to_owned())).collect(),
                down: widest.y / height.max(1.0),
            });
        }
        column += 1;
    }
    lines
}

/// Glyphs by base line, from the top of the page. What is raised or lowered a little stays in its row.
fn rows(mut glyphs: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    glyphs.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut rows: Vec<(f32, f32, Vec<Glyph>)> = Vec::new();
    for glyph in glyphs {
        match rows.last_mut() {
            Some((y, size, row)) if glyph.y - *y < size.max(glyph.size) * 0.4 => {
                // The row is where its largest letters stand.
                if glyph.size > *size * 1.1 {
                    (*y, *size) = (glyph.y, glyph.size);
                }
                row.push(glyph);
            }
            _ => rows.push((glyph.y, glyph.size, vec![glyph])),
        }
    }
    for (y, size, row) in &mut rows {
        // The number of a footnote, raised at a word's end, is no part of the words.
        row.retain(|glyph| {
            let raised = glyph.size < *size * 0.8 && glyph.y < *y - *size * 0.15;
            !(raised && glyph.text.chars().all(|sign| sign.is_ascii_digit() || "*†‡".contains(sign)))
        });
    }
    rows.into_iter().map(|(_, _, row)| row).collect()
}

/// A row's glyphs, joined where they stand close; a wider gap than any between words parts them.
fn fragments(mut row: Vec<Glyph>) -> Vec<Fragment> {
    row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let mut fragments: Vec<Fragment> = Vec::new();
    for glyph in row {
        let blank = glyph.text.trim().is_empty();
        match fragments.last_mut() {
            Some(last) if glyph.x0 - last.x1 < last.size.max(glyph.size) * 1.1 => {
                let gap = glyph.x0 - last.x1;
                let spaced = last.text.ends_with(' ');
                if blank {
                    if !spaced {
                        last.text.push(' ');
                    }
                    // A space does not widen what it ends: a row of them would join two columns.
                    continue;
                }
                if gap > last.size.min(glyph.size) * 0.17 && !spaced {
                    last.text.push(' ');
                }
                last.text.push_str(&glyph.text);
                last.x1 = last.x1.max(glyph.x1);
                last.letters += 1;
                last.bold += usize::from(glyph.bold);
                if glyph.size > last.size * 1.1 {
                    (last.size, last.y) = (glyph.size, glyph.y);
                }
            }
            _ if blank => {}
            _ => fragments.push(Fragment {
                x0: glyph.x0,
                x1: glyph.x1,
                y: glyph.y,
                size: glyph.size,
                bold: usize::from(glyph.bold),
                letters: 1,
                text: glyph.text,
            }),
        }
    }
    fragments
}

/// Parts the fragments of a region into columns where there are any, and puts the parts in reading order.
fn columns(fragments: Vec<Fragment>, depth: usize, ordered: &mut Vec<Vec<Fragment>>) {
    let Some(gutter) = (if depth < 3 { gutter(&fragments) } else { None }) else {
        if !fragments.is_empty() {
            ordered.push(fragments);
        }
        return;
    };
    // Full lines part the page into bands; within a band the left column is read before the right one.
    let mut full = Vec::new();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut sorted = fragments;
    sorted.sort_by(|a, b| a.y.total_cmp(&b.y));
    for fragment in sorted {
        if fragment.x0 < gutter && fragment.x1 > gutter {
            columns(std::mem::take(&mut left), depth + 1, ordered);
            columns(std::mem::take(&mut right), depth + 1, ordered);
            full.push(fragment);
            continue;
        }
        if !full.is_empty() {
            ordered.push(std::mem::take(&mut full));
        }
        if fragment.x1 <= gutter { left.push(fragment) } else { right.push(fragment) }
    }
    columns(left, depth + 1, ordered);
    columns(right, depth + 1, ordered);
    if !full.is_empty() {
        ordered.push(full);
    }
}

/// Where two columns of running text are parted, if the region has two.
fn gutter(fragments: &[Fragment]) -> Option<f32> {
    const STEP: f32 = 2.0;
    if fragments.len() < 12 {
        return None;
    }
    let x0 = fragments.iter().map(|fragment| fragment.x0).fold(f32::MAX, f32::min);
    let x1 = fragments.iter().map(|fragment| fragment.x1).fold(f32::MIN, f32::max);
    let width = x1 - x0;
    let steps = ((width / STEP) as usize).clamp(1, 5000);
    // How many fragments stand over each step, by adding up where they begin and end.
    let mut changes = vec![0_i32; steps + 2];
    let step_of = |x: f32| (((x - x0) / STEP).max(0.0) as usize).min(steps);
    for fragment in fragments {
        changes[step_of(fragment.x0)] += 1;
        changes[step_of(fragment.x1) + 1] -= 1;
    }
    let over: Vec<i32> = changes
        .iter()
        .scan(0, |sum, change| {
            *sum += change;
            Some(*sum)
        })
        .collect();
    let inner = steps / 5..steps - steps / 5;
    let fewest = over.get(inner.clone())?.iter().min().copied()?;
    // The widest run of steps over which the fewest stand.
    let (mut best, mut run): (Option<(usize, usize)>, Option<usize>) = (None, None);
    for step in inner.start..=inner.end {
        if step < inner.end && over[step] == fewest {
            run.get_or_insert(step);
        } else if let Some(start) = run.take()
            && best.is_none_or(|(from, to)| step - start > to - from)
        {
            best = Some((start, step));
        }
    }
    let (from, to) = best?;
    let at = x0 + (from + to) as f32 * STEP / 2.0;
    let (mut left, mut right, mut crossing) = (Vec::new(), Vec::new(), 0);
    for fragment in fragments {
        if fragment.x1 <= at {
            left.push(fragment);
        } else if fragment.x0 >= at {
            right.push(fragment);
        } else {
            crossing += 1;
        }
    }
    let sides = left.len().min(right.len());
    (sides >= 6 && crossing * 3 <= fragments.len() && runs(&left) && runs(&right)).then_some(at)
}

/// True where fragments fill a column, as running text does and the cells of a table or labels do not.
fn runs(side: &[&Fragment]) -> bool {
    let x0 = side.iter().map(|fragment| fragment.x0).fold(f32::MAX, f32::min);
    let x1 = side.iter().map(|fragment| fragment.x1).fold(f32::MIN, f32::max);
    let mut rows: Vec<(f32, f32)> = Vec::new();
    for fragment in side {
        // Parts of one line count together.
        match rows.last_mut() {
            Some((y, filled)) if (fragment.y - *y).abs() < fragment.size * 0.4 => *filled += fragment.x1 - fragment.x0,
            _ => rows.push((fragment.y, fragment.x1 - fragment.x0)),
        }
    }
    let full = rows.iter().filter(|(_, filled)| *filled > (x1 - x0) * 0.7).count();
    x1 - x0 > 90.0 && full * 2 >= rows.len()
}

/// Fragments by line.
fn into_rows(mut fragments: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    fragments.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut rows: Vec<Vec<Fragment>> = Vec::new();
    for fragment in fragments {
        match rows.last_mut() {
            Some(row) if row.iter().any(|part| (fragment.y - part.y).abs() < part.size.max(fragment.size) * 0.4) => {
                row.push(fragment);
            }
            _ => rows.push(vec![fragment]),
        }
    }
    rows
}

/// Takes out what runs along the heads and feet of the pages: titles, names of files, page numbers.
pub(super) fn without_running_lines(lines: Vec<Line>, pages: usize) -> Vec<Line> {
    /// What a running line says on every page: without its numbers.
    fn shape(line: &Line) -> (String, i32) {
        let mut text = String::new();
        for sign in line.text.to_lowercase().chars() {
            let sign = if sign.is_ascii_digit() { '#' } else { sign };
            if !(sign.is_whitespace() || sign == '#' && text.ends_with('#')) {
                text.push(sign);
            }
        }
        (text, (line.down * 50.0).round() as i32)
    }
    let outer = |line: &Line| line.down < 0.12 || line.down > 0.88;
    let mut seen: HashMap<(String, i32), usize> = HashMap::new();
    for line in lines.iter().filter(|line| outer(line)) {
        let (text, down) = shape(line);
        // A line may stand a little higher on one page than on the next.
        for near in [down - 1, down, down + 1] {
            *seen.entry((text.clone(), near)).or_default() += 1;
        }
    }
    let enough = if pages < 3 { 2 } else { (pages * 2 / 5).max(2) };
    let mut kept = lines;
    kept.retain(|line| {
        if !outer(line) || line.text.chars().count() > 160 {
            return true;
        }
        let shape = shape(line);
        let repeats = pages > 1 && seen.get(&shape).is_some_and(|count| *count >= enough);
        // A signature line that happens to end each of two pages stays.
        let far_out = line.down < 0.09 || line.down > 0.91 || pages > 2;
        !(repeats && far_out || is_page_number(&shape.0))
    });
    kept
}

/// True for `#`, `-#-`, `page#`, `page#of#`, `#/#`, `#|page`.
fn is_page_number(shape: &str) -> bool {
    let bare: String = shape.chars().filter(|sign| sign.is_alphanumeric() || *sign == '#').collect();
    matches!(bare.as_str(), "#" | "##" | "page#" | "page#of#" | "#of#" | "p#" | "pg#" | "#page" | "page##")
        && shape.len() < 16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets words on a page, each letter half its size wide.
    fn set(glyphs: &mut Vec<Glyph>, x: f32, y: f32, text: &str) {
        let mut at = x;
        for sign in text.chars() {
            glyphs.push(Glyph { text: sign.to_string(), x0: at, x1: at + 5.0, y, size: 10.0, bold: false });
            at += 5.0;
        }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn two_columns_are_read_one_after_the_other() {
        let mut glyphs = Vec::new();
        set(&mut glyphs, 72.0, 60.0, "A title that goes over the whole width of the page, and further on");
        for row in 0..8 {
            let y = 100.0 + row as f32 * 12.0;
            set(&mut glyphs, 320.0, y, &format!("right column line number {row} is full"));
            set(&mut glyphs, 72.0, y + 1.0, &format!("left column line number {row} is full."));
        }
        let lines = lines(glyphs, 0, (612.0, 792.0));
        let texts = texts(&lines);
        assert_eq!(texts.len(), 17);
        assert!(
            texts[0].starts_with("A title")
                && texts[1].starts_with("left")
                && texts[8].starts_with("left")
                && texts[9].starts_with("right")
        );
    }

    #[test]
    fn labels_and_tables_are_no_columns() {
        let mut glyphs = Vec::new();
        for row in 0..10 {
            let y = 100.0 + row as f32 * 12.0;
            set(&mut glyphs, 72.0, y, "(a)");
            set(&mut glyphs, 140.0, y, &format!("a clause whose words begin after a wide gap {row}"));
        }
        let lines = lines(glyphs, 0, (612.0, 792.0));
        assert_eq!(lines.len(), 10);
        assert!(lines[3].text.starts_with("(a) a clause"), "{}", lines[3].text);
    }

    #[test]
    fn a_raised_note_parts_no_line() {
        let mut glyphs = Vec::new();
        set(&mut glyphs, 72.0, 100.0, "within ten days");
        glyphs.push(Glyph { text: "1".to_owned(), x0: 147.0, x1: 150.0, y: 96.5, size: 6.0, bold: false });
        set(&mut glyphs, 151.0, 100.0, "of it");
        set(&mut glyphs, 72.0, 112.0, "next line");
        assert_eq!(texts(&lines(glyphs, 0, (612.0, 792.0))), ["within ten days of it", "next line"]);
    }

    #[test]
    fn running_lines_go() {
        let mut all = Vec::new();
        for page in 0..5 {
            let mut glyphs = Vec::new();
            set(&mut glyphs, 72.0, 40.0, &format!("BAA version 3 Page {} of 5", page + 1));
            set(&mut glyphs, 72.0, 100.0, &format!("Words of page {page} that stay."));
            set(&mut glyphs, 300.0, 760.0, &format!("- {} -", page + 1));
            all.extend(lines(glyphs, page, (612.0, 792.0)));
        }
        assert_eq!(all.len(), 15);
        let kept = without_running_lines(all, 5);
        assert_eq!(kept.len(), 5);
        assert!(kept.iter().all(|line| line.text.starts_with("Words")));
    }
}
