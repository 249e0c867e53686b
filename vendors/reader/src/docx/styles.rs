//! Paragraph styles: which are headings, and which bring a number.

use std::collections::HashMap;

use roxmltree::Node;

use super::{attribute, child, children, is, value};

/// The styles of a document.
#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
    default: Option<String>,
}

#[derive(Debug)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    number: Option<String>,
    level: Option<usize>,
}

/// What a paragraph has from its style.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The level of a heading, from 1.
    pub(super) heading: Option<u8>,
    /// The list that numbers it.
    pub(super) number: Option<String>,
    /// The level in that list, from 0, where the style says so.
    pub(super) level: Option<usize>,
    /// True for a line of a table of contents.
    pub(super) contents: bool,
}

impl Styles {
    pub(super) fn read(root: Node<'_, '_>) -> Self {
        let mut styles = HashMap::new();
        let mut default = None;
        for node in children(root, "style") {
            let Some(id) = attribute(node, "styleId") else { continue };
            let kind = attribute(node, "type").unwrap_or("paragraph");
            if kind == "paragraph" && matches!(attribute(node, "default"), Some("1" | "true" | "on")) {
                default = Some(id.to_owned());
            }
            let properties = child(node, "pPr");
            let numbered = properties.and_then(|properties| child(properties, "numPr"));
            styles.insert(
                id.to_owned(),
                Style {
                    name: value(node, "name").unwrap_or(id).to_lowercase(),
                    based_on: value(node, "basedOn").map(str::to_owned),
                    outline: properties
                        .and_then(|properties| value(properties, "outlineLvl"))
                        .and_then(|level| level.parse().ok()),
                    number: numbered.and_then(|numbered| value(numbered, "numId")).map(str::to_owned),
                    level: numbered.and_then(|numbered| value(numbered, "ilvl")).and_then(|level| level.parse().ok()),
                },
            );
        }
        Self { styles, default }
    }

    /// What a style and those it is based on say.
    pub(super) fn resolve(&self, id: Option<&str>) -> Resolved {
        let mut resolved = Resolved::default();
        let mut next = id.or(self.default.as_deref());
        // A style based on itself is met in broken files.
        for _ in 0..16 {
            let Some(style) = next.and_then(|id| self.styles.get(id)) else { break };
            let named = style.name.strip_prefix("heading ").and_then(|level| level.trim().parse().ok());
            let title = (style.name == "title").then_some(1);
            resolved.heading = resolved
                .heading
                .or(style.outline.filter(|level| *level < 9).map(|level| level + 1))
                .or(named)
                .or(title);
            resolved.contents |= style.name.starts_with("toc ") || style.name == "toc heading";
            resolved.number = resolved.number.or_else(|| style.number.clone());
            resolved.level = resolved.level.or(style.level);
            next = style.based_on.as_deref();
        }
        resolved
    }

    /// The list that a style of lists stands for.
    pub(super) fn list_of(&self, style: &str) -> Option<&str> {
        self.styles.get(style)?.number.as_deref()
    }
}

/// True for an element with this name, at any depth.
pub(super) fn named<'a, 'i: 'a>(root: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    root.descendants().filter(move |node| is(*node, name))
}
