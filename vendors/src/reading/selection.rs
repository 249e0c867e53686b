//! Which parts of a page are the text, as declarations in the shape of Open Terms Archive say it: CSS selectors, and
//! ranges from one to another.

use scraper::{ElementRef, Selector};

/// The parts of a page to read, and the parts of those to leave out.
#[derive(Debug, Clone)]
pub struct Selection {
    parts: Vec<Part>,
    remove: Vec<Selector>,
}

#[derive(Debug, Clone)]
enum Part {
    Element(Selector),
    Range(Box<Range>),
}

#[derive(Debug, Clone)]
struct Range {
    start: Selector,
    after_start: bool,
    end: Selector,
    after_end: bool,
}

/// A selector that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the selector `{0}` is no CSS selector")]
pub struct SelectorError(
    /// As written.
    pub String,
);

impl Selection {
    /// Elements that match one of `select`, without those within that match one of `remove`.
    ///
    /// # Errors
    /// [`SelectorError`] for the first that cannot be read.
    pub fn new<'a>(
        select: impl IntoIterator<Item = &'a str>,
        remove: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SelectorError> {
        Ok(Self {
            parts: select.into_iter().map(|text| parse(text).map(Part::Element)).collect::<Result<_, _>>()?,
            remove: remove.into_iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// Adds what stands between two elements; each is read too, or not.
    ///
    /// # Errors
    /// [`SelectorError`].
    pub fn and_range(
        mut self,
        start: &str,
        with_start: bool,
        end: &str,
        with_end: bool,
    ) -> Result<Self, SelectorError> {
        let range = Range { start: parse(start)?, after_start: !with_start, end: parse(end)?, after_end: with_end };
        self.parts.push(Part::Range(Box::new(range)));
        Ok(self)
    }

    pub(super) fn removes(&self, element: &ElementRef<'_>) -> bool {
        self.remove.iter().any(|selector| selector.matches(element))
    }

    /// A walk over a page that knows what is selected.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk { selection: self, within: 0, ranges: vec![false; self.parts.len()] }
    }
}

fn parse(text: &str) -> Result<Selector, SelectorError> {
    Selector::parse(text).map_err(|_| SelectorError(text.to_owned()))
}

/// Tells, element by element in the document's order, what is selected.
pub(super) struct Walk<'a> {
    selection: &'a Selection,
    /// How many of the elements around match.
    within: usize,
    ranges: Vec<bool>,
}

impl Walk<'_> {
    pub(super) fn open(&mut self, element: &ElementRef<'_>) {
        for (part, running) in self.selection.parts.iter().zip(&mut self.ranges) {
            match part {
                Part::Element(selector) => self.within += usize::from(selector.matches(element)),
                Part::Range(range) => {
                    *running |= !range.after_start && range.start.matches(element);
                    *running &= range.after_end || !range.end.matches(element);
                }
            }
        }
    }

    pub(super) fn close(&mut self, element: &ElementRef<'_>) {
        for (part, running) in self.selection.parts.iter().zip(&mut self.ranges) {
            match part {
                Part::Element(selector) => {
                    self.within = self.within.saturating_sub(usize::from(selector.matches(element)));
                }
                Part::Range(range) => {
                    *running |= range.after_start && range.start.matches(element);
                    *running &= !(range.after_end && range.end.matches(element));
                }
            }
        }
    }

    pub(super) fn is_selected(&self) -> bool {
        self.within > 0 || self.ranges.contains(&true)
    }
}
