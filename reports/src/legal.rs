//! Legal statements for reports, each with its citation and how it was checked.

use serde::{Deserialize, Serialize};

use crate::ReportError;

/// What a source says, in our words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalStatement {
    /// Stable id in the regulatory files, such as `AUD-R1`.
    pub id: String,
    /// Where it stands.
    pub citation: String,
    /// A paraphrase.
    pub says: String,
    /// What it is often taken to say and does not.
    pub does_not_say: Option<String>,
    /// The mark: what copy was read, or `from memory, unverified`.
    pub verification: String,
}

/// All statements, and the day they were checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalFacts {
    /// `YYYY-MM-DD`.
    pub checked_on: String,
    /// In the order they are printed.
    pub statements: Vec<LegalStatement>,
}

/// The statements for board reports that came with this version.
///
/// # Errors
/// [`ReportError::Rules`] when the file that came with the program is broken.
pub fn legal_facts() -> Result<LegalFacts, ReportError> {
    read(include_str!("../rules/legal.yaml"))
}

/// The statements for overviews of consents that came with this version.
///
/// # Errors
/// [`ReportError::Rules`] when the file that came with the program is broken.
pub fn consents_legal_facts() -> Result<LegalFacts, ReportError> {
    read(include_str!("../rules/legal-consents.yaml"))
}

/// The statements for reports on companies outside the practice that came with this version.
///
/// # Errors
/// [`ReportError::Rules`] when the file that came with the program is broken.
pub fn vendors_legal_facts() -> Result<LegalFacts, ReportError> {
    read(include_str!("../rules/legal-vendors.yaml"))
}

/// The statements for reports on access that came with this version.
///
/// # Errors
/// [`ReportError::Rules`] when the file that came with the program is broken.
pub fn access_legal_facts() -> Result<LegalFacts, ReportError> {
    read(include_str!("../rules/legal-access.yaml"))
}

fn read(yaml: &str) -> Result<LegalFacts, ReportError> {
    serde_saphyr::from_str(yaml).map_err(|error| ReportError::Rules(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_carries_its_source_and_its_mark() {
        for facts in [legal_facts(), consents_legal_facts(), vendors_legal_facts(), access_legal_facts()] {
            let facts = facts.expect("the bundled file");
            assert_eq!(facts.checked_on.len(), 10);
            assert!(facts.statements.len() >= 5);
            for statement in &facts.statements {
                assert!(!statement.citation.is_empty() && !statement.says.is_empty(), "{}", statement.id);
                let mark = &statement.verification;
                assert!(mark.starts_with("verified from ") || mark == "from memory, unverified", "{mark}");
            }
        }
    }
}
