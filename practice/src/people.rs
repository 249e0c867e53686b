//! Who the people of the practice are, as the ledger tells: users and their roles, who treats whom, who answers for whose
//! work, and the key pairs that offices share.
//!
//! Everything about whom keys are wrapped to is read here, from signed entries, and nothing of it from key files: a file
//! that somebody edits entitles nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use provenote_access::{Subject, Tie, opens};
use provenote_ledger::{Fact, Header, OfficePublic, Query, UserPublic};
use provenote_schemas::ids::BadId;
use provenote_schemas::{Class, ClientId, Kind, Role, Time, UserId};

use crate::act::{PRACTICE_SCOPE, Practice, fact_text, reference};
use crate::error::PracticeError;
use crate::sessions::bad_reference;

/// The kinds that say who somebody is or what somebody may open.
const KINDS: [Kind; 16] = [
    Kind::PracticeCreated,
    Kind::UserInvited,
    Kind::UserAdded,
    Kind::UserChanged,
    Kind::UserRemoved,
    Kind::SupervisionSet,
    Kind::ClientAdded,
    Kind::ClientAssigned,
    Kind::ClientUnassigned,
    Kind::OfficeKeyed,
    Kind::EmergencyPrepared,
    Kind::GrantRequested,
    Kind::GrantApproved,
    Kind::GrantTaken,
    Kind::GrantRevoked,
    Kind::GrantEnded,
];

/// What a clinician may need at once in an emergency.
const EMERGENCY: [Class; 4] = [Class::Clinical, Class::Billing, Class::Administrative, Class::Part2];

/// So many entries are read one by one rather than looked for by kind.
const FEW: u64 = 64;

/// A user, as the ledger's entries name them.
#[derive(Debug, Clone)]
pub struct Person {
    /// The pseudonym.
    pub id: UserId,
    /// What they are.
    pub role: Role,
    /// When the account ends.
    pub ends: Option<Time>,
    /// When the account was made.
    pub since: Time,
    /// The entry that added them.
    pub added: u64,
    /// The entry that removed them.
    pub removed: Option<u64>,
    /// Invited, and has not yet made keys of their own.
    pub invited: bool,
    public: UserPublic,
}

impl Person {
    /// What keys are wrapped to and signatures verified with.
    #[must_use]
    pub const fn public(&self) -> &UserPublic {
        &self.public
    }
}

/// Whose payloads of a class somebody opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Practice,
    EveryClient,
    Client(ClientId),
}

/// An entry that took something away from somebody who could open it.
#[derive(Debug, Clone)]
struct Taken {
    seq: u64,
    class: Class,
    of: Of,
}

/// The people of the practice at some size of the ledger.
#[derive(Debug, Clone, Default)]
pub struct People {
    persons: BTreeMap<UserId, Person>,
    treats: BTreeMap<ClientId, BTreeSet<UserId>>,
    supervises: BTreeMap<UserId, BTreeSet<UserId>>,
    /// With the entry that named each.
    offices: BTreeMap<Class, (OfficePublic, u64)>,
    emergency: Option<UserPublic>,
    /// By grant: whose, of which class and whose records, and whether it was given.
    grants: BTreeMap<String, (UserId, Class, Of, bool)>,
    taken: Vec<Taken>,
}

impl People {
    /// Everybody who has an account, by pseudonym; not those removed.
    pub fn users(&self) -> impl Iterator<Item = &Person> {
        self.persons.values().filter(|person| person.removed.is_none())
    }

    /// Everybody who has or had an account.
    pub fn all(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// A user, also one who was removed.
    #[must_use]
    pub fn person(&self, user: &UserId) -> Option<&Person> {
        self.persons.get(user)
    }

    /// True where more than one person works here.
    #[must_use]
    pub fn several(&self) -> bool {
        self.users().count() > 1
    }

    /// Who treats a client.
    #[must_use]
    pub fn clinicians_of(&self, client: &ClientId) -> BTreeSet<UserId> {
        let treat = self.treats.get(client).cloned().unwrap_or_default();
        treat.into_iter().filter(|user| self.active(user)).collect()
    }

    /// Whom a user treats.
    pub fn clients_of<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a ClientId> {
        self.treats.iter().filter(|(_, who)| who.contains(user)).map(|(client, _)| client)
    }

    /// Whose work a user answers for.
    #[must_use]
    pub fn supervises(&self, user: &UserId) -> BTreeSet<UserId> {
        self.supervises.get(user).cloned().unwrap_or_default()
    }

    /// A user as the policies see them.
    #[must_use]
    pub fn subject(&self, user: &UserId) -> Option<Subject> {
        let person = self.persons.get(user).filter(|person| person.removed.is_none())?;
        Some(Subject { user: user.clone(), role: person.role, supervises: self.supervises(user), ends: person.ends })
    }

    /// The office of a class: the key pair of all who open it of every client. None where somebody has left it since, and
    /// it has no other key pair yet.
    #[must_use]
    pub fn office(&self, class: Class) -> Option<&OfficePublic> {
        let (office, named) = self.offices.get(&class)?;
        self.left(class).is_none_or(|left| *named > left).then_some(office)
    }

    /// The office of a class as the ledger last named it, whoever has left it since.
    #[must_use]
    pub fn named_office(&self, class: Class) -> Option<&OfficePublic> {
        self.offices.get(&class).map(|(office, _)| office)
    }

    /// The last entry that took a class of every client from somebody.
    fn left(&self, class: Class) -> Option<u64> {
        self.taken
            .iter()
            .filter(|taken| taken.class == class && taken.of == Of::EveryClient)
            .map(|taken| taken.seq)
            .max()
    }

    /// Who belongs to the office of a class.
    #[must_use]
    pub fn members(&self, class: Class) -> Vec<UserPublic> {
        let mut members = self.publics(|person| opens(person.role, class, Tie::STRANGER));
        members.extend(self.emergency.clone().filter(|_| EMERGENCY.contains(&class)));
        members
    }

    /// The emergency key, where one was prepared: it belongs to nobody, and its code lies in a sealed envelope.
    #[must_use]
    pub const fn emergency(&self) -> Option<&UserPublic> {
        self.emergency.as_ref()
    }

    /// Everybody who signs the ledger.
    #[must_use]
    pub fn signers(&self) -> Vec<UserPublic> {
        self.publics(|_| true)
    }

    /// To whom the key of a class and scope is wrapped by name; who belongs to the class's office is not among them, where
    /// there is one. `by` is who makes it: what is kept apart is wrapped to its author alone.
    #[must_use]
    pub fn recipients(&self, class: Class, scope: &str, by: &UserId) -> Vec<UserPublic> {
        if scope == PRACTICE_SCOPE {
            return self.publics(|person| opens(person.role, class, Tie::Practice));
        }
        let Ok(client) = scope.parse::<ClientId>() else { return Vec::new() };
        let in_office = |role| self.office(class).is_some() && opens(role, class, Tie::STRANGER);
        self.publics(|person| !in_office(person.role) && opens(person.role, class, self.tie(person, &client, by)))
    }

    /// How many entries the ledger had at least when a key was made under which something of this class and scope may be
    /// sealed: more than up to the last entry that took it from somebody; 0 where none did.
    #[must_use]
    pub fn needs(&self, class: Class, scope: &str) -> u64 {
        let touched = |of: &Of| match of {
            Of::Practice => scope == PRACTICE_SCOPE,
            Of::EveryClient => scope != PRACTICE_SCOPE,
            Of::Client(client) => scope == client.as_str(),
        };
        let taken = self.taken.iter().filter(|taken| taken.class == class && touched(&taken.of));
        taken.map(|taken| taken.seq + 1).max().unwrap_or_default()
    }

    /// Whether somebody may have the key of a class and scope, or of a class's office where there is no scope. What
    /// somebody wrote counts as theirs.
    #[must_use]
    pub fn may_have(&self, class: Class, scope: Option<&str>, user: &str) -> bool {
        let of_office = || self.members(class).iter().any(|member| member.user == user);
        let Some(scope) = scope else { return of_office() };
        let by_name = |author: &UserId| self.recipients(class, scope, author).iter().any(|one| one.user == user);
        user.parse().is_ok_and(|author| by_name(&author)) || (scope != PRACTICE_SCOPE && of_office())
    }

    fn active(&self, user: &UserId) -> bool {
        self.persons.get(user).is_some_and(|person| person.removed.is_none())
    }

    fn publics(&self, wanted: impl Fn(&Person) -> bool) -> Vec<UserPublic> {
        self.users().filter(|person| wanted(person)).map(|person| person.public.clone()).collect()
    }

    fn tie(&self, person: &Person, client: &ClientId, author: &UserId) -> Tie {
        let treating = self.treats.get(client);
        let supervised = self.supervises.get(&person.id);
        Tie::Client {
            // Whoever opens a client's file treats the client, from before its first entry on.
            treats: treating.map_or(person.id == *author, |who| who.contains(&person.id)),
            supervises: treating.zip(supervised).is_some_and(|(who, whom)| !who.is_disjoint(whom)),
            wrote: person.id == *author,
        }
    }

    /// What a user opens, by class.
    fn opened_by(&self, user: &UserId) -> BTreeSet<(Class, Of)> {
        let Some(person) = self.persons.get(user).filter(|person| person.removed.is_none()) else {
            return BTreeSet::new();
        };
        let mut opened = BTreeSet::new();
        for class in Class::ALL {
            if opens(person.role, *class, Tie::Practice) {
                opened.insert((*class, Of::Practice));
            }
            if opens(person.role, *class, Tie::STRANGER) {
                opened.insert((*class, Of::EveryClient));
                continue;
            }
            for client in self.treats.keys() {
                // What somebody wrote about a client goes with the client.
                if opens(person.role, *class, self.tie(person, client, user)) {
                    opened.insert((*class, Of::Client(client.clone())));
                }
            }
        }
        opened
    }

    /// Makes a change, and keeps what it takes away from one of these users.
    fn change(&mut self, seq: u64, users: &[UserId], change: impl FnOnce(&mut Self)) {
        let before: Vec<_> = users.iter().map(|user| self.opened_by(user)).collect();
        change(self);
        for (user, before) in users.iter().zip(before) {
            let after = self.opened_by(user);
            for (class, of) in before {
                let kept = after.contains(&(class, of.clone()))
                    || (matches!(of, Of::Client(_)) && after.contains(&(class, Of::EveryClient)));
                if !kept {
                    self.taken.push(Taken { seq, class, of });
                }
            }
        }
    }

    /// What a user was given for a limited time goes with their role: its key may have been copied while it was in force.
    fn take_grants_of(&mut self, user: &UserId, seq: u64) {
        for (_, class, of, _) in
            self.grants.extract_if(.., |_, (whose, .., given)| *given && whose == user).map(|one| one.1)
        {
            self.taken.push(Taken { seq, class, of });
        }
    }

    fn apply(&mut self, header: &Header) -> Result<(), PracticeError> {
        let seq = header.seq;
        match Kind::from_word(&header.kind) {
            Some(Kind::PracticeCreated) => {
                for class in Class::ALL {
                    if let Some(key) = header.facts.get(&office_fact(*class)).and_then(key_of) {
                        self.office_keyed(*class, 1, key, seq);
                    }
                }
            }
            Some(Kind::UserInvited | Kind::UserAdded) => {
                let person = person(header)?;
                // An invited user's own keys replace those of the invitation, which others have seen.
                let replaced = self.persons.contains_key(&person.id);
                let id = person.id.clone();
                let opened = self.opened_by(&id);
                self.persons.insert(id, person);
                if replaced {
                    self.taken.extend(opened.into_iter().map(|(class, of)| Taken { seq, class, of }));
                }
            }
            Some(Kind::UserChanged) => {
                let user: UserId = parsed(header, "user")?;
                self.take_grants_of(&user, seq);
                let role = header.facts.get("role").and_then(fact_text).and_then(Role::from_word);
                let ends = header.facts.get("ends").and_then(time_of);
                self.change(seq, std::slice::from_ref(&user), |people| {
                    if let Some(person) = people.persons.get_mut(&user) {
                        person.role = role.unwrap_or(person.role);
                        person.ends = ends;
                    }
                });
            }
            Some(Kind::UserRemoved) => {
                let user: UserId = parsed(header, "user")?;
                self.take_grants_of(&user, seq);
                // Who supervised this user opened the clients through them.
                let mut touched = self.supervisors_of(&user);
                touched.push(user.clone());
                self.change(seq, &touched, |people| {
                    if let Some(person) = people.persons.get_mut(&user) {
                        person.removed = Some(seq);
                    }
                    people.treats.values_mut().for_each(|who| {
                        who.remove(&user);
                    });
                    people.supervises.remove(&user);
                    people.supervises.values_mut().for_each(|whom| {
                        whom.remove(&user);
                    });
                });
            }
            Some(Kind::SupervisionSet) => {
                let user: UserId = parsed(header, "user")?;
                let supervisee: UserId = parsed(header, "supervisee")?;
                let on = matches!(header.facts.get("supervises"), Some(Fact::Flag(true)));
                self.change(seq, std::slice::from_ref(&user), |people| {
                    let whom = people.supervises.entry(user.clone()).or_default();
                    if on {
                        whom.insert(supervisee)
                    } else {
                        whom.remove(&supervisee)
                    };
                });
            }
            Some(Kind::ClientAdded) => {
                let client: ClientId = parsed(header, "client")?;
                let by: Option<UserId> = match header.refs.get("clinician") {
                    Some(_) => Some(parsed(header, "clinician")?),
                    None => header.actor.parse().ok(),
                };
                self.treats.entry(client).or_default().extend(by);
            }
            Some(Kind::ClientAssigned) => {
                let (client, user): (ClientId, UserId) = (parsed(header, "client")?, parsed(header, "user")?);
                self.treats.entry(client).or_default().insert(user);
            }
            Some(Kind::ClientUnassigned) => {
                let (client, user): (ClientId, UserId) = (parsed(header, "client")?, parsed(header, "user")?);
                let mut touched = self.supervisors_of(&user);
                touched.push(user.clone());
                self.change(seq, &touched, |people| {
                    people.treats.entry(client).or_default().remove(&user);
                });
            }
            Some(Kind::OfficeKeyed) => {
                let class = header.facts.get("class").and_then(fact_text).and_then(Class::from_word);
                let number = header.facts.get("number").and_then(number_of);
                let key = header.facts.get("seal_key").and_then(key_of);
                if let (Some(class), Some(number), Some(key)) = (class, number, key) {
                    self.office_keyed(class, number, key, seq);
                }
            }
            Some(Kind::EmergencyPrepared) => {
                let key = |name: &str| header.facts.get(name).and_then(key_of);
                if let (Some(seal_key), Some(sign_key)) = (key("seal_key"), key("sign_key")) {
                    let next = UserPublic { user: reference(header, "user")?.to_owned(), seal_key, sign_key };
                    if self.emergency.replace(next).is_some() {
                        // Somebody may have read the code of the one before.
                        self.taken.extend(EMERGENCY.map(|class| Taken { seq, class, of: Of::EveryClient }));
                    }
                }
            }
            Some(kind @ (Kind::GrantRequested | Kind::GrantTaken)) => {
                if let Some((class, of)) = of_grant(header) {
                    let (grant, whose) = (reference(header, "grant")?.to_owned(), header.actor.parse());
                    let whose = whose.map_err(|error: BadId| bad_reference(header, &error))?;
                    self.grants.insert(grant, (whose, class, of, kind == Kind::GrantTaken));
                }
            }
            Some(Kind::GrantApproved) => {
                if let Some((.., given)) = self.grants.get_mut(reference(header, "grant")?) {
                    *given = true;
                }
            }
            // What a grant's key opened may have been copied while it was in force.
            Some(Kind::GrantRevoked | Kind::GrantEnded) => {
                self.grants.remove(reference(header, "grant")?);
                self.taken.extend(of_grant(header).map(|(class, of)| Taken { seq, class, of }));
            }
            _ => {}
        }
        Ok(())
    }

    fn office_keyed(&mut self, class: Class, number: u32, seal_key: [u8; 32], seq: u64) {
        self.offices.insert(class, (OfficePublic { class: class.as_str().to_owned(), number, seal_key }, seq));
    }

    fn supervisors_of(&self, user: &UserId) -> Vec<UserId> {
        self.supervises.iter().filter(|(_, whom)| whom.contains(user)).map(|(who, _)| who.clone()).collect()
    }
}

/// What a grant opens: a class, and whose.
fn of_grant(header: &Header) -> Option<(Class, Of)> {
    let class = header.facts.get("class").and_then(fact_text).and_then(Class::from_word)?;
    let client = header.refs.get("client").and_then(|client| client.parse().ok());
    Some((class, client.map_or(Of::EveryClient, Of::Client)))
}

/// The fact in which the practice's first entry names the office of a class.
pub(crate) fn office_fact(class: Class) -> String {
    format!("office_{class}")
}

fn person(header: &Header) -> Result<Person, PracticeError> {
    let unreadable = || PracticeError::Unreadable {
        seq: header.seq,
        what: "user",
        why: "its role or public keys are missing".to_owned(),
    };
    let id: UserId = parsed(header, "user")?;
    let role = header.facts.get("role").and_then(fact_text).and_then(Role::from_word).ok_or_else(unreadable)?;
    let key = |name: &str| header.facts.get(name).and_then(key_of).ok_or_else(unreadable);
    Ok(Person {
        public: UserPublic { user: id.to_string(), seal_key: key("seal_key")?, sign_key: key("sign_key")? },
        id,
        role,
        ends: header.facts.get("ends").and_then(time_of),
        since: Time::from_millis(header.time),
        added: header.seq,
        removed: None,
        invited: header.kind == Kind::UserInvited.as_str(),
    })
}

fn parsed<T>(header: &Header, name: &'static str) -> Result<T, PracticeError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    reference(header, name)?.parse().map_err(|error| bad_reference(header, &error))
}

fn time_of(fact: &Fact) -> Option<Time> {
    match fact {
        Fact::Number(ms) => Some(Time::from_millis(*ms)),
        _ => None,
    }
}

fn number_of(fact: &Fact) -> Option<u32> {
    match fact {
        Fact::Number(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// A public key in lower-case hex.
fn key_of(fact: &Fact) -> Option<[u8; 32]> {
    let text = fact_text(fact)?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut key = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(key)
}

/// What was read last, and at which size of the ledger.
pub(crate) type Remembered = std::cell::RefCell<Option<(u64, Rc<People>)>>;

impl Practice {
    /// The people of the practice today.
    ///
    /// # Errors
    /// Where the ledger cannot be read or an entry names nobody.
    pub fn people(&self) -> Result<Rc<People>, PracticeError> {
        let size = self.log.size()?;
        if let Some((at, people)) = &*self.people.borrow()
            && *at == size
        {
            return Ok(Rc::clone(people));
        }
        let (from, mut people) = self.people.take().unwrap_or_default();
        let people_now = Rc::make_mut(&mut people);
        for header in self.since(&KINDS, from, size)? {
            people_now.apply(&header)?;
        }
        self.people.replace(Some((size, Rc::clone(&people))));
        Ok(people)
    }

    /// The people as they were from some size of the ledger on until the next entry about them, oldest first; `seen` is
    /// given each with the last size at which it was so.
    pub(crate) fn people_over_time(&self, mut seen: impl FnMut(&People, u64)) -> Result<(), PracticeError> {
        let size = self.log.size()?;
        let headers = self.since(&KINDS, 0, size)?;
        let mut people = People::default();
        for (at, header) in headers.iter().enumerate() {
            people.apply(header)?;
            seen(&people, headers.get(at + 1).map_or(size, |next| next.seq));
        }
        Ok(())
    }

    /// The entries of some kinds from this one on, in order, and perhaps others among them.
    pub(crate) fn since(&self, kinds: &[Kind], from: u64, size: u64) -> Result<Vec<Header>, PracticeError> {
        if size.saturating_sub(from) <= FEW {
            return (from..size).map(|seq| Ok(self.log.header(seq)?)).collect();
        }
        let mut headers = Vec::new();
        for kind in kinds {
            let query = Query { after_seq: from.checked_sub(1), ..Query::kind(kind.as_str()) };
            headers.extend(self.log.find(&query)?);
        }
        headers.sort_by_key(|header| header.seq);
        Ok(headers)
    }
}
