//! Tables: lines whose parts begin at the same places, one under the other.

use std::collections::HashMap;

use provenote_vendors::reading::Label;

use super::layout::Line;

/// How far apart two parts may begin and still stand under each other, in points.
const ASKEW: f32 = 5.0;

/// How far apart lines of one text never are, as a multiple of their size.
const CLOSE: f32 = 0.95;

/// A table, by the index of its first line.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    /// The index of the line after its last one.
    pub(super) end: usize,
    /// Row, column and text, in order.
    pub(super) cells: Vec<(u32, u32, String)>,
}

/// Finds the tables. `pitch` is how far apart lines of running text are, as a multiple of their size.
pub(super) fn find(lines: &[Line], pitch: f32) -> HashMap<usize, Table> {
    let mut tables = HashMap::new();
    let mut at = 0;
    while at < lines.len() {
        match table_at(lines, at, pitch) {
            Some(table) => {
                let end = table.end;
                tables.insert(at, table);
                at = end;
            }
            None => at += 1,
        }
    }
    tables
}

fn table_at(lines: &[Line], at: usize, pitch: f32) -> Option<Table> {
    let first = &lines[at];
    if !may_be_row(first) {
        return None;
    }
    let near = |line: &Line| (line.page, line.column) == (first.page, first.column);
    // Another line with parts at two of the same places, not far below.
    let aligned = |line: &Line| {
        let same =
            line.cells.iter().filter(|cell| first.cells.iter().any(|other| (other.0 - cell.0).abs() < ASKEW)).count();
        may_be_row(line) && same >= 2
    };
    lines.iter().skip(at + 1).take(4).find(|line| near(line) && aligned(line))?;
    let mut columns: Vec<f32> = first.cells.iter().map(|cell| cell.0).collect();
    let mut end = at + 1;
    while let Some(line) = lines.get(end) {
        let before = &lines[end - 1];
        let gap = (line.y - before.y) / before.size.max(1.0);
        // Closer than lines of one text can be: cells of one row, set in its middle.
        let beside = gap < CLOSE && gap > 0.0;
        let stray = |columns: &[f32]| {
            line.cells.iter().map(|cell| cell.0).find(|x| columns.iter().all(|column| (column - x).abs() >= ASKEW))
        };
        while let Some(new) = stray(&columns).filter(|_| beside && columns.len() < 20) {
            columns.push(new);
            columns.sort_by(f32::total_cmp);
        }
        // A line under the first column alone goes on with its cell, or it is the text after the table.
        let second = *columns.get(1)?;
        let alone = line.cells.len() == 1 && line.x0 < second - ASKEW && !beside;
        let apart = gap > 4.0 || gap <= 0.0 || alone && (line.x1 > second || gap > pitch * 1.15 + 0.1);
        if !near(line) || stray(&columns).is_some() || apart {
            break;
        }
        end += 1;
    }
    Some(Table { end, cells: cells(&lines[at..end], &columns) })
}

/// True for a line of several parts that is no clause or item with a wide gap after its label.
fn may_be_row(line: &Line) -> bool {
    let Some((_, _, head)) = line.cells.first().filter(|_| line.cells.len() > 1) else { return false };
    let labelled = Label::at_start(&format!("{head} x")).is_some_and(|(_, at)| at >= head.len());
    !labelled && head.chars().count() > 1
}

/// The cells of a table's lines. Where each line fills all columns, each is a row; else wider gaps part the rows.
fn cells(lines: &[Line], columns: &[f32]) -> Vec<(u32, u32, String)> {
    let gap = |index: usize| lines[index].y - lines[index - 1].y;
    let closest = (1..lines.len()).map(gap).fold(f32::MAX, f32::min);
    let size = lines.first().map_or(10.0, |line| line.size);
    let apart = if closest < size * CLOSE { size * 1.35 } else { closest * 1.2 };
    let full = lines.iter().all(|line| line.cells.len() == columns.len());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let begins = index == 0 || full || gap(index) > apart;
        if begins {
            rows.push(vec![String::new(); columns.len()]);
        }
        let Some(row) = rows.last_mut() else { continue };
        for (x0, _, text) in &line.cells {
            let column = columns.iter().rposition(|column| *column <= x0 + ASKEW).unwrap_or(0);
            if !row[column].is_empty() {
                row[column].push(' ');
            }
            row[column].push_str(text);
        }
    }
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    rows.into_iter()
        .enumerate()
        .flat_map(|(row, cells)| {
            cells.into_iter().enumerate().map(move |(column, text)| (number(row), number(column), text))
        })
        .filter(|(_, _, text)| !text.is_empty())
        .collect()
}
