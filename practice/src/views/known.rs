//! Whom and what the practice knows about a client beyond the people of the sessions: nicknames, family, friends, places,
//! employers. Whatever else happens, these words go from a text before it is released.
//!
//! It is kept under the client's clinical key, not with names and contact: whom somebody works for and what the
//! grandmother is called is told in treatment, and the front desk has no need of it.

use provenote_access::Act;
use provenote_consent::people::same_name;
use provenote_deidentify::{Known, Roster, Who};
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{ClientId, Kind, NoteId, ParticipantId};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, payload};
use crate::error::PracticeError;

/// The payload that holds it, beside the client's file in an entry that changes the file.
const PAYLOAD: &str = "roster";

/// More than this nobody writes by hand; it keeps a mistake with a list from filling the file.
const MOST: usize = 500;

/// The longest name, in characters.
const LONGEST: usize = 200;

/// What the practice knows about a client, for the cleaning of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnownOfClient {
    /// What else the client is called: nicknames, former names.
    pub nicknames: Vec<String>,
    /// Family, household, friends: each with every name the person goes by.
    pub people: Vec<Vec<String>>,
    /// Streets, towns, schools' towns: places smaller than a state.
    pub places: Vec<String>,
    /// Employers, schools, clinics, churches.
    pub employers: Vec<String>,
}

/// What is to be known from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RosterAddition {
    /// Nicknames and former names of the client.
    pub nicknames: Vec<String>,
    /// People, each with every name; where one of the names is known, the others join it.
    pub people: Vec<Vec<String>>,
    /// Places smaller than a state.
    pub places: Vec<String>,
    /// Employers, schools, clinics, churches.
    pub employers: Vec<String>,
    /// Words that were added by mistake, wherever they stand.
    pub forget: Vec<String>,
}

impl KnownOfClient {
    fn add(&mut self, addition: &RosterAddition) -> Result<(), PracticeError> {
        for word in &addition.forget {
            let other = |name: &String| !same_name(name, word);
            self.nicknames.retain(other);
            self.places.retain(other);
            self.employers.retain(other);
            self.people.iter_mut().for_each(|names| names.retain(other));
        }
        self.people.retain(|names| !names.is_empty());
        join(&mut self.nicknames, &addition.nicknames)?;
        join(&mut self.places, &addition.places)?;
        join(&mut self.employers, &addition.employers)?;
        for names in &addition.people {
            let known = self.people.iter().position(|one| names.iter().any(|name| holds(one, name)));
            let mut person = known.map(|at| self.people.remove(at)).unwrap_or_default();
            join(&mut person, names)?;
            if !person.is_empty() {
                self.people.insert(known.unwrap_or(self.people.len()), person);
            }
        }
        let all = self.nicknames.len()
            + self.places.len()
            + self.employers.len()
            + self.people.iter().map(Vec::len).sum::<usize>();
        if all > MOST {
            return Err(PracticeError::BadRequest(format!(
                "that would be {all} names for one client; {MOST} is the most"
            )));
        }
        Ok(())
    }
}

fn holds(list: &[String], name: &str) -> bool {
    list.iter().any(|known| same_name(known, name))
}

/// Adds what is not there yet. The error repeats no name.
fn join(list: &mut Vec<String>, names: &[String]) -> Result<(), PracticeError> {
    for name in names {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        if letters == 0 || name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            return Err(PracticeError::BadRequest(format!(
                "a name to be known is empty, longer than {LONGEST} characters, or has no letter: give it as it is said"
            )));
        }
        if !holds(list, &name) {
            list.push(name);
        }
    }
    Ok(())
}

impl Practice {
    /// Adds to what the practice knows about a client, for the cleaning of texts before a release.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for an empty or overlong name.
    pub fn know(
        &mut self,
        actor: &Actor,
        client: &str,
        addition: &RosterAddition,
    ) -> Result<(KnownOfClient, u64), PracticeError> {
        let client = self.allow_client(actor, Act::AddClient, client)?;
        let mut known = self.known_of(actor, &client)?;
        known.add(addition)?;
        let file = self.client(actor, client.as_str())?;
        let (group, notes) = (self.file_group(&client)?, self.notes_group(&client)?);
        // The file stands beside it unchanged: an entry that changes a file carries the file as it is from now on.
        let record = self.seal_record(actor, &group, "client", &file)?;
        let roster = self.seal_record(actor, &notes, PAYLOAD, &known)?;
        let people = i64::try_from(file.participants.len()).unwrap_or(i64::MAX);
        let entry = self
            .entry(actor, Kind::ClientChanged)
            .refer("client", &client)
            .fact("participants", provenote_ledger::Fact::Number(people))
            .payload(record)
            .payload(roster);
        let seq = self.append_one(actor, entry)?;
        Ok((known, seq))
    }

    /// What the practice knows about a client beyond the people of the sessions; reading it is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn show_known(&mut self, actor: &Actor, client: &str) -> Result<KnownOfClient, PracticeError> {
        let client = self.allow_client(actor, Act::AddClient, client)?;
        let known = self.known_of(actor, &client)?;
        let entry = self.entry(actor, Kind::ClientViewed).refer("client", &client);
        self.append_one(actor, entry)?;
        Ok(known)
    }

    fn known_of(&self, actor: &Actor, client: &ClientId) -> Result<KnownOfClient, PracticeError> {
        let changed = self.headers(Kind::ClientChanged, &[("client", client.as_str())])?;
        let last = changed.iter().rev().find(|header| payload(header, PAYLOAD).is_some());
        last.map_or_else(
            || Ok(KnownOfClient::default()),
            |header| self.open_record(actor, header, PAYLOAD, "list of known names"),
        )
    }

    /// Everything the practice knows whose words must go from a text about this client: everybody who ever stood in the
    /// file, the names added to it, everybody who works here, the practice itself, and the address on the note's claim.
    pub(crate) fn roster_for(&self, actor: &Actor, client: &ClientId, note: &NoteId) -> Result<Roster, PracticeError> {
        let known = self.known_of(actor, client)?;
        let mut own = Vec::new();
        let mut others: Vec<(ParticipantId, Known)> = Vec::new();
        for file in self.client_versions(actor, client)? {
            add_once(&mut own, &file.name);
            for person in file.participants {
                let who = match person.role {
                    ParticipantRole::Client => {
                        add_once(&mut own, &person.name);
                        continue;
                    }
                    ParticipantRole::Guardian
                    | ParticipantRole::Partner
                    | ParticipantRole::Family
                    | ParticipantRole::Minor => Who::Family,
                    ParticipantRole::Supervisor => Who::Clinician,
                    _ => Who::Other,
                };
                match others.iter_mut().find(|(id, _)| *id == person.id) {
                    Some((_, known)) => add_once(&mut known.names, &person.name),
                    None => others.push((person.id, Known { who, names: vec![person.name] })),
                }
            }
        }
        own.extend(known.nicknames);
        let mut roster = Roster {
            people: vec![Known { who: Who::Client, names: own }],
            places: known.places,
            employers: known.employers,
        };
        roster.people.extend(others.into_iter().map(|(_, known)| known));
        roster.people.extend(known.people.into_iter().map(|names| Known { who: Who::Family, names }));
        let mut clinicians = self.names_of_users(actor)?;
        let practice = self.record(actor)?;
        clinicians.push(practice.clinician);
        for name in clinicians {
            if !roster.people.iter().any(|person| holds(&person.names, &name)) {
                roster.people.push(Known { who: Who::Clinician, names: vec![name] });
            }
        }
        roster.employers.push(practice.name);
        if let Some(claim) = self.claim_header(note)? {
            let claim = self.open_claim(actor, &claim)?;
            roster.places.extend(claim.address.iter().flat_map(|address| places_of(address)));
        }
        Ok(roster)
    }

    /// The name of everybody who has or had an account.
    fn names_of_users(&self, actor: &Actor) -> Result<Vec<String>, PracticeError> {
        self.people()?.all().map(|person| self.user_name(actor, &person.id)).collect()
    }
}

fn add_once(names: &mut Vec<String>, name: &str) {
    if !holds(names, name) {
        names.push(name.to_owned());
    }
}

/// "12 Larkspur Lane, Galena, IL 61036" names a street and a town.
fn places_of(address: &str) -> Vec<String> {
    address
        .split([',', '\n', ';'])
        .map(|part| part.trim().trim_start_matches(|c: char| !c.is_alphabetic()).trim().to_owned())
        .filter(|part| {
            let word = part.split_whitespace().next().unwrap_or_default();
            // Two letters are a state, which may stay.
            word.chars().filter(|c| c.is_alphabetic()).count() > 2
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn a_name_is_known_once_and_can_be_forgotten() {
        let mut known = KnownOfClient::default();
        let first = RosterAddition {
            nicknames: names(&["Mimi", " mimi "]),
            people: vec![names(&["Hector Lopez", "Papi"]), names(&["Rosa"])],
            places: names(&["the"]),
            ..RosterAddition::default()
        };
        known.add(&first).expect("names");
        let more = RosterAddition {
            people: vec![names(&["papi", "Tito"])],
            forget: names(&["The"]),
            ..RosterAddition::default()
        };
        known.add(&more).expect("names");
        assert_eq!(known.nicknames, ["Mimi"]);
        assert_eq!(known.people, [names(&["Hector Lopez", "Papi", "Tito"]), names(&["Rosa"])]);
        assert!(known.places.is_empty());
    }

    #[test]
    fn what_is_no_name_is_refused_without_repeating_it() {
        for bad in ["", "  ", "12-34", &"x".repeat(201)] {
            let addition = RosterAddition { places: names(&[bad]), ..RosterAddition::default() };
            let refused = KnownOfClient::default().add(&addition).expect_err("no name");
            assert!(!refused.to_string().contains("12-34") && !refused.to_string().contains("xxx"));
        }
    }

    #[test]
    fn an_address_names_its_street_and_its_town() {
        assert_eq!(places_of("12 Larkspur Lane, Galena, IL 61036"), ["Larkspur Lane", "Galena"]);
    }
}
