//! What a board report tells of the companies outside the practice.

use provenote_schemas::Time;
use provenote_schemas::disclosure::TermsWorsened;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::TermsOutcome;
use crate::note::counted;
use crate::outside;

/// A company outside the practice that gets sound or words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorRow {
    /// Its name.
    pub name: String,
    /// What it does with what it gets.
    pub does: String,
    /// Where its computers stand, where somebody said so.
    pub place: Option<String>,
    /// When its agreement was last reviewed, and the entry.
    pub agreement: Option<(Time, u64)>,
    /// When it was last audited, and the entry.
    pub audited: Option<(Time, u64)>,
    /// Why that audit no longer holds, where it does not.
    pub stale: Option<String>,
    /// Findings that are open: all, and the critical and high ones among them.
    pub findings: u32,
    /// The critical and high ones.
    pub grave: u32,
    /// What the audit says, in plain words.
    pub verdict: Option<String>,
    /// Its terms that are watched.
    pub terms: Vec<VendorTerms>,
}

/// A document of a company's terms, as it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorTerms {
    /// What kind of document it is.
    pub terms_type: String,
    /// When it was last looked at.
    pub last_checked: Option<Time>,
    /// What came of it.
    pub last_outcome: Option<TermsOutcome>,
    /// What it newly permits, while nobody has settled it.
    pub worsened: Option<TermsWorsened>,
}

/// What the template prints of a company.
pub(super) fn data(row: &VendorRow) -> Value {
    let dated = |at: &Option<(Time, u64)>| at.map(|(at, seq)| json!({ "at": at.date(), "seq": seq }));
    let mut value = json!({
        "name": row.name,
        "does": row.does,
        "place": row.place,
        "agreement": dated(&row.agreement),
        "audited": dated(&row.audited),
        "stale": row.stale,
        "findings": match (row.audited, row.findings, row.grave) {
            (None, _, _) => String::new(),
            (_, 0, _) => "No open finding".to_owned(),
            (_, all, 0) => counted(all as usize, "open finding", "open findings"),
            (_, all, grave) => format!("{}, {grave} critical or high", counted(all as usize, "open finding", "open findings")),
        },
        "grave": row.grave > 0,
        "verdict": row.verdict,
        "terms": row.terms.iter().map(|terms| json!({
            "type": terms.terms_type,
            "standing": match (terms.last_checked, terms.last_outcome) {
                (Some(at), Some(outcome)) => format!("{}. {}", at.date(), outcome.words()),
                (Some(at), None) => at.date(),
                (None, _) => "never looked at".to_owned(),
            },
            "blind": terms.last_outcome.is_some_and(TermsOutcome::is_blind),
            "worsened": terms.worsened.as_ref().map(|worsened| {
                format!("Worse since {}: {}", worsened.on, worsened.what.join("; "))
            }),
        })).collect::<Vec<_>>(),
    });
    outside::show(&mut value, false);
    value
}

/// What a reader must not miss of the companies.
pub(super) fn attention(rows: &[VendorRow]) -> Vec<String> {
    let mut out = Vec::new();
    let mut tell = |number: usize, one: &str, many: &str| {
        if number > 0 {
            out.push(format!("{}.", counted(number, one, many)));
        }
    };
    let count = |is: &dyn Fn(&VendorRow) -> bool| rows.iter().filter(|row| is(row)).count();
    tell(
        count(&|row| row.agreement.is_none()),
        "company gets sound or words and no agreement with it was reviewed",
        "companies get sound or words and no agreement with them was reviewed",
    );
    tell(
        count(&|row| row.terms.iter().any(|terms| terms.worsened.is_some())),
        "company’s terms have become worse and nobody has settled that",
        "companies’ terms have become worse and nobody has settled that",
    );
    tell(
        count(&|row| row.audited.is_some() && row.stale.is_some()),
        "company’s audit is out of date",
        "companies’ audits are out of date",
    );
    tell(count(&|row| row.audited.is_none()), "company was never audited", "companies were never audited");
    out
}
