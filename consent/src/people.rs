//! Who has to consent for a session: everybody present, and for whoever is under age their guardians too.

use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{ParticipantId, Time};
use serde::Serialize;

use crate::jurisdictions::Terms;
use crate::policy::Policy;
use crate::signing::compared;

/// The longest name a form can carry well, in characters.
pub const LONGEST_NAME: usize = 200;

/// Why people were not taken as they were given. No variant repeats a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// Nothing but spaces.
    #[error("the name is empty: give the name as it is signed")]
    NoName,
    /// Too long for a form.
    #[error("the name is longer than {LONGEST_NAME} characters: give the name as it is signed")]
    LongName,
    /// Characters nobody can see, which could make one name look like another.
    #[error("the name has control characters or marks that turn the direction of writing: type it anew")]
    Invisible,
    /// Nobody can tell who signed.
    #[error(
        "two of the people who take part have the same name: tell them apart, with Jr. and Sr. or a middle initial"
    )]
    SameName,
    /// One pseudonym for two people.
    #[error("two of the people who take part have the id {0}: add one of them anew")]
    SameId(ParticipantId),
    /// No date.
    #[error("the date of birth is no date: write it like 1984-02-29")]
    NoDate,
    /// Later than today.
    #[error("the date of birth lies in the future")]
    Future,
    /// Before 1850: a slip of the pen.
    #[error("the date of birth lies before 1850: check the year")]
    LongAgo,
    /// There is none, or there are two.
    #[error("{0} of the people who take part are the client: a client's file has one")]
    Clients(usize),
    /// The guardian answers for somebody who is not there.
    #[error("a guardian answers for {0}, who does not take part")]
    AnswersForNobody(ParticipantId),
    /// The present are not in the file.
    #[error("{0} does not take part in this client's sessions: add the person first")]
    NotInFile(ParticipantId),
}

/// Whether two names are one as people read them: whatever their case, spacing and composition of letters.
#[must_use]
pub fn same_name(one: &str, other: &str) -> bool {
    compared(one) == compared(other)
}

/// A name as it is kept: one space between words. Any script is a name; markup is letters like others.
///
/// # Errors
/// [`PeopleError::NoName`], [`PeopleError::LongName`], [`PeopleError::Invisible`].
pub fn checked_name(given: &str) -> Result<String, PeopleError> {
    // Embeddings, overrides and isolates (Unicode Standard Annex #9) could make a name look like another's.
    let turns =
        |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}');
    let unseen = |c: char| matches!(c, '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}');
    if given.chars().any(|c| (c.is_control() && !c.is_whitespace()) || turns(c) || unseen(c)) {
        return Err(PeopleError::Invisible);
    }
    let name = given.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        Err(PeopleError::NoName)
    } else if name.chars().count() > LONGEST_NAME {
        Err(PeopleError::LongName)
    } else {
        Ok(name)
    }
}

/// A date of birth, checked against today.
///
/// # Errors
/// [`PeopleError::NoDate`], [`PeopleError::Future`], [`PeopleError::LongAgo`].
pub fn checked_born(given: &str, now: Time) -> Result<String, PeopleError> {
    let day = day(given)?;
    if day.to_string() > now.date() {
        Err(PeopleError::Future)
    } else if day.year() < 1850 {
        Err(PeopleError::LongAgo)
    } else {
        Ok(day.to_string())
    }
}

fn day(given: &str) -> Result<NaiveDate, PeopleError> {
    NaiveDate::parse_from_str(given, "%Y-%m-%d").map_err(|_| PeopleError::NoDate)
}

/// The first moment at which somebody born on a day has reached an age, in UTC. Born on 29 February: on
/// 28 February in a common year, the earlier day, at which a guardian's consent ends.
#[must_use]
pub fn reaches(born: &str, age: u8) -> Option<Time> {
    let day = day(born).ok()?.checked_add_months(Months::new(u32::from(age) * 12))?;
    Time::parse(&day.to_string()).ok()
}

/// Checks a client's file before it is kept.
///
/// # Errors
/// [`PeopleError`]: a name that is none, two people of one name, a date of birth that is none or lies in the
/// future, no client or two, a guardian of nobody.
pub fn checked_people(client: &Client, now: Time) -> Result<(), PeopleError> {
    let people = &client.participants;
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for person in people {
        checked_name(&person.name)?;
        if !names.insert(compared(&person.name)) {
            return Err(PeopleError::SameName);
        }
        if !ids.insert(&person.id) {
            return Err(PeopleError::SameId(person.id.clone()));
        }
    }
    for born in client.born.iter().chain(people.iter().filter_map(|person| person.born.as_ref())) {
        checked_born(born, now)?;
    }
    let clients = people.iter().filter(|person| person.role == ParticipantRole::Client).count();
    if clients != 1 {
        return Err(PeopleError::Clients(clients));
    }
    match people.iter().flat_map(|person| &person.answers_for).find(|id| !ids.contains(id)) {
        Some(nobody) => Err(PeopleError::AnswersForNobody(nobody.clone())),
        None => Ok(()),
    }
}

/// In what way somebody says yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "capacity", rename_all = "snake_case")]
pub enum Capacity {
    /// For themselves.
    Own,
    /// As somebody under age, beside a guardian.
    Assent,
    /// As a guardian, for these.
    Guardian {
        /// Whom they answer for.
        of: Vec<ParticipantId>,
    },
}

/// Somebody whose yes is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Who.
    pub person: &'a Participant,
    /// In what way.
    pub capacity: Capacity,
    /// False for a guardian who is asked though absent.
    pub present: bool,
    /// When they came of age or will, where the date of birth is known.
    pub of_age: Option<Time>,
}

/// Guardians of one person, of whom so many have to say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wards<'a> {
    /// For whom.
    pub of: &'a ParticipantId,
    /// The guardians in the file.
    pub guardians: Vec<&'a ParticipantId>,
    /// How many of them have to say yes.
    pub needed: usize,
}

/// Everybody who has to say yes for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle<'a> {
    /// Everybody who is asked, in the order of the file.
    pub asked: Vec<Asked<'a>>,
    /// Whose guardians are asked.
    pub wards: Vec<Wards<'a>>,
}

/// The people of a session: the client's file, and who of it is present.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// Everybody in the file.
    pub people: &'a [Participant],
    /// The client's date of birth, where it is known.
    pub client_born: Option<&'a str>,
    /// Who is present; `None` for everybody but guardians.
    pub present: Option<&'a [ParticipantId]>,
}

impl<'a> Room<'a> {
    /// Everybody of a client's file.
    #[must_use]
    pub fn of(client: &'a Client) -> Self {
        Self { people: &client.participants, client_born: client.born.as_deref(), present: None }
    }

    /// The same file, with only these present.
    #[must_use]
    pub const fn with(self, present: &'a [ParticipantId]) -> Self {
        Self { present: Some(present), ..self }
    }

    /// Fails for somebody present who stands in no file.
    ///
    /// # Errors
    /// [`PeopleError::NotInFile`].
    pub fn checked(self) -> Result<Self, PeopleError> {
        let unknown = self.present.and_then(|ids| ids.iter().find(|id| !self.people.iter().any(|one| one.id == **id)));
        unknown.map_or(Ok(self), |id| Err(PeopleError::NotInFile(id.clone())))
    }

    fn is_present(&self, person: &Participant) -> bool {
        self.present.map_or(person.role != ParticipantRole::Guardian, |ids| ids.contains(&person.id))
    }

    fn born(&self, person: &'a Participant) -> Option<&'a str> {
        person.born.as_deref().or(if person.role == ParticipantRole::Client { self.client_born } else { None })
    }

    /// A guardian named for somebody, or for the client where nobody is named.
    fn answers_for(guardian: &Participant, person: &Participant) -> bool {
        guardian.role == ParticipantRole::Guardian
            && guardian.id != person.id
            && (guardian.answers_for.contains(&person.id)
                || (guardian.answers_for.is_empty() && person.role == ParticipantRole::Client))
    }

    /// Who has to say yes, and how.
    ///
    /// - Everybody present says yes for themselves, whatever their role.
    /// - Whoever is under age assents, and their guardians consent, present or not; alone only where the practice
    ///   has confirmed the rule of every state that applies and they have reached its age.
    /// - A client of unknown age with a guardian is taken for somebody under age. Somebody of age has a guardian
    ///   only where the guardian is named for them.
    #[must_use]
    pub fn circle(&self, terms: &Terms, policy: &Policy, now: Time) -> Circle<'a> {
        let mut asked: Vec<Asked<'a>> = Vec::new();
        let mut wards: Vec<Wards<'a>> = Vec::new();
        for person in self.people.iter().filter(|person| self.is_present(person)) {
            let born = self.born(person);
            let of_age = born.and_then(|born| reaches(born, terms.majority));
            let guardians: Vec<&ParticipantId> =
                self.people.iter().filter(|one| Self::answers_for(one, person)).map(|one| &one.id).collect();
            let named = self
                .people
                .iter()
                .any(|one| one.role == ParticipantRole::Guardian && one.answers_for.contains(&person.id));
            let under_age = match of_age {
                Some(of_age) => now < of_age,
                None => person.role == ParticipantRole::Minor || !guardians.is_empty(),
            };
            let alone = policy.minors_consent_alone
                && terms
                    .own_consent_age
                    .zip(born)
                    .and_then(|(age, born)| reaches(born, age))
                    .is_some_and(|at| at <= now);
            let warded = (under_age && !alone) || (!under_age && named);
            if warded {
                wards.push(Wards { of: &person.id, guardians, needed: policy.guardians.needed() });
            }
            let capacity = if warded { Capacity::Assent } else { Capacity::Own };
            asked.push(Asked { person, capacity, present: true, of_age });
        }
        for guardian in self.people {
            let of: Vec<ParticipantId> = wards
                .iter()
                .filter(|ward| ward.guardians.contains(&&guardian.id))
                .map(|ward| ward.of.clone())
                .collect();
            if of.is_empty() {
                continue;
            }
            match asked.iter_mut().find(|one| one.person.id == guardian.id) {
                Some(one) => one.capacity = Capacity::Guardian { of },
                None => asked.push(Asked {
                    person: guardian,
                    capacity: Capacity::Guardian { of },
                    present: false,
                    of_age: None,
                }),
            }
        }
        Circle { asked, wards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Guardians;
    use crate::samples::{MADE, person};

    const TERMS: Terms = Terms { majority: 18, own_consent_age: Some(14), writing: true };

    fn born(years: i32) -> String {
        // MADE is 2026-11-21.
        format!("{}-11-21", 2026 - years)
    }

    fn family() -> Client {
        let mut child = person(3, "Kim Lee", ParticipantRole::Client);
        child.born = Some(born(15));
        Client {
            client: provenote_schemas::ClientId::from_random([1; 10]),
            name: "Kim Lee".to_owned(),
            state: "TX".to_owned(),
            born: None,
            participants: vec![
                child,
                person(4, "Mother Lee", ParticipantRole::Guardian),
                person(5, "Father Lee", ParticipantRole::Guardian),
                person(6, "In Terpreter", ParticipantRole::Interpreter),
            ],
        }
    }

    fn capacities(circle: &Circle<'_>) -> Vec<(String, &'static str)> {
        circle
            .asked
            .iter()
            .map(|one| {
                let word = match one.capacity {
                    Capacity::Own => "own",
                    Capacity::Assent => "assent",
                    Capacity::Guardian { .. } => "guardian",
                };
                (one.person.name.clone(), word)
            })
            .collect()
    }

    fn asked(client: &Client, policy: &Policy, now: Time) -> Vec<(String, &'static str)> {
        capacities(&Room::of(client).circle(&TERMS, policy, now))
    }

    fn list(of: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        of.iter().map(|(name, word)| ((*name).to_owned(), *word)).collect()
    }

    #[test]
    fn somebody_under_age_assents_and_guardians_consent_though_absent() {
        let client = family();
        let everybody = list(&[
            ("Kim Lee", "assent"),
            ("In Terpreter", "own"),
            ("Mother Lee", "guardian"),
            ("Father Lee", "guardian"),
        ]);
        assert_eq!(asked(&client, &Policy::default(), MADE), everybody);
        let circle = Room::of(&client).circle(&TERMS, &Policy::default(), MADE);
        assert_eq!((circle.wards.len(), circle.wards[0].needed, circle.wards[0].guardians.len()), (1, 1, 2));
        let two = Policy { guardians: Guardians::Two, ..Policy::default() };
        assert_eq!(Room::of(&client).circle(&TERMS, &two, MADE).wards[0].needed, 2);
        // Only who is there, and the guardians.
        let present = [client.participants[0].id.clone()];
        let circle = Room::of(&client).with(&present).circle(&TERMS, &Policy::default(), MADE);
        assert_eq!(
            capacities(&circle),
            list(&[("Kim Lee", "assent"), ("Mother Lee", "guardian"), ("Father Lee", "guardian")])
        );
    }

    #[test]
    fn a_minor_consents_alone_only_where_the_rule_is_confirmed_and_the_age_reached() {
        let mut client = family();
        let alone = Policy { minors_consent_alone: true, ..Policy::default() };
        assert_eq!(asked(&client, &alone, MADE), list(&[("Kim Lee", "own"), ("In Terpreter", "own")]));
        client.participants[0].born = Some(born(13));
        assert_eq!(asked(&client, &alone, MADE)[0].1, "assent");
        let nowhere = Terms { own_consent_age: None, ..TERMS };
        client.participants[0].born = Some(born(17));
        let circle = Room::of(&client).circle(&nowhere, &alone, MADE);
        assert_eq!(circle.asked[0].capacity, Capacity::Assent);
    }

    #[test]
    fn coming_of_age_ends_the_guardians_part() {
        let client = family();
        let birthday = reaches(&born(15), 18).expect("a day");
        assert_eq!(birthday.date(), "2029-11-21");
        let before = Time::from_millis(birthday.millis() - 1);
        assert_eq!(asked(&client, &Policy::default(), before)[0].1, "assent");
        assert_eq!(asked(&client, &Policy::default(), birthday), list(&[("Kim Lee", "own"), ("In Terpreter", "own")]));
        // Nineteen in Alabama and Nebraska.
        let later = Terms { majority: 19, ..TERMS };
        assert_eq!(Room::of(&client).circle(&later, &Policy::default(), birthday).asked[0].capacity, Capacity::Assent);
        // Somebody of age keeps a guardian who was named for them.
        let mut named = family();
        named.participants[1].answers_for = vec![named.participants[0].id.clone()];
        assert_eq!(asked(&named, &Policy::default(), birthday)[0].1, "assent");
        assert_eq!(reaches("2008-02-29", 18).map(Time::date).as_deref(), Some("2026-02-28"));
    }

    #[test]
    fn a_child_who_is_not_the_client_needs_a_guardian_named_for_them() {
        let mut client = family();
        client.participants[0].born = Some(born(40));
        client.participants[1].role = ParticipantRole::Partner;
        client.participants[2] = person(5, "Small Lee", ParticipantRole::Minor);
        let circle = Room::of(&client).circle(&TERMS, &Policy::default(), MADE);
        assert_eq!((circle.wards.len(), circle.wards[0].guardians.len()), (1, 0));
        let mut mother = person(7, "Guardian Lee", ParticipantRole::Guardian);
        mother.answers_for = vec![client.participants[2].id.clone()];
        client.participants.push(mother);
        let circle = Room::of(&client).circle(&TERMS, &Policy::default(), MADE);
        assert_eq!(circle.wards[0].guardians, [&client.participants[4].id]);
        assert_eq!(capacities(&circle)[4], ("Guardian Lee".to_owned(), "guardian"));
    }

    #[test]
    fn every_role_that_is_present_is_asked() {
        for role in ParticipantRole::ALL.iter().filter(|role| **role != ParticipantRole::Client) {
            let mut client = family();
            client.participants[0].born = Some(born(30));
            client.participants.truncate(1);
            client.participants.push(person(9, "Some Body", *role));
            let present: Vec<ParticipantId> = client.participants.iter().map(|one| one.id.clone()).collect();
            let circle = Room::of(&client).with(&present).circle(&TERMS, &Policy::default(), MADE);
            assert!(circle.asked.iter().any(|one| one.person.name == "Some Body"), "{role}");
        }
    }

    #[test]
    fn names_of_any_script_are_names_and_markup_is_letters() {
        for (given, kept) in [
            ("  María   José ", "María José"),
            ("李小龍", "李小龍"),
            ("\u{627}\u{62D}\u{645}\u{62F}", "\u{627}\u{62D}\u{645}\u{62F}"),
            ("<b>Bob</b> & {{ x }}", "<b>Bob</b> & {{ x }}"),
            ("O\u{2019}Brien-Ak\u{131}n", "O\u{2019}Brien-Ak\u{131}n"),
        ] {
            assert_eq!(checked_name(given).as_deref(), Ok(kept));
        }
        for (bad, why) in [
            ("", PeopleError::NoName),
            (" \t ", PeopleError::NoName),
            ("Ada\u{7}", PeopleError::Invisible),
            ("Ada \u{202E}enotS", PeopleError::Invisible),
            ("A\u{200B}da", PeopleError::Invisible),
        ] {
            assert_eq!(checked_name(bad), Err(why), "{bad:?}");
        }
        assert_eq!(checked_name(&"x".repeat(201)), Err(PeopleError::LongName));
    }

    #[test]
    fn a_file_that_cannot_be_is_refused() {
        assert_eq!(checked_people(&family(), MADE), Ok(()));
        let broken = |change: &dyn Fn(&mut Client)| {
            let mut client = family();
            change(&mut client);
            checked_people(&client, MADE).expect_err("refused")
        };
        assert_eq!(broken(&|c| c.participants[1].name = "kim  LEE".into()), PeopleError::SameName);
        assert_eq!(broken(&|c| c.born = Some("2026-11-22".into())), PeopleError::Future);
        assert_eq!(broken(&|c| c.participants[0].born = Some("2036-01-01".into())), PeopleError::Future);
        assert_eq!(broken(&|c| c.born = Some("1066-10-14".into())), PeopleError::LongAgo);
        assert_eq!(broken(&|c| c.born = Some("2026-02-30".into())), PeopleError::NoDate);
        assert_eq!(broken(&|c| c.participants[0].role = ParticipantRole::Partner), PeopleError::Clients(0));
        assert_eq!(broken(&|c| c.participants[1].role = ParticipantRole::Client), PeopleError::Clients(2));
        let same = family().participants[0].id.clone();
        assert_eq!(broken(&|c| c.participants[1].id = same.clone()), PeopleError::SameId(same.clone()));
        let nobody = ParticipantId::from_random([99; 10]);
        assert_eq!(
            broken(&|c| c.participants[1].answers_for = vec![nobody.clone()]),
            PeopleError::AnswersForNobody(nobody.clone())
        );
        let present = [nobody.clone()];
        let client = family();
        assert_eq!(Room::of(&client).with(&present).checked().map(|_| ()), Err(PeopleError::NotInFile(nobody)));
        assert_eq!(checked_born("2026-11-21", MADE).as_deref(), Ok("2026-11-21"), "born today");
    }
}
