//! Texts without identifiers: prepared by rules and the roster, read and confirmed by a person, and only then kept, under
//! the client's research key (45 CFR 164.514).
//!
//! What leads back to the client is kept apart, under the clinical key: the seed that numbers of people and places are
//! drawn from, the days by which dates were moved, and who confirmed. Every release has a seed of its own, so that two
//! texts cannot be joined by their numbers. Dates move by the same days in every text of a client, so that the time
//! between sessions stays; another client's move by others.
//!
//! A researcher sees a release by a random number that is made from nothing (45 CFR 164.514(c)). **The ledger's headers
//! say more**: the entry of a release names the client and the note by pseudonym, and other entries of that note tell the
//! day of the session. The program shows a researcher no headers; but the database holds them in the clear, so somebody
//! who does research should be handed releases as files and not a copy of the practice's folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroI32;

use chrono::{DateTime, Datelike as _};
use provenote_access::Act;
use provenote_deidentify::views::{Cleaning, DeidentifiedSection, View, deidentified};
use provenote_deidentify::{Caution, Dates, Doubt, Identifier, Options, Withheld, cautions};
use provenote_ledger::{Fact, Header, verify_signature};
use provenote_schemas::note::{Danger, NoteState, NoteText, Origin, Section, Sentence, Support};
use provenote_schemas::{Class, Digest, GroupId, Kind, NoteId, Time, UserId, canonical, digest_of};
use serde::{Deserialize, Serialize};

use super::{client_and_note, view_of};
use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::notes::{NoteView, hex, note_of, unhex};
use crate::sessions::client_of;

/// What a person says who releases a text of which nothing but years of dates is left.
pub const SAFE_HARBOR_STATEMENT: &str = "I have read this text to its end. I have no actual knowledge that what is left in it could be used, alone or with other information, to identify the client or anybody else it is about (45 CFR 164.514(b)(2)(ii)).";

/// What a person says who releases a text whose dates are moved: Safe Harbor does not cover it.
pub const DETERMINATION_STATEMENT: &str = "I have read this text to its end. Its dates are moved and not taken out, so it leaves on an expert's determination that the practice has in writing (45 CFR 164.514(b)(1)), and not under Safe Harbor. I have no actual knowledge that what is left in it could be used to identify the client or anybody else it is about.";

/// The farthest that dates are moved, in days.
const FARTHEST: u32 = 364;

/// The heading under which additions to a note stand.
const AMENDMENTS: &str = "Amendments";

/// What is destroyed with a release, as a receipt names it.
pub(crate) const RELEASE: &str = "release";

/// Why a release is destroyed, as a receipt names it.
const TAKEN_BACK: &str = "taken_back";

/// The payload that holds the text. A note's own text is `text`; a bundle's page tells the two apart by the name.
const RELEASED: &str = "released";

/// The longest words of a person beside the statement, in characters.
const LONGEST: usize = 1000;

/// What becomes of dates in a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseDates {
    /// The year stays and nothing else: Safe Harbor.
    Years,
    /// All dates of the client move by the same days: for an expert's determination.
    Shifted,
}

impl ReleaseDates {
    /// The word in the entry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Years => "years",
            Self::Shifted => "shifted",
        }
    }

    /// The word a person gives, if it is one of ours.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Years, Self::Shifted].into_iter().find(|dates| dates.as_str() == word)
    }

    /// What the person who confirms has to say.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::Years => SAFE_HARBOR_STATEMENT,
            Self::Shifted => DETERMINATION_STATEMENT,
        }
    }
}

/// A text without identifiers, sealed under the client's research key. It names neither client nor note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseText {
    /// The note's format, such as `SOAP`.
    pub format: String,
    /// What became of dates.
    pub dates: ReleaseDates,
    /// In the format's order; additions to the note last.
    pub sections: Vec<DeidentifiedSection>,
    /// What the session's warnings were about, without their words.
    pub dangers: Vec<Danger>,
    /// How many of each of the 18 identifiers were taken out.
    pub removed: BTreeMap<Identifier, usize>,
    /// How many sentences were withheld whole.
    pub sentences_withheld: usize,
}

/// How a release was made: what leads back from it, sealed under the clinical key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Making {
    /// 32 bytes in hexadecimal.
    seed: String,
    /// The days by which dates moved.
    shift_days: Option<NonZeroI32>,
    /// SHA-256 of the RFC 8785 bytes of the attested [`NoteText`].
    note_text: Digest,
    /// How many additions to the note it was made with.
    amendments: usize,
    doubts: Vec<Doubt>,
}

/// A person's confirmation, with the signature over its RFC 8785 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The release.
    pub release: GroupId,
    /// SHA-256 of the RFC 8785 bytes of the [`ReleaseText`].
    pub text: Digest,
    /// Who.
    pub user: UserId,
    /// When.
    pub time: Time,
    /// The statement the person agreed to.
    pub statement: String,
    /// Whose determination it rests on, where dates are moved.
    pub determination: Option<String>,
    /// What the person added.
    pub words: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SignedConfirmation {
    confirmed: Confirmed,
    /// Ed25519, hexadecimal.
    signature: String,
}

/// What the person says who confirms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// Word for word [`ReleaseDates::statement`].
    pub statement: String,
    /// Who determined, when and by which document, where dates are moved.
    pub determination: Option<String>,
    /// What the person adds.
    pub words: Option<String>,
}

/// A text to be read by a person before it is kept. Nothing of it is stored.
#[derive(Debug, Clone)]
pub struct PreparedRelease {
    note: NoteId,
    text: ReleaseText,
    making: Making,
    withheld: Option<Withheld>,
}

impl PreparedRelease {
    /// The note it was made from.
    #[must_use]
    pub fn note(&self) -> &NoteId {
        &self.note
    }

    /// The text; its sentences are empty where it is withheld.
    #[must_use]
    pub fn text(&self) -> &ReleaseText {
        &self.text
    }

    /// Why the text cannot be released, where it cannot.
    #[must_use]
    pub fn withheld(&self) -> Option<&Withheld> {
        self.withheld.as_ref()
    }

    /// What the person who reads it should look at.
    #[must_use]
    pub fn doubts(&self) -> &[Doubt] {
        &self.making.doubts
    }

    /// A mark of what a person reads in this text: the same for each preparation of the same note with the same names
    /// known, although numbers are drawn anew and dates may move by other days. Who reads one preparation and confirms
    /// another gives it, so that nothing they have not read is released.
    #[must_use]
    pub fn mark(&self) -> String {
        let mut numbers = BTreeMap::new();
        let sections: Vec<(&str, Vec<String>)> = self
            .text
            .sections
            .iter()
            .map(|section| {
                let sentences = section.sentences.iter().map(|sentence| without_chance(sentence, &mut numbers));
                (section.name.as_str(), sentences.collect())
            })
            .collect();
        let read = (&self.making.note_text, self.making.amendments, self.text.dates, &self.text.removed, sections);
        let digest = serde_json::to_vec(&read).map(|bytes| Digest::of(&bytes).to_string()).unwrap_or_default();
        digest.chars().take(16).collect()
    }

    /// What the person has to say.
    #[must_use]
    pub fn statement(&self) -> &'static str {
        self.text.dates.statement()
    }

    /// What must be shown beside it.
    #[must_use]
    pub fn cautions(&self) -> &'static [Caution] {
        cautions()
    }
}

/// A release as its reader may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseSeen {
    /// The release: a random number.
    pub release: GroupId,
    /// The text.
    pub text: ReleaseText,
    /// Where it comes from; none for a researcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<ReleaseOrigin>,
}

/// Where a release comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseOrigin {
    /// The note.
    pub note: NoteId,
    /// When it was confirmed.
    pub made: Time,
    /// The entry.
    pub seq: u64,
}

/// A release in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseListed {
    /// The release.
    pub release: GroupId,
    /// Where it comes from; none for a researcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<ReleaseOrigin>,
}

impl Practice {
    /// Makes a text without identifiers from an attested note, for a person to read. It reads the note, which is an
    /// entry; nothing of the text is kept.
    ///
    /// Where a name is left in it: [`Practice::know`] the name, and prepare it again.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::NotAllowed`] for a draft.
    pub fn prepare_release(
        &mut self,
        actor: &Actor,
        note: &str,
        dates: ReleaseDates,
    ) -> Result<PreparedRelease, PracticeError> {
        let draft = self.allow_note(actor, Act::MakeRelease, note)?;
        let (client, note) = (client_of(&draft)?, note_of(&draft)?);
        let (_, view) = self.note(actor, note.as_str())?;
        let Some(attestation) = view.attestation.as_ref().filter(|_| view.state != NoteState::Draft) else {
            return Err(PracticeError::NotAllowed(format!(
                "{note} is a draft: nobody answers for it, so nothing is released of it; attest it first"
            )));
        };
        let roster = self.roster_for(actor, &client, &note)?;
        let shift_days = match dates {
            ReleaseDates::Years => None,
            ReleaseDates::Shifted => Some(match self.shift_of(actor, client.as_str())? {
                Some(days) => days,
                None => self.new_shift(),
            }),
        };
        let options = Options {
            dates: shift_days.map_or(Dates::Years, |days| Dates::Shifted { days }),
            written: Some(year_of(attestation.time)),
        };
        let mut seed = [0; 32];
        self.entropy.fill(&mut seed);
        let cleaning = Cleaning { roster: &roster, options: &options, seed: &seed };
        let cleaned = deidentified(&with_amendments(&view), &cleaning);
        let mut removed: BTreeMap<Identifier, usize> = BTreeMap::new();
        for one in &cleaned.removed {
            *removed.entry(one.identifier).or_default() += 1;
        }
        let sentences_withheld = cleaned.doubts.iter().find_map(|doubt| match doubt {
            Doubt::SentencesWithheld { times } => Some(*times),
            _ => None,
        });
        let text = ReleaseText {
            format: cleaned.format,
            dates,
            sections: cleaned.sections,
            dangers: cleaned.dangers,
            removed,
            sentences_withheld: sentences_withheld.unwrap_or_default(),
        };
        let making = Making {
            seed: hex(&seed),
            shift_days,
            note_text: attestation.text,
            amendments: view.amendments.len(),
            doubts: cleaned.doubts,
        };
        let entry = self.entry(actor, Kind::NoteViewed).refer("client", &client);
        let entry = entry.refer("session", reference(&draft, "session")?).refer("note", &note);
        self.append_one(actor, entry)?;
        Ok(PreparedRelease { note, text, making, withheld: cleaned.withheld })
    }

    /// Keeps a text that a person has read and confirmed; from then on a researcher may read it. The edge asks for the
    /// words; they are signed with the person's key.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] for a text that is withheld, or where the note was added to or another release of
    /// the client moved dates by other days since it was prepared; [`PracticeError::BadRequest`] where the statement is not
    /// the one asked for, or a determination is missing.
    pub fn confirm_release(
        &mut self,
        actor: &Actor,
        prepared: PreparedRelease,
        confirmation: &Confirmation,
    ) -> Result<(GroupId, u64), PracticeError> {
        let draft = self.allow_note(actor, Act::MakeRelease, prepared.note.as_str())?;
        let client = client_of(&draft)?;
        if let Some(withheld) = &prepared.withheld {
            let reasons: Vec<&str> = withheld.reasons.iter().map(|reason| reason.in_words()).collect();
            return Err(PracticeError::NotAllowed(format!("this text is withheld: {}", reasons.join(" "))));
        }
        checked(&prepared, confirmation)?;
        let notes = self.notes_group(&client)?;
        // The number by which anybody asks for it: drawn by chance, and the name of its own retention group.
        let release = self.new_group(actor, Class::Research, client.as_str())?;
        let confirmed = self.confirmed(actor, &prepared, &release, confirmation)?;
        let bytes = canonical(&confirmed).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let signature = hex(&actor.keys().sign(&bytes));
        let signed = SignedConfirmation { confirmed, signature };
        let seq = self.append_asking(
            actor,
            |practice| {
                practice.still_fits(actor, &prepared, client.as_str())?;
                Ok(Vec::new())
            },
            |practice, _| {
                let text = practice.seal_record(actor, release.as_str(), RELEASED, &prepared.text)?;
                let making = practice.seal_record(actor, &notes, "making", &prepared.making)?;
                let signed = practice.seal_record(actor, &notes, "confirmation", &signed)?;
                Ok(practice
                    .entry(actor, Kind::ReleaseMade)
                    .refer("client", &client)
                    .refer("note", &prepared.note)
                    .refer("release", &release)
                    .fact("dates", Fact::Text(prepared.text.dates.as_str().to_owned()))
                    .payload(text)
                    .payload(making)
                    .payload(signed))
            },
        );
        if seq.is_err() {
            self.vault.destroy_group(release.as_str(), &[])?;
        }
        Ok((release, seq?))
    }

    /// A released text by its own number, or the newest one of a note; reading it is an entry, before it is shown. A
    /// researcher is not told which note it is of.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::Denied`]; [`PracticeError::Destroyed`].
    pub fn view_release(&mut self, actor: &Actor, asked: &str) -> Result<ReleaseSeen, PracticeError> {
        let not_found =
            || PracticeError::NotFound { what: "release", id: asked.chars().take(40).collect(), list: "release list" };
        let found = match asked.parse::<NoteId>() {
            Ok(note) => self.live_releases(Some(&note))?.pop(),
            Err(_) => self.release_header(asked)?,
        };
        let header = found.ok_or_else(not_found)?;
        let (client, note) = client_and_note(&header)?;
        let resource = self.release_resource(&note, &client)?;
        self.allow(actor, Act::ViewRelease, &resource)?;
        let release = release_of(&header)?;
        let text: ReleaseText = self.open_record(actor, &header, RELEASED, "released text")?;
        let entry = self
            .entry(actor, Kind::ReleaseViewed)
            .refer("client", &client)
            .refer("note", &note)
            .refer("release", &release);
        self.append_one(actor, entry)?;
        let origin = origin(actor, &header, note);
        Ok(ReleaseSeen { release, text, origin })
    }

    /// The releases somebody may read, in the order of their numbers, which says nothing. No payload is opened.
    ///
    /// # Errors
    /// [`PracticeError::Denied`] for who reads no release at all; where the ledger cannot be read.
    pub fn list_releases(&mut self, actor: &Actor) -> Result<Vec<ReleaseListed>, PracticeError> {
        self.allow_at_all(actor, Act::ViewRelease)?;
        let mut listed = Vec::new();
        for header in self.live_releases(None)? {
            let (client, note) = client_and_note(&header)?;
            if self.may(actor, Act::ViewRelease, &self.release_resource(&note, &client)?)? {
                listed.push(ReleaseListed { release: release_of(&header)?, origin: origin(actor, &header, note) });
            }
        }
        listed.sort_by(|one, other| one.release.cmp(&other.release));
        Ok(listed)
    }

    /// Who confirmed a release, and in which words; for who may make releases of the note. Reading it is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::Denied`].
    pub fn release_confirmation(&mut self, actor: &Actor, release: &str) -> Result<Confirmed, PracticeError> {
        let header = self.known_release(release)?;
        let (client, note) = client_and_note(&header)?;
        self.allow_note(actor, Act::MakeRelease, note.as_str())?;
        let signed: SignedConfirmation = self.open_record(actor, &header, "confirmation", "confirmation")?;
        self.checked_signature(&header, &signed)?;
        let entry = self.entry(actor, Kind::ReleaseViewed).refer("client", &client).refer("note", &note);
        self.append_one(actor, entry.refer("release", release))?;
        Ok(signed.confirmed)
    }

    /// Destroys a released text, with a receipt: where something was found in it that should not be there. Copies that
    /// left the practice are not touched.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::Denied`]; [`PracticeError::NotAllowed`] while a hold keeps it.
    pub fn take_back_release(&mut self, actor: &Actor, release: &str) -> Result<u64, PracticeError> {
        let header = self.known_release(release)?;
        let (client, note) = client_and_note(&header)?;
        let draft = self.allow_note(actor, Act::MakeRelease, note.as_str())?;
        let group = reference(&header, "release")?.to_owned();
        if let Some(receipt) = self.destruction(&group)? {
            return Ok(receipt.seq);
        }
        // What was released by mistake may be what the hold is for.
        if let Some(hold) = self.held(client.as_str(), draft.refs.get("session").map(String::as_str))? {
            return Err(PracticeError::NotAllowed(format!(
                "refused, records of this client are held back from destruction since entry {0}: lift the hold first, with `provenote retention hold lift {0}`",
                hold.seq
            )));
        }
        let entry = self
            .entry(actor, Kind::RecordDestroyed)
            .refer("client", &client)
            .refer("group", &group)
            .fact("class", Fact::Text(RELEASE.to_owned()))
            .fact("basis", Fact::Text(TAKEN_BACK.to_owned()));
        let seq = self.append_one(actor, entry)?;
        let receipt = self.log.header(seq)?;
        self.carry_out(actor, &receipt)?;
        Ok(seq)
    }

    fn confirmed(
        &self,
        actor: &Actor,
        prepared: &PreparedRelease,
        release: &GroupId,
        confirmation: &Confirmation,
    ) -> Result<Confirmed, PracticeError> {
        Ok(Confirmed {
            release: release.clone(),
            text: digest_of(&prepared.text).map_err(|error| PracticeError::BadRequest(error.to_string()))?,
            user: actor.user().clone(),
            time: self.clock.now(),
            statement: prepared.statement().to_owned(),
            determination: said(confirmation.determination.as_deref()),
            words: said(confirmation.words.as_deref()),
        })
    }

    /// Whether a confirmation was signed by the user it names, with the key the ledger names.
    fn checked_signature(&self, header: &Header, signed: &SignedConfirmation) -> Result<(), PracticeError> {
        let people = self.people()?;
        let key = people.person(&signed.confirmed.user).map(|person| person.public().sign_key);
        let bytes = canonical(&signed.confirmed).ok();
        let held = key.zip(bytes).zip(unhex(&signed.signature));
        if held.is_some_and(|((key, bytes), signature)| verify_signature(&key, &bytes, &signature)) {
            return Ok(());
        }
        Err(PracticeError::Unreadable {
            seq: header.seq,
            what: "confirmation",
            why: "its signature does not hold".to_owned(),
        })
    }

    /// Whether what was prepared is still what would be prepared now.
    fn still_fits(&self, actor: &Actor, prepared: &PreparedRelease, client: &str) -> Result<(), PracticeError> {
        let again = |what: &str| {
            Err(PracticeError::NotAllowed(format!("{what} since this text was prepared: prepare and read it again")))
        };
        let added = self.headers(Kind::NoteAmended, &[("note", prepared.note.as_str())])?.len();
        if added != prepared.making.amendments {
            return again("something was added to the note");
        }
        if let Some(days) = prepared.making.shift_days
            && self.shift_of(actor, client)?.is_some_and(|known| known != days)
        {
            return again("another text of this client was released with dates moved by other days");
        }
        Ok(())
    }

    /// The days by which the dates of a client's releases move, once one was made with moved dates. A release that was
    /// taken back counts: somebody may have read it.
    fn shift_of(&self, actor: &Actor, client: &str) -> Result<Option<NonZeroI32>, PracticeError> {
        for header in self.headers(Kind::ReleaseMade, &[("client", client)])? {
            let shifted =
                matches!(header.facts.get("dates"), Some(Fact::Text(word)) if word == ReleaseDates::Shifted.as_str());
            if shifted {
                let making: Making = self.open_record(actor, &header, "making", "making of a release")?;
                if making.shift_days.is_some() {
                    return Ok(making.shift_days);
                }
            }
        }
        Ok(None)
    }

    /// One of 1 to [`FARTHEST`] days, forward or back.
    fn new_shift(&mut self) -> NonZeroI32 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        // Of 2^64 values one shift more or less has one each more: nothing that shows.
        let drawn = u64::from_le_bytes(bytes) % u64::from(2 * FARTHEST);
        let days = i32::try_from(drawn / 2).unwrap_or_default() + 1;
        NonZeroI32::new(if drawn % 2 == 0 { days } else { -days }).unwrap_or(NonZeroI32::MIN)
    }

    /// The releases that were not taken back, oldest first.
    fn live_releases(&self, note: Option<&NoteId>) -> Result<Vec<Header>, PracticeError> {
        let headers = match note {
            Some(note) => self.headers(Kind::ReleaseMade, &[("note", note.as_str())])?,
            None => self.headers(Kind::ReleaseMade, &[])?,
        };
        let mut destroyed = BTreeSet::new();
        for header in &headers {
            let group = reference(header, "release")?;
            if self.destruction(group)?.is_some() {
                destroyed.insert(group.to_owned());
            }
        }
        let gone = |header: &Header| header.refs.get("release").is_some_and(|group| destroyed.contains(group));
        Ok(headers.into_iter().filter(|header| !gone(header)).collect())
    }

    fn release_header(&self, release: &str) -> Result<Option<Header>, PracticeError> {
        if release.parse::<GroupId>().is_err() {
            return Ok(None);
        }
        self.one(Kind::ReleaseMade, &[("release", release)])
    }

    fn known_release(&self, release: &str) -> Result<Header, PracticeError> {
        self.release_header(release)?.ok_or_else(|| PracticeError::NotFound {
            what: "release",
            id: release.chars().take(40).collect(),
            list: "release list",
        })
    }
}

/// A sentence with what chance puts into it taken out: `[person-412]` becomes the first, second … that is numbered, and
/// a moved date `[date]`.
fn without_chance(sentence: &str, numbers: &mut BTreeMap<String, usize>) -> String {
    let mut out = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let Some((word, left)) = after.split_once(']') else {
            rest = &rest[before.len()..];
            break;
        };
        if word.starts_with("date:") && word.len() > "date:2019".len() {
            out.push_str("[date]");
        } else if let Some((kind, number)) = word.split_once('-').filter(|(_, number)| is_number(number)) {
            let next = numbers.len() + 1;
            let place = numbers.entry(format!("{kind}-{number}")).or_insert(next);
            let _ = write!(out, "[{kind}-{place}]");
        } else {
            let _ = write!(out, "[{word}]");
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether the person has said what has to be said.
fn checked(prepared: &PreparedRelease, confirmation: &Confirmation) -> Result<(), PracticeError> {
    if confirmation.statement.trim() != prepared.statement() {
        return Err(PracticeError::BadRequest(
            "a text is released only by who confirms it in these words: read it, then agree to the statement shown with it"
                .to_owned(),
        ));
    }
    let long = |given: &Option<String>| given.as_ref().is_some_and(|words| words.chars().count() > LONGEST);
    if long(&confirmation.determination) || long(&confirmation.words) {
        return Err(PracticeError::BadRequest(format!(
            "the words of the confirmation are longer than {LONGEST} characters"
        )));
    }
    if prepared.text.dates == ReleaseDates::Shifted && said(confirmation.determination.as_deref()).is_none() {
        return Err(PracticeError::BadRequest(
            "dates that are moved need an expert's determination (45 CFR 164.514(b)(1)): say whose, of which day; or prepare the text with years only"
                .to_owned(),
        ));
    }
    Ok(())
}

fn said(words: Option<&str>) -> Option<String> {
    words.map(str::trim).filter(|words| !words.is_empty()).map(str::to_owned)
}

fn release_of(header: &Header) -> Result<GroupId, PracticeError> {
    reference(header, "release")?
        .parse()
        .map_err(|error: provenote_schemas::ids::BadId| crate::sessions::bad_reference(header, &error))
}

/// Where a release comes from, for who treats the client.
fn origin(actor: &Actor, header: &Header, note: NoteId) -> Option<ReleaseOrigin> {
    (view_of(actor.role()) == View::Full).then(|| ReleaseOrigin {
        note,
        made: Time::from_millis(header.time),
        seq: header.seq,
    })
}

fn year_of(time: Time) -> i32 {
    DateTime::from_timestamp_millis(time.millis()).map_or(1970, |at| at.year())
}

/// The attested text, and what was added to it as a section of its own, so that all is cleaned as one. What the practice's
/// records say of consent is not part of it: it is about the client and not the treatment, and names who signed when.
fn with_amendments(view: &NoteView) -> NoteText {
    let mut text = view.text.clone();
    if !view.amendments.is_empty() {
        let sentence = |words: &str| Sentence {
            text: words.to_owned(),
            origin: Origin::Clinician,
            segments: Vec::new(),
            support: Support::Clinician,
            reasons: Vec::new(),
        };
        let sentences = view.amendments.iter().map(|amendment| sentence(&amendment.text)).collect();
        text.sections.push(Section { name: AMENDMENTS.to_owned(), sentences, for_clinician: None });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_dates_are_read_back() {
        for dates in [ReleaseDates::Years, ReleaseDates::Shifted] {
            assert_eq!(ReleaseDates::from_word(dates.as_str()), Some(dates));
            assert!(dates.statement().contains("no actual knowledge"));
        }
        assert_eq!(ReleaseDates::from_word("none"), None);
    }

    #[test]
    fn what_chance_put_into_a_text_is_taken_out_and_nothing_else() {
        let read = |text: &str| without_chance(text, &mut BTreeMap::new());
        assert_eq!(read("[person-412] met [place-9], [person-412] left"), "[person-1] met [place-2], [person-1] left");
        assert_eq!(read("on [date:2019-04-02] and in [date:2019]"), "on [date] and in [date:2019]");
        assert_eq!(read("[plan-number] of [person-7] [sic"), "[plan-number] of [person-1] [sic");
        assert_ne!(read("[person-1] and [person-2]"), read("[person-1] and [person-1]"));
    }
}
