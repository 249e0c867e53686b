//! One decision: who asks, what for, on what, under what circumstances; and the policies that decided.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Context, Decision as Cedar, Entities, Entity, EntityUid, RestrictedExpression};
use provenote_schemas::{Role, Time, UserId};

use crate::act::Act;
use crate::grants::Access;
use crate::policies::Policies;
use crate::resource::{GrantSeen, OfClient, Resource, ResourceKind};
use crate::roles::{Tie, opens, with_included};
use crate::schema::{VOCABULARY, Vocabulary};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user.
    pub user: UserId,
    /// What the user is.
    pub role: Role,
    /// Whose work the user answers for.
    pub supervises: BTreeSet<UserId>,
    /// When the account ends; an auditor's has to have an end.
    pub ends: Option<Time>,
}

/// Under what circumstances. Everything is a fact that the edge found out; nothing here is worked out twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The moment: where the ledger is ahead of the clock, the ledger's ([`crate::Grants::judged_at`]).
    pub now: Time,
    /// Hour of the day where the practice is, 0 to 23.
    pub hour: u8,
    /// Day of the week where the practice is, 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// The user's role has to give a second factor.
    pub factor_required: bool,
    /// A second factor was given in this session.
    pub factor_given: bool,
    /// The passphrase was given for this very act.
    pub passphrase_anew: bool,
    /// The user wrote down why.
    pub reason_given: bool,
    /// The device is enrolled, approved and not revoked.
    pub device_known: bool,
    /// The practice's rule of networks and countries allows where the request comes from.
    pub place_allowed: bool,
    /// The practice's own name of the network.
    pub network: Option<String>,
    /// ISO 3166-1, two capital letters.
    pub country: Option<String>,
}

impl Circumstances {
    /// Nothing is known but the time: what every guard refuses.
    #[must_use]
    pub const fn unknown(now: Time) -> Self {
        Self {
            now,
            hour: 0,
            weekday: 1,
            factor_required: true,
            factor_given: false,
            passphrase_anew: false,
            reason_given: false,
            device_known: false,
            place_allowed: false,
            network: None,
            country: None,
        }
    }

    /// Nothing out of the ordinary: a known machine, everything given, on a Monday at noon.
    #[must_use]
    pub fn usual(now: Time) -> Self {
        Self {
            hour: 12,
            factor_given: true,
            passphrase_anew: true,
            reason_given: true,
            device_known: true,
            place_allowed: true,
            ..Self::unknown(now)
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// What for.
    pub act: Act,
    /// On what.
    pub resource: &'a Resource,
    /// Under what circumstances.
    pub circumstances: &'a Circumstances,
    /// What the user was given for a limited time and is in force ([`crate::Grants::in_force`]).
    pub grants: &'a [Access],
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// True where the act may be done.
    pub allowed: bool,
    /// The policies that decided: those that permit, or those that forbid; none where nothing permits it. A practice's
    /// own begin with `practice/`.
    pub policies: Vec<String>,
    /// Why, one sentence part for each policy.
    pub reasons: Vec<String>,
    /// What went wrong while deciding. Where anything did, the act is not allowed.
    pub errors: Vec<String>,
}

impl Decision {
    fn failed(error: impl Into<String>) -> Self {
        Self {
            allowed: false,
            policies: Vec::new(),
            reasons: vec!["the policies could not decide, and then nothing is permitted".to_owned()],
            errors: vec![error.into()],
        }
    }
}

/// Decides. Whatever goes wrong, the answer is no.
///
/// Takes well under 0.2 ms (`benches/decisions.rs`); entities are made for this request alone.
#[must_use]
pub fn decide(policies: &Policies, request: &Request<'_>) -> Decision {
    let Some(words) = VOCABULARY.as_ref() else { return Decision::failed("the schema of the policies is unreadable") };
    match answer(words, policies, request) {
        Ok(decision) => decision,
        Err(error) => Decision::failed(error),
    }
}

fn answer(words: &Vocabulary, policies: &Policies, request: &Request<'_>) -> Result<Decision, String> {
    let asked = Asked::new(words, request)?;
    let response = policies.authorizer().is_authorized(&asked.request, policies.set(), &asked.entities);
    let mut deciding: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    deciding.sort();
    let errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
    // A forbid that cannot be worked out would be skipped; then nothing is allowed at all.
    let allowed = response.decision() == Cedar::Allow && errors.is_empty();
    let mut reasons: Vec<String> = deciding.iter().map(|id| policies.says(id).to_owned()).collect();
    if !errors.is_empty() {
        reasons.push("a policy could not be worked out, and then nothing is permitted".to_owned());
    } else if deciding.is_empty() {
        let Subject { role, .. } = request.subject;
        reasons.push(format!("no policy permits a user with the role {role} to {}", request.act.in_words()));
    }
    Ok(Decision { allowed, policies: deciding, reasons, errors })
}

/// True where the keys of the user's role open the payloads of the resource; also where there are none to open.
#[must_use]
pub fn keys_open(subject: &Subject, resource: &Resource) -> bool {
    let Some(class) = resource.class() else { return true };
    opens(subject.role, class, tie(subject, resource))
}

/// What a user has to do with whatever is asked about.
#[must_use]
pub fn tie(subject: &Subject, resource: &Resource) -> Tie {
    let (clinicians, author) = match resource {
        Resource::OfClient(of) => (of.clinicians(), of.author()),
        Resource::Grant(GrantSeen { clinicians, author, .. }) => (clinicians, author.as_ref()),
        Resource::Practice | Resource::Ledger | Resource::User(_) | Resource::Device { .. } => return Tie::Practice,
    };
    Tie::Client {
        treats: clinicians.contains(&subject.user),
        supervises: !subject.supervises.is_disjoint(clinicians),
        wrote: author == Some(&subject.user),
    }
}

/// A request in Cedar's own terms.
pub(crate) struct Asked {
    pub(crate) request: cedar_policy::Request,
    pub(crate) entities: Entities,
}

impl Asked {
    pub(crate) fn new(words: &Vocabulary, request: &Request<'_>) -> Result<Self, String> {
        let Request { subject, act, resource, circumstances, grants } = request;
        let in_text = |error: &dyn std::error::Error| error.to_string();
        let (action, action_entity) = words.actions.get(act).ok_or("the act is not in the schema")?;
        let user = words.uid(ResourceKind::User, subject.user.as_str()).ok_or("no users in the schema")?;
        let (thing, thing_entity) = thing(words, resource, &user)?;

        let covering: Vec<&Access> = grants.iter().filter(|access| access.scope.covers(resource)).collect();
        let context = Context::from_pairs(facts(circumstances, !covering.is_empty(), &covering, || {
            // What access for a limited time opened is not handed on.
            keys_open(subject, resource) || (!covering.is_empty() && *act != Act::ApproveGrant)
        }))
        .map_err(|error| in_text(&error))?;

        let mut entities = vec![action_entity.clone(), self::user(words, &user, subject)?];
        entities.extend(thing_entity);
        let entities = Entities::from_entities(entities, None).map_err(|error| in_text(&error))?;
        let request = cedar_policy::Request::new(user, action.clone(), thing, context, Some(&words.schema))
            .map_err(|error| in_text(&error))?;
        Ok(Self { request, entities })
    }
}

fn facts(
    circumstances: &Circumstances,
    granted: bool,
    covering: &[&Access],
    keys_open: impl FnOnce() -> bool,
) -> Vec<(String, RestrictedExpression)> {
    let yes_or_no = RestrictedExpression::new_bool;
    let number = RestrictedExpression::new_long;
    let mut facts: Vec<(&str, RestrictedExpression)> = vec![
        ("now", number(circumstances.now.millis())),
        ("hour", number(circumstances.hour.into())),
        ("weekday", number(circumstances.weekday.into())),
        ("factor_required", yes_or_no(circumstances.factor_required)),
        ("factor_given", yes_or_no(circumstances.factor_given)),
        ("passphrase_anew", yes_or_no(circumstances.passphrase_anew)),
        ("reason_given", yes_or_no(circumstances.reason_given)),
        ("device_known", yes_or_no(circumstances.device_known)),
        ("place_allowed", yes_or_no(circumstances.place_allowed)),
        ("granted", yes_or_no(granted)),
        ("emergency", yes_or_no(covering.iter().any(|access| access.emergency))),
        ("keys_open", yes_or_no(keys_open())),
    ];
    for (name, word) in [("network", &circumstances.network), ("country", &circumstances.country)] {
        if let Some(word) = word {
            facts.push((name, RestrictedExpression::new_string(word.clone())));
        }
    }
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

fn user(words: &Vocabulary, uid: &EntityUid, subject: &Subject) -> Result<Entity, String> {
    let mut attributes = HashMap::from([("supervises".to_owned(), users(words, &subject.supervises)?)]);
    if let Some(ends) = subject.ends {
        attributes.insert("ends".to_owned(), RestrictedExpression::new_long(ends.millis()));
    }
    let roles = with_included(subject.role).iter().filter_map(|role| words.roles.get(role).cloned()).collect();
    Entity::new(uid.clone(), attributes, roles).map_err(|error| error.to_string())
}

fn users(words: &Vocabulary, ids: &BTreeSet<UserId>) -> Result<RestrictedExpression, String> {
    let uids: Option<Vec<_>> = ids.iter().map(|id| words.uid(ResourceKind::User, id.as_str())).collect();
    let uids = uids.ok_or("no users in the schema")?;
    Ok(RestrictedExpression::new_set(uids.into_iter().map(RestrictedExpression::new_entity_uid)))
}

/// The resource's name, and its entity where it has attributes of its own.
fn thing(
    words: &Vocabulary,
    resource: &Resource,
    principal: &EntityUid,
) -> Result<(EntityUid, Option<Entity>), String> {
    let kind = resource.kind();
    let named = |id: &str| words.uid(kind, id).ok_or("the kind is not in the schema");
    let one = |uid: EntityUid, attributes: HashMap<String, RestrictedExpression>, parents: HashSet<EntityUid>| {
        let entity = Entity::new(uid.clone(), attributes, parents).map_err(|error| error.to_string())?;
        Ok((uid, Some(entity)))
    };
    let a_user = |id: &UserId| {
        words
            .uid(ResourceKind::User, id.as_str())
            .map(RestrictedExpression::new_entity_uid)
            .ok_or("no users in the schema")
    };
    match resource {
        Resource::Practice | Resource::Ledger => one(named("this")?, HashMap::new(), HashSet::new()),
        Resource::User(id) => {
            let uid = named(id.as_str())?;
            if uid == *principal {
                return Ok((uid, None));
            }
            one(uid, HashMap::from([("supervises".to_owned(), RestrictedExpression::new_set([]))]), HashSet::new())
        }
        Resource::Device { id, holder } => {
            one(named(id.as_str())?, HashMap::from([("holder".to_owned(), a_user(holder)?)]), HashSet::new())
        }
        Resource::OfClient(of) => {
            let mut attributes = of_client(words, of.class(), of.clinicians())?;
            if let Some(author) = of.author() {
                attributes.insert("author".to_owned(), a_user(author)?);
            }
            if kind == ResourceKind::Session {
                let agreed = RestrictedExpression::new_bool(of.supervision_agreed());
                attributes.insert("supervision_agreed".to_owned(), agreed);
            }
            let uid = named(of.id())?;
            one(uid.clone(), attributes, parents(words, of, &uid))
        }
        Resource::Grant(grant) => {
            let mut attributes = of_client(words, grant.class, &grant.clinicians)?;
            attributes.insert("requester".to_owned(), a_user(&grant.requester)?);
            if let Some(author) = &grant.author {
                attributes.insert("author".to_owned(), a_user(author)?);
            }
            let client = grant.client.as_ref().and_then(|id| words.uid(ResourceKind::Client, id.as_str()));
            one(named(grant.id.as_str())?, attributes, client.into_iter().collect())
        }
    }
}

fn of_client(
    words: &Vocabulary,
    class: provenote_schemas::Class,
    clinicians: &BTreeSet<UserId>,
) -> Result<HashMap<String, RestrictedExpression>, String> {
    let class = words.classes.get(&class).cloned().ok_or("the class is not in the schema")?;
    Ok(HashMap::from([
        ("class".to_owned(), RestrictedExpression::new_entity_uid(class)),
        ("clinicians".to_owned(), users(words, clinicians)?),
    ]))
}

/// What it is a part of, so that a practice can write a policy about one client, session or note.
fn parents(words: &Vocabulary, of: &OfClient, own: &EntityUid) -> HashSet<EntityUid> {
    let mut parents = HashSet::new();
    let within = |kind: ResourceKind| match of.kind() {
        ResourceKind::Client => false,
        ResourceKind::Note => kind != ResourceKind::Note,
        ResourceKind::Session => kind == ResourceKind::Client,
        ResourceKind::Claim | ResourceKind::Release => kind != ResourceKind::Session,
        _ => true,
    };
    let named = [
        (ResourceKind::Client, of.client().map(provenote_schemas::ClientId::as_str)),
        (ResourceKind::Session, of.in_session().map(provenote_schemas::SessionId::as_str)),
        (ResourceKind::Note, of.in_note().map(provenote_schemas::NoteId::as_str)),
    ];
    for (kind, id) in named {
        if let Some(uid) = id.filter(|_| within(kind)).and_then(|id| words.uid(kind, id))
            && uid != *own
        {
            parents.insert(uid);
        }
    }
    parents
}
