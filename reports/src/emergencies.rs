//! Emergency access that is not settled: it stands at the head of every report until somebody has reviewed it.

use provenote_schemas::{Class, ClientId, GrantId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::note::counted;

/// Where a practice stands with emergency access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergencies {
    /// What nobody has reviewed.
    pub unreviewed: Vec<EmergencyRow>,
    /// The code of the envelope was used and not made anew.
    pub envelope_open: bool,
}

/// Access that somebody took in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyRow {
    /// The grant.
    pub grant: GrantId,
    /// Who took it.
    pub user: UserId,
    /// What it opened.
    pub class: Class,
    /// Whose records; none for every client's.
    pub client: Option<ClientId>,
    /// When.
    pub taken: Time,
    /// By when it is to be reviewed.
    pub due: Option<Time>,
}

impl Emergencies {
    /// True where there is nothing to say.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.unreviewed.is_empty() && !self.envelope_open
    }

    /// What every report says of it, a paragraph each.
    pub(crate) fn lines(&self, made: Time) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.unreviewed.is_empty() {
            lines.push(format!(
                "{} not reviewed yet by somebody other than who took it.",
                counted(self.unreviewed.len(), "emergency access is", "emergency accesses are")
            ));
        }
        for row in &self.unreviewed {
            let whose = row.client.as_ref().map_or_else(|| "every client".to_owned(), ToString::to_string);
            let due = match row.due {
                Some(due) if due <= made => format!(" The review was due on {}.", due.date()),
                Some(due) => format!(" It is to be reviewed by {}.", due.date()),
                None => String::new(),
            };
            lines.push(format!(
                "{}: {} took access to the {} of {whose} on {}.{due}",
                row.grant,
                row.user,
                crate::access::class(row.class.as_str()),
                row.taken.date()
            ));
        }
        if self.envelope_open {
            lines.push(
                "The code in the emergency envelope was used and no new one was made since: whoever knows it opens records with it."
                    .to_owned(),
            );
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_settled_is_told_and_what_is_says_nothing() {
        assert!(Emergencies::default().settled() && Emergencies::default().lines(Time::from_millis(0)).is_empty());
        let day = |n: i64| Time::from_millis(n * 86_400_000);
        let row = EmergencyRow {
            grant: GrantId::from_random([1; 10]),
            user: UserId::from_random([2; 10]),
            class: Class::Clinical,
            client: None,
            taken: day(1),
            due: Some(day(4)),
        };
        let open = Emergencies { unreviewed: vec![row], envelope_open: true };
        assert!(!open.settled());
        let early = open.lines(day(2)).join("\n");
        assert!(early.contains("to be reviewed by 1970-01-05") && early.contains("every client"), "{early}");
        assert!(open.lines(day(5)).join("\n").contains("was due on 1970-01-05"));
        assert_eq!(open.lines(day(5)).len(), 3);
    }
}
