//! What a claim needs, kept apart from the note: class billing, a retention group of its own for each note.
//!
//! It is filled once from the client's file and the session's entry by somebody who treats the client; from then on a
//! biller's keys open it and nothing else. Start and stop are what the clinician entered and never the length of a
//! recording (note-formats.yaml, `cpt_rules`), so they are empty until somebody enters them.

use provenote_access::Act;
use provenote_deidentify::views::{BillingView, Claim, Code, View, billing};
use provenote_ledger::{Header, NewEntry};
use provenote_schemas::note::NoteState;
use provenote_schemas::{Class, Kind, NoteId, Role, Time, UserId};
use serde::{Deserialize, Serialize};

use super::{client_and_note, view_of};
use crate::act::{Actor, Practice, fact_text, reference};
use crate::error::PracticeError;
use crate::notes::note_of;
use crate::sessions::{client_of, session_of};

/// The longest entry of free form on a claim, in characters: an address or a policy, no text of a note.
const LONGEST: usize = 200;

/// The most lines of codes or diagnoses; a CMS-1500 form has 6 and 12 (from memory, unverified).
const MOST: usize = 12;

/// The greatest sum, in cents.
const DEAREST: u64 = 10_000_000;

/// What a claim needs, as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimSeen {
    /// The note it is for.
    pub note: NoteId,
    /// How far the note has come: a claim for a draft must not leave.
    pub state: NoteState,
    /// The claim, and what does not fit together.
    pub billing: BillingView,
    /// The entry that made it what it is.
    pub seq: u64,
}

/// A note, and whether something is entered for its claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimListed {
    /// The note.
    pub note: NoteId,
    /// How far the note has come.
    pub state: NoteState,
    /// When the claim was last changed; none where nothing is entered.
    pub changed: Option<Time>,
}

/// What is to be changed; what is `None` stays. An empty text or list takes the entry out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimChange {
    /// The client's name as the payer knows it.
    pub client_name: Option<String>,
    /// YYYY-MM-DD.
    pub birth_date: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// Payer, plan and member number.
    pub policy: Option<String>,
    /// YYYY-MM-DD.
    pub service_date: Option<String>,
    /// Place of service, or the telehealth modifier.
    pub place_of_service: Option<String>,
    /// CPT codes with their units.
    pub codes: Option<Vec<Code>>,
    /// When the psychotherapy began. The clinician's.
    pub start: Option<Time>,
    /// When it ended. The clinician's.
    pub stop: Option<Time>,
    /// Diagnosis codes (ICD-10-CM). The clinician's.
    pub diagnoses: Option<Vec<String>>,
    /// Who rendered the service.
    pub clinician: Option<String>,
    /// Their National Provider Identifier.
    pub npi: Option<String>,
    /// The payer's authorization.
    pub authorization: Option<String>,
    /// In cents.
    pub fee_cents: Option<u64>,
    /// In cents.
    pub paid_cents: Option<u64>,
}

impl ClaimChange {
    /// Codes, sums and the payer's facts are a biller's to change; what happened in the session is the clinician's.
    fn is_the_clinicians(&self) -> bool {
        self.start.is_some() || self.stop.is_some() || self.diagnoses.is_some()
    }

    fn apply(&self, claim: &mut Claim) -> Result<(), PracticeError> {
        let texts = [
            ("name", &self.client_name, &mut claim.client_name),
            ("address", &self.address, &mut claim.address),
            ("policy", &self.policy, &mut claim.policy),
            ("place of service", &self.place_of_service, &mut claim.place_of_service),
            ("clinician", &self.clinician, &mut claim.clinician),
            ("authorization", &self.authorization, &mut claim.authorization),
        ];
        for (what, given, place) in texts {
            if let Some(given) = given {
                *place = checked_text(what, given)?;
            }
        }
        for (what, given, place) in [
            ("date of birth", &self.birth_date, &mut claim.birth_date),
            ("date of service", &self.service_date, &mut claim.service_date),
        ] {
            if let Some(given) = given {
                *place = checked_date(what, given)?;
            }
        }
        if let Some(given) = &self.npi {
            claim.npi = checked_npi(given)?;
        }
        if let Some(codes) = &self.codes {
            claim.codes = checked_codes(codes)?;
        }
        if let Some(diagnoses) = &self.diagnoses {
            claim.diagnoses = checked_diagnoses(diagnoses)?;
        }
        claim.start = self.start.or(claim.start);
        claim.stop = self.stop.or(claim.stop);
        for (given, place) in [(self.fee_cents, &mut claim.fee_cents), (self.paid_cents, &mut claim.paid_cents)] {
            if given.is_some_and(|cents| cents > DEAREST) {
                return Err(PracticeError::BadRequest(format!(
                    "a sum on the claim is over {} dollars: give it in cents",
                    DEAREST / 100
                )));
            }
            *place = given.or(*place);
        }
        Ok(())
    }
}

fn checked_text(what: &str, given: &str) -> Result<Option<String>, PracticeError> {
    let text = given.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(PracticeError::BadRequest(format!(
            "the {what} on the claim is longer than {LONGEST} characters or has control characters: a claim holds no text of a note"
        )));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn checked_date(what: &str, given: &str) -> Result<Option<String>, PracticeError> {
    let given = given.trim();
    if given.is_empty() {
        return Ok(None);
    }
    match chrono::NaiveDate::parse_from_str(given, "%Y-%m-%d") {
        Ok(date) if given.len() == 10 => Ok(Some(date.to_string())),
        _ => Err(PracticeError::BadRequest(format!("the {what} is no date: write it like 2026-11-21"))),
    }
}

/// Ten digits whose check digit fits (Luhn with the prefix 80840; 45 CFR 162.406(a): "a 10-position numeric identifier,
/// with a check digit in the 10th position"; that the check is Luhn's is from memory, unverified).
fn checked_npi(given: &str) -> Result<Option<String>, PracticeError> {
    let npi: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    if npi.is_empty() {
        return Ok(None);
    }
    let digits: Option<Vec<u32>> = format!("80840{npi}").chars().map(|c| c.to_digit(10)).collect();
    let fits = digits.filter(|digits| digits.len() == 15).is_some_and(|digits| {
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
            .sum();
        sum.is_multiple_of(10)
    });
    if fits {
        Ok(Some(npi))
    } else {
        Err(PracticeError::BadRequest(
            "the National Provider Identifier is not ten digits with the right check digit: look for a slip".to_owned(),
        ))
    }
}

fn checked_codes(codes: &[Code]) -> Result<Vec<Code>, PracticeError> {
    let fits = |code: &Code| {
        code.code.len() == 5
            && code.code.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            && code.code.chars().filter(char::is_ascii_digit).count() >= 4
            && (1..=99).contains(&code.units)
    };
    if codes.len() > MOST || !codes.iter().all(fits) {
        return Err(PracticeError::BadRequest(format!(
            "a code on the claim is not five digits, or a letter with four, with 1 to 99 units, or there are more than {MOST}"
        )));
    }
    Ok(codes.to_vec())
}

/// A letter, a digit, a digit or letter, and up to four more after a point (ICD-10-CM; from memory, unverified).
fn checked_diagnoses(diagnoses: &[String]) -> Result<Vec<String>, PracticeError> {
    let fits = |code: &str| {
        let (head, tail) = code.split_once('.').map_or((code, None), |(head, tail)| (head, Some(tail)));
        let mut head_chars = head.chars();
        head.len() == 3
            && head_chars.next().is_some_and(|c| c.is_ascii_uppercase())
            && head_chars.next().is_some_and(|c| c.is_ascii_digit())
            && head_chars.next().is_some_and(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            && tail.is_none_or(|tail| {
                (1..=4).contains(&tail.len()) && tail.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            })
    };
    let codes: Vec<String> = diagnoses.iter().map(|code| code.trim().to_ascii_uppercase()).collect();
    if codes.len() > MOST || !codes.iter().all(|code| fits(code)) {
        return Err(PracticeError::BadRequest(format!(
            "a diagnosis on the claim is no code of ICD-10-CM, such as F41.1, or there are more than {MOST}"
        )));
    }
    Ok(codes)
}

/// Puts what is known where nothing stands yet.
fn fill(claim: &mut Claim, known: Claim) {
    for (place, known) in [
        (&mut claim.client_name, known.client_name),
        (&mut claim.birth_date, known.birth_date),
        (&mut claim.service_date, known.service_date),
        (&mut claim.place_of_service, known.place_of_service),
        (&mut claim.clinician, known.clinician),
    ] {
        if place.is_none() {
            *place = known;
        }
    }
}

impl Practice {
    /// What a claim for a note needs; seeing it is an entry, before it is shown. Where nothing is entered yet, somebody
    /// who treats the client has it filled from the client's file and the session.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] also where nothing is entered and the reader's keys do not open the client's file.
    pub fn view_claim(&mut self, actor: &Actor, note: &str) -> Result<ClaimSeen, PracticeError> {
        let draft = self.draft_header(note)?;
        let (client, note) = (client_of(&draft)?, note_of(&draft)?);
        let resource = self.claim_resource(&note, &client)?;
        self.allow(actor, Act::ViewClaim, &resource)?;
        if self.claim_header(&note)?.is_none() && fills(actor) {
            self.change(actor, &draft, &ClaimChange::default())?;
        }
        let header = self.claim_header(&note)?.ok_or_else(|| PracticeError::NotFound {
            what: "claim for note",
            id: note.to_string(),
            list: "claim list",
        })?;
        let claim = self.open_claim(actor, &header)?;
        let entry = self.entry(actor, Kind::ClaimViewed).refer("client", &client).refer("note", &note);
        self.append_one(actor, entry)?;
        Ok(ClaimSeen { state: self.note_state(&note)?, note, billing: billing(&claim), seq: header.seq })
    }

    /// Changes what a claim needs. `None` for the entry where nothing changes. Where nothing was entered before, somebody
    /// who treats the client has the rest filled from the file; a biller begins with the date of service alone.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] for a biller who changes start, stop or diagnoses; [`PracticeError::BadRequest`] for
    /// what has not its form.
    pub fn change_claim(
        &mut self,
        actor: &Actor,
        note: &str,
        change: &ClaimChange,
    ) -> Result<(ClaimSeen, Option<u64>), PracticeError> {
        let draft = self.draft_header(note)?;
        let (client, note) = (client_of(&draft)?, note_of(&draft)?);
        let resource = self.claim_resource(&note, &client)?;
        self.allow(actor, Act::EditClaim, &resource)?;
        if actor.role() == Role::Biller && change.is_the_clinicians() {
            return Err(PracticeError::NotAllowed(
                "start, stop and diagnoses are what the clinician says of the session: ask the clinician to change them"
                    .to_owned(),
            ));
        }
        let (claim, seq, changed) = self.change(actor, &draft, change)?;
        let seen = ClaimSeen { state: self.note_state(&note)?, note, billing: billing(&claim), seq };
        Ok((seen, changed.then_some(seq)))
    }

    /// Fills what a claim for a note needs from the client's file and the session, where nothing is entered yet, so that a
    /// biller finds the identities without opening the file; [`Practice::attest_note`] does so by itself where more than
    /// one person works here. Returns the entry, if one was needed.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read or written.
    pub fn prepare_claim(&mut self, actor: &Actor, note: &str) -> Result<Option<u64>, PracticeError> {
        let draft = self.draft_header(note)?;
        let note = note_of(&draft)?;
        let resource = self.claim_resource(&note, &client_of(&draft)?)?;
        self.allow(actor, Act::EditClaim, &resource)?;
        if self.claim_header(&note)?.is_some() {
            return Ok(None);
        }
        let (_, seq, _) = self.change(actor, &draft, &ClaimChange::default())?;
        Ok(Some(seq))
    }

    /// The notes whose claims somebody may see, newest first: pseudonyms, and how far each has come. No payload is opened.
    ///
    /// # Errors
    /// [`PracticeError::Access`] for a role that sees no claim; where the ledger cannot be read.
    pub fn list_claims(&self, actor: &Actor) -> Result<Vec<ClaimListed>, PracticeError> {
        actor.authorise(Act::ViewClaim)?;
        let mut listed = Vec::new();
        for draft in self.headers(Kind::DraftMade, &[])?.into_iter().rev() {
            let (client, note) = client_and_note(&draft)?;
            if self.may(actor, Act::ViewClaim, &self.claim_resource(&note, &client)?)? {
                let changed = self.claim_header(&note)?.map(|header| Time::from_millis(header.time));
                listed.push(ClaimListed { state: self.note_state(&note)?, note, changed });
            }
        }
        Ok(listed)
    }

    /// The entry that made a claim what it is; none where nothing is entered.
    pub(crate) fn claim_header(&self, note: &NoteId) -> Result<Option<Header>, PracticeError> {
        Ok(self.headers(Kind::ClaimChanged, &[("note", note.as_str())])?.pop())
    }

    pub(crate) fn open_claim(&self, actor: &Actor, header: &Header) -> Result<Claim, PracticeError> {
        self.open_record(actor, header, "claim", "claim")
    }

    /// What the attestation of a note puts into its claim, in the commit of the attestation; none where one person works
    /// alone, and where the attesting user may not change claims.
    pub(crate) fn claim_at_attestation(&self, actor: &Actor, draft: &Header) -> Result<Option<Claim>, PracticeError> {
        let resource = self.claim_resource(&note_of(draft)?, &client_of(draft)?)?;
        if !self.people()?.several() || !self.may(actor, Act::EditClaim, &resource)? {
            return Ok(None);
        }
        let mut known = self.known_for(actor, draft)?;
        // Who attests answers for the session, whoever had the note drafted.
        known.clinician = Some(self.user_name(actor, actor.user())?);
        Ok(Some(known))
    }

    /// Changes the claim that stands when the entry is written: of two who change it at once, neither undoes the other.
    /// Returns the claim, its entry, and whether that is a new one.
    fn change(
        &mut self,
        actor: &Actor,
        draft: &Header,
        change: &ClaimChange,
    ) -> Result<(Claim, u64, bool), PracticeError> {
        let known = if fills(actor) { self.known_for(actor, draft)? } else { self.known_to_all(draft)? };
        let mut made = Claim::default();
        let mut unchanged = None;
        let seq = self.append_asking(
            actor,
            |_| Ok(Vec::new()),
            |practice, _| {
                let changed = practice.claim_entry(actor, draft, &known, change)?;
                made = changed.claim;
                unchanged = changed.last.filter(|_| changed.entry.is_none());
                changed.entry.ok_or_else(nothing_to_do)
            },
        );
        match (seq, unchanged) {
            (Ok(seq), _) => Ok((made, seq, true)),
            (Err(_), Some(seq)) => Ok((made, seq, false)),
            (Err(error), None) => Err(error),
        }
    }

    /// The entry that changes the claim that stands now, and puts what is known where nothing stands yet.
    pub(crate) fn claim_entry(
        &mut self,
        actor: &Actor,
        draft: &Header,
        known: &Claim,
        change: &ClaimChange,
    ) -> Result<ClaimEntry, PracticeError> {
        let (client, note) = (client_of(draft)?, note_of(draft)?);
        let last = self.claim_header(&note)?;
        let before = last.as_ref().map(|header| self.open_claim(actor, header)).transpose()?;
        let mut claim = before.clone().unwrap_or_default();
        fill(&mut claim, known.clone());
        change.apply(&mut claim)?;
        let seq = last.as_ref().map(|header| header.seq);
        if before.as_ref() == Some(&claim) {
            return Ok(ClaimEntry { claim, entry: None, last: seq });
        }
        let group = match &last {
            Some(last) => reference(last, "claim")?.to_owned(),
            None => self.new_group(actor, Class::Billing, client.as_str())?.to_string(),
        };
        let sealed = self.seal_record(actor, &group, "claim", &claim)?;
        let entry = self
            .entry(actor, Kind::ClaimChanged)
            .refer("client", &client)
            .refer("note", &note)
            .refer("claim", &group)
            .payload(sealed);
        Ok(ClaimEntry { claim, entry: Some(entry), last: seq })
    }

    /// What headers tell of a session, which anybody reads who has the ledger.
    fn known_to_all(&self, draft: &Header) -> Result<Claim, PracticeError> {
        let session = self.session_header(session_of(draft)?.as_str())?;
        let modality = session.facts.get("modality").and_then(fact_text).map(|word| word.replace('_', " "));
        Ok(Claim {
            service_date: Some(Time::from_millis(session.time).date()),
            place_of_service: modality,
            ..Claim::default()
        })
    }

    /// What the client's file and the session tell of a claim.
    fn known_for(&self, actor: &Actor, draft: &Header) -> Result<Claim, PracticeError> {
        let note = note_of(draft)?;
        let file = self.client(actor, client_of(draft)?.as_str())?;
        let attested = self.one(Kind::NoteAttested, &[("note", note.as_str())])?;
        // Who attested answers for it; before that, who had it drafted.
        let clinician = attested.map_or_else(|| draft.actor.clone(), |header| header.actor);
        let clinician = clinician.parse::<UserId>().ok().map(|user| self.user_name(actor, &user)).transpose()?;
        Ok(Claim { client_name: Some(file.name), birth_date: file.born, clinician, ..self.known_to_all(draft)? })
    }
}

/// A claim as it is to be, and the entry that makes it so.
pub(crate) struct ClaimEntry {
    claim: Claim,
    /// None where the claim says so already.
    pub(crate) entry: Option<NewEntry>,
    /// The entry that made it what it was.
    last: Option<u64>,
}

/// Who opens the client's file beside the claim.
fn fills(actor: &Actor) -> bool {
    view_of(actor.role()) == View::Full
}

/// Ends an append where the claim already says what it should; nobody sees it.
fn nothing_to_do() -> PracticeError {
    PracticeError::NotAllowed("the claim says so already".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str, units: u32) -> Code {
        Code { code: code.to_owned(), units }
    }

    #[test]
    fn what_has_not_its_form_is_refused() {
        let refused = |change: ClaimChange| change.apply(&mut Claim::default()).is_err();
        let text = |words: &str| Some(words.to_owned());
        assert!(refused(ClaimChange { codes: Some(vec![code("9083", 1)]), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { codes: Some(vec![code("90834", 0)]), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { diagnoses: Some(vec!["anxious".to_owned()]), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { npi: text("1234567890"), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { service_date: text("2026-02-30"), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { policy: text(&"said ".repeat(80)), ..ClaimChange::default() }));
        assert!(refused(ClaimChange { fee_cents: Some(u64::MAX), ..ClaimChange::default() }));
    }

    #[test]
    fn an_empty_text_takes_an_entry_out_and_none_leaves_it() {
        let mut claim = Claim::default();
        let change = ClaimChange {
            npi: Some("1234567893".to_owned()),
            policy: Some(" Acme  HMO 17 ".to_owned()),
            diagnoses: Some(vec!["f41.1".to_owned()]),
            codes: Some(vec![code("G0560", 2)]),
            ..ClaimChange::default()
        };
        change.apply(&mut claim).expect("fits");
        assert_eq!((claim.npi.as_deref(), claim.policy.as_deref()), (Some("1234567893"), Some("Acme HMO 17")));
        assert_eq!(claim.diagnoses, ["F41.1"]);
        ClaimChange { policy: Some(String::new()), ..ClaimChange::default() }.apply(&mut claim).expect("fits");
        assert!(claim.policy.is_none() && claim.npi.is_some());
    }
}
