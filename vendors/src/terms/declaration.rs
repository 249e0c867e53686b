//! Declarations in the shape of Open Terms Archive: which documents of a service are tracked, and which parts of a page
//! are the document. (Open Terms Archive, "Service declaration reference" and "Terms reference".)

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A declaration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeclarationError {
    /// It is not JSON of the right shape.
    #[error("the declaration is not in the shape of Open Terms Archive: {0}")]
    Shape(#[from] serde_json::Error),
    /// It names no service.
    #[error("the declaration has no name of the service; give it a `name`")]
    Nameless,
    /// It declares nothing.
    #[error("the declaration of {0} names no terms; give it `documents` with at least one")]
    Empty(String),
    /// A document has no address.
    #[error("`{terms}` of {service} has no `fetch`; give the address of the page or file")]
    NoAddress {
        /// The service.
        service: String,
        /// The type of the terms.
        terms: String,
    },
    /// An address is none that may be fetched.
    #[error("`{terms}` of {service} is fetched from `{address}`; only https and http addresses can be")]
    Address {
        /// The service.
        service: String,
        /// The type of the terms.
        terms: String,
        /// The address.
        address: String,
    },
    /// A range has no beginning or no end.
    #[error("a range of {service} needs one of `startBefore`, `startAfter` and one of `endBefore`, `endAfter`")]
    Range {
        /// The service.
        service: String,
    },
}

/// The type of a document of terms, by its name in Open Terms Archive ("Terms of Service", "Privacy Policy"). Two are
/// added here: "Business Associate Agreement" and "Subprocessor List".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TermsType(String);

impl TermsType {
    /// A business associate agreement (45 CFR 164.504(e)).
    pub const BUSINESS_ASSOCIATE_AGREEMENT: &'static str = "Business Associate Agreement";
    /// The list of a vendor's subprocessors.
    pub const SUBPROCESSOR_LIST: &'static str = "Subprocessor List";
    /// Types that this program knows; others are tracked as well.
    pub const KNOWN: [&'static str; 14] = [
        Self::BUSINESS_ASSOCIATE_AGREEMENT,
        Self::SUBPROCESSOR_LIST,
        "Terms of Service",
        "Privacy Policy",
        "Data Processor Agreement",
        "Commercial Terms",
        "Developer Terms",
        "Acceptable Use Policy",
        "Community Guidelines",
        "Trackers Policy",
        "Single Sign-On Privacy Policy",
        "Service Level Agreement",
        "Vulnerability Disclosure Policy",
        "Deceased Users",
    ];

    /// A type by its name; upper and lower case do not matter for those known.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let name = name.trim();
        Self(Self::KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).map_or(name, |known| known).to_owned())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TermsType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Part of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Selector {
    /// What a CSS selector finds.
    Css(String),
    /// From one element to another.
    Range(Range),
}

/// From one element to another; each end is named by a CSS selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Range {
    /// Begins before this element: it belongs to the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_before: Option<String>,
    /// Begins after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_after: Option<String>,
    /// Ends before this element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_before: Option<String>,
    /// Ends after it: it belongs to the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_after: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn all(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSource {
    fetch: Option<String>,
    select: Option<OneOrMore<Selector>>,
    remove: Option<OneOrMore<Selector>>,
    filter: Option<Vec<String>>,
    execute_client_scripts: Option<bool>,
    combine: Option<Vec<RawSource>>,
}

#[derive(Debug, Deserialize)]
struct RawDeclaration {
    #[serde(default)]
    name: String,
    #[serde(alias = "terms", default)]
    documents: BTreeMap<String, RawSource>,
}

/// Where a document, or a part of it, is had from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its address, https or http.
    pub fetch: String,
    /// The parts that are the document; empty for all of it.
    pub select: Vec<Selector>,
    /// Parts of those that are not.
    pub remove: Vec<Selector>,
    /// Names of filters. They are programs of the archive and are not run here; the names are kept to be told.
    pub filter: Vec<String>,
    /// Whether the page shows its text only after its scripts have run. They are not run here.
    pub execute_client_scripts: bool,
}

/// One document of terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TermsType,
    /// Where its parts are had from, in their order.
    pub sources: Vec<Source>,
}

/// The documents of a service that are tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Declaration {
    /// The service.
    pub name: String,
    /// Its documents, by type.
    pub terms: Vec<Terms>,
}

impl Declaration {
    /// Reads a declaration file (JSON).
    ///
    /// # Errors
    /// Another shape, no name, no document, or a document without an address that can be fetched.
    pub fn parse(json: &str) -> Result<Self, DeclarationError> {
        let raw: RawDeclaration = serde_json::from_str(json)?;
        let name = raw.name.trim().to_owned();
        if name.is_empty() {
            return Err(DeclarationError::Nameless);
        }
        if raw.documents.is_empty() {
            return Err(DeclarationError::Empty(name));
        }
        let terms = raw
            .documents
            .into_iter()
            .map(|(kind, source)| Ok(Terms { sources: sources(&name, &kind, source)?, kind: TermsType::new(&kind) }))
            .collect::<Result<_, DeclarationError>>()?;
        Ok(Self { name, terms })
    }

    /// The declaration of one page, as `terms track` makes it.
    ///
    /// # Errors
    /// No name, or an address that cannot be fetched.
    pub fn of_page(name: &str, kind: TermsType, address: &str, select: Option<&str>) -> Result<Self, DeclarationError> {
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(DeclarationError::Nameless);
        }
        let source = Source {
            fetch: fetched(&name, kind.as_str(), address)?,
            select: select.map(|css| vec![Selector::Css(css.to_owned())]).unwrap_or_default(),
            remove: Vec::new(),
            filter: Vec::new(),
            execute_client_scripts: false,
        };
        Ok(Self { name, terms: vec![Terms { kind, sources: vec![source] }] })
    }

    /// Every address that a check of this declaration fetches, and no other.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().flat_map(|terms| terms.sources.iter().map(|source| source.fetch.as_str()))
    }
}

fn fetched(service: &str, terms: &str, address: &str) -> Result<String, DeclarationError> {
    let address = address.trim();
    let lower = address.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !address.contains(char::is_whitespace) => {
            Ok(address.to_owned())
        }
        _ => Err(DeclarationError::Address {
            service: service.to_owned(),
            terms: terms.to_owned(),
            address: address.to_owned(),
        }),
    }
}

/// The sources of one document; what the document says of all of them is said of each.
fn sources(service: &str, terms: &str, mut raw: RawSource) -> Result<Vec<Source>, DeclarationError> {
    let parts = raw.combine.take().unwrap_or_default();
    let shared_select = raw.select.take().map(OneOrMore::all).unwrap_or_default();
    let shared_remove = raw.remove.take().map(OneOrMore::all).unwrap_or_default();
    let shared_filter = raw.filter.take().unwrap_or_default();
    let scripts = raw.execute_client_scripts;
    let parts = if parts.is_empty() {
        vec![RawSource {
            fetch: raw.fetch,
            select: None,
            remove: None,
            filter: None,
            execute_client_scripts: None,
            combine: None,
        }]
    } else {
        parts
    };
    parts
        .into_iter()
        .map(|part| {
            let address = part
                .fetch
                .ok_or_else(|| DeclarationError::NoAddress { service: service.to_owned(), terms: terms.to_owned() })?;
            let source = Source {
                fetch: fetched(service, terms, &address)?,
                select: part.select.map_or_else(|| shared_select.clone(), OneOrMore::all),
                remove: part.remove.map_or_else(|| shared_remove.clone(), OneOrMore::all),
                filter: part.filter.unwrap_or_else(|| shared_filter.clone()),
                execute_client_scripts: part.execute_client_scripts.or(scripts).unwrap_or(false),
            };
            for selector in source.select.iter().chain(&source.remove) {
                if let Selector::Range(range) = selector {
                    let starts = usize::from(range.start_before.is_some()) + usize::from(range.start_after.is_some());
                    let ends = usize::from(range.end_before.is_some()) + usize::from(range.end_after.is_some());
                    if starts != 1 || ends != 1 {
                        return Err(DeclarationError::Range { service: service.to_owned() });
                    }
                }
            }
            Ok(source)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_read_whole() {
        let json = r##"{"name": "Notewell", "documents": {
            "privacy policy": {"fetch": "https://notewell.example/privacy", "select": ["main", {"startBefore": "#a", "endAfter": "#z"}],
                "remove": ".share", "filter": ["dropClickIds"], "executeClientScripts": true},
            "Business Associate Agreement": {"fetch": "https://notewell.example/baa.pdf"},
            "Community Guidelines": {"select": ".body", "combine": [{"fetch": "https://notewell.example/1"},
                {"fetch": "https://notewell.example/2", "select": "article"}]}}}"##;
        let declaration = Declaration::parse(json).expect("a declaration");
        assert_eq!(declaration.name, "Notewell");
        let kinds: Vec<&str> = declaration.terms.iter().map(|terms| terms.kind.as_str()).collect();
        assert_eq!(kinds, ["Business Associate Agreement", "Community Guidelines", "Privacy Policy"]);
        let parts = &declaration.terms[1].sources;
        assert_eq!(parts[0].select, [Selector::Css(".body".to_owned())]);
        assert_eq!(parts[1].select, [Selector::Css("article".to_owned())]);
        let policy = &declaration.terms[2].sources[0];
        assert!(policy.execute_client_scripts);
        assert!(matches!(&policy.select[1], Selector::Range(range) if range.end_after.as_deref() == Some("#z")));
        assert_eq!(declaration.addresses().count(), 4);
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for (json, said) in [
            ("3", "shape of Open Terms Archive"),
            (r#"{"documents": {}}"#, "no name"),
            (r#"{"name": "A", "documents": {}}"#, "names no terms"),
            (r#"{"name": "A", "documents": {"Privacy Policy": {"select": "main"}}}"#, "no `fetch`"),
            (
                r#"{"name": "A", "documents": {"Privacy Policy": {"fetch": "file:///etc/hosts"}}}"#,
                "only https and http",
            ),
            (
                r#"{"name": "A", "documents": {"Privacy Policy": {"fetch": "https://a.example", "select": {"startBefore": "p"}}}}"#,
                "a range of A",
            ),
        ] {
            assert!(Declaration::parse(json).expect_err(json).to_string().contains(said), "{json}");
        }
        assert!(Declaration::of_page("A", TermsType::new("baa"), "ftp://a.example", None).is_err());
        assert!(Declaration::of_page("A", TermsType::new("baa"), "https://a.example/baa", Some("main")).is_ok());
    }
}
