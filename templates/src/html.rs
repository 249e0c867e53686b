//! Blocks as HTML: the same words as on paper, with nothing that runs.

use crate::blocks::{Block, Span};

fn escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("<br>"),
            other => out.push(other),
        }
    }
}

fn spans(text: &[Span], out: &mut String) {
    for span in text {
        let tags: &[&str] = match (span.bold, span.italic) {
            (true, true) => &["strong", "em"],
            (true, false) => &["strong"],
            (false, true) => &["em"],
            (false, false) => &[],
        };
        tags.iter().for_each(|tag| out.push_str(&format!("<{tag}>")));
        escaped(&span.text, out);
        tags.iter().rev().for_each(|tag| out.push_str(&format!("</{tag}>")));
    }
}

fn within(tag: &str, text: &[Span], out: &mut String) {
    out.push_str(&format!("<{tag}>"));
    spans(text, out);
    out.push_str(&format!("</{}>\n", tag.split(' ').next().unwrap_or(tag)));
}

fn list(tag: &str, items: &[Vec<Span>], out: &mut String) {
    out.push_str(&format!("<{tag}>\n"));
    items.iter().for_each(|item| within("li", item, out));
    out.push_str(&format!("</{tag}>\n"));
}

/// Blocks as an HTML `article` in a language (ISO 639-1): headings, paragraphs, lists, tables with
/// column heads, boxes that cannot be ticked here. Everything is escaped; no script, style, link,
/// picture or address is in it.
#[must_use]
pub fn html(blocks: &[Block], lang: &str) -> String {
    let mut out = String::from("<article lang=\"");
    escaped(lang, &mut out);
    out.push_str("\">\n");
    for block in blocks {
        match block {
            Block::Heading { level, text } => within(&format!("h{}", (*level).clamp(1, 6)), text, &mut out),
            Block::Paragraph(text) => within("p", text, &mut out),
            Block::Bullets(items) => list("ul", items, &mut out),
            Block::Numbered(items) => list("ol", items, &mut out),
            Block::Checkbox { ticked, text } => {
                let checked = if *ticked { " checked" } else { "" };
                out.push_str(&format!("<p><label><input type=\"checkbox\" disabled{checked}> "));
                spans(text, &mut out);
                out.push_str("</label></p>\n");
            }
            Block::Table { head, rows } => {
                out.push_str("<table>\n<thead>\n<tr>\n");
                head.iter().for_each(|cell| within("th scope=\"col\"", cell, &mut out));
                out.push_str("</tr>\n</thead>\n<tbody>\n");
                for row in rows {
                    out.push_str("<tr>\n");
                    row.iter().for_each(|cell| within("td", cell, &mut out));
                    out.push_str("</tr>\n");
                }
                out.push_str("</tbody>\n</table>\n");
            }
            Block::Rule => out.push_str("<hr>\n"),
        }
    }
    out.push_str("</article>\n");
    out
}

/// A page that shows an article of [`html`] and nothing else. It loads nothing: its
/// Content-Security-Policy forbids all but its own style.
#[must_use]
pub fn html_page(blocks: &[Block], lang: &str) -> String {
    let title = blocks
        .iter()
        .find_map(|block| if let Block::Heading { text, .. } = block { Some(crate::blocks::words(text)) } else { None })
        .unwrap_or_default();
    let mut out = String::from("<!doctype html>\n<html lang=\"");
    escaped(lang, &mut out);
    out.push_str(
        "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
    );
    escaped(&title.replace('\n', " "), &mut out);
    out.push_str(
        "</title>\n<style>body{font:1.125rem/1.55 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;\
         color:#111;background:#fff}table{border-collapse:collapse}th,td{border:1px solid #767676;padding:.3rem .6rem;\
         text-align:left}</style>\n</head>\n<body>\n<main>\n",
    );
    out.push_str(&html(blocks, lang));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::blocks::{blocks, content_words};
    use proptest::prelude::*;

    /// Tags that may stand in what [`html`] makes, and those of them that are never closed.
    const TAGS: &[&str] = &[
        "article", "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "label", "input", "table", "thead",
        "tbody", "tr", "th", "td", "hr", "br", "strong", "em",
    ];
    const VOID: &[&str] = &["input", "hr", "br"];

    /// Reads HTML as strictly as XML: every tag known and closed in order, attributes only those
    /// we write, every `&` a reference. Gives the text.
    pub(crate) fn validated(html: &str) -> Result<String, String> {
        let mut open: Vec<&str> = Vec::new();
        let mut text = String::new();
        let mut rest = html;
        while let Some(at) = rest.find(['<', '&']) {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with('&') {
                let (name, c) = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\'')]
                    .into_iter()
                    .find(|(name, _)| rest.starts_with(name))
                    .ok_or_else(|| format!("a bare & before {:.20}", rest))?;
                text.push(c);
                rest = &rest[name.len()..];
                continue;
            }
            let end = rest.find('>').ok_or("a tag is not closed")?;
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if let Some(closing) = tag.strip_prefix('/') {
                if open.pop() != Some(closing) {
                    return Err(format!("</{closing}> closes nothing"));
                }
                if !["strong", "em"].contains(&closing) {
                    text.push('\n');
                }
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            if !TAGS.contains(&name) {
                return Err(format!("<{name}> is not allowed"));
            }
            let fine = match name {
                "article" => attributes.starts_with("lang=\"") && attributes.matches('"').count() == 2,
                "th" => attributes == "scope=\"col\"",
                "input" => matches!(attributes, "type=\"checkbox\" disabled" | "type=\"checkbox\" disabled checked"),
                _ => attributes.is_empty(),
            };
            if !fine {
                return Err(format!("<{tag}> has attributes of its own"));
            }
            if name == "br" {
                text.push('\n');
            }
            if !VOID.contains(&name) {
                open.push(name);
            }
        }
        text.push_str(rest);
        if open.is_empty() { Ok(text) } else { Err(format!("{open:?} stay open")) }
    }

    #[test]
    fn every_kind_of_block_is_shown() {
        let source = "# A & *b*\n\nx \\\ny\n\n- l\n\n1. n\n\n- [ ] open\n- [x] done\n\n---\n\n| a | b |\n|---|---|\n| 1 | **2** |\n";
        let made = html(&blocks(source), "es");
        for part in [
            "<article lang=\"es\">",
            "<h1>A &amp; <em>b</em></h1>",
            "<p>x <br>y</p>",
            "<ul>\n<li>l</li>\n</ul>",
            "<ol>\n<li>n</li>\n</ol>",
            "disabled> open</label>",
            "disabled checked> done</label>",
            "<hr>",
            "<th scope=\"col\">a</th>",
            "<td><strong>2</strong></td>",
        ] {
            assert!(made.contains(part), "{part} is missing in\n{made}");
        }
        assert!(validated(&made).is_ok(), "{:?}", validated(&made));
    }

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        let nasty = "<script>alert('1')</script> \"a\" &amp; <!-- x --> [l](javascript:x) ![p](http://a.example/p)";
        let made = html(&blocks(nasty), "\"><script>");
        let read = made.replace("lang=\"&quot;&gt;&lt;script&gt;\"", "lang=\"en\"");
        assert!(validated(&read).is_ok(), "{:?}\n{made}", validated(&read));
        assert!(!made.contains("<script") && !made.contains("<a ") && !made.contains("<img"));
        let page = html_page(&blocks("# </title><b>"), "en");
        assert!(
            page.contains("<title>&lt;/title&gt;&lt;b&gt;</title>") && page.contains("<html lang=\"en\">"),
            "{page}"
        );
        assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    }

    /// The words of a text as CommonMark gives them, read without our blocks.
    fn text_words(markdown: &str) -> Vec<String> {
        use pulldown_cmark::{Event, Options, Parser};
        let mut text = String::new();
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS) {
            match event {
                Event::Text(part) | Event::Code(part) => text.push_str(&part),
                Event::End(pulldown_cmark::TagEnd::Strong | pulldown_cmark::TagEnd::Emphasis) => {}
                Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push(' '),
                _ => {}
            }
        }
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Plain text without the marks of lists, boxes, tables, titles and rules.
    fn undecorated(plain: &str) -> Vec<String> {
        let mut words = Vec::new();
        for line in plain.lines() {
            if line.chars().all(|c| matches!(c, '=' | '-')) {
                continue;
            }
            let line = line.strip_prefix("- ").unwrap_or(line);
            words.extend(line.split_whitespace().map(str::to_owned));
        }
        words
    }

    #[test]
    fn text_blocks_plain_text_and_html_of_every_bundled_template_have_the_same_words() {
        for template in crate::all_bundled() {
            // The source itself, tags and all, is a text like any other.
            let text = crate::strip_markers(
                &crate::tags::Bare::of(template.source().split_once("\n---\n").expect("a body").1, "Name").text,
            );
            let read = blocks(&text);
            let words = text_words(&text);
            assert!(words.len() > 300, "{}", template.name());
            assert_eq!(content_words(&read), words, "{}", template.name());
            assert_eq!(undecorated(&crate::plain_text(&read)), words, "{}", template.name());
            let shown =
                validated(&html(&read, template.lang())).unwrap_or_else(|error| panic!("{}: {error}", template.name()));
            assert_eq!(shown.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), words, "{}", template.name());
        }
    }

    proptest! {
        #[test]
        fn html_and_blocks_have_the_same_words(source in "([a-zé<>&'\"*_`#|!-]{1,5}[ \\n]{0,2}|- |1\\. |# |\\n\\n|<b>|<!--x-->|\\[ \\] ){0,24}") {
            let read = blocks(&source);
            let made = html(&read, "en");
            let text = validated(&made).map_err(TestCaseError::fail)?;
            prop_assert_eq!(text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), content_words(&read));
        }
    }
}
