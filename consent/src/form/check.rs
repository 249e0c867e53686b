//! What is wrong with a template, before anybody is shown a form of it.

use std::collections::BTreeMap;

use provenote_templates::reading::{Level, level};
use provenote_templates::{FaultKind, Template, TemplateError};
use serde_json::Value;

use super::{BLANKS, FormContext, FormError, form_context, render_form, unfilled};
use crate::elements::{Missing, element, empty_claims, form_kinds, missing_elements, needed};
use crate::samples;
use crate::states::State;

/// Whether a form can be made of the template all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It must be put right.
    Wrong,
    /// It would be better otherwise.
    Advice,
}

/// One thing that is wrong with a template.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The template cannot be read, or cannot be rendered.
    #[error("{0}")]
    Broken(String),
    /// A purpose that is none of ours.
    #[error("`{0}` is no purpose of consent that this version knows: correct `purposes`")]
    Purpose(String),
    /// A kind of form that is none of ours.
    #[error("`{form}` is no kind of form: write `form` as one of {}", known.join(", "))]
    Kind {
        /// As written.
        form: String,
        /// The kinds there are.
        known: Vec<&'static str>,
    },
    /// `jurisdictions` names what is no state.
    #[error("`{0}` in `jurisdictions` is no US state: list states by their two letters, or US for all")]
    Jurisdiction(String),
    /// The template is not meant for the state that was asked about.
    #[error("the template is not meant for {0}: add it to `jurisdictions` if it should be")]
    NotForState(State),
    /// An element is missing.
    #[error(
        "{} is missing ({}): say, for instance, \"{}\" below a line <!-- {} -->; {}",
        _0.id, _0.element, _0.says, _0.id, _0.why
    )]
    Missing(Missing),
    /// An element is missing from the form of a certain client only.
    #[error("{} is missing from the form for {sample}: take it out of its condition", elements.join(", "))]
    MissingFor {
        /// Who that is.
        sample: &'static str,
        /// The elements.
        elements: Vec<&'static str>,
    },
    /// An id that is no element.
    #[error("`{0}` in `elements` is no element of consent: correct it or take it out")]
    UnknownElement(String),
    /// An element that is claimed but not spoken of.
    #[error("`elements` claims {id} ({element}), but no paragraph below a line <!-- {id} --> speaks of it")]
    EmptyClaim {
        /// Its id.
        id: &'static str,
        /// What it is about.
        element: &'static str,
    },
    /// Markup that would not be shown as meant, headings out of order, unknown names.
    #[error("{0}")]
    Markup(#[from] FaultKind),
    /// A section is hard to read.
    #[error("the section `{section}` reads at {level}; it should be {}: shorter sentences, shorter words", level.bar())]
    Hard {
        /// Its heading.
        section: String,
        /// How hard it is for one of the samples, the hardest.
        level: Level,
    },
    /// There is no measure for the language.
    #[error("there is no measure of reading for `{0}` here: have somebody who speaks it read the form")]
    Unmeasured(String),
    /// A place is left to fill in.
    #[error("a place is left to fill in (`{0}`): a signed form with blanks is refused")]
    Blank(&'static str),
    /// A translation that does not say that it is one.
    #[error("the form does not print who translated it: add `{{{{ translation.by }}}}`")]
    Translation,
    /// Nobody who speaks the language has read the translation.
    #[error("no person has reviewed this translation: have somebody who speaks `{0}` read it")]
    Unreviewed(String),
}

/// A fault, and where in the file; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
    /// Whether it must be put right.
    pub severity: Severity,
    /// What it is.
    pub fault: Fault,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let advice = if self.severity == Severity::Advice { "advice: " } else { "" };
        write!(f, "{}:{}:{}: {advice}{}", self.file, self.line, self.column, self.fault)
    }
}

struct Checked {
    file: String,
    problems: Vec<Problem>,
}

impl Checked {
    fn add(&mut self, (line, column): (usize, usize), severity: Severity, fault: Fault) {
        let problem = Problem { file: self.file.clone(), line, column, severity, fault };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn wrong(&mut self, place: (usize, usize), fault: Fault) {
        self.add(place, Severity::Wrong, fault);
    }
}

/// Checks a template's file for a state: everything that is wrong with it, in the order of the file.
///
/// It is rendered for samples of clients, so that names inside loops and conditions are tried, too.
#[must_use]
pub fn check(file: &str, source: &str, state: State) -> Vec<Problem> {
    let mut found = Checked { file: file.to_owned(), problems: Vec::new() };
    match Template::parse_file(file, source) {
        Ok(template) => check_template(&template, state, &mut found),
        Err(error) => found.wrong(error.place(), Fault::Broken(error.problem())),
    }
    found.problems.sort_by_key(|problem| (problem.line, problem.column, problem.severity));
    found.problems
}

fn check_template(template: &Template, state: State, found: &mut Checked) {
    check_front(template, state, found);
    let elements = (template.line_of("elements"), 1);
    for missing in missing_elements(template, state) {
        let severity = if missing.required { Severity::Wrong } else { Severity::Advice };
        found.add(elements, severity, Fault::Missing(missing));
    }
    for claim in empty_claims(template) {
        found.wrong(elements, Fault::EmptyClaim { id: &claim.id, element: &claim.element });
    }
    for fault in template.markup_faults() {
        found.wrong((fault.line, fault.column), Fault::Markup(fault.kind));
    }
    // What a template needs or does not tell is no fault of the template: other samples have it.
    let contexts = in_state(state);
    // Names are known if any sample in any state has them.
    let values: Vec<Value> = contexts
        .iter()
        .chain(&samples::all().unwrap_or_default())
        .filter_map(|(_, ctx)| form_context(template, ctx).ok())
        .filter_map(|(values, _)| serde_json::to_value(values).ok())
        .collect();
    let unknown = template.unknown_variables(&values);
    let places: Vec<(usize, usize)> = unknown.iter().map(|fault| (fault.line, fault.column)).collect();
    for fault in unknown {
        found.wrong((fault.line, fault.column), Fault::Markup(fault.kind));
    }
    let missing: Vec<String> = missing_elements(template, state).into_iter().map(|missing| missing.id).collect();
    for (sample, ctx) in &contexts {
        match render_form(template, ctx) {
            Err(FormError::Template(error @ TemplateError::Render { .. })) if !places.contains(&error.place()) => {
                found.wrong(error.place(), Fault::Broken(error.problem()));
            }
            Err(FormError::Uncovered { elements, .. }) => {
                let elements: Vec<&'static str> =
                    elements.into_iter().filter(|id| !missing.iter().any(|one| one == id)).collect();
                if !elements.is_empty() {
                    found.wrong((template.line_of("elements"), 1), Fault::MissingFor { sample, elements });
                }
            }
            Err(FormError::Unfilled { found: blank, .. }) => {
                found.wrong(place_of_blank(template, blank), Fault::Blank(blank))
            }
            Err(FormError::Translation { .. }) => found.wrong((template.line_of("translator"), 1), Fault::Translation),
            _ => {}
        }
    }
    check_reading(template, state, found);
}

fn check_front(template: &Template, state: State, found: &mut Checked) {
    for purpose in template.purposes() {
        if provenote_schemas::Purpose::from_word(purpose).is_none() {
            found.wrong((template.line_of("purposes"), 1), Fault::Purpose(shortened(purpose)));
        }
    }
    if needed(template.form()).is_empty() {
        let fault = Fault::Kind { form: shortened(template.form()), known: form_kinds().collect() };
        found.wrong((template.line_of("form"), 1), fault);
    }
    for id in template.elements().iter().filter(|id| element(id).is_none()) {
        found.wrong((template.line_of("elements"), 1), Fault::UnknownElement(shortened(id)));
    }
    let line = (template.line_of("jurisdictions"), 1);
    let codes = template.jurisdictions();
    for code in codes.iter().filter(|code| *code != "US" && !crate::is_state(code)) {
        found.wrong(line, Fault::Jurisdiction(shortened(code)));
    }
    if !codes.iter().any(|code| code == "US" || code == state.code()) {
        found.wrong(line, Fault::NotForState(state));
    }
    if template.translation().is_some_and(|translation| !translation.reviewed_by_person) {
        let line = (template.line_of("reviewed_by_person"), 1);
        found.add(line, Severity::Advice, Fault::Unreviewed(template.lang().to_owned()));
    }
}

fn check_reading(template: &Template, state: State, found: &mut Checked) {
    let headings = template.headings();
    let mut unmeasured = false;
    for (section, level) in reading_levels(template, state) {
        match level {
            Some(level) if level.too_hard() => {
                let heading = headings.iter().find(|(_, _, words)| *words == section);
                let place = heading.map_or((template.line_of("title"), 1), |(line, column, _)| (*line, *column));
                found.wrong(place, Fault::Hard { section, level });
            }
            Some(_) => {}
            None => unmeasured = true,
        }
    }
    if unmeasured && level("a", template.lang()).is_none() {
        let line = template.line_of("language").max(template.line_of("lang"));
        found.add((line, 1), Severity::Advice, Fault::Unmeasured(template.lang().to_owned()));
    }
}

/// How hard each section of a template is to read, by its heading, values as one word: the hardest of all
/// samples. `None` where the language has no measure here or the section no words.
#[must_use]
pub fn reading_levels(template: &Template, state: State) -> Vec<(String, Option<Level>)> {
    let mut order: Vec<String> = Vec::new();
    let mut hardest: BTreeMap<String, Option<Level>> = BTreeMap::new();
    for (_, ctx) in in_state(state) {
        let Ok((values, _)) = form_context(template, &ctx) else { continue };
        let Ok(sections) = template.own_words(&values) else { continue };
        for (section, text) in sections {
            let now = level(&text, template.lang());
            if !order.contains(&section) {
                order.push(section.clone());
            }
            let before = hardest.entry(section).or_insert(now);
            if let (Some(then), Some(now)) = (*before, now) {
                *before = Some(then.harder(now));
            } else {
                *before = before.or(now);
            }
        }
    }
    order.into_iter().map(|section| (section.clone(), hardest.remove(&section).flatten())).collect()
}

/// The samples, all in one state.
fn in_state(state: State) -> Vec<(&'static str, FormContext)> {
    let mut contexts = samples::all().unwrap_or_default();
    for (_, ctx) in &mut contexts {
        ctx.state = state.code().to_owned();
        ctx.client.state = state.code().to_owned();
    }
    contexts
}

fn place_of_blank(template: &Template, blank: &str) -> (usize, usize) {
    debug_assert!(BLANKS.contains(&blank) && unfilled(blank).is_some());
    for (row, line) in template.source().lines().enumerate().skip(1) {
        if let Some(at) = line.find(blank).filter(|_| !line.trim_start().starts_with("{%")) {
            return (row + 1, line[..at].chars().count() + 1);
        }
    }
    (1, 1)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use provenote_templates::{all_bundled, bundled};

    fn state(code: &str) -> State {
        State::parse(code).expect("a state")
    }

    fn of(code: &str, lang: &str, change: impl Fn(&str) -> String) -> Vec<String> {
        let source = bundled("ai-notes@2", lang).expect("bundled").source();
        let changed = change(source);
        check("own.md", &changed, state(code)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_bundled_templates_are_in_order_in_every_state() {
        for template in all_bundled() {
            // Every state has its turn in the tests of the elements; here the most and the least is known of one.
            let codes: &[&str] = if template.id() == "ai-notes" { &["IL", "VT", "AL"] } else { &["IL"] };
            for code in codes {
                let problems = check(template.file(), template.source(), state(code));
                let wrong: Vec<String> = problems
                    .iter()
                    .filter(|problem| !matches!(problem.fault, Fault::Unreviewed(_)))
                    .map(ToString::to_string)
                    .collect();
                assert_eq!(wrong, Vec::<String>::new(), "{} {}", template.name(), template.lang());
                assert_eq!(problems.len(), usize::from(template.lang() == "es"), "the translation is not reviewed");
            }
        }
    }

    #[test]
    fn each_fault_is_found_at_its_place() {
        let cut = of("IL", "en", |source| source.replace("<!-- CON-03 -->\n", ""));
        assert!(
            cut.iter().any(|one| one.starts_with("own.md:9:1: CON-03 is missing")
                && one
                    .contains("named as required in IL: 225 ILCS 155/15(b)(1)(B) (mark: verified from il-pa104-0054")),
            "{cut:#?}"
        );
        for (from, to, says) in [
            ("{{ practice }}", "{{ practise }}", "unknown variable `practise`"),
            ("{{ person.role }}", "{{ person.rank }}", "undefined value"),
            ("{{ kept.audio }}", "{{ kept.sound }}", "unknown variable `kept.sound`"),
            ("## What we ask", "### What we ask", "headings out of order"),
            ("We ask these people", "<b>We</b> ask these people", "raw HTML (`<b>`)"),
            ("purposes: [ai_notes]", "purposes: [ai_note]", "`ai_note` is no purpose"),
            ("form: recording", "form: recordin", "`recordin` is no kind of form: write `form` as one of amendment"),
            ("jurisdictions: [US]", "jurisdictions: [US, XX]", "`XX` in `jurisdictions` is no US state"),
            ("jurisdictions: [US]", "jurisdictions: [CA]", "not meant for IL"),
            ("[CON-01,", "[CON-99, CON-01,", "`CON-99` in `elements` is no element"),
            ("[CON-01,", "[AUTH-1, CON-01,", "claims AUTH-1 (Description of the information), but no paragraph"),
            ("Ask any question you like", "____ Ask any question you like", "a place is left to fill in (`__`)"),
            (
                "You may say no. Your care",
                "Notwithstanding any contrary provision contained in applicable documentation, individuals may irrevocably disauthorize organizational dissemination of communicated information. You may say no. Your care",
                "reads at Flesch-Kincaid grade",
            ),
            ("{% if isolated %}", "{% if isolated", "never closed: add `%}`"),
            ("title: Recording", "title: [Recording", "own.md:5"),
            ("language: en", "language: xx", "own.md:4:1: front matter: `xx` is no language code"),
            ("language: en", "language: ar", "right to left"),
            ("You get a copy", "\u{5D0} You get a copy", "right to left"),
        ] {
            let source = bundled("ai-notes@2", "en").expect("bundled").source();
            assert!(source.contains(from), "{from}");
            let found = of("IL", "en", |source| source.replacen(from, to, 1));
            assert!(found.iter().any(|one| one.contains(says)), "{to}: {found:#?}");
            for one in &found {
                assert!(one.starts_with("own.md:") && !one.contains("own.md:0"), "{one}");
            }
        }
    }

    #[test]
    fn a_translation_that_hides_is_found_and_another_language_is_not_measured() {
        let hidden = of("TX", "es", |source| source.replace("{{ translation.by }}", "nosotros"));
        assert!(hidden.iter().any(|one| one.contains("does not print who translated it")), "{hidden:#?}");
        let french = of("TX", "en", |source| source.replace("language: en", "language: fr"));
        assert_eq!(french.len(), 1, "{french:#?}");
        assert!(french[0].starts_with("own.md:4:1: advice: there is no measure of reading for `fr`"), "{french:#?}");
    }

    #[test]
    fn what_stands_under_a_condition_is_missed_where_it_does_not_hold() {
        let found = of("TX", "en", |source| {
            source
                .replace("<!-- CON-13 -->", "{% if license %}\n<!-- CON-13 -->")
                .replace("## Privacy", "{% endif %}\n## Privacy")
        });
        assert_eq!(found, Vec::<String>::new(), "only recommended");
        let found = of("TX", "en", |source| {
            source
                .replace("<!-- CON-07 -->", "{% if license %}\n<!-- CON-07 -->")
                .replace("## What the AI will", "{% endif %}\n## What the AI will")
        });
        assert!(found.iter().any(|one| one.contains("CON-07 is missing from the form for no license")), "{found:#?}");
    }

    #[test]
    fn levels_are_told_for_each_section() {
        let levels = reading_levels(bundled("minor", "es").expect("bundled"), state("WA"));
        assert!(levels.len() > 15 && levels.iter().all(|(_, level)| matches!(level, Some(Level::Inflesz(_)))));
        assert_eq!(levels.iter().filter(|(section, _)| section == "Riesgos").count(), 1);
    }
}
