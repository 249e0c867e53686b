//! Evidence for somebody outside: which entries and texts go into a bundle, what is held back and why, and making it.
//!
//! A bundle is of one client, of one of their sessions or notes, or of a period. Of other clients it shows nothing: an
//! entry that speaks of another client stays out, and what the bundle says of its neighbours in the ledger are hashes
//! in proofs. Two things follow from any proof and cannot be hidden: how many entries the ledger has, and at which
//! positions those of the bundle stand.

use std::collections::{BTreeMap, BTreeSet};

use provenote_access::{Act, Withholding, held_back_by_rule, held_back_in_a_period};
use provenote_bundle::{Contents, KeyEpoch, LeftOut, Opened, Prepared, Proved, Scope, Withheld};
use provenote_ledger::note::epoch_at;
use provenote_ledger::proof::{ProveError, prove_consistency, prove_inclusion, root_at};
use provenote_ledger::{Checkpoint, Fact, Hash, Header, Log, PayloadRef, Query, SignedNote};
use provenote_schemas::{ClientId, Kind, NoteId, SessionId, Time};

use crate::act::{Actor, PRACTICE_SCOPE, Practice, reference};
use crate::error::PracticeError;

/// What a bundle shall be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleScope {
    /// A client, by id or whole name.
    Client(String),
    /// A session, by id.
    Session(String),
    /// A note, by id.
    Note(String),
    /// A period, both ends included.
    Period {
        /// First moment.
        from: Time,
        /// Last moment.
        to: Time,
    },
}

/// A text or file that a bundle would show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The entry it belongs to.
    pub seq: u64,
    /// Its name in the entry.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Its media type.
    pub media_type: String,
    /// Its length with padding, in bytes.
    pub padded_length: u64,
}

/// What would go into a bundle, to be looked at before anything is recorded or opened.
#[derive(Debug, Clone)]
pub struct BundlePlan {
    scope: Scope,
    refs: Vec<(&'static str, String)>,
    entries: Vec<Header>,
    disclosed: Vec<Disclosure>,
    withheld: Vec<Withheld>,
    left_out: Vec<LeftOut>,
}

impl BundlePlan {
    /// What it is of.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The entries, in the order of the ledger; the one that records the bundle comes after them.
    #[must_use]
    pub fn entries(&self) -> &[Header] {
        &self.entries
    }

    /// What would be shown.
    #[must_use]
    pub fn disclosed(&self) -> &[Disclosure] {
        &self.disclosed
    }

    /// What would be held back, each with its reason.
    #[must_use]
    pub fn withheld(&self) -> &[Withheld] {
        &self.withheld
    }

    /// Entries of the scope that would stay out.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// What else goes into a bundle.
#[derive(Debug, Clone, Default)]
pub struct BundleExtras {
    /// A document for people, PDF. It must not speak of other clients: this cannot be checked here.
    pub report: Option<Vec<u8>>,
    /// The practice's witnesses, a C2SP tlog-policy; none where nobody has to agree.
    pub policy: Option<String>,
    /// Checkpoints handed out earlier, signed notes: the bundle proves that the ledger only grew since.
    pub anchors: Vec<String>,
}

/// A bundle that was made.
#[derive(Debug)]
pub struct BundleMade {
    /// The file.
    pub bytes: Vec<u8>,
    /// The entry that records it.
    pub seq: u64,
    /// SHA-256 of its manifest, as that entry has it.
    pub manifest: Hash,
}

/// Whose entries may stand in a bundle.
enum Whose {
    /// One client's, and the practice's own.
    Client(ClientId),
    /// Everybody's.
    All,
}

impl Practice {
    /// Says what a bundle would hold. `withhold` names payloads (`prompt`) or classes (`billing`) to be held back too.
    /// Nothing is opened and nothing recorded.
    ///
    /// # Errors
    /// [`PracticeError::Access`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for a period without
    /// entries, or something to withhold that is not there.
    pub fn bundle_plan(
        &self,
        actor: &Actor,
        scope: &BundleScope,
        withhold: &[String],
    ) -> Result<BundlePlan, PracticeError> {
        actor.authorise(Act::MakeBundle)?;
        let (scope, whose, refs, mut chosen) = self.in_scope(actor, scope)?;
        let mut left_out = Vec::new();
        if let Whose::Client(client) = &whose {
            let mut owners = BTreeMap::new();
            let mut kept = Vec::with_capacity(chosen.len());
            for header in chosen {
                if self.speaks_of_another(&header, client, &mut owners)? {
                    let why = "It speaks of another client too, so it cannot be shown.".to_owned();
                    left_out.push(LeftOut { seq: header.seq, why });
                } else {
                    kept.push(header);
                }
            }
            chosen = kept;
        }
        let mut entries: BTreeMap<u64, Header> = chosen.into_iter().map(|header| (header.seq, header)).collect();
        for header in self.needed_to_understand(&entries)? {
            entries.insert(header.seq, header);
        }
        let mut plan =
            BundlePlan { scope, refs, entries: Vec::new(), disclosed: Vec::new(), withheld: Vec::new(), left_out };
        let mut receipts = BTreeMap::new();
        let mut matched = BTreeSet::new();
        for header in entries.values() {
            for payload in &header.payloads {
                let asked = withhold.iter().find(|what| **what == payload.name || **what == payload.class);
                matched.extend(asked);
                match self.why_withheld(actor, &whose, payload, asked.is_some(), &mut receipts)? {
                    None => plan.disclosed.push(Disclosure {
                        seq: header.seq,
                        name: payload.name.clone(),
                        class: payload.class.clone(),
                        media_type: payload.media_type.clone(),
                        padded_length: payload.padded_length,
                    }),
                    Some(reason) => plan.withheld.push(reason.of(header.seq, payload)),
                }
            }
        }
        if let Some(nothing) = withhold.iter().find(|what| !matched.contains(what)) {
            let mut known: BTreeSet<&str> = BTreeSet::new();
            for payload in entries.values().flat_map(|header| &header.payloads) {
                known.extend([payload.name.as_str(), payload.class.as_str()]);
            }
            return Err(PracticeError::BadRequest(format!(
                "there is nothing called `{}` to withhold: there are {}",
                nothing.chars().take(40).collect::<String>(),
                known.into_iter().collect::<Vec<_>>().join(", ")
            )));
        }
        // What says that something was destroyed belongs beside it.
        entries.extend(receipts.into_values().flatten().map(|receipt| (receipt.seq, receipt)));
        plan.entries = entries.into_values().collect();
        Ok(plan)
    }

    /// Makes a bundle: opens what is shown, records the bundle by the SHA-256 of its manifest, has the checkpoint
    /// cosigned, proves every entry to it, and verifies the file as a stranger would. `cosign` is given the log and its
    /// newest checkpoint and returns that note with further signature lines, or as it is where nobody has to agree.
    ///
    /// # Errors
    /// Until the entry is written, nothing has happened. After it: where `cosign` fails, the policy is not met or a
    /// proof cannot be made; the ledger then records a bundle that nobody got.
    pub fn bundle_create(
        &mut self,
        actor: &Actor,
        plan: &BundlePlan,
        extras: BundleExtras,
        cosign: impl FnOnce(&Log, &str) -> Result<String, String>,
    ) -> Result<BundleMade, PracticeError> {
        self.allow_here(actor, Act::MakeBundle)?;
        let earlier = self.earlier_roots(&extras.anchors)?;
        let mut entries = BTreeMap::new();
        for header in &plan.entries {
            entries.insert(header.seq, self.log.entry_bytes(header.seq)?);
        }
        let epochs = self.log.epochs().to_vec();
        let prepared = Prepared::new(Contents {
            origin: self.log.identity()?.origin,
            created: self.clock.now().to_string(),
            scope: plan.scope.clone(),
            keys: epochs
                .iter()
                .map(|epoch| KeyEpoch { epoch: epoch.number, from_size: epoch.from_size, vkey: epoch.key.to_string() })
                .collect(),
            entries,
            disclosed: plan
                .disclosed
                .iter()
                .map(|shown| self.disclose(actor, plan, shown))
                .collect::<Result<_, _>>()?,
            withheld: plan.withheld.clone(),
            left_out: plan.left_out.clone(),
            policy: extras.policy,
            report: extras.report,
            earlier: earlier.keys().copied().collect(),
        })?;
        let manifest = prepared.manifest_digest();
        let count = |number: usize| Fact::Number(i64::try_from(number).unwrap_or(i64::MAX));
        let mut entry = self
            .entry(actor, Kind::BundleCreated)
            .fact("manifest", Fact::Text(manifest.to_string()))
            .fact("entries", count(plan.entries.len()))
            .fact("disclosed", count(plan.disclosed.len()))
            .fact("withheld", count(plan.withheld.len()));
        for (name, id) in &plan.refs {
            entry = entry.refer(name, id);
        }
        if let Scope::Period { from, to } = &plan.scope {
            entry = entry.fact("from", Fact::Text(from.clone())).fact("to", Fact::Text(to.clone()));
        }
        let seq = self.append_one(actor, entry)?;

        let note = cosign(&self.log, &self.log.checkpoint()?).map_err(PracticeError::NotAllowed)?;
        let checkpoint = checkpoint_of(&note)?;
        if self.log.epochs().len() != epochs.len() {
            return Err(PracticeError::NotAllowed(
                "the ledger was given a new key while the bundle was made: make the bundle again".to_owned(),
            ));
        }
        let mut proofs = BTreeMap::new();
        for at in plan.entries.iter().map(|header| header.seq).chain([seq]) {
            let proof = prove_inclusion(self.log.store(), at, checkpoint.size);
            proofs.insert(at, proof.map_err(|error| unproved(at, &error))?);
        }
        let mut consistency = BTreeMap::new();
        for (size, root) in earlier {
            let proof = prove_consistency(self.log.store(), size, checkpoint.size);
            consistency.insert(size, (root, proof.map_err(|error| unproved(size, &error))?));
        }
        let created = (seq, self.log.entry_bytes(seq)?);
        let bytes = prepared.finish(&Proved { created, note, proofs, earlier: consistency })?;
        Ok(BundleMade { bytes, seq, manifest })
    }

    /// The entries of a scope, whose they may be, and what the record of the bundle refers to.
    #[allow(clippy::type_complexity)]
    fn in_scope(
        &self,
        actor: &Actor,
        scope: &BundleScope,
    ) -> Result<(Scope, Whose, Vec<(&'static str, String)>, Vec<Header>), PracticeError> {
        let client_ref = |header: &Header| -> Result<ClientId, PracticeError> { crate::sessions::client_of(header) };
        match scope {
            BundleScope::Client(asked) => {
                let client = match asked.parse::<ClientId>() {
                    // By id the name need not be opened: it may be destroyed by now.
                    Ok(id) => client_ref(&self.client_header(&id)?)?,
                    Err(_) => self.client(actor, asked)?.client,
                };
                let mut chosen = self.headers_with("client", client.as_str())?;
                let own: BTreeSet<u64> = chosen.iter().map(|header| header.seq).collect();
                // Who looked at one of these entries.
                chosen.extend(self.headers(Kind::LedgerViewed, &[])?.into_iter().filter(|header| {
                    matches!(header.facts.get("entry"), Some(Fact::Number(seq)) if u64::try_from(*seq).is_ok_and(|seq| own.contains(&seq)))
                }));
                let id = client.to_string();
                Ok((Scope::Client { id: id.clone() }, Whose::Client(client), vec![("client", id)], chosen))
            }
            BundleScope::Session(asked) => {
                let session = self.session_header(asked)?;
                let id: SessionId = crate::sessions::session_of(&session)?;
                let client = client_ref(&session)?;
                let chosen = self.around_session(&session, None)?;
                let refs = vec![("client", client.to_string()), ("session", id.to_string())];
                Ok((Scope::Session { id: id.to_string() }, Whose::Client(client), refs, chosen))
            }
            BundleScope::Note(asked) => {
                let not_found = || PracticeError::NotFound {
                    what: "note",
                    id: asked.chars().take(40).collect(),
                    list: "note list",
                };
                let id: NoteId = asked.parse().map_err(|_| not_found())?;
                let draft = self.one(Kind::DraftMade, &[("note", id.as_str())])?.ok_or_else(not_found)?;
                let session = self.session_header(reference(&draft, "session")?)?;
                let client = client_ref(&session)?;
                let chosen = self.around_session(&session, Some(&id))?;
                let refs = vec![
                    ("client", client.to_string()),
                    ("session", reference(&draft, "session")?.to_owned()),
                    ("note", id.to_string()),
                ];
                Ok((Scope::Note { id: id.to_string() }, Whose::Client(client), refs, chosen))
            }
            BundleScope::Period { from, to } => {
                let since = Query { since_ms: Some(from.millis()), ..Query::default() };
                let mut chosen = self.log.find(&since)?;
                chosen.retain(|header| header.time <= to.millis());
                if chosen.is_empty() {
                    return Err(PracticeError::BadRequest(format!(
                        "nothing was recorded from {from} to {to}: choose another period"
                    )));
                }
                Ok((Scope::Period { from: from.to_string(), to: to.to_string() }, Whose::All, Vec::new(), chosen))
            }
        }
    }

    /// Whether an entry names, as a reference, a fact or a payload's scope, a client other than this one, or something
    /// that is another client's. `owners` remembers what was looked up.
    fn speaks_of_another(
        &self,
        header: &Header,
        client: &ClientId,
        owners: &mut BTreeMap<(String, String), bool>,
    ) -> Result<bool, PracticeError> {
        let another = |text: &str| text.parse::<ClientId>().is_ok_and(|id| id != *client);
        let facts = header.facts.values().any(|fact| matches!(fact, Fact::Text(text) if another(text)));
        let scopes = header.payloads.iter().any(|p| p.scope != client.as_str() && p.scope != PRACTICE_SCOPE);
        if facts || scopes || header.refs.values().any(|id| another(id)) {
            return Ok(true);
        }
        for (name, id) in &header.refs {
            // `consent.0`, `consent.1` name consents, and `person.0` a participant; `file`, `audio` and the like name groups
            // of this entry's client.
            let name = match name.split('.').next().unwrap_or(name) {
                "amends" => "consent",
                "person" => "participant",
                name @ ("session" | "note" | "consent" | "participant" | "group") => name,
                _ => continue,
            };
            let key = (name.to_owned(), id.clone());
            let theirs = match owners.get(&key) {
                Some(known) => *known,
                None => {
                    let spoken_of = self.headers_with(name, id)?;
                    let theirs =
                        spoken_of.iter().any(|other| other.refs.get("client").is_some_and(|of| of != client.as_str()));
                    owners.insert(key, theirs);
                    theirs
                }
            };
            if theirs {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The practice's own entries without which the others mean little: its founding, the users who acted and their
    /// keys, the settings in force, and every change of the ledger's key.
    fn needed_to_understand(&self, entries: &BTreeMap<u64, Header>) -> Result<Vec<Header>, PracticeError> {
        let mut needed = self.headers(Kind::PracticeCreated, &[])?;
        let acted: BTreeSet<&str> = entries
            .values()
            .flat_map(|header| [Some(header.actor.as_str()), header.refs.get("user").map(String::as_str)])
            .flatten()
            .collect();
        let users = self.headers(Kind::UserAdded, &[])?;
        needed.extend(
            users.into_iter().filter(|added| added.refs.get("user").is_some_and(|user| acted.contains(user.as_str()))),
        );
        let first = entries.keys().next().copied().unwrap_or(0);
        let last = entries.keys().next_back().copied().unwrap_or(0);
        let mut settings = self.headers(Kind::PracticeConfigured, &[])?;
        settings.retain(|header| header.seq <= last);
        let in_force = settings.iter().rposition(|header| header.seq <= first).unwrap_or(0);
        needed.extend(settings.split_off(in_force.min(settings.len())));
        needed.extend(self.headers(Kind::LogKeyRotated, &[])?);
        Ok(needed)
    }

    /// Why a payload is held back; `None` where it is shown. `receipts` gathers what records destructions, by group.
    fn why_withheld(
        &self,
        actor: &Actor,
        whose: &Whose,
        payload: &PayloadRef,
        asked: bool,
        receipts: &mut BTreeMap<String, Option<Header>>,
    ) -> Result<Option<Reason>, PracticeError> {
        if !receipts.contains_key(&payload.group) {
            receipts.insert(payload.group.clone(), self.destruction(&payload.group)?);
        }
        if let Some(Some(receipt)) = receipts.get(&payload.group) {
            return Ok(Some(Reason::Destroyed { by: receipt.seq, on: Time::from_millis(receipt.time).date() }));
        }
        if asked {
            return Ok(Some(Reason::Asked));
        }
        if let Some(rule) = held_back_by_rule(&payload.class, &payload.media_type) {
            return Ok(Some(Reason::Rule(rule)));
        }
        if matches!(whose, Whose::All) && payload.scope != PRACTICE_SCOPE {
            return Ok(Some(Reason::Rule(held_back_in_a_period())));
        }
        if !self.vault.is_entitled(actor.keys(), &payload.class, &payload.scope) {
            return Ok(Some(Reason::NotEntitled));
        }
        Ok(if self.log.sealed(payload)?.is_none() { Some(Reason::Missing) } else { None })
    }

    fn disclose(&self, actor: &Actor, plan: &BundlePlan, shown: &Disclosure) -> Result<Opened, PracticeError> {
        let unreadable = |why: &str| PracticeError::Unreadable { seq: shown.seq, what: "payload", why: why.to_owned() };
        let at = plan.entries.binary_search_by_key(&shown.seq, |header| header.seq);
        let payload = at.ok().and_then(|at| plan.entries.get(at));
        let payload = payload.and_then(|header| header.payloads.iter().find(|payload| payload.name == shown.name));
        let payload = payload.ok_or_else(|| unreadable("the entry carries no such payload"))?;
        let (wrapped_key, body) =
            self.log.sealed(payload)?.ok_or_else(|| unreadable("its ciphertext is missing, or was destroyed since"))?;
        let opened = self.vault.disclose(actor.keys(), payload, &wrapped_key, &body)?;
        Ok(Opened {
            seq: shown.seq,
            name: shown.name.clone(),
            media_type: shown.media_type.clone(),
            plaintext: opened.plaintext.to_vec(),
            commitment_key: *opened.commitment_key,
        })
    }

    /// The roots of earlier checkpoints by size, each signed by this ledger and what the ledger still says.
    fn earlier_roots(&self, anchors: &[String]) -> Result<BTreeMap<u64, Hash>, PracticeError> {
        let mut roots = BTreeMap::new();
        for note in anchors {
            let checkpoint = checkpoint_of(note)?;
            let epoch = epoch_at(self.log.epochs(), checkpoint.size);
            let signed = epoch.is_some_and(|epoch| Checkpoint::open(note, &epoch.key).is_ok());
            if !signed || checkpoint.size == 0 {
                return Err(PracticeError::BadRequest(
                    "the checkpoint given is not signed by this practice's ledger: give one that stands on a form or in a file of this practice"
                        .to_owned(),
                ));
            }
            let root = root_at(self.log.store(), checkpoint.size).map_err(|error| unproved(checkpoint.size, &error))?;
            if root != checkpoint.root {
                return Err(PracticeError::NotAllowed(format!(
                    "the ledger no longer says of its first {} entries what the checkpoint given says: run `provenote ledger verify --anchor` with it",
                    checkpoint.size
                )));
            }
            roots.insert(checkpoint.size, root);
        }
        Ok(roots)
    }
}

/// Why a payload is held back.
enum Reason {
    Destroyed { by: u64, on: String },
    Asked,
    Rule(&'static Withholding),
    NotEntitled,
    Missing,
}

impl Reason {
    fn of(self, seq: u64, payload: &PayloadRef) -> Withheld {
        let (word, why, basis, destroyed_by) = match self {
            Self::Destroyed { by, on } => (
                "destroyed",
                format!("It was destroyed on {on}, as entry {by} records. Nobody can open it any more."),
                None,
                Some(by),
            ),
            Self::Asked => ("asked", "The practice chose to hold it back.".to_owned(), None, None),
            Self::Rule(rule) => (rule.reason.as_str(), rule.why.clone(), Some(rule), None),
            Self::NotEntitled => {
                ("not_entitled", "Whoever made this bundle has no key that opens it.".to_owned(), None, None)
            }
            Self::Missing => (
                "missing",
                "Its sealed form is not in the practice's ledger any more, and no entry says why.".to_owned(),
                None,
                None,
            ),
        };
        Withheld {
            seq,
            name: payload.name.clone(),
            class: payload.class.clone(),
            reason: word.to_owned(),
            why,
            citation: basis.map(|rule| rule.citation.clone()),
            verification: basis.map(|rule| rule.verification.clone()),
            destroyed_by,
        }
    }
}

fn checkpoint_of(note: &str) -> Result<Checkpoint, PracticeError> {
    SignedNote::parse(note)
        .and_then(|signed| Checkpoint::parse(signed.text()))
        .map_err(|error| PracticeError::BadRequest(format!("the checkpoint cannot be read: {error}")))
}

fn unproved(at: u64, error: &ProveError) -> PracticeError {
    PracticeError::NotAllowed(format!("no proof can be made for {at}: {error}; run `provenote ledger verify`"))
}
