//! What can be wrong with a template whose syntax is right: markup that would not be shown as it is
//! meant, headings out of order, names that no form knows.

use std::collections::BTreeSet;

use minijinja::Environment;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

use crate::tags::{Bare, tags};
use crate::template::{ONE_WORD, Template, syntax};

/// One thing that is wrong, and where in the file; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file.
    pub line: usize,
    /// Column in the line, in characters.
    pub column: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// What can be wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// HTML, which is shown as the text it is.
    #[error("raw HTML (`{0}`) would be printed as it stands: write it in Markdown")]
    RawHtml(String),
    /// A picture, of which only the words would be shown.
    #[error("a picture would not be shown: say it in words")]
    Picture,
    /// The first heading is no title.
    #[error("the first heading is `{}`: a form begins with its title, `#`", "#".repeat(usize::from(*.0)))]
    NoTitle(u8),
    /// A second title.
    #[error("a second title: a form has one `#`, and `##` for its sections")]
    SecondTitle,
    /// A heading that skips a level.
    #[error(
        "headings out of order: `{}` follows `{}` (a screen reader then takes a section for lost)",
        "#".repeat(usize::from(*to)), "#".repeat(usize::from(*from))
    )]
    HeadingOrder {
        /// Level of the heading above.
        from: u8,
        /// Level of this one.
        to: u8,
    },
    /// No heading at all.
    #[error("there is no heading: a form begins with its title, `#`")]
    NoHeading,
    /// A list that would be counted from 1 all the same.
    #[error("a list counts from {0}, but would be shown counted from 1: begin it with 1")]
    Counted(u64),
    /// A name that no form has a value for.
    #[error("unknown variable `{0}`: no form has such a value")]
    UnknownVariable(String),
}

impl Template {
    /// What is wrong with the Markdown of the template, whatever is put into it, in order.
    #[must_use]
    pub fn markup_faults(&self) -> Vec<Fault> {
        let bare = Bare::of(self.body(), ONE_WORD);
        let mut found = Vec::new();
        let mut above: Option<u8> = None;
        for (event, range) in
            Parser::new_ext(&bare.text, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS).into_offset_iter()
        {
            let kind = match event {
                Event::Html(html) | Event::InlineHtml(html) if !html.trim_start().starts_with("<!--") => {
                    Some(FaultKind::RawHtml(html.trim().chars().take(40).collect()))
                }
                Event::Start(Tag::Image { .. }) => Some(FaultKind::Picture),
                Event::Start(Tag::List(Some(first))) if first != 1 => Some(FaultKind::Counted(first)),
                Event::Start(Tag::Heading { level, .. }) => {
                    let level = level as u8;
                    let kind = match above {
                        None if level != 1 => Some(FaultKind::NoTitle(level)),
                        Some(_) if level == 1 => Some(FaultKind::SecondTitle),
                        Some(from) if level > from + 1 => Some(FaultKind::HeadingOrder { from, to: level }),
                        _ => None,
                    };
                    above = Some(level);
                    kind
                }
                _ => None,
            };
            if let Some(kind) = kind {
                found.push(self.fault(bare.origin(range.start), kind));
            }
        }
        if above.is_none() {
            found.push(self.fault(0, FaultKind::NoHeading));
        }
        found
    }

    /// Every heading as it stands in the template, values as one word, with line and column in the file.
    #[must_use]
    pub fn headings(&self) -> Vec<(usize, usize, String)> {
        let bare = Bare::of(self.body(), ONE_WORD);
        let mut found = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (event, range) in Parser::new_ext(&bare.text, Options::ENABLE_TABLES).into_offset_iter() {
            match (event, &mut open) {
                (Event::Start(Tag::Heading { .. }), _) => open = Some((range.start, String::new())),
                (Event::End(TagEnd::Heading(_)), _) => {
                    if let Some((at, words)) = open.take() {
                        let (line, column) = self.place(bare.origin(at));
                        found.push((line, column, words));
                    }
                }
                (Event::Text(text) | Event::Code(text), Some((_, words))) => words.push_str(&text),
                _ => {}
            }
        }
        found
    }

    /// Names the template asks for that none of these contexts holds, in any of its conditions.
    /// Names of loops are not looked into: rendering finds those.
    #[must_use]
    pub fn unknown_variables(&self, contexts: &[Value]) -> Vec<Fault> {
        let mut environment = Environment::new();
        environment.set_syntax(syntax());
        let Ok(parsed) = environment.template_from_named_str("body", self.body()) else { return Vec::new() };
        let names: BTreeSet<String> = parsed.undeclared_variables(true).into_iter().collect();
        let mut found: Vec<Fault> = names
            .into_iter()
            .filter(|name| !contexts.iter().any(|context| holds(context, name)))
            .map(|name| self.fault(self.place_of(&name), FaultKind::UnknownVariable(name.chars().take(60).collect())))
            .collect();
        found.sort_by_key(|fault| (fault.line, fault.column));
        found
    }

    /// Where a name first stands in a tag.
    fn place_of(&self, name: &str) -> usize {
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        for tag in tags(self.body()).0 {
            let inside = tag.start + 2;
            for (at, _) in tag.inner.match_indices(name) {
                let (before, after) = (&tag.inner[..at], &tag.inner[at + name.len()..]);
                if !before.ends_with(part) && !after.starts_with(part) {
                    return inside + at;
                }
            }
        }
        0
    }

    fn fault(&self, at: usize, kind: FaultKind) -> Fault {
        let (line, column) = self.place(at);
        Fault { line, column, kind }
    }
}

fn holds(context: &Value, name: &str) -> bool {
    let mut here = context;
    for step in name.split('.') {
        match here.get(step) {
            Some(next) => here = next,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FRONT: &str = "---\nid: t\nversion: 1\nlang: en\ntitle: T\npurposes: [ai_notes]\nelements: [CON-01]\njurisdictions: [US]\n---\n";

    fn template(body: &str) -> Template {
        Template::parse(&format!("{FRONT}{body}")).expect("a good template")
    }

    fn faults(body: &str) -> Vec<(usize, usize, FaultKind)> {
        template(body).markup_faults().into_iter().map(|fault| (fault.line - 9, fault.column, fault.kind)).collect()
    }

    #[test]
    fn headings_go_down_one_level_at_a_time_from_one_title() {
        assert_eq!(faults("# A\n\n## B\n\n### C\n\n## D\n"), []);
        assert_eq!(faults("## A\n"), [(1, 1, FaultKind::NoTitle(2))]);
        assert_eq!(faults("# A\n\n# B\n"), [(3, 1, FaultKind::SecondTitle)]);
        assert_eq!(
            faults("# A\n\n{% if a %}\n### B\n{% endif %}\n"),
            [(4, 1, FaultKind::HeadingOrder { from: 1, to: 3 })]
        );
        assert_eq!(faults("text\n"), [(1, 1, FaultKind::NoHeading)]);
        let headings = template("# A *b*\n\n{% if x %}\n## For {{ y }}\n{% endif %}\n").headings();
        assert_eq!(headings, [(10, 1, "A b".to_owned()), (13, 1, "For Name".to_owned())]);
    }

    #[test]
    fn html_pictures_and_odd_lists_are_found_and_markers_are_not() {
        assert_eq!(
            faults("# A\n\n<!-- CON-01 -->\nx <b>y</b>\n\n{{ a }} ![p](q)\n\n3. c\n\n<div>\n"),
            [
                (4, 3, FaultKind::RawHtml("<b>".to_owned())),
                (4, 7, FaultKind::RawHtml("</b>".to_owned())),
                (6, 9, FaultKind::Picture),
                (8, 1, FaultKind::Counted(3)),
                (10, 1, FaultKind::RawHtml("<div>".to_owned())),
            ]
        );
    }

    #[test]
    fn names_nobody_knows_are_found_even_where_no_sample_goes() {
        let t = template(
            "# A\n{% if never %}\n{{ known }} {{ unknwn }} {{ deep.here }} {{ deep.there }}\n{% endif %}\n{% for x in list %}{{ x.y }}{% endfor %}",
        );
        let contexts = [
            json!({"never": false, "known": 1, "deep": null, "list": []}),
            json!({"deep": {"here": null}, "never": 1}),
        ];
        let found: Vec<(usize, usize, String)> = t
            .unknown_variables(&contexts)
            .into_iter()
            .map(|fault| (fault.line - 9, fault.column, fault.kind.to_string()))
            .collect();
        assert_eq!(
            found,
            [
                (3, 16, "unknown variable `unknwn`: no form has such a value".to_owned()),
                (3, 45, "unknown variable `deep.there`: no form has such a value".to_owned())
            ]
        );
    }
}
