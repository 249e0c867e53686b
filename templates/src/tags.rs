//! minijinja's tags as they stand in a source: where each begins, which is never closed, and what is
//! left when they are taken out.

/// What a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{{ … }}`
    Value,
    /// `{% … %}`
    Block,
    /// `{# … #}`
    Comment,
}

/// One tag: bytes `start..end` of the source with its braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What stands between the braces.
    pub(crate) inner: &'a str,
}

/// Where a tag or a block begins that is never closed, and what would close it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unclosed {
    pub(crate) at: usize,
    pub(crate) problem: String,
}

fn opening(text: &str) -> Option<(usize, Kind)> {
    [("{{", Kind::Value), ("{%", Kind::Block), ("{#", Kind::Comment)]
        .into_iter()
        .filter_map(|(open, kind)| text.find(open).map(|at| (at, kind)))
        .min_by_key(|(at, _)| *at)
}

/// Every tag in order; the error is the first one that is not closed before the next begins.
pub(crate) fn tags(source: &str) -> (Vec<Tag<'_>>, Option<Unclosed>) {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, kind)) = opening(&source[from..]) {
        let start = from + at;
        let close = match kind {
            Kind::Value => "}}",
            Kind::Block => "%}",
            Kind::Comment => "#}",
        };
        let inside = &source[start + 2..];
        let end = inside.find(close);
        // A tag that begins inside another one: the first was not closed. A comment may hold anything.
        let next = if kind == Kind::Comment { None } else { opening(inside).map(|(at, _)| at) };
        match end {
            Some(end) if next.is_none_or(|next| end < next) => {
                found.push(Tag { kind, start, end: start + 2 + end + 2, inner: &inside[..end] });
                from = start + 2 + end + 2;
            }
            _ => {
                let shown: String = source[start..].lines().next().unwrap_or_default().chars().take(40).collect();
                let problem = format!("the tag `{}` is never closed: add `{close}`", shown.trim_end());
                return (found, Some(Unclosed { at: start, problem }));
            }
        }
    }
    (found, None)
}

/// The first thing that is opened and not closed: a tag, or a block such as `{% if … %}`.
pub(crate) fn unclosed(source: &str) -> Option<Unclosed> {
    let (tags, broken) = tags(source);
    if broken.is_some() {
        return broken;
    }
    let mut open: Vec<(&str, usize)> = Vec::new();
    let never = |(name, at): (&str, usize)| Unclosed {
        at,
        problem: format!("`{{% {name} … %}}` is never closed: add `{{% end{name} %}}`"),
    };
    for tag in tags.iter().filter(|tag| tag.kind == Kind::Block) {
        let inner = tag.inner.trim_matches(['-', '+', ' ', '\n', '\t']);
        let word = inner.split_whitespace().next().unwrap_or_default();
        if let Some(closed) = word.strip_prefix("end") {
            match open.pop() {
                Some((name, _)) if name == closed => {}
                Some(other) => return Some(never(other)),
                None => {
                    let problem = format!("`{{% {word} %}}` closes nothing: no `{{% {closed} … %}}` stands above it");
                    return Some(Unclosed { at: tag.start, problem });
                }
            }
        } else if matches!(word, "if" | "for" | "macro" | "filter" | "call" | "with" | "autoescape" | "raw")
            || (word == "set" && !inner.contains('='))
        {
            open.push((word, tag.start));
        }
    }
    open.pop().map(never)
}

/// A source without its tags, each value one word, and where each byte of what is left came from.
pub(crate) struct Bare {
    pub(crate) text: String,
    origin: Vec<usize>,
}

impl Bare {
    pub(crate) fn of(source: &str, word: &str) -> Self {
        let mut bare = Self { text: String::with_capacity(source.len()), origin: Vec::with_capacity(source.len()) };
        let mut from = 0;
        for tag in tags(source).0 {
            bare.keep(&source[from..tag.start], from);
            if tag.kind == Kind::Value {
                bare.text.push_str(word);
                bare.origin.extend(std::iter::repeat_n(tag.start, word.len()));
            }
            from = tag.end;
            // A tag on a line of its own leaves no empty line behind, as in a rendering.
            let alone = bare.text.is_empty() || bare.text.ends_with('\n');
            if tag.kind != Kind::Value && alone && source[from..].starts_with('\n') {
                from += 1;
            }
        }
        bare.keep(&source[from..], from);
        bare
    }

    fn keep(&mut self, text: &str, from: usize) {
        self.text.push_str(text);
        self.origin.extend(from..from + text.len());
    }

    /// Where in the source a byte of the bare text stood.
    pub(crate) fn origin(&self, at: usize) -> usize {
        self.origin.get(at).or(self.origin.last()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_never_closed_is_found_where_it_begins() {
        for (source, at, says) in [
            ("a {{ b", 2, "`{{ b` is never closed: add `}}`"),
            ("a {{ b\n\n{{ c }}", 2, "`{{ b` is never closed"),
            ("{% if a\n b %} {% if", 14, "`{% if` is never closed: add `%}`"),
            ("x {% if a %}\n{% for b in c %}\n{% endfor %}", 2, "add `{% endif %}`"),
            ("{% if a %}{% for b in c %}{% endif %}", 10, "add `{% endfor %}`"),
            ("{% endif %}", 0, "closes nothing"),
            ("{# note {{ a }}", 0, "add `#}`"),
        ] {
            let found = unclosed(source).unwrap_or_else(|| panic!("{source}"));
            assert_eq!(found.at, at, "{source}: {}", found.problem);
            assert!(found.problem.contains(says), "{source}: {}", found.problem);
        }
        assert_eq!(unclosed("{% if a %}{{ b }}{% elif c %}{% else %}{% endif %}{# {{ #}{% set d = 1 %}"), None);
    }

    #[test]
    fn what_is_left_knows_where_it_came_from() {
        let source = "{% if a %}\n# T {{ n }}\n{% endif %}\nb{# c #}d\n";
        let bare = Bare::of(source, "Name");
        assert_eq!(bare.text, "# T Name\nbd\n");
        assert_eq!(bare.origin(0), 11);
        assert_eq!(&source[bare.origin(bare.text.find('d').expect("d"))..], "d\n");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_panics(source in "([{%#}é \\n]|\\{\\{|%\\}|if |endif|a){0,40}") {
            let bare = Bare::of(&source, "N");
            prop_assert_eq!(bare.text.len(), bare.origin.len());
            let _ = unclosed(&source);
        }
    }
}
