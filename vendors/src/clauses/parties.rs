//! Who is who: which words of a document name the business associate, and which the covered entity.
//!
//! In the canonical text of a clause the first is `VENDOR`, the second `PRACTICE` and protected health information `PHI`,
//! so that one rule reads "Provider may de-identify PHI" and "we may de-identify your patients' PHI" alike.

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
        r#"(?i:business associate|covered entity)"?(?: (?:shall|will))?(?: mean| means| is| refers to| be| shall refer to)s? (?:the |any )?"?([A-Z][a-z]+(?: [A-Z][a-z]+)?)"?|([A-Z][a-z]+(?: [A-Z][a-z]+)?)"?,? (?:is|are|acts|serves|acting|serving|qualifies|be)(?: \w+){0,3}? (?:as )?(?:the |a |an |its )?"?(?i:business associate|covered entity)"#,
    )
});
/// Names that a document gives somebody: `("Pharm")`.
static GIVEN_NAME: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"\((?:the |collectively,? |hereinafter,? |each,? )*"(?:the )?([A-Z][A-Za-z0-9&.' -]{1,30}?)"[^()]{0,60}\)"#)
});
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
    found.sort_by_key(|name| std::cmp::Reverse(name.len()));
    found.dedup();
    found
}

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
    Regex::new(pattern).expect("a constant expression, used by the tests")
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
        Self::introduced(folded, &mut names);
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
        let finder = Regex::new(&format!(r"{FIXED}|\b(?:{})(?:'s?)?\b", escaped.join("|")))
            .unwrap_or_else(|_| Regex::new(FIXED).expect("a constant expression, used by the tests"));
        Self { names, finder }
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
                if let Some(first) = name[1].split(' ').next()
                    && name[1].contains(' ')
                    && first.len() > 4
                {
                    learn(names, first, party);
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
        out
    }

    fn token(&self, matched: &str, before: &str, after: &str) -> Option<String> {
        let owner =
            matched.ends_with("'s") || matched.ends_with('\'') || matches!(matched, "our" | "Our" | "your" | "Your");
        let bare = matched.trim_end_matches("'s").trim_end_matches('\'');
        let tail = if owner { "'s" } else { "" };
        let party = |party: Party| Some(format!("{}{tail}", party.token()));
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
    fn the_text_decides_whom_an_ambiguous_name_means() {
        let provider = "Company shall report to Provider any Breach. Company shall use appropriate safeguards. On behalf of Provider, Provider's Notice of Privacy Practices.";
        assert_eq!(canonical(provider, "Company tells Provider"), "VENDOR tells PRACTICE");
        let company = "Provider will report to Company. Provider will implement safeguards on behalf of Company. Company will notify Provider of any change.";
        assert_eq!(canonical(company, "Provider tells Company"), "VENDOR tells PRACTICE");
    }
}
