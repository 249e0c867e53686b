//! A consent template: front matter, body, rendering.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::coverage::{Covering, coverings, strip_markers};
use crate::escape::{escape, printed};
use crate::front::{Front, Promise, Translation};
use crate::language::right_to_left;
use crate::tags::{Bare, unclosed};

/// What is wrong with a template, and where. Lines and columns count from 1, in the file as a
/// whole. No variant carries a value that was put into the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The file does not begin with `---`, or its front matter does not end with `---`.
    #[error("{file}:{line}:1: a template begins with a front matter between two lines `---`; {problem}")]
    NoFrontMatter {
        /// The file.
        file: String,
        /// Where it was looked for.
        line: usize,
        /// What is missing.
        problem: &'static str,
    },
    /// The front matter is no YAML, or not what a template needs.
    #[error("{file}:{line}:{column}: front matter: {problem}")]
    FrontMatter {
        /// The file.
        file: String,
        /// Line in the file.
        line: usize,
        /// Column in the line.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// The body is no minijinja: an unclosed tag, an unknown filter.
    #[error("{file}:{line}:{column}: {problem}")]
    Syntax {
        /// The file.
        file: String,
        /// Line in the file.
        line: usize,
        /// Column in the line.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// The text has letters that are written from right to left.
    #[error(
        "{file}:{line}:{column}: the letter `{letter}` is written from right to left, and these forms cannot be set that way: use a form in another language, and an interpreter"
    )]
    RightToLeft {
        /// The file.
        file: String,
        /// Line in the file.
        line: usize,
        /// Column in the line.
        column: usize,
        /// The first such letter.
        letter: char,
    },
    /// The body asks for something that the context does not hold, or that is blank.
    #[error("{file}:{line}:{column}: {problem}")]
    Render {
        /// The file.
        file: String,
        /// Line in the file.
        line: usize,
        /// Column in the line.
        column: usize,
        /// What is wrong.
        problem: String,
    },
}

impl TemplateError {
    /// Line and column in the file, from 1.
    #[must_use]
    pub const fn place(&self) -> (usize, usize) {
        match self {
            Self::NoFrontMatter { line, .. } => (*line, 1),
            Self::FrontMatter { line, column, .. }
            | Self::Syntax { line, column, .. }
            | Self::RightToLeft { line, column, .. }
            | Self::Render { line, column, .. } => (*line, *column),
        }
    }

    /// What is wrong, without file and place.
    #[must_use]
    pub fn problem(&self) -> String {
        let all = self.to_string();
        let (line, column) = self.place();
        let place = format!(":{line}:{column}: ");
        all.find(&place).map_or(all.clone(), |at| all[at + place.len()..].to_owned())
    }
}

/// A template that was read and whose syntax is right.
#[derive(Debug, Clone)]
pub struct Template {
    front: Front,
    file: String,
    source: String,
    body: String,
    /// Lines of the file above the body.
    above: usize,
    /// Names the body asks for, in whatever condition.
    asked: BTreeSet<String>,
}

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Escaped, as a reader sees them.
    Shown,
    /// Each as one plain word, to look at the template's own words alone.
    OneWord,
}

/// What stands for a value where only the template's own words count.
pub(crate) const ONE_WORD: &str = "Name";

impl Template {
    /// Reads a template; errors name the file `template`. See [`Template::parse_file`].
    ///
    /// # Errors
    /// [`TemplateError`] with line and column.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Self::parse_file("template", source)
    }

    /// Reads a template: YAML front matter between two lines `---`, then Markdown with minijinja.
    ///
    /// The front matter has `id`, `version`, `language` (ISO 639-1; `lang` for short), `title`,
    /// `purposes`, `elements` and `jurisdictions` (US state codes, or `US` for all). It may have
    /// `form`, what the form is (`recording` where nothing is said), `promise`, which changes end the
    /// consent (`any_change` where nothing is said, or `for_worse`), and for a translation `translator`
    /// with `reviewed_by_person`. It has nothing else.
    ///
    /// # Errors
    /// [`TemplateError`] with line and column.
    pub fn parse_file(file: &str, source: &str) -> Result<Self, TemplateError> {
        let source = source.strip_prefix('\u{FEFF}').unwrap_or(source).replace("\r\n", "\n");
        let missing = |line, problem| TemplateError::NoFrontMatter { file: file.to_owned(), line, problem };
        let rest = source.strip_prefix("---\n").ok_or_else(|| missing(1, "the first line is another"))?;
        let end =
            rest.find("\n---\n").ok_or_else(|| missing(source.lines().count().max(1), "the second one is missing"))?;
        let (yaml, body) = (&rest[..=end], &rest[end + "\n---\n".len()..]);
        let wrong = |line, column, problem| TemplateError::FrontMatter { file: file.to_owned(), line, column, problem };
        let front: Front = serde_saphyr::from_str(yaml).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let problem = error.without_snippet().to_string().lines().next().unwrap_or_default().to_owned();
            // One more for the opening `---`.
            wrong(usize::try_from(line).unwrap_or(1) + 1, usize::try_from(column).unwrap_or(1), problem)
        })?;
        if let Some((field, problem)) = front.problem() {
            let at = yaml.lines().position(|line| {
                let name = line.split(':').next().unwrap_or_default().trim();
                name == field || (field == "lang" && name == "language")
            });
            return Err(wrong(at.unwrap_or(0) + 2, 1, problem));
        }
        let (body, above) = (body.to_owned(), yaml.lines().count() + 2);
        let asked = BTreeSet::new();
        let mut template = Self { front, file: file.to_owned(), source: source.clone(), body, above, asked };
        template.check_script(yaml)?;
        let asked = match template.environment(Values::Shown).template_from_named_str("body", &template.body) {
            Ok(body) => body.undeclared_variables(false).into_iter().collect(),
            Err(error) => return Err(template.located(&error, false)),
        };
        template.asked = asked;
        Ok(template)
    }

    /// Names of people may be in any script; the form's own words may not.
    fn check_script(&self, yaml: &str) -> Result<(), TemplateError> {
        let refused = |line: usize, column: usize, letter| {
            Err(TemplateError::RightToLeft { file: self.file.clone(), line, column, letter })
        };
        for (row, line) in yaml.lines().enumerate() {
            if let Some((column, letter)) = line.chars().enumerate().find(|(_, c)| right_to_left(*c)) {
                return refused(row + 2, column + 1, letter);
            }
        }
        match self.body.char_indices().find(|(_, c)| right_to_left(*c)) {
            Some((at, letter)) => {
                let (line, column) = self.place(at);
                refused(line, column, letter)
            }
            None => Ok(()),
        }
    }

    /// The id, such as `ai-notes`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.front.id
    }

    /// The version, counted from 1. A template somebody was shown is frozen under it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.front.version
    }

    /// Id and version, such as `ai-notes@1`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}@{}", self.front.id, self.front.version)
    }

    /// ISO 639-1 language.
    #[must_use]
    pub fn lang(&self) -> &str {
        &self.front.lang
    }

    /// The title for lists and document properties.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.front.title
    }

    /// What consent is asked for, as words of `provenote_schemas::Purpose`.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.front.purposes
    }

    /// Ids of the consent elements the template says it covers.
    #[must_use]
    pub fn elements(&self) -> &[String] {
        &self.front.elements
    }

    /// US state codes it is meant for, or `US` for all.
    #[must_use]
    pub fn jurisdictions(&self) -> &[String] {
        &self.front.jurisdictions
    }

    /// What the form is, such as `recording`; which elements it needs depends on this.
    #[must_use]
    pub fn form(&self) -> &str {
        &self.front.form
    }

    /// Which changes of what is done the text says end the consent.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.front.promise
    }

    /// Who translated it; `None` where it was written in its language.
    #[must_use]
    pub fn translation(&self) -> Option<Translation<'_>> {
        self.front.translation()
    }

    /// The file as it was read, line feeds alone between lines: what is frozen once it was shown.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The line of a field of the front matter, from 1; the first line where the field is not there.
    #[must_use]
    pub fn line_of(&self, field: &str) -> usize {
        let names = |line: &str| line.split_once(':').is_some_and(|(name, _)| name == field);
        self.source.lines().take(self.above).position(names).map_or(1, |at| at + 1)
    }

    /// Whether the template asks for a value of this name anywhere, in whatever condition.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        self.asked.contains(name)
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// Line and column in the file of a byte of the body.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.body.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1 + self.above, before[line_start..].chars().count() + 1)
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The exact text: Markdown, every value escaped, no marker left in it.
    ///
    /// # Errors
    /// [`TemplateError::Render`] where the template asks for what is not in the context, or for a
    /// blank value: a form never has blanks.
    pub fn render<T: Serialize>(&self, ctx: &T) -> Result<String, TemplateError> {
        self.rendering(ctx, Values::Shown).map(|marked| strip_markers(&marked))
    }

    /// Which elements a rendering covers, and with which words.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn covered<T: Serialize>(&self, ctx: &T) -> Result<Covering, TemplateError> {
        self.rendering(ctx, Values::Shown).map(|marked| coverings(&marked))
    }

    /// Which elements the template as it stands speaks of somewhere, conditions left aside.
    #[must_use]
    pub fn covered_somewhere(&self) -> Covering {
        coverings(&Bare::of(&self.body, ONE_WORD).text)
    }

    /// The template's own words under each heading, every value one plain word, for the reading
    /// grade: a template cannot choose how long a name or a citation is.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn own_words<T: Serialize>(&self, ctx: &T) -> Result<Vec<(String, String)>, TemplateError> {
        let text = strip_markers(&self.rendering(ctx, Values::OneWord)?);
        let mut sections: Vec<(String, Vec<crate::Block>)> = Vec::new();
        for block in crate::blocks(&text) {
            match (&block, sections.last_mut()) {
                (crate::Block::Heading { text, .. }, _) => sections.push((crate::blocks::words(text), Vec::new())),
                (_, Some((_, open))) => open.push(block),
                (_, None) => sections.push((String::new(), vec![block])),
            }
        }
        Ok(sections.into_iter().map(|(title, blocks)| (title, crate::plain_text(&blocks))).collect())
    }

    fn rendering<T: Serialize>(&self, ctx: &T, values: Values) -> Result<String, TemplateError> {
        let environment = self.environment(values);
        environment
            .template_from_named_str("body", &self.body)
            .and_then(|body| body.render(Serde(ctx)))
            .map_err(|error| self.located(&error, true))
    }

    /// Undefined values are errors, everything written is escaped, and errors keep their place.
    fn environment(&self, values: Values) -> Environment<'_> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax());
        environment.set_debug(true);
        // A template cannot let markup through that stands in a value.
        environment.remove_filter("safe");
        // What a macro or a `set` block captured is marked as escaped once, and not again.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
        environment.set_formatter(move |out, _, value| {
            if value.is_undefined() || value.is_none() {
                let problem = "a value is missing here: a form never has blanks";
                return Err(minijinja::Error::new(ErrorKind::UndefinedError, problem));
            }
            let text = value.to_string();
            if value.is_safe() {
                return out.write_str(&text).map_err(minijinja::Error::from);
            }

            if printed(&text).is_empty() {
                return Err(minijinja::Error::new(
                    ErrorKind::InvalidOperation,
                    "a value is blank here: a form never has blanks",
                ));
            }
            let written = match values {
                Values::Shown => escape(&text),
                Values::OneWord => ONE_WORD.to_owned(),
            };
            out.write_str(&written).map_err(minijinja::Error::from)
        });
        environment
    }

    /// Where in the file an error stands. The error itself is dropped: in debug mode it carries
    /// the values of the context, which may be names.
    fn located(&self, error: &minijinja::Error, rendering: bool) -> TemplateError {
        // What is open to the end is better told where it was opened.
        if !rendering && let Some(open) = unclosed(&self.body) {
            let (line, column) = self.place(open.at);
            return TemplateError::Syntax { file: self.file.clone(), line, column, problem: open.problem };
        }
        let (line, column) = match error.range() {
            Some(range) => self.place(range.start),
            None => (error.line().unwrap_or(1) + self.above, 1),
        };
        let mut problem = error.kind().to_string();
        if let Some(detail) = error.detail() {
            problem = format!("{problem}: {detail}");
        }
        if let Some(asked) = error.range().and_then(|range| self.body.get(range)).filter(|asked| !asked.contains('\n'))
        {
            problem = format!("{problem} (at `{}`)", asked.chars().take(60).collect::<String>());
        }
        let file = self.file.clone();
        if rendering {
            TemplateError::Render { file, line, column, problem }
        } else {
            TemplateError::Syntax { file, line, column, problem }
        }
    }
}

/// A tag on a line of its own leaves no empty line behind.
pub(crate) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default()
}

/// The ids of elements, each with the words that cover it.
pub(crate) type Covered = BTreeMap<String, String>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const FRONT: &str = "---\nid: t\nversion: 1\nlang: en\ntitle: T\npurposes: [ai_notes]\nelements: [CON-01]\njurisdictions: [US]\n---\n";

    fn template(body: &str) -> Template {
        Template::parse_file("t.md", &format!("{FRONT}{body}")).expect("a good template")
    }

    fn place(error: &TemplateError) -> (usize, usize) {
        error.place()
    }

    #[test]
    fn a_template_says_what_it_is() {
        let t = template("# Hello {{ name }}\n");
        assert_eq!((t.id(), t.version(), t.name().as_str(), t.lang(), t.title()), ("t", 1, "t@1", "en", "T"));
        assert_eq!(
            (t.purposes(), t.elements(), t.jurisdictions()),
            (&["ai_notes".to_owned()][..], &["CON-01".to_owned()][..], &["US".to_owned()][..])
        );
        assert_eq!(t.render(&json!({"name": "A_b"})).as_deref(), Ok("# Hello A\\_b\n"));
        assert_eq!((t.line_of("purposes"), t.line_of("nosuch")), (6, 1));
    }

    #[test]
    fn an_unclosed_tag_is_found_with_its_place() {
        let error =
            Template::parse_file("form.md", &format!("{FRONT}one\ntwo {{{{ practice\n\nthree")).expect_err("unclosed");
        assert!(matches!(error, TemplateError::Syntax { .. }), "{error}");
        assert!(error.to_string().starts_with("form.md:1"), "{error}");
        assert_eq!(place(&error), (11, 5), "{error}");
        assert!(error.to_string().contains("never closed: add `}}`"), "{error}");
        assert_eq!(error.problem(), "the tag `{{ practice` is never closed: add `}}`");
        let error = Template::parse(&format!("{FRONT}one\n  {{% if x %}} y\n\nz")).expect_err("unclosed");
        assert_eq!(place(&error), (11, 3), "{error}");
        assert!(error.to_string().contains("add `{% endif %}`"), "{error}");
        let error = Template::parse(&format!("{FRONT}one\n  {{{{ x|nosuch }}}}"))
            .and_then(|t| t.render(&json!({"x": 1})))
            .expect_err("filter");
        assert_eq!(place(&error).0, 11, "{error}");
    }

    #[test]
    fn no_filter_lets_markup_in_a_value_through() {
        let error = Template::parse(&format!("{FRONT}{{{{ a|safe }}}}"))
            .and_then(|t| t.render(&json!({"a": "<b>"})))
            .expect_err("no such filter");
        assert!(error.to_string().contains("safe"), "{error}");
        assert_eq!(template("{{ a|upper }}").render(&json!({"a": "<b>"})).as_deref(), Ok("\\<B\\>\n"));
    }

    #[test]
    fn an_unknown_value_is_found_with_its_place() {
        let error = template("one\nto {{ practise }}\n").render(&json!({"practice": "P"})).expect_err("undefined");
        assert_eq!(place(&error), (11, 7), "{error}");
        assert!(error.to_string().contains("practise"), "{error}");
    }

    #[test]
    fn a_blank_or_missing_value_is_refused_and_no_error_repeats_a_value() {
        for blank in [json!(""), json!("  \t"), json!(null), json!("\u{202E}")] {
            let error = template("{{ secret }} {{ name }}")
                .render(&json!({"secret": "Maria", "name": blank}))
                .expect_err("blank");
            assert!(matches!(error, TemplateError::Render { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("Maria"));
        }
    }

    #[test]
    fn front_matter_is_checked_with_its_place() {
        let unknown = FRONT.replace("title: T", "titel: T");
        assert_eq!(place(&Template::parse(&unknown).expect_err("unknown field")).0, 5);
        let broken = FRONT.replace("version: 1", "version: [1");
        assert!(matches!(Template::parse(&broken), Err(TemplateError::FrontMatter { .. })));
        for (from, to) in
            [("id: t", "id: 'T 1'"), ("version: 1", "version: 0"), ("lang: en", "lang: english"), ("[ai_notes]", "[]")]
        {
            assert!(
                matches!(Template::parse(&FRONT.replace(from, to)), Err(TemplateError::FrontMatter { .. })),
                "{to}"
            );
        }
        let french = Template::parse(&FRONT.replace("lang: en", "language: fr")).expect("another language");
        assert_eq!((french.lang(), french.form(), french.translation()), ("fr", "recording", None));
        for (lang, says) in [("xx", "no language code"), ("ar", "right to left"), ("EN", "lower-case")] {
            let error =
                Template::parse(&FRONT.replace("lang: en", &format!("language: {lang}"))).expect_err("a language");
            assert_eq!(place(&error), (4, 1), "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        for (from, to) in [("R\u{5D0}", 5), ("T", 11)] {
            let error =
                Template::parse(&format!("{}x\n \u{627}", FRONT.replace("title: T", &format!("title: {from}"))))
                    .expect_err("right to left");
            assert_eq!(place(&error).0, to, "{error}");
            assert!(error.to_string().contains("written from right to left"), "{error}");
        }
        assert!(matches!(Template::parse("# no front matter"), Err(TemplateError::NoFrontMatter { line: 1, .. })));
        assert!(matches!(Template::parse("---\nid: t\n"), Err(TemplateError::NoFrontMatter { .. })));
    }

    #[test]
    fn what_a_block_captured_is_escaped_once() {
        let t = template("{% set who %}{{ name }}{% endset %}{{ who }}");
        assert_eq!(t.render(&json!({"name": "a*b"})).as_deref(), Ok("a\\*b\n"));
    }

    #[test]
    fn a_translation_says_who_made_it_and_whether_a_person_read_it() {
        let with = |lines: &str| Template::parse(&FRONT.replace("title: T", &format!("title: T\n{lines}")));
        let t = with("translator: A machine\nreviewed_by_person: false").expect("a good template");
        assert_eq!(t.translation(), Some(Translation { by: "A machine", reviewed_by_person: false }));
        for half in ["translator: A machine", "reviewed_by_person: true", "translator: ' '\nreviewed_by_person: true"] {
            assert_eq!(place(&with(half).expect_err("half of it")), (6, 1), "{half}");
        }
    }

    #[test]
    fn what_a_template_asks_for_is_known_without_rendering_it() {
        let t = template("{% if a %}{{ b.c }}{% endif %}{% for d in e %}{{ d }}{% endfor %}");
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| t.asks_for(name)), [true, true, false, false, true]);
    }

    #[test]
    fn what_conditions_hold_is_covered_somewhere() {
        let t = template(
            "{% if a %}\n<!-- A -->\n{% if b %}{{ name }} is here. {% endif %}We record.\n\n{% endif %}\n<!-- B -->\n{{ record }}\n",
        );
        assert_eq!(t.covered_somewhere().words_for("A"), Some("Name is here. We record."));
        assert_eq!(t.covered_somewhere().words_for("B"), Some("Name"));
        let covering = t.covered(&json!({"a": false, "b": true, "name": "x", "record": "y"})).expect("renders");
        assert_eq!((covering.words_for("A"), covering.words_for("B")), (None, Some("y")));
    }

    #[test]
    fn own_words_leave_values_out() {
        let t = template("# A\n\nHello {{ name }}.\n\n## B\n\nBye.\n");
        assert_eq!(
            t.own_words(&json!({"name": "a very long name indeed"})),
            Ok(vec![("A".to_owned(), "Hello Name.\n".to_owned()), ("B".to_owned(), "Bye.\n".to_owned())])
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(source in "(---\\n)?(id: [a-z]\\n|version: [0-9]\\n|\\PC{0,8}\\n){0,8}(---\\n)?(\\{[{%#]|[%}#]\\}|[a-zü <>!-]{1,6}|\\n){0,16}") {
            let _ = Template::parse(&source);
            let _ = Template::parse(&format!("{FRONT}{source}")).map(|t| {
                let _ = t.covered_somewhere();
                let _ = t.render(&json!({"a": "x"}));
            });
        }
    }
}
