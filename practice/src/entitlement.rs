//! Keys follow the people: before something is sealed, the key it is sealed under is one that nobody holds who may not
//! open it any more.

use std::rc::Rc;

use provenote_access::{Tie, opens};
use provenote_ledger::{
    Fact, Freshened, Freshness, GrantOpens, NextOffice, OfficePublic, Recipients, Unlocked, UserPublic,
};
use provenote_schemas::{Class, GroupId, Kind};

use crate::act::{Actor, PRACTICE_SCOPE, Practice};
use crate::error::PracticeError;
use crate::notes::hex;
use crate::people::People;

/// The classes of which somebody opens every client's: each has an office.
pub(crate) fn office_classes() -> impl Iterator<Item = Class> {
    let by_anybody =
        |class: &Class| provenote_schemas::Role::ALL.iter().any(|role| opens(*role, *class, Tie::STRANGER));
    Class::ALL.iter().copied().filter(by_anybody)
}

/// To whom one class and scope is wrapped, as the ledger tells.
struct Entitled {
    users: Vec<UserPublic>,
    office: Option<OfficePublic>,
    /// Who belongs to the office.
    members: Vec<UserPublic>,
    /// How many entries the ledger had at least when its key was made.
    needs: u64,
}

impl Entitled {
    fn of(people: &People, class: Class, scope: &str, by: &Actor) -> Self {
        let office = if scope == PRACTICE_SCOPE { None } else { people.office(class).cloned() };
        let members = if office.is_some() { people.members(class) } else { Vec::new() };
        Self { users: people.recipients(class, scope, by.user()), office, members, needs: people.needs(class, scope) }
    }

    /// The key of who may have made a key of this class and scope: somebody entitled to it. Whoever was when it was made
    /// is today, or it would have been taken from them since, and then it is not fresh.
    fn signer(&self, user: &str) -> Option<[u8; 32]> {
        let entitled = self.users.iter().chain(&self.members);
        entitled.into_iter().find(|one| one.user == user).map(|one| one.sign_key)
    }

    const fn recipients(&self) -> Recipients<'_> {
        Recipients { users: self.users.as_slice(), office: self.office.as_ref() }
    }

    const fn due<'a>(&'a self, size: u64, signer: &'a dyn Fn(&str, u64) -> Option<[u8; 32]>) -> Freshness<'a> {
        Freshness { recipients: self.recipients(), needs: self.needs, size, signer }
    }
}

impl Practice {
    /// Makes a retention group, and the key of its class and scope where that is the first.
    pub(crate) fn new_group(&mut self, actor: &Actor, class: Class, scope: &str) -> Result<GroupId, PracticeError> {
        let people = self.people()?;
        let size = self.log.size()?;
        let entitled = Entitled::of(&people, class, scope, actor);
        self.vault.ensure_class_key(
            actor.keys(),
            class.as_str(),
            scope,
            entitled.recipients(),
            size,
            &mut *self.entropy,
        )?;
        self.freshen_class(actor, &people, class, scope)?;
        let group = self.random_id(GroupId::from_random);
        self.vault.create_group(actor.keys(), group.as_str(), class.as_str(), scope, &mut *self.entropy)?;
        Ok(group)
    }

    /// Gives a group and its class a key that nobody holds who may not open it any more, where they have another.
    pub(crate) fn freshen_group(&mut self, actor: &Actor, group: &str) -> Result<(), PracticeError> {
        let (class, scope) = self.vault.group_place(group)?;
        let Some(class) = Class::from_word(&class) else { return Ok(()) };
        let people = self.people()?;
        let entitled = Entitled::of(&people, class, &scope, actor);
        let now = self.log.size()?;
        let signer = |user: &str, _: u64| entitled.signer(user);
        let done = self.vault.freshen_group(actor.keys(), group, &entitled.due(now, &signer), &mut *self.entropy)?;
        if done == Freshened::Rekeyed {
            let (word, place) = (class.as_str(), scope.as_str());
            self.renew_grants(actor.keys(), |opens| match opens {
                GrantOpens::Groups(groups) => groups.iter().any(|one| one == group),
                GrantOpens::Class { class, scope } => class == word && scope == place,
                GrantOpens::Office { .. } => false,
            })?;
        }
        Ok(())
    }

    fn freshen_class(
        &mut self,
        actor: &Actor,
        people: &Rc<People>,
        class: Class,
        scope: &str,
    ) -> Result<Freshened, PracticeError> {
        self.freshen_class_with(actor.keys(), actor, people, class, scope)
    }

    /// Freshens a class and scope with these keys, before they are given to somebody for a time: a key that is stale would
    /// open nothing that is written meanwhile.
    pub(crate) fn freshen_class_with(
        &mut self,
        keys: &Unlocked,
        actor: &Actor,
        people: &Rc<People>,
        class: Class,
        scope: &str,
    ) -> Result<Freshened, PracticeError> {
        let entitled = Entitled::of(people, class, scope, actor);
        let now = self.log.size()?;
        let signer = |user: &str, _: u64| entitled.signer(user);
        let due = entitled.due(now, &signer);
        let done = self.vault.freshen(keys, class.as_str(), scope, &due, &mut *self.entropy)?;
        if done == Freshened::Rekeyed {
            let (word, place) = (class.as_str(), scope);
            self.renew_grants(
                keys,
                |opens| matches!(opens, GrantOpens::Class { class, scope } if class == word && scope == place),
            )?;
        }
        Ok(done)
    }

    /// Brings the keys to what the ledger says of the people: what somebody may newly open is wrapped to them, as far as
    /// this actor's keys reach, and nothing more; offices that somebody left get another key pair; a removed user's key
    /// file goes. May be repeated, and is, by whoever comes first after a crash. Returns how many keys were wrapped.
    ///
    /// # Errors
    /// Where ledger or key files cannot be written.
    pub(crate) fn settle_keys(&mut self, actor: &Actor, touched: &[String]) -> Result<usize, PracticeError> {
        let mut wrapped = 0;
        for class in office_classes() {
            wrapped += self.settle_office(actor, class)?;
        }
        let people = self.people()?;
        for class in Class::ALL {
            for scope in touched.iter().map(String::as_str).chain([PRACTICE_SCOPE]) {
                let word = class.as_str();
                if self.vault.has_class_key(word, scope) && self.vault.is_entitled(actor.keys(), word, scope) {
                    match self.freshen_class(actor, &people, *class, scope)? {
                        Freshened::Kept => {}
                        Freshened::Extended | Freshened::Rekeyed => wrapped += 1,
                    }
                }
            }
        }
        Ok(wrapped)
    }

    /// Gives offices that somebody left their next key pair, where this actor belongs to them; and class keys that were
    /// made meanwhile without an office are wrapped to it. Where nobody left, it only looks.
    ///
    /// # Errors
    /// As [`Practice::settle_keys`].
    pub(crate) fn settle_offices_left(&mut self, actor: &Actor) -> Result<(), PracticeError> {
        let people = self.people()?;
        let left = |class: &Class| people.named_office(*class).is_some() && people.office(*class).is_none();
        for class in office_classes().filter(left).collect::<Vec<_>>() {
            if self.settle_office(actor, class)? == 0 {
                continue;
            }
            let people = self.people()?;
            for wraps in self.vault.wraps(&|_, _, _, _| None)? {
                if let Some(scope) = wraps.scope.filter(|scope| scope != PRACTICE_SCOPE)
                    && wraps.class == class.as_str()
                    && wraps.office.is_none()
                    && self.vault.is_entitled(actor.keys(), class.as_str(), &scope)
                {
                    self.freshen_class(actor, &people, class, &scope)?;
                }
            }
        }
        Ok(())
    }

    fn settle_office(&mut self, actor: &Actor, class: Class) -> Result<usize, PracticeError> {
        let word = class.as_str();
        let mut people = self.people()?;
        // A practice from before there were offices gets them with its second user.
        let due = |people: &People| {
            let wanted = people.several() || people.emergency().is_some() || people.named_office(class).is_some();
            let mine = people.members(class).iter().any(|member| member.user == actor.user().as_str());
            (wanted && mine, people.office(class).is_none())
        };
        let (wanted, stale) = due(&people);
        if !wanted {
            return Ok(0);
        }
        if stale {
            let lock = self.vault.lock_log_key()?;
            // Another process may have been faster.
            self.log.refresh()?;
            people = self.people()?;
            if due(&people) == (true, true) {
                let members = people.members(class);
                let size = self.log.size()?;
                let next = NextOffice { class: word, named: people.named_office(class), members: &members, size };
                let next = self.vault.prepare_office(&lock, actor.keys(), &next, &mut *self.entropy)?;
                let entry = self
                    .entry(actor, Kind::OfficeKeyed)
                    .fact("class", Fact::Text(word.to_owned()))
                    .fact("number", Fact::Number(next.number.into()))
                    .fact("seal_key", Fact::Text(hex(&next.seal_key)));
                self.append_one(actor, entry)?;
                self.vault.settle_office(&lock, &next)?;
                drop(lock);
                self.renew_grants(
                    actor.keys(),
                    |opens| matches!(opens, GrantOpens::Office { class } if class == word),
                )?;
                return Ok(members.len());
            }
        }
        let members = people.members(class);
        let known = self.vault.office_members(word)?;
        let mut wrapped = 0;
        for member in members.iter().filter(|member| !known.contains(&member.user)) {
            self.vault.grant_office(actor.keys(), word, member, &mut *self.entropy)?;
            wrapped += 1;
        }
        Ok(wrapped)
    }
}
