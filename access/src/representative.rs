//! Representative requests: every role, act, kind of thing, class and tie, under usual circumstances and under some that
//! are not. What policies say of these is what `access policy check` compares, what [`crate::may`] asks, and what the
//! bundled policies are tested with.

use std::collections::BTreeSet;

use provenote_schemas::{Class, ClientId, DeviceId, GrantId, NoteId, Role, SessionId, Time, UserId};

use crate::act::Act;
use crate::decision::{Circumstances, Decision, Request, Subject, decide};
use crate::grants::{Access, Scope, ScopeOf};
use crate::policies::Policies;
use crate::resource::{GrantSeen, OfClient, Resource, ResourceKind};

/// The client of all representative requests.
const CLIENT: [u8; 10] = [1; 10];
const ME: [u8; 10] = [2; 10];
const COLLEAGUE: [u8; 10] = [3; 10];
/// A Tuesday, 10:00 UTC.
const NOW: Time = Time::from_millis(1_763_460_000_000);
const HOUR: i64 = 3_600_000;

/// What the user has to do with what is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Nothing; or the thing belongs to no client and nobody.
    Stranger,
    /// The user treats the client.
    Treats,
    /// The user treats the client and wrote it.
    Wrote,
    /// The user supervises who treats the client; in a session everybody agreed to it.
    Supervises,
    /// As before, but not everybody agreed to supervision.
    SupervisesUnagreed,
    /// It is the user, the user's device or the user's grant.
    Own,
}

impl Standing {
    /// The word of records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Treats => "treats",
            Self::Wrote => "wrote",
            Self::Supervises => "supervises",
            Self::SupervisesUnagreed => "supervises_unagreed",
            Self::Own => "own",
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Stranger => "no client of theirs",
            Self::Treats => "a client whom they treat",
            Self::Wrote => "what they wrote about a client whom they treat",
            Self::Supervises => "a supervisee's client",
            Self::SupervisesUnagreed => "a supervisee's client who did not agree to supervision",
            Self::Own => "their own",
        }
    }

    fn of(kind: ResourceKind) -> &'static [Self] {
        match kind {
            ResourceKind::Practice | ResourceKind::Ledger => &[Self::Stranger],
            ResourceKind::User | ResourceKind::Device => &[Self::Stranger, Self::Own],
            ResourceKind::Client | ResourceKind::Claim | ResourceKind::Release => {
                &[Self::Stranger, Self::Treats, Self::Supervises]
            }
            ResourceKind::Session => &[Self::Stranger, Self::Treats, Self::Supervises, Self::SupervisesUnagreed],
            ResourceKind::Note | ResourceKind::Entry => &[Self::Stranger, Self::Treats, Self::Wrote, Self::Supervises],
            ResourceKind::Grant => &[Self::Stranger, Self::Treats, Self::Wrote, Self::Supervises, Self::Own],
        }
    }
}

/// Under what circumstances, beside the usual.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variation {
    /// A known device in the practice, on a Tuesday at ten, with everything that was asked for given.
    Usual,
    /// No second factor was given although the role needs one.
    NoFactor,
    /// The device is not known.
    UnknownDevice,
    /// From where the practice does not allow it.
    OtherPlace,
    /// No written reason.
    NoReason,
    /// At that hour.
    Hour(u8),
    /// On that day, 1 Monday to 7 Sunday.
    Weekday(u8),
    /// From a network of that name.
    Network(String),
    /// From that country.
    Country(String),
    /// Access for a limited time covers it.
    Granted,
    /// Emergency access covers it.
    Emergency,
}

impl Variation {
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Usual => String::new(),
            Self::NoFactor => "without the second factor".to_owned(),
            Self::UnknownDevice => "on an unknown device".to_owned(),
            Self::OtherPlace => "from a place that is not allowed".to_owned(),
            Self::NoReason => "without a written reason".to_owned(),
            Self::Hour(hour) => format!("at {hour} o'clock"),
            Self::Weekday(day) => {
                let days = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
                let day = days.get(usize::from(day.saturating_sub(1))).unwrap_or(&"other days");
                format!("on {day}")
            }
            Self::Network(name) => format!("from the network {name}"),
            Self::Country(code) => format!("from the country {code}"),
            Self::Granted => "with access for a limited time".to_owned(),
            Self::Emergency => "with emergency access".to_owned(),
        }
    }
}

/// One representative request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Who asks.
    pub role: Role,
    /// What for.
    pub act: Act,
    /// On what.
    pub kind: ResourceKind,
    /// Of which class, where it has one.
    pub class: Option<Class>,
    /// What the user has to do with it.
    pub standing: Standing,
    /// Under what circumstances.
    pub variation: Variation,
}

impl Row {
    /// The row in words, as a condition: of which class, whose, when.
    #[must_use]
    pub fn condition(&self) -> String {
        let mut parts = Vec::new();
        if self.kind.classes().len() > 1
            && let Some(class) = self.class
        {
            parts.push(format!("class {class}"));
        }
        if Standing::of(self.kind).len() > 1 {
            parts.push(self.standing.in_words().to_owned());
        }
        if self.variation != Variation::Usual {
            parts.push(self.variation.in_words());
        }
        parts.join(", ")
    }

    /// What policies say of it.
    #[must_use]
    pub fn decide(&self, policies: &Policies) -> Decision {
        let (subject, resource, circumstances) = (self.subject(), self.resource(), self.circumstances());
        let grants = self.grants();
        let request = Request {
            subject: &subject,
            act: self.act,
            resource: &resource,
            circumstances: &circumstances,
            grants: &grants,
        };
        decide(policies, &request)
    }

    /// Who asks.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let supervises = match self.standing {
            Standing::Supervises | Standing::SupervisesUnagreed => BTreeSet::from([UserId::from_random(COLLEAGUE)]),
            _ => BTreeSet::new(),
        };
        let ends = (self.role == Role::Auditor).then(|| Time::from_millis(NOW.millis() + 24 * HOUR));
        Subject { user: UserId::from_random(ME), role: self.role, supervises, ends }
    }

    /// What is asked about.
    #[must_use]
    pub fn resource(&self) -> Resource {
        let (me, colleague) = (UserId::from_random(ME), UserId::from_random(COLLEAGUE));
        let client = ClientId::from_random(CLIENT);
        let session = SessionId::from_random([4; 10]);
        let note = NoteId::from_random([5; 10]);
        let own = self.standing == Standing::Own;
        let treats = matches!(self.standing, Standing::Treats | Standing::Wrote);
        let clinicians = BTreeSet::from([if treats { me.clone() } else { colleague.clone() }]);
        let author = if self.standing == Standing::Wrote { me.clone() } else { colleague.clone() };
        let class = self.class.unwrap_or(Class::Administrative);
        let of = match self.kind {
            ResourceKind::Practice => return Resource::Practice,
            ResourceKind::Ledger => return Resource::Ledger,
            ResourceKind::User => return Resource::User(if own { me } else { colleague }),
            ResourceKind::Device => {
                let holder = if own { me } else { colleague };
                return Resource::Device { id: DeviceId::from_random([6; 10]), holder };
            }
            ResourceKind::Grant => {
                return Resource::Grant(GrantSeen {
                    id: GrantId::from_random([7; 10]),
                    requester: if own { me } else { UserId::from_random([8; 10]) },
                    class,
                    client: Some(client),
                    clinicians,
                    author: Some(author),
                });
            }
            ResourceKind::Client => OfClient::file(&client, clinicians),
            ResourceKind::Claim => OfClient::claim(&note, &client, clinicians),
            ResourceKind::Release => OfClient::release(&note, &client, clinicians),
            ResourceKind::Entry => OfClient::entry(9, class, &client, clinicians, Some(&author)),
            ResourceKind::Session => {
                let agreed = self.standing == Standing::Supervises;
                match OfClient::session(&session, class, &client, clinicians.clone(), agreed) {
                    Ok(of) => of,
                    Err(_) => OfClient::file(&client, clinicians),
                }
            }
            ResourceKind::Note => {
                match OfClient::note(&note, class, &client, Some(&session), clinicians.clone(), Some(&author)) {
                    Ok(of) => of,
                    Err(_) => OfClient::file(&client, clinicians),
                }
            }
        };
        Resource::OfClient(of)
    }

    /// Under what circumstances.
    #[must_use]
    pub fn circumstances(&self) -> Circumstances {
        let mut usual = Circumstances { hour: 10, weekday: 2, ..Circumstances::usual(NOW) };
        match &self.variation {
            Variation::Usual | Variation::Granted | Variation::Emergency => {}
            Variation::NoFactor => usual.factor_given = false,
            Variation::UnknownDevice => usual.device_known = false,
            Variation::OtherPlace => usual.place_allowed = false,
            Variation::NoReason => usual.reason_given = false,
            Variation::Hour(hour) => usual.hour = *hour,
            Variation::Weekday(day) => usual.weekday = *day,
            Variation::Network(name) => usual.network = Some(name.clone()),
            Variation::Country(code) => usual.country = Some(code.clone()),
        }
        usual
    }

    fn grants(&self) -> Vec<Access> {
        let emergency = match self.variation {
            Variation::Granted => false,
            Variation::Emergency => true,
            _ => return Vec::new(),
        };
        self.class
            .map(|class| Access {
                grant: GrantId::from_random([10; 10]),
                scope: Scope { class, of: ScopeOf::Client(ClientId::from_random(CLIENT)) },
                until: Time::from_millis(NOW.millis() + HOUR),
                emergency,
            })
            .into_iter()
            .collect()
    }
}

/// Of what a role may do an act to a kind of thing by the bundled policies, under usual circumstances, of whatever class.
/// Empty where it may not at all.
#[must_use]
pub fn standings(role: Role, act: Act, kind: ResourceKind) -> BTreeSet<Standing> {
    let rows = rows_of(role, act, &Variation::Usual);
    let allowed = rows.iter().filter(|row| row.kind == kind && row.decide(Policies::bundled()).allowed);
    allowed.map(|row| row.standing).collect()
}

/// The cell of a table: `yes`, `own`, `supervised`, both of them, or a dash.
#[must_use]
pub fn cell(allowed: &BTreeSet<Standing>) -> &'static str {
    let own = allowed.iter().any(|standing| matches!(standing, Standing::Treats | Standing::Wrote | Standing::Own));
    let supervised = allowed.contains(&Standing::Supervises);
    match (allowed.contains(&Standing::Stranger), own, supervised) {
        (true, ..) => "yes",
        (false, true, true) => "own, supervised",
        (false, true, false) => "own",
        (false, false, true) => "supervised",
        (false, false, false) => "–",
    }
}

/// Whether somebody may do something at all, to some thing that it is done to: what a list is asked for before each line
/// is. The circumstances are the real ones.
#[must_use]
pub fn decide_at_all(policies: &Policies, subject: &Subject, act: Act, circumstances: &Circumstances) -> Decision {
    let mut refused = None;
    for row in rows_of(subject.role, act, &Variation::Usual) {
        let asks = Subject { ends: subject.ends, ..row.subject() };
        let resource = row.resource();
        let request = Request { subject: &asks, act, resource: &resource, circumstances, grants: &[] };
        let decision = decide(policies, &request);
        if decision.allowed {
            return decision;
        }
        refused.get_or_insert(decision);
    }
    // Every act is done to something.
    refused.unwrap_or_else(|| Decision { allowed: false, policies: vec![], reasons: vec![], errors: vec![] })
}

/// Every row of one role and act under one variation.
pub(crate) fn rows_of(role: Role, act: Act, variation: &Variation) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in act.kinds() {
        let classes: Vec<Option<Class>> = match kind.classes() {
            [] => vec![None],
            classes => classes.iter().copied().map(Some).collect(),
        };
        for class in classes {
            for standing in Standing::of(*kind) {
                let variation = variation.clone();
                rows.push(Row { role, act, kind: *kind, class, standing: *standing, variation });
            }
        }
    }
    rows
}

/// The whole table under usual circumstances.
#[must_use]
pub fn usual_rows() -> Vec<Row> {
    let acts = |role: Role| Act::ALL.iter().flat_map(move |act| rows_of(role, *act, &Variation::Usual));
    Role::ALL.iter().flat_map(|role| acts(*role)).collect()
}
