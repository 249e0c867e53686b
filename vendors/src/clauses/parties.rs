//! Who is who: which words of a document name the business associate, and which the covered entity.
//!
//! In the canonical text of a clause the first is `VENDOR`, the second `PRACTICE` and protected health information `PHI`,
//! so that one rule reads "Provider may de-identify PHI" and "we may de-identify your patients' PHI" alike.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

/// The two sides of an agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The business associate.
    Vendor,
    /// The covered entity.
    Practice,
}

impl Party {
    fn token(self) -> &'static str {
        match self {
            Self::Vendor => "VENDOR",
            Self::Practice => "PRACTICE",
        }
    }
}

/// Capitalised words that name one side in most agreements, unless this one says otherwise.
const VENDOR_NAMES: &[&str] = &[
    "Vendor",
    "Service Provider",
    "Supplier",
    "Processor",
    "Contractor",
    "Licensor",
    "Associate",
    "Provider",
    "Company",
    "Consultant",
    "BA",
    "Platform Provider",
    "Developer",
    "Operator",
    "Seller",
];
const PRACTICE_NAMES: &[&str] = &[
    "Customer",
    "Subscriber",
    "Practice",
    "Client",
    "Clinic",
    "Hospital",
    "Licensee",
    "User",
    "CE",
    "Health Plan",
    "Clinician",
    "Therapist",
    "Facility",
    "Agency",
    "Department",
    "County",
    "State",
    "University",
    "Institution",
    "Organization",
    "Practitioner",
    "Buyer",
    "Entity",
    "Health System",
    "Medical Group",
    "Plan",
    "Physician",
    "Member",
    "Account Holder",
    "District",
    "City",
    "Commission",
    "Plan Sponsor",
    "Health Center",
    "Counselor",
    "Counsellor",
    "Controller",
];
/// Words that name either side, or a third, from one agreement to the next: the text decides.
const EITHER: &[&str] = &[
    "Provider",
    "Company",
    "Contractor",
    "Agency",
    "Organization",
    "Client",
    "Consultant",
    "Partner",
    "Recipient",
    "Practitioner",
    "Physician",
    "Entity",
    "Associate",
    "Group",
    "Subcontractor",
    "Facility",
    "Department",
    "University",
    "Institution",
    "Plan",
    "Member",
    "User",
    "State",
    "County",
];

/// The names of the two sides in one document.
#[derive(Debug, Clone)]
pub(crate) struct Parties {
    names: HashMap<String, Party>,
    /// Defined names of things that the rules know under one name: `PHI`, `subcontractor`.
    things: HashMap<String, &'static str>,
    finder: Regex,
}

const FIXED: &str = r"(?i:business[ -]associate(?:s)?(?: and subcontractor)? (?:agreement|addendum|contract|amendment|exhibit|provisions|terms)s?|another business associate|(?:other|its|our|their) business associates|business[ -]associates?(?:'s?)?|covered[ -]entit(?:y|ies)(?:'s?)?|(?:electronic |unsecured )?protected health(?: |-)?(?:care )?information(?: \( ?(?:the |or )?.?e?-?phi.? ?\)| or .?phi.?)?|individually identifiable health information|\be-?phi\b|\bphi\b)";

static NEAR_ASSOCIATE: LazyLock<Regex> = LazyLock::new(|| regex(r#"\(([^()]{0,140})\)"#));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#""(?:the )?([A-Z][A-Za-z0-9&.' -]{1,40}?)[,.]?""#));
static NAME_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"((?:[A-Z][A-Za-z0-9&']+)(?: (?:[A-Z][A-Za-z0-9&']*|&|of|and)){0,4}?)(?:,? (?:Inc|Incorporated|LLC|L\.L\.C|Ltd|Corp|Corporation|PLLC|LLP|PC|P\.C|Co|PBC|GmbH)\.?)?(?:,[^()]{0,80})?\s*$",
    )
});
static SAID_TO_BE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i:business associate|covered entity)"?(?: (?:shall|will))?(?: mean| means| is| refers to| be| shall refer to)s? (?:the |any )?"?([A-Z][a-z]+(?: [A-Z][a-z]+)?)"?|([A-Z][a-z]+(?: [A-Z][a-z]+)?)(?:,? (?:Inc|LLC|L\.L\.C|Ltd|Corp|Corporation|PLLC|LLP|PC|Co|PBC)\.?)?"?,? (?:is|are|acts|serves|acting|serving|qualifies|be)(?: \w+){0,3}? (?:as )?(?:the |a |an |its )?"?(?i:business associate|covered entity)"#,
    )
});
/// "Business Associate: Inner Harbor Systems LLC" in a list of definitions or on a cover page.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?:(Business Associate|BUSINESS ASSOCIATE)|(?:Covered Entity|COVERED ENTITY))"?(?: \([^()]{0,30}\))?: "?([A-Z][A-Za-z0-9&']+(?: (?:[A-Z][A-Za-z0-9&']*|&|of)){0,4}?)(?:,? (?:Inc|Incorporated|LLC|L\.L\.C|Ltd|Corp|Corporation|PLLC|LLP|PC|P\.C|Co|PBC|GmbH)\b|"|,|\.)"#,
    )
});
/// Names that a document gives somebody: `("Pharm")`.
static GIVEN_NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"\((?:the |collectively,? |hereinafter,? |each,? )*"(?:the )?([A-Z][A-Za-z0-9&.' -]{1,30}?)"[^()]{0,60}\)"#)
});
/// `"Group Data" means Protected Health Information that …`, `("Client Data")` after it, `"Helper" means a subcontractor`.
static NAMED_THING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#""([A-Z][A-Za-z'-]{1,20}(?: [A-Z][A-Za-z'-]{1,20}){0,2})"(?: \([^()]{0,40}\))? (?:shall |will )?(?:means?|refers? to|is|are|includes) (?:any |all |the |that |those |only |each |an? |such |and |electronic )*(?:(?P<health>(?i:protected health information|individually identifiable health information)|PHI\b)|(?P<sub>(?i:sub-?contractors?|sub-?processors?)\b))|(?:(?P<before>(?i:protected health information|individually identifiable health information)|PHI)|(?i:sub-?contractors?|sub-?processors?)(?: [a-z]+){0,14})(?: (?:(?i:of|from|about|relating|received|that)) [^().;]{0,60})? \((?:collectively,? |together,? |the |each,? (?:a |an )?|hereinafter,? |such )*"([A-Z][A-Za-z'-]{1,20}(?: [A-Z][A-Za-z'-]{1,20}){0,2})"\)"#,
    )
});
/// Somebody named by a word of the document's own, who does something.
static ACTOR: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b([A-Z][A-Za-z0-9]{2,20})(?: hereby| also)? (?:shall|will|agrees|may|must|can|reserves|deletes|uses|makes)\b",
    )
});
/// Bytes of a text that is a clause or two and not a whole agreement.
const CLAUSE: usize = 1_500;
/// A name of one or two words that does what a vendor does, or in whose product something happens.
static BRAND: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b([A-Z][A-Za-z0-9]{2,20}(?: [A-Z][A-Za-z0-9]{1,20})?) (?:may|shall|will|reserves|owns|keeps|holds|retains|stores|shares|uses|sells|learns|takes|tells|does|cannot|never|earns|produces|maintains|considers|relies|disclaims|operates|treats)\b|\b(?:With|to|by|of|with) ([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+| [A-Z][A-Za-z0-9]{2,20}))[,.]|\b(?:gives?|grants?|lets?|allows?|permits?|authorizes?|authorises?) ([A-Z][a-z0-9]+[A-Z][a-z0-9]+)\b|\b([A-Z][a-z]+ AI)\b",
    )
});
/// Words of names that are not the vendor's: hosts and makers of models, authorities, places, months, words that open a
/// sentence or stand in titles.
const OTHERS: &[&str] = &[
    "google",
    "amazon",
    "aws",
    "microsoft",
    "azure",
    "openai",
    "anthropic",
    "deepgram",
    "assemblyai",
    "twilio",
    "zoom",
    "stripe",
    "github",
    "docusign",
    "oracle",
    "apple",
    "meta",
    "nvidia",
    "mongodb",
    "cloudflare",
    "datadog",
    "only",
    "family",
    "additionally",
    "security",
    "privacy",
    "health",
    "protected",
    "services",
    "parties",
    "party",
    "individual",
    "individuals",
    "secretary",
    "congress",
    "state",
    "states",
    "united",
    "federal",
    "court",
    "attorney",
    "general",
    "office",
    "civil",
    "rights",
    "human",
    "national",
    "data",
    "system",
    "systems",
    "designated",
    "record",
    "set",
    "sets",
    "electronic",
    "authorized",
    "user",
    "users",
    "subcontractors",
    "subprocessors",
    "subcontractor",
    "subprocessor",
    "affiliate",
    "affiliates",
    "partner",
    "partners",
    "third",
    "order",
    "form",
    "fees",
    "fee",
    "the",
    "this",
    "these",
    "if",
    "when",
    "each",
    "no",
    "any",
    "our",
    "your",
    "effective",
    "confidential",
    "new",
    "north",
    "south",
    "west",
    "california",
    "texas",
    "florida",
    "york",
    "ohio",
    "virginia",
    "washington",
    "illinois",
    "georgia",
    "carolina",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "ireland",
    "india",
    "canada",
    "mexico",
    "philippines",
    "language",
    "model",
    "models",
    "ai",
    "features",
    "beta",
    "usage",
    "personal",
    "derived",
    "feedback",
    "work",
    "product",
    "limited",
    "covered",
    "required",
    "session",
    "recordings",
    "recording",
    "transcripts",
    "notes",
    "audio",
    "customer",
    "client",
    "content",
];
/// Nobody's names.
const THINGS: &[&str] = &[
    "agreement",
    "baa",
    "terms",
    "phi",
    "hipaa",
    "service",
    "rule",
    "act",
    "part",
    "data",
    "information",
    "date",
    "exhibit",
    "contract",
    "addendum",
    "law",
    "incident",
    "breach",
    "individual",
    "hitech",
    "regulation",
    "standards",
    "period",
    "report",
    "window",
    "secretary",
    "hhs",
    "safeguards",
    "products",
    "purpose",
    "notice",
    "amendment",
    "cfr",
    "content",
    "records",
    "subcontractor",
];

const KINDS_OF_AI: &[&str] = &[
    "Generative",
    "Conversational",
    "Clinical",
    "Voice",
    "Beta",
    "Any",
    "Every",
    "No",
    "All",
    "Some",
    "Such",
    "Our",
    "Your",
    "The",
    "This",
    "That",
    "These",
    "Experimental",
    "Approved",
    "Covered",
    "Third-party",
    "External",
    "New",
    "Other",
    "Machine",
    "Medical",
    "Ambient",
    "Certain",
    "Embedded",
    "Using",
    "With",
    "When",
    "If",
    "Where",
    "Optional",
    "Their",
];

/// What somebody does, or has done to it, in the words of one document's candidates.
struct Votes {
    acts: Regex,
    suffers: Regex,
}

static USUAL_VOTES: LazyLock<Option<Votes>> = LazyLock::new(|| Votes::of(&candidates("")));

fn candidates(folded: &str) -> Vec<String> {
    let mut found: Vec<String> =
        EITHER.iter().chain(PRACTICE_NAMES).chain(VENDOR_NAMES).map(|name| (*name).to_owned()).collect();
    let head = &folded[..folded.floor_char_boundary(8_000)];
    for caught in GIVEN_NAME.captures_iter(head) {
        let name = caught[1].trim();
        let lower = name.to_lowercase();
        if name.len() > 1
            && !found.iter().any(|known| known == name)
            && !lower.contains("business associate")
            && !lower.contains("covered entit")
            && !THINGS.iter().any(|thing| lower.contains(thing))
        {
            found.push(name.to_owned());
        }
    }
    let mut actors: HashMap<&str, usize> = HashMap::new();
    for caught in ACTOR.captures_iter(folded) {
        let name = caught.get(1).map_or("", |name| name.as_str());
        *actors.entry(name).or_default() += 1;
    }
    for (name, times) in actors {
        let lower = name.to_lowercase();
        let known = found.iter().any(|known| known.split(' ').any(|word| word == name));
        if times >= 3 && !known && !NOBODY.contains(&name) && !THINGS.iter().any(|thing| lower.contains(thing)) {
            found.push(name.to_owned());
        }
    }
    found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    found.dedup();
    found
}

/// Words that begin a sentence, and roles that are neither side's name.
const NOBODY: &[&str] = &[
    "Everything",
    "Anything",
    "Whatever",
    "What",
    "If",
    "Associate",
    "Entity",
    "Party",
    "Parties",
    "This",
    "That",
    "They",
    "Each",
    "Such",
    "Any",
    "All",
    "Neither",
    "Either",
    "Nothing",
    "Both",
    "Subcontractors",
    "Individuals",
    "Associates",
    "Entities",
    "Section",
    "Notification",
    "Reports",
    "Use",
    "The",
    "There",
    "Business",
    "Covered",
    "You",
    "Who",
    "What",
    "These",
    "Those",
    "Access",
    "Termination",
    "Audio",
    "Personnel",
    "Users",
    "Clients",
    "Patients",
    "Notices",
    "Provider",
    "Affiliates",
    "Employees",
    "Workforce",
    "Officer",
    "Regulations",
    "HHS",
    "Amendments",
    "BUSINESS",
    "ASSOCIATE",
    "COVERED",
    "ENTITY",
    "SHALL",
    "Law",
    "Disclosures",
    "Uses",
    "Copies",
    "Requests",
    "Words",
    "Indemnitor",
    "Indemnitee",
    "Discloser",
    "Recipients",
];

impl Votes {
    fn of(candidates: &[String]) -> Option<Self> {
        let names: Vec<String> = candidates.iter().map(|name| regex::escape(name)).collect();
        let names = names.join("|");
        let build = |pattern: &str| regex::RegexBuilder::new(pattern).unicode(false).build().ok();
        Some(Self {
            acts: build(&format!(
                r"\b({names})(?: hereby)?,?(?: (?:shall|will|agrees?|must|may|also|only|not|to|promptly|use|or|and|immediately|at all times)){{1,5}} (?:report|use appropriate|implement|ensure|return|make available|make its|document|mitigate|disclose|de-?identify|safeguard|maintain (?:appropriate|reasonable|administrative)|require (?:its|any|each)|train|destroy)|(?:[Oo]bligations|OBLIGATIONS|[Dd]uties|[Rr]esponsibilities|[Aa]ctivities)(?: (?:and|AND) (?:[Aa]ctivities|ACTIVITIES|[Dd]uties|[Rr]esponsibilities))? (?:of|OF) (?:the )?({names})\b|\b({names}) agrees to(?: the following)?:"
            ))?,
            suffers: build(&format!(
                r"(?:report(?:ed)? to|behalf of|return(?:ed)? to|received from|available to|obligations of|directed by|at the request of) (?:the )?({names})\b|\b({names})(?: shall| will| agrees to| may)(?: promptly)? (?:(?:notify|inform) [A-Za-z ,'-]{{0,60}}(?:limitation|restriction|revocation|change)|terminate|not request|provide (?:[A-Z][a-z]+ )+(?:with )?(?:its|the|a) (?:notice|current))|\b({names})'s? (?:notice of privacy|Notice of Privacy|obligations under|minimum necessary|prior written|written (?:consent|request)|request|direction|patients|health care operations)"
            ))?,
        })
    }
}
static FIRST_PERSON: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:[Ww]e|[Oo]ur|[Uu]s|[Yy]ou|[Yy]our)\b"));
static YOU_ARE_BOUND: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b[Yy]ou (?:are (?:a|our|the) business associate|(?:shall|will|must|agree to) (?:\w+ )?(?:report to us|notify us of any (?:breach|security|use)|use appropriate safeguards|return or destroy))|[Ww]e,? (?:are|as) (?:a|the) covered entity",
    )
});

fn regex(pattern: &str) -> Regex {
    super::ascii(pattern)
}

impl Parties {
    /// Reads who is who from the folded text of a whole document, case kept.
    pub(crate) fn read(folded: &str) -> Self {
        let mut names: HashMap<String, Party> = HashMap::new();
        for name in PRACTICE_NAMES {
            names.insert((*name).to_owned(), Party::Practice);
        }
        for name in VENDOR_NAMES {
            names.insert((*name).to_owned(), Party::Vendor);
        }
        Self::vote(folded, &mut names);
        let known = names.len();
        Self::introduced(folded, &mut names);
        // A long agreement that says who its vendor is calls it by that name; another brand in it is somebody else.
        if names.len() == known || folded.len() < CLAUSE {
            Self::brands(folded, &mut names);
        }
        let things = Self::named_things(folded, &names);
        if FIRST_PERSON.is_match(folded) {
            let we = if YOU_ARE_BOUND.is_match(folded) { Party::Practice } else { Party::Vendor };
            let you = if we == Party::Vendor { Party::Practice } else { Party::Vendor };
            for (words, party) in [
                (["we", "We", "us", "our", "Our", "ours"], we),
                (["you", "You", "your", "Your", "yours", "Yours"], you),
            ] {
                for word in words {
                    names.insert(word.to_owned(), party);
                }
            }
        }
        let mut list: Vec<&String> = names.keys().collect();
        list.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let escaped: Vec<String> = list
            .iter()
            .flat_map(|name| {
                let upper = name.to_uppercase();
                let plain = regex::escape(name);
                // "us" in capitals is a country, "BA" and "CE" are capitals already.
                if upper == **name || name.len() < 4 || name.chars().next().is_some_and(char::is_lowercase) {
                    vec![plain]
                } else {
                    vec![plain, regex::escape(&upper)]
                }
            })
            .collect();
        let mut thing_names: Vec<String> = things.keys().map(|name| format!("{}s?", regex::escape(name))).collect();
        thing_names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let thing_names =
            if thing_names.is_empty() { String::new() } else { format!(r"\b(?:{})\b|", thing_names.join("|")) };
        // Names are escaped, and folded text is ASCII: nothing here can fail to compile or match half a character.
        let finder = regex(&format!(r"{thing_names}{FIXED}|\b(?:{})(?:'s?)?\b", escaped.join("|")));
        Self { names, things, finder }
    }

    /// Names that the document gives to protected health information and to subcontractors.
    fn named_things(folded: &str, names: &HashMap<String, Party>) -> HashMap<String, &'static str> {
        let mut things = HashMap::new();
        for caught in NAMED_THING.captures_iter(folded) {
            let (name, thing) = match (caught.get(1), caught.get(4)) {
                (Some(name), _) => {
                    (name.as_str(), if caught.name("health").is_some() { "PHI" } else { "subcontractor" })
                }
                (None, Some(name)) => {
                    (name.as_str(), if caught.name("before").is_some() { "PHI" } else { "subcontractor" })
                }
                _ => continue,
            };
            let lower = name.to_lowercase();
            let other = [
                "business associate",
                "covered entity",
                "health information",
                "phi",
                "subcontractor",
                "subprocessor",
                "electronic",
            ];
            let telling = name.contains(' ') || thing == "subcontractor";
            if telling && !names.contains_key(name) && !other.iter().any(|known| lower.contains(known)) {
                things.insert(name.to_owned(), thing);
            }
        }
        things
    }

    /// `Acme Scribe, Inc. ("Acme" or "Business Associate")`, `"Business Associate" means Provider`.
    fn introduced(folded: &str, names: &mut HashMap<String, Party>) {
        let head = &folded[..folded.floor_char_boundary(6_000)];
        for caught in NEAR_ASSOCIATE.captures_iter(head) {
            let inside = &caught[1];
            let lower = inside.to_lowercase();
            let party = match (lower.contains("business associate"), lower.contains("covered entity")) {
                (true, false) if !lower.contains("agreement") => Party::Vendor,
                (false, true) => Party::Practice,
                _ => continue,
            };
            for quoted in QUOTED.captures_iter(inside) {
                learn(names, &quoted[1], party);
            }
            let before = &head[..caught.get(0).map_or(0, |whole| whole.start())];
            let near = &before[before.floor_char_boundary(before.len().saturating_sub(140))..];
            if let Some(name) = NAME_BEFORE.captures(near) {
                learn(names, &name[1], party);
                let initials: String = name[1].split(' ').filter_map(|word| word.chars().next()).collect();
                if initials.len() > 1
                    && initials.chars().all(|c| c.is_ascii_uppercase())
                    && folded.contains(&format!("{initials} "))
                {
                    learn(names, &initials, party);
                }
                if let Some(first) = name[1].split(' ').next()
                    && name[1].contains(' ')
                    && first.len() > 4
                {
                    learn(names, first, party);
                }
            }
        }
        for caught in LISTED.captures_iter(folded) {
            let party = if caught.get(1).is_some() { Party::Vendor } else { Party::Practice };
            if let Some(name) = caught.get(2) {
                learn(names, name.as_str(), party);
                let words: Vec<&str> = name.as_str().split(' ').collect();
                let initials: String = words.iter().filter_map(|word| word.chars().next()).collect();
                if words.len() > 1 && initials.len() > 1 && folded.contains(&format!("{initials} ")) {
                    learn(names, &initials, party);
                }
                if words.len() > 1 && words[0].len() > 4 {
                    learn(names, words[0], party);
                }
            }
        }
        for caught in SAID_TO_BE.captures_iter(folded) {
            let whole = caught[0].to_lowercase();
            let party = if whole.contains("business associate") { Party::Vendor } else { Party::Practice };
            if let Some(name) = caught.get(1).or_else(|| caught.get(2)) {
                learn(names, name.as_str(), party);
            }
        }
    }

    /// "MindNote may keep recordings": somebody whom the text introduces nowhere promises or reserves, as a vendor does.
    fn brands(folded: &str, names: &mut HashMap<String, Party>) {
        let mut found: Vec<&str> = Vec::new();
        for caught in BRAND.captures_iter(folded) {
            let Some(name) = (1..=4).find_map(|group| caught.get(group)).map(|name| name.as_str()) else { continue };
            // "Everything Scribely produces": the first word is none of the name.
            let name = match name.split_once(' ') {
                Some((first, rest)) if NOBODY.contains(&first) && !NOBODY.contains(&rest) => rest,
                _ => name,
            };
            let lower = name.to_lowercase();
            let coined = name.split(' ').any(|word| {
                word.chars().skip(1).any(|c| c.is_ascii_uppercase()) && word.chars().any(|c| c.is_ascii_lowercase())
            });
            let told = coined || name.contains(' ') || name.ends_with("ly");
            // "Solace AI" is somebody, "generative AI" is not.
            let company = name.strip_suffix(" AI").is_some_and(|first| !KINDS_OF_AI.contains(&first));
            let taken = name.split(' ').any(|word| {
                names.contains_key(word)
                    || NOBODY.contains(&word)
                    || OTHERS.contains(&word.to_lowercase().as_str()) && !(word == "AI" && company)
            });
            if told
                && !taken
                && !names.contains_key(name)
                && !THINGS.iter().any(|thing| lower.split(' ').any(|word| word.trim_end_matches('s') == *thing))
                && !folded.contains(&format!("\"{name}\""))
                && !found.contains(&name)
            {
                found.push(name);
            }
        }
        // Two or more such names are the companies of a list, and none of them is known to be the vendor.
        if let [name] = found[..] {
            learn(names, name, Party::Vendor);
        }
    }

    /// Who reports, safeguards and returns is the business associate; whom it is done for is the covered entity.
    fn vote(folded: &str, names: &mut HashMap<String, Party>) {
        let mut votes: HashMap<&str, i32> = HashMap::new();
        let listed = candidates(folded);
        let own = if listed.iter().any(|name| {
            !EITHER.contains(&name.as_str())
                && !PRACTICE_NAMES.contains(&name.as_str())
                && !VENDOR_NAMES.contains(&name.as_str())
        }) {
            Votes::of(&listed)
        } else {
            None
        };
        let Some(judge) = own.as_ref().or(USUAL_VOTES.as_ref()) else { return };
        let first = |caught: &regex::Captures<'_>| (1..caught.len()).find(|at| caught.get(*at).is_some()).unwrap_or(0);
        for caught in judge.acts.captures_iter(folded) {
            let group = first(&caught);
            if let Some(name) = caught.get(group).filter(|_| group > 0) {
                // A heading "Obligations of X" may stand for either side; it weighs less than one promise.
                *votes.entry(name.as_str()).or_default() += if group == 2 { 1 } else { 3 };
            }
        }
        for caught in judge.suffers.captures_iter(folded) {
            let group = first(&caught);
            if let Some(name) = caught.get(group).filter(|_| group > 0) {
                *votes.entry(name.as_str()).or_default() -= if group == 1 { 1 } else { 3 };
            }
        }
        let principal = folded.contains("report to Business Associate")
            || folded.contains("notify Business Associate of any Breach");
        for (name, score) in votes {
            if name == "Subcontractor" {
                // Party to a subcontractor's own agreement, where the business associate is the one protected.
                if score >= 9 && principal {
                    names.insert(name.to_owned(), Party::Vendor);
                    names.insert("business associate".to_owned(), Party::Practice);
                }
                continue;
            }
            // A name that nearly always means one side needs more to mean the other.
            let usual = !EITHER.contains(&name) && names.contains_key(name);
            let enough = if usual { 9 } else { 3 };
            if score >= enough {
                names.insert(name.to_owned(), Party::Vendor);
            } else if score <= -enough {
                names.insert(name.to_owned(), Party::Practice);
            }
        }
    }

    /// The canonical form of folded text: lower case, with `VENDOR`, `PRACTICE` and `PHI` in capitals.
    pub(crate) fn canonical(&self, folded: &str) -> String {
        let folded = &*unshortened(folded);
        let mut out = String::with_capacity(folded.len());
        let mut last = 0;
        for found in self.finder.find_iter(folded) {
            let Some(token) = self.token(found.as_str(), &folded[..found.start()], &folded[found.end()..]) else {
                continue;
            };
            lower(&folded[last..found.start()], &mut out);
            out.push_str(&token);
            last = found.end();
        }
        lower(&folded[last..], &mut out);
        if out.contains("n't") { spelled_out(&out) } else { out }
    }

    fn token(&self, matched: &str, before: &str, after: &str) -> Option<String> {
        let owner =
            matched.ends_with("'s") || matched.ends_with('\'') || matches!(matched, "our" | "Our" | "your" | "Your");
        let bare = matched.trim_end_matches("'s").trim_end_matches('\'');
        let tail = if owner { "'s" } else { "" };
        let party = |party: Party| Some(format!("{}{tail}", party.token()));
        if let Some(thing) = self.things.get(bare).or_else(|| self.things.get(bare.trim_end_matches('s'))) {
            return Some(if *thing == "subcontractor" && bare.ends_with('s') {
                "subcontractors".to_owned()
            } else {
                (*thing).to_owned()
            });
        }
        if let Some(found) = self.names.get(bare) {
            // "Service Provider" is one name; "health care Provider" and "the State of Ohio" are none.
            let lead = before.trim_end();
            let other = lead.ends_with("health care")
                || lead.ends_with("healthcare")
                || lead.ends_with("Third-Party")
                || lead.ends_with("third-party")
                || (bare == "State"
                    && (after.starts_with(" of")
                        || after.starts_with(" and")
                        || after.starts_with(" law")
                        || after.starts_with(" or")))
                || (matches!(bare, "Plan" | "User" | "Member" | "Practice") && after.starts_with(" of"));
            // "Customer Data" is a thing, not the party.
            let compound = matches!(
                bare,
                "Customer"
                    | "Client"
                    | "User"
                    | "Company"
                    | "Subscriber"
                    | "Provider"
                    | "Practice"
                    | "Member"
                    | "State"
            ) && {
                let next = after.trim_start();
                !owner
                    && [
                        "Data",
                        "Content",
                        "Information",
                        "Records",
                        "Materials",
                        "Recordings",
                        "Account",
                        "Confidential",
                        "Application",
                        "Applications",
                        "Personal",
                        "Inputs",
                        "Input",
                        "Outputs",
                        "Output",
                        "Submissions",
                        "Property",
                    ]
                    .iter()
                    .any(|word| next.starts_with(word))
            };
            if other || compound {
                return None;
            }
            return party(*found);
        }
        if let Some(found) =
            self.names.iter().find_map(|(name, party)| name.eq_ignore_ascii_case(bare).then_some(*party))
            && bare.chars().all(|c| !c.is_lowercase())
        {
            return party(found);
        }
        let lowered = bare.to_lowercase();
        if lowered.contains("information") || lowered.ends_with("phi") {
            return Some(if lowered.starts_with("unsecured") { "unsecured PHI".to_owned() } else { "PHI".to_owned() });
        }
        if lowered.starts_with("covered") {
            return party(Party::Practice);
        }
        if lowered.starts_with("another")
            || lowered.starts_with("other")
            || lowered.starts_with("its")
            || lowered.starts_with("our")
            || lowered.starts_with("their")
        {
            return None;
        }
        if lowered.starts_with("business") {
            let agreement = ["agreement", "addendum", "contract", "amendment", "exhibit", "provisions", "terms"];
            if agreement.iter().any(|word| lowered.contains(word)) {
                return Some("baa".to_owned());
            }
            return party(self.names.get("business associate").copied().unwrap_or(Party::Vendor));
        }
        None
    }
}

fn learn(names: &mut HashMap<String, Party>, name: &str, party: Party) {
    let name = name.trim().trim_end_matches(['.', ',']);
    let first = name.split(' ').next().unwrap_or_default();
    let common = [
        "The",
        "This",
        "Each",
        "Such",
        "Any",
        "It",
        "If",
        "In",
        "For",
        "As",
        "And",
        "Agreement",
        "Business Associate",
        "Covered Entity",
        "Party",
        "Parties",
        "Individual",
        "Section",
        "Required",
        "You",
        "We",
        "Health",
        "Protected",
        "Upon",
        "That",
        "Effective",
        "Neither",
        "Either",
        "No",
        "Services",
        "Information",
        "When",
        "Where",
        "To",
        "An",
        "A",
        "Both",
        "Not",
        "Other",
        "HIPAA",
        "HITECH",
        "PHI",
        "Privacy",
        "Security",
        "Whereas",
        "Business",
        "Covered",
        "Subcontractor",
        "Breach",
        "United States",
    ];
    if name.len() < 2
        || common.contains(&name)
        || common.contains(&first)
        || !name.starts_with(|c: char| c.is_ascii_uppercase())
    {
        return;
    }
    names.insert(name.to_owned(), party);
}

/// "we don't" is "we do not", so that a rule needs one spelling of a no.
fn spelled_out(text: &str) -> String {
    text.replace("can't", "cannot").replace("won't", "will not").replace("shan't", "shall not").replace("n't", " not")
}

static SHORTENED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b(?:([Ww]e|[Yy]ou|[Tt]hey|[Ii]t|I|[Tt]hat|[Tt]here|[Ww]hat|[Ww]ho|[Hh]e|[Ss]he|[Hh]ere|[Nn]othing|[Nn]obody)'(ll|ve|re|s|m))\b",
    )
});
/// A question that a customer asks of the vendor: there "you" is the vendor.
static ASKED: LazyLock<Regex> = LazyLock::new(|| regex(r"^[^.?]*\b(?:[Mm]y|I|[Mm]e)\b[^.?]*\?"));
static PERSON: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(?:[Yy]our|[Yy]ou|[Mm]y|I|me)\b"));

/// "We'll" is "we will", and in "Do you sell my data?" it is the covered entity that asks.
fn unshortened(folded: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(folded);
    if out.contains('\'') && SHORTENED.is_match(&out) {
        let full = SHORTENED.replace_all(&out, |caught: &regex::Captures<'_>| {
            let verb = match &caught[2] {
                "ll" => "will",
                "ve" => "have",
                "re" => "are",
                "m" => "am",
                _ => "is",
            };
            format!("{} {verb}", &caught[1])
        });
        out = Cow::Owned(full.into_owned());
    }
    if out.contains('?')
        && let Some(asked) = ASKED.find(&out)
    {
        let question = PERSON.replace_all(asked.as_str(), |caught: &regex::Captures<'_>| match &caught[0] {
            "your" | "Your" => "our",
            "you" | "You" => "we",
            "my" | "My" => "your",
            _ => "you",
        });
        out = Cow::Owned(format!("{question}{}", &out[asked.end()..]));
    }
    out
}

fn lower(text: &str, out: &mut String) {
    out.extend(text.chars().map(|c| c.to_ascii_lowercase()));
}

#[cfg(test)]
mod tests {
    use super::Parties;

    fn canonical(document: &str, sentence: &str) -> String {
        Parties::read(document).canonical(sentence)
    }

    #[test]
    fn names_are_learnt_from_the_document() {
        let head = "This BAA is between Quiet Scribe, Inc. (\"QS\" or \"Business Associate\") and Elm Street Counseling, PLLC (\"Covered Entity\").";
        assert_eq!(canonical(head, "QS may use Elm Street Counseling's PHI."), "VENDOR may use PRACTICE's PHI.");
        assert_eq!(
            canonical("", "We may improve our services with your content."),
            "we may improve our services with your content."
        );
        assert_eq!(canonical("We and you agree.", "We may keep your notes."), "VENDOR may keep PRACTICE's notes.");
        assert_eq!(
            canonical("", "the Business Associate Agreement binds Customer Data of Customer"),
            "the baa binds customer data of PRACTICE"
        );
    }

    #[test]
    fn a_brand_that_acts_is_the_vendor_unless_it_is_one_of_several_or_a_known_host() {
        let says = |clause: &str| canonical(clause, clause);
        assert_eq!(says("MindNote may keep recordings."), "VENDOR may keep recordings.");
        assert_eq!(says("With Acme Scribe, recordings are kept."), "with VENDOR, recordings are kept.");
        assert_eq!(says("Google may host backups."), "google may host backups.");
        assert_eq!(
            says("Recordings may be kept. Session Recordings will stay."),
            "recordings may be kept. session recordings will stay."
        );
        assert_eq!(
            says("DataNest may host files and CloudHut may host mail."),
            "datanest may host files and cloudhut may host mail."
        );
    }

    #[test]
    fn the_text_decides_whom_an_ambiguous_name_means() {
        let provider = "Company shall report to Provider any Breach. Company shall use appropriate safeguards. On behalf of Provider, Provider's Notice of Privacy Practices.";
        assert_eq!(canonical(provider, "Company tells Provider"), "VENDOR tells PRACTICE");
        let company = "Provider will report to Company. Provider will implement safeguards on behalf of Company. Company will notify Provider of any change.";
        assert_eq!(canonical(company, "Provider tells Company"), "VENDOR tells PRACTICE");
    }
}
