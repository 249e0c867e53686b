//! The 18 identifiers of Safe Harbor, 45 CFR 164.514(b)(2)(i)(A)-(R), with what `rules/identifiers.yaml` says of them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const FACTS: &str = include_str!("../rules/identifiers.yaml");

/// An identifier, by its letter in 45 CFR 164.514(b)(2)(i).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Identifier {
    /// Names: of people, and of employers and other bodies.
    #[serde(rename = "A")]
    Name,
    /// Geographic subdivisions smaller than a state.
    #[serde(rename = "B")]
    Place,
    /// Elements of dates other than the year, and ages over 89.
    #[serde(rename = "C")]
    Date,
    /// Telephone numbers.
    #[serde(rename = "D")]
    Phone,
    /// Fax numbers.
    #[serde(rename = "E")]
    Fax,
    /// E-mail addresses.
    #[serde(rename = "F")]
    Email,
    /// Social security numbers.
    #[serde(rename = "G")]
    SocialSecurity,
    /// Medical record numbers.
    #[serde(rename = "H")]
    MedicalRecord,
    /// Health plan beneficiary numbers.
    #[serde(rename = "I")]
    HealthPlan,
    /// Account numbers.
    #[serde(rename = "J")]
    Account,
    /// Certificate and licence numbers.
    #[serde(rename = "K")]
    Licence,
    /// Vehicle identifiers and plates.
    #[serde(rename = "L")]
    Vehicle,
    /// Device identifiers and serial numbers.
    #[serde(rename = "M")]
    Device,
    /// Web URLs.
    #[serde(rename = "N")]
    Url,
    /// IP addresses.
    #[serde(rename = "O")]
    IpAddress,
    /// Biometric identifiers.
    #[serde(rename = "P")]
    Biometric,
    /// Full-face photographs and comparable images.
    #[serde(rename = "Q")]
    Photograph,
    /// Any other unique identifying number, characteristic or code.
    #[serde(rename = "R")]
    OtherUnique,
}

impl Identifier {
    /// All 18, in the order of the rule.
    pub const ALL: &'static [Self] = &[
        Self::Name,
        Self::Place,
        Self::Date,
        Self::Phone,
        Self::Fax,
        Self::Email,
        Self::SocialSecurity,
        Self::MedicalRecord,
        Self::HealthPlan,
        Self::Account,
        Self::Licence,
        Self::Vehicle,
        Self::Device,
        Self::Url,
        Self::IpAddress,
        Self::Biometric,
        Self::Photograph,
        Self::OtherUnique,
    ];

    /// What the rule says, with its citation and how that was checked. None only were the facts unreadable, which a
    /// test rules out.
    #[must_use]
    pub fn fact(self) -> Option<&'static IdentifierFact> {
        LOADED.as_ref()?.safe_harbor.identifiers.iter().find(|fact| fact.letter == self)
    }
}

/// One identifier as the facts have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentifierFact {
    /// 1 to 18.
    pub n: u8,
    /// The letter of its paragraph.
    pub letter: Identifier,
    /// The section.
    pub citation: String,
    /// What it covers.
    pub identifier: String,
    /// How likely it stands in the text of therapy: `low`, `med`, `high`. The author's estimate.
    pub therapy_text_risk: String,
    /// How the citation was checked. Always shown with it.
    pub verification: String,
}

/// A statement of law with its citation and its mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The section.
    pub citation: String,
    /// What it says, in short.
    pub says: String,
    /// How that was checked. Always shown with the citation.
    pub verification: String,
}

/// Something software must tell its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caution {
    /// The words.
    pub text: String,
    /// How that was checked.
    pub verification: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SafeHarbor {
    #[expect(dead_code, reason = "read so that an unknown field is noticed")]
    citation: String,
    #[expect(dead_code, reason = "read so that an unknown field is noticed")]
    applies_to: String,
    identifiers: Vec<IdentifierFact>,
    second_limb: Statement,
}

#[derive(Debug, Deserialize)]
struct Facts {
    safe_harbor: SafeHarbor,
    expert_determination: Statement,
    re_identification_code: Statement,
    warnings_for_software: Vec<Caution>,
}

static LOADED: LazyLock<Option<Facts>> = LazyLock::new(|| serde_saphyr::from_str(FACTS).ok());

/// The second condition of Safe Harbor, 45 CFR 164.514(b)(2)(ii): the practice has no actual knowledge that what is left
/// could identify the person. No program can meet it; a person confirms it before a release.
#[must_use]
pub fn actual_knowledge() -> Option<&'static Statement> {
    LOADED.as_ref().map(|facts| &facts.safe_harbor.second_limb)
}

/// The other way, 45 CFR 164.514(b)(1): an expert's determination. Shifted dates need it, see [`crate::Dates`].
#[must_use]
pub fn expert_determination() -> Option<&'static Statement> {
    LOADED.as_ref().map(|facts| &facts.expert_determination)
}

/// When a code may be kept, 45 CFR 164.514(c). Surrogates are drawn from a seed and never made from a name.
#[must_use]
pub fn re_identification_code() -> Option<&'static Statement> {
    LOADED.as_ref().map(|facts| &facts.re_identification_code)
}

/// What must be shown to the person who confirms a release.
#[must_use]
pub fn cautions() -> &'static [Caution] {
    LOADED.as_ref().map_or(&[], |facts| &facts.warnings_for_software)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_has_its_paragraph_and_a_mark() {
        for (n, identifier) in Identifier::ALL.iter().enumerate() {
            let fact = identifier.fact().expect("the facts name it");
            assert_eq!(usize::from(fact.n), n + 1);
            assert!(fact.citation.starts_with("45 CFR 164.514(b)(2)(i)("), "{}", fact.citation);
            assert!(fact.verification.starts_with("verified from"), "{}", fact.verification);
        }
    }

    #[test]
    fn the_second_condition_and_the_cautions_are_at_hand() {
        assert!(actual_knowledge().expect("readable").says.contains("actual knowledge"));
        assert!(expert_determination().is_some() && re_identification_code().is_some());
        assert!(cautions().iter().any(|caution| caution.text.contains("human decision")));
    }
}
