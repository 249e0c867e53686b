//! The table that is printed.

use std::io::Write as _;

use super::Outcome;

/// What a ratio or a number has to keep to.
pub(crate) enum Goal {
    /// At least.
    Least(f64),
    /// At most.
    Most(f64),
    /// For comparison only.
    None,
}

struct Row {
    what: String,
    ours: String,
    baseline: String,
    number: Option<f64>,
    goal: Goal,
}

/// Rows in the order they are measured.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn row(&mut self, what: &str, ours: String, baseline: String, number: f64, goal: Goal) {
        eprintln!("{what}: {ours}, {baseline}, {number:.3}");
        self.0.push(Row { what: what.to_owned(), ours, baseline, number: Some(number), goal });
    }

    /// Something that is not here, and why.
    pub(crate) fn left_out(&mut self, what: &str, why: &str) {
        let (what, ours) = (what.to_owned(), "left out".to_owned());
        self.0.push(Row { what, ours, baseline: why.to_owned(), number: None, goal: Goal::None });
    }

    pub(crate) fn print(&self) -> Outcome<()> {
        let mut out = std::io::stdout().lock();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        writeln!(out, "ledger, entries of 1 KB, {processors} processors")?;
        writeln!(out, "{:<46} {:>19} {:>27} {:>8}  goal", "", "provenote", "baseline", "ratio")?;
        for Row { what, ours, baseline, number, goal } in &self.0 {
            let word = |met| if met { "met" } else { "MISSED" };
            let number_text = number.map_or_else(String::new, |number| format!("{number:.2}"));
            let goal = match (goal, number) {
                (Goal::Least(goal), Some(number)) => format!("{goal} or more: {}", word(number >= goal)),
                (Goal::Most(goal), Some(number)) => format!("{goal} or less: {}", word(number <= goal)),
                _ => String::new(),
            };
            writeln!(out, "{what:<46} {ours:>19} {baseline:>27} {number_text:>8}  {goal}")?;
        }
        Ok(())
    }
}
