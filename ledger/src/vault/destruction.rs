//! Destroying everything of one scope, and the list of destructions that lies beside the keys.
//!
//! The entry of a destruction lies in the ledger, and a backup of the ledger made before it does not have it. So each
//! destruction is also noted beside the keys, in [`DESTROYED`]: whoever puts old keys back over a folder, or restores an
//! old ledger with the newest list, destroys again what the list names. A line of it is
//!
//! ```text
//! {"check":"SHA-256 of file","file":{"v":1,"what":"group","name":"grp-…","seq":41,"time":1795305600000,"by":"usr-…","signature":"…"}}
//! ```
//!
//! Lines are only ever added. A line names keys that are gone, so it needs no secrecy; but a forged one would destroy a
//! record, so each is signed by the user who acted, and only signed lines are obeyed. The checksum tells a damaged line
//! from a forged one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::files::{Bytes, GroupFile};
use super::keys::{Unlocked, UserPublic, verify_signature};
use super::{Vault, VaultError, class_file, damaged, files, group_file, named};
use crate::hash::Hash;
use crate::header::is_name;

/// The list's name in a [`KeyStore`](super::KeyStore).
pub const DESTROYED: &str = "destroyed.jsonl";
/// The kind of entry that records the destruction of a whole scope. Its reference `client` names the scope.
pub const SCOPE_DESTROYED: &str = "client.destroyed";
/// The longest line that is read, in bytes: names have at most 128 letters.
const MAX_LINE: usize = 1_024;

/// What was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// One retention group.
    Group,
    /// All class keys and all groups of a scope.
    Scope,
}

impl Extent {
    fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Scope => "scope",
        }
    }
}

/// A destruction, as the list beside the keys remembers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destruction {
    /// What was destroyed.
    pub extent: Extent,
    /// The group, or the scope.
    pub name: String,
    /// The entry that records it.
    pub seq: u64,
    /// That entry's time, in milliseconds since 1970.
    pub time: i64,
    /// Who noted it here, and signs for it.
    pub by: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// SHA-256 of `file` as compact JSON.
    check: Hash,
    file: Record,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    v: u32,
    what: Extent,
    name: String,
    seq: u64,
    time: i64,
    by: String,
    signature: Bytes,
}

/// What the user signs.
fn statement(destruction: &Destruction) -> Vec<u8> {
    let Destruction { extent, name, seq, time, by } = destruction;
    format!("provenote/destroyed/v1\n{}\n{name}\n{seq}\n{time}\n{by}\n", extent.word()).into_bytes()
}

fn line(destruction: &Destruction, by: &Unlocked) -> Vec<u8> {
    let file = Record {
        v: 1,
        what: destruction.extent,
        name: destruction.name.clone(),
        seq: destruction.seq,
        time: destruction.time,
        by: destruction.by.clone(),
        signature: Bytes(by.sign(&statement(destruction)).to_vec()),
    };
    // Strings, numbers and no maps: these always have a JSON form.
    let check = Hash::of(&serde_json::to_vec(&file).unwrap_or_default());
    let mut bytes = serde_json::to_vec(&Line { check, file }).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A list of destructions, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestructionList {
    /// What signed lines say was destroyed, in the order of the list.
    pub held: Vec<Destruction>,
    /// Lines, from 1, that are damaged.
    pub damaged: Vec<usize>,
    /// Whether the list ends within a line, as a crash leaves it. The next destruction that is noted mends it.
    pub cut_off: bool,
    /// Lines, from 1, that no known user has signed. They are not obeyed.
    pub unsigned: Vec<usize>,
}

impl DestructionList {
    /// Reads a list. Lines count only where one of `users` has signed them.
    #[must_use]
    pub fn read(list: &[u8], users: &[UserPublic]) -> Self {
        let (mut read, mut unsigned) = (Self::default(), Vec::new());
        for (number, line) in lines(list) {
            match parse(line) {
                None if is_cut_off(list, line) => read.cut_off = true,
                None => read.damaged.push(number),
                Some((destruction, signature)) if is_signed(&destruction, &signature, users) => {
                    read.held.push(destruction);
                }
                Some((claimed, _)) => unsigned.push((number, claimed)),
            }
        }
        // A user who goes leaves lines that another has signed again.
        let again = |claimed: &Destruction| {
            read.held.iter().any(|held| {
                (held.extent, &held.name, held.seq, held.time)
                    == (claimed.extent, &claimed.name, claimed.seq, claimed.time)
            })
        };
        let left: Vec<usize> =
            unsigned.iter().filter(|(_, claimed)| !again(claimed)).map(|(number, _)| *number).collect();
        read.unsigned = left;
        read
    }
}

/// The lines that are not empty, and their numbers from 1.
fn lines(list: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    list.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()).map(|(n, line)| (n + 1, line))
}

/// Whether a line is the beginning of one that was not written to its end. A whole one with something after it was
/// changed.
fn is_cut_off(list: &[u8], line: &[u8]) -> bool {
    let whole = |line| serde_json::Deserializer::from_slice(line).into_iter::<Line>().next().is_some_and(|v| v.is_ok());
    list.ends_with(line) && !whole(line)
}

fn parse(line: &[u8]) -> Option<(Destruction, [u8; 64])> {
    if line.len() > MAX_LINE {
        return None;
    }
    let Line { check, file } = serde_json::from_slice(line).ok()?;
    let whole = file.v == 1 && is_name(&file.name) && Hash::of(&serde_json::to_vec(&file).unwrap_or_default()) == check;
    let signature = file.signature.0.try_into().ok().filter(|_| whole)?;
    Some((Destruction { extent: file.what, name: file.name, seq: file.seq, time: file.time, by: file.by }, signature))
}

fn is_signed(destruction: &Destruction, signature: &[u8; 64], users: &[UserPublic]) -> bool {
    let signer = users.iter().find(|user| user.user == destruction.by);
    signer.is_some_and(|user| verify_signature(&user.sign_key, &statement(destruction), signature))
}

impl Vault {
    /// Notes destructions in the list beside the keys, in the name of `by`. Comes after their entry and before the keys
    /// go; what is noted already is not noted again.
    ///
    /// # Errors
    /// [`VaultError::Io`]; then the keys must not go yet, or an old backup would bring them back.
    pub fn note_destructions(&mut self, by: &Unlocked, destructions: &[Destruction]) -> Result<(), VaultError> {
        let mut missing = BTreeMap::new();
        for destruction in destructions {
            named(&destruction.name)?;
            missing.insert((destruction.extent, destruction.name.clone()), destruction);
        }
        let _held = self.keys.lock()?;
        let list = self.keys.read(DESTROYED)?.unwrap_or_default();
        let users = self.known_users();
        for (noted, signature) in lines(&list).filter_map(|(_, line)| parse(line)) {
            let key = (noted.extent, noted.name.clone());
            // Signatures are slow to check; a line that is not asked about is taken as it is.
            if missing.contains_key(&key) && is_signed(&noted, &signature, &users) {
                missing.remove(&key);
            }
        }
        let mine = |destruction: &Destruction| Destruction { by: by.user().to_owned(), ..destruction.clone() };
        self.append_lines(&list, missing.into_values().flat_map(|destruction| line(&mine(destruction), by)).collect())
    }

    /// Signs anew, in the name of `by`, for what the list holds by the signature of `user` alone. Under the lock.
    pub(super) fn sign_destructions_of(&mut self, by: &Unlocked, user: &str) -> Result<(), VaultError> {
        let list = self.keys.read(DESTROYED)?.unwrap_or_default();
        let held = DestructionList::read(&list, &self.known_users()).held;
        let same = |one: &Destruction, other: &Destruction| (one.extent, &one.name) == (other.extent, &other.name);
        let theirs = held.iter().filter(|one| one.by == user);
        let alone = theirs.filter(|one| !held.iter().any(|other| other.by != user && same(one, other)));
        let mine = |one: &Destruction| line(&Destruction { by: by.user().to_owned(), ..one.clone() }, by);
        let lines = alone.flat_map(mine).collect();
        self.append_lines(&list, lines)
    }

    fn append_lines(&mut self, list: &[u8], lines: Vec<u8>) -> Result<(), VaultError> {
        if lines.is_empty() {
            return Ok(());
        }
        if list.is_empty() || list.ends_with(b"\n") {
            return Ok(self.keys.append(DESTROYED, &lines)?);
        }
        // What a crash left of a line goes; a whole line that only lost its end stays, to be told.
        let last = list.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let mut mended = list.to_vec();
        if is_cut_off(list, last) {
            mended.truncate(list.len() - last.len());
        } else {
            mended.push(b'\n');
        }
        mended.extend_from_slice(&lines);
        Ok(self.keys.write(DESTROYED, &mended)?)
    }

    /// The list beside the keys.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn destructions(&self) -> Result<DestructionList, VaultError> {
        let list = self.keys.read(DESTROYED)?.unwrap_or_default();
        Ok(DestructionList::read(&list, &self.known_users()))
    }

    /// Reads another list, and adds to this vault's own what is signed by its users and not in it yet.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn take_over_destructions(&mut self, list: &[u8]) -> Result<DestructionList, VaultError> {
        let users = self.known_users();
        let _held = self.keys.lock()?;
        let own = self.keys.read(DESTROYED)?.unwrap_or_default();
        let known: BTreeSet<Destruction> = DestructionList::read(&own, &users).held.into_iter().collect();
        let mut new = Vec::new();
        for (_, line) in lines(list) {
            let signed = parse(line).filter(|(read, signature)| is_signed(read, signature, &users));
            if signed.is_some_and(|(read, _)| !known.contains(&read)) {
                new.extend_from_slice(line);
                new.push(b'\n');
            }
        }
        self.append_lines(&own, new)?;
        Ok(DestructionList::read(list, &users))
    }

    /// Users whose key files can be read; a damaged one is told by the audit.
    fn known_users(&self) -> Vec<UserPublic> {
        let names = self.keys.list("users/").unwrap_or_default();
        let public = |name: &String| {
            let file = self.user(name.strip_prefix("users/")?.strip_suffix(".json")?).ok()??;
            Some(file.public())
        };
        names.iter().filter_map(public).collect()
    }

    /// The groups of a scope whose keys are there. A group whose file is damaged belongs to nobody: its key is gone
    /// already.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn groups_of(&self, scope: &str) -> Result<Vec<String>, VaultError> {
        let mut groups = Vec::new();
        for group in self.groups()? {
            match self.scope_of(&group) {
                Ok(of) if of == scope => groups.push(group),
                Ok(_) | Err(VaultError::Damaged { .. } | VaultError::GroupGone(_) | VaultError::BadName(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(groups)
    }

    fn scope_of(&self, group: &str) -> Result<String, VaultError> {
        let name = group_file(named(group)?);
        let contents = self.keys.read(&name)?.ok_or_else(|| VaultError::GroupGone(group.to_owned()))?;
        let file: GroupFile = files::parse(&name, &contents)?;
        Ok(file.scope)
    }

    /// Whether any key of a scope is there.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn scope_exists(&self, scope: &str) -> Result<bool, VaultError> {
        Ok(!self.class_keys_of(scope)?.is_empty() || !self.groups_of(scope)?.is_empty())
    }

    /// Destroys all keys of a scope, and the given blobs: first the keys of its classes, which makes everything of it
    /// worthless at once, then those of its groups. Nothing of another scope is touched. Comes after the entry that
    /// records it and after [`Vault::note_destructions`]; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn destroy_scope(&mut self, scope: &str, blobs: &[Hash]) -> Result<(), VaultError> {
        let groups = self.groups_of(named(scope)?)?;
        self.forget_granted(&|key| key.scope.as_deref() == Some(scope))?;
        for class in self.class_keys_of(scope)? {
            self.keys.destroy(&class)?;
        }
        for group in groups {
            self.destroy_group(&group, &[])?;
        }
        for blob in blobs {
            self.blobs.destroy(blob)?;
        }
        Ok(())
    }

    fn class_keys_of(&self, scope: &str) -> Result<Vec<String>, VaultError> {
        let of_scope = |name: &String| {
            let place = name.strip_prefix("classes/").and_then(|rest| rest.strip_suffix(".json"));
            // A class has no dot in its name, so that the first one parts it from the scope.
            place
                .and_then(|place| place.split_once('.'))
                .is_some_and(|(class, of)| of == scope && *name == class_file(class, scope))
        };
        Ok(self.keys.list("classes/")?.into_iter().filter(of_scope).collect())
    }

    pub(super) fn audit_destructions(&self) -> Result<(), VaultError> {
        let list = self.destructions()?;
        if !list.damaged.is_empty() {
            return Err(damaged(DESTROYED, "a line of it was changed"));
        }
        if !list.unsigned.is_empty() {
            return Err(damaged(DESTROYED, "no user of this practice signed one of its lines"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::{Argon2Params, BlobStore as _, KeyStore as _};
    use super::*;
    use crate::conformance::Seeded;
    use crate::log::{Body, Sealed};
    use crate::memory::{MemoryBlobs, MemoryKeys};

    const SMALL: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    const ONE: &str = "cli-one";
    const OTHER: &str = "cli-other";

    struct Bench {
        vault: Vault,
        keys: MemoryKeys,
        blobs: MemoryBlobs,
        owner: Unlocked,
        /// Two payloads of each client, in two classes; one of each is a blob.
        sealed: Vec<(&'static str, Sealed)>,
    }

    fn bench() -> Bench {
        let (keys, blobs, mut random) = (MemoryKeys::default(), MemoryBlobs::default(), Seeded::new(1));
        let mut vault = Vault::new(Box::new(keys.clone()), Box::new(blobs.clone()));
        let owner = vault.create_user("usr-owner", b"correct horse", SMALL, &mut random).expect("makes a user");
        let mut sealed = Vec::new();
        for scope in [ONE, OTHER] {
            for class in ["clinical", "administrative"] {
                vault.create_class_key(class, scope, &[owner.public()], &mut random).expect("makes a class");
                let group = format!("grp-{class}-{scope}");
                vault.create_group(&owner, &group, class, scope, &mut random).expect("makes a group");
                let payload = if class == "clinical" {
                    let mut blob =
                        vault.seal_stream(&owner, &group, "audio", "audio/L16", &mut random).expect("begins");
                    blob.write_all(b"spoken").expect("writes");
                    blob.finish().expect("seals")
                } else {
                    vault.seal(&owner, &group, "text", "text/plain", b"written", &mut random).expect("seals")
                };
                sealed.push((scope, payload));
            }
        }
        Bench { vault, keys, blobs, owner, sealed }
    }

    fn destruction(extent: Extent, name: &str) -> Destruction {
        Destruction { extent, name: name.to_owned(), seq: 41, time: 1_795_305_600_000, by: "usr-owner".to_owned() }
    }

    impl Bench {
        fn opens(&self, scope: &str) -> Vec<bool> {
            let of_scope = self.sealed.iter().filter(|(of, _)| *of == scope);
            let open = |s: &Sealed| self.vault.open(&self.owner, &s.reference, &s.wrapped_key, &s.body).is_ok();
            of_scope.map(|(_, sealed)| open(sealed)).collect()
        }

        fn blobs_of(&self, scope: &str) -> Vec<Hash> {
            let blob = |(of, sealed): &(&str, Sealed)| {
                (*of == scope && sealed.body == Body::Blob).then_some(sealed.reference.ciphertext)
            };
            self.sealed.iter().filter_map(blob).collect()
        }
    }

    #[test]
    fn everything_of_one_client_is_gone_and_nothing_of_another() {
        let mut b = bench();
        assert_eq!((b.opens(ONE), b.opens(OTHER)), (vec![true, true], vec![true, true]));
        let before = b.keys.0.lock().expect("keys").clone();
        b.vault.destroy_scope(ONE, &b.blobs_of(ONE)).expect("destroys");
        b.vault.destroy_scope(ONE, &b.blobs_of(ONE)).expect("twice is no error");
        assert_eq!((b.opens(ONE), b.opens(OTHER)), (vec![false, false], vec![true, true]));
        assert!(!b.vault.scope_exists(ONE).expect("reads") && b.vault.scope_exists(OTHER).expect("reads"));
        assert_eq!(b.blobs.list().expect("lists"), b.blobs_of(OTHER), "the blob of the other client stays");
        // Every file that is left, and every user's key: still nothing opens. Only a key file from before would.
        let owner = b.vault.unlock("usr-owner", b"correct horse").expect("opens");
        for (_, sealed) in b.sealed.iter().filter(|(scope, _)| *scope == ONE) {
            assert!(b.vault.open(&owner, &sealed.reference, &sealed.wrapped_key, &sealed.body).is_err());
        }
        let left = b.keys.0.lock().expect("keys").clone();
        let gone: Vec<&String> = before.keys().filter(|name| !left.contains_key(*name)).collect();
        assert_eq!(
            gone,
            [
                "classes/administrative.cli-one.json",
                "classes/clinical.cli-one.json",
                "groups/grp-administrative-cli-one.json",
                "groups/grp-clinical-cli-one.json"
            ]
        );
        assert!(before.iter().all(|(name, contents)| left.get(name).is_none_or(|kept| kept == contents)));
    }

    /// What an old backup of the groups' keys is worth once the class keys are gone: nothing.
    #[test]
    fn the_groups_keys_alone_open_nothing() {
        let mut b = bench();
        let before = b.keys.0.lock().expect("keys").clone();
        b.vault.destroy_scope(ONE, &[]).expect("destroys");
        b.keys.0.lock().expect("keys").extend(before.into_iter().filter(|(name, _)| name.starts_with("groups/")));
        assert_eq!((b.opens(ONE), b.opens(OTHER)), (vec![false, false], vec![true, true]));
    }

    #[test]
    fn the_list_keeps_what_was_signed() {
        let mut b = bench();
        assert_eq!(b.vault.destructions().expect("reads"), DestructionList::default());
        let (group, scope) = (destruction(Extent::Group, "grp-clinical-cli-one"), destruction(Extent::Scope, ONE));
        b.vault.note_destructions(&b.owner, std::slice::from_ref(&group)).expect("notes");
        b.vault.note_destructions(&b.owner, &[group.clone(), scope.clone()]).expect("notes");
        let read = b.vault.destructions().expect("reads");
        assert_eq!(read.held, [group.clone(), scope.clone()], "each once");
        assert_eq!(b.vault.audit(Some(&b.owner)).expect("reads"), []);

        // A line cut off by a crash is no damage, and the next one mends it.
        let begun = line(&destruction(Extent::Group, "grp-begun"), &b.owner);
        for cut in [1, 20, begun.len() - 2] {
            b.keys.append(DESTROYED, &begun[..cut]).expect("appends");
            let read = b.vault.destructions().expect("reads");
            assert_eq!((read.held.len(), read.damaged, read.cut_off), (2, vec![], true), "cut at {cut}");
            assert_eq!(b.vault.audit(Some(&b.owner)).expect("reads"), []);
            let name = format!("grp-after-{cut}");
            b.vault.note_destructions(&b.owner, &[destruction(Extent::Group, &name)]).expect("notes");
            let read = b.vault.destructions().expect("reads");
            assert_eq!((read.held.len(), read.damaged, read.cut_off), (3, vec![], false), "cut at {cut}");
            let list = b.keys.read(DESTROYED).expect("reads").expect("is there");
            let two: Vec<&[u8]> = list.split_inclusive(|byte| *byte == b'\n').take(2).collect();
            b.keys.write(DESTROYED, &two.concat()).expect("writes");
        }
        b.keys.append(DESTROYED, b"{\"check\":\"0\n").expect("appends");
        let read = b.vault.destructions().expect("reads");
        assert_eq!((read.held, read.damaged, read.unsigned), (vec![group, scope], vec![3], vec![]));
        assert_eq!(b.vault.audit(None).expect("reads").len(), 1, "the damage is told");
    }

    #[test]
    fn a_changed_or_forged_line_is_not_obeyed() {
        let mut b = bench();
        b.vault.note_destructions(&b.owner, &[destruction(Extent::Group, "grp-one")]).expect("notes");
        let good = b.keys.read(DESTROYED).expect("reads").expect("is there");
        let users = b.vault.users().expect("reads");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let read = DestructionList::read(&bad, &users);
            assert_eq!(read.held, [], "byte {at}");
            assert!(!read.damaged.is_empty(), "byte {at}");
        }
        // A forger makes the checksum fit, and has a key of their own.
        let forger = b.vault.create_user("usr-forger", b"pass", SMALL, &mut Seeded::new(2)).expect("makes a user");
        let mut claimed = destruction(Extent::Scope, OTHER);
        let mine = line(&claimed, &forger);
        let read = DestructionList::read(&mine, &b.vault.users().expect("reads"));
        assert_eq!((read.held.len(), read.unsigned), (0, vec![1]), "it is signed, and not by whom it names");
        claimed.by = "usr-forger".to_owned();
        let stranger = line(&claimed, &forger);
        assert_eq!(DestructionList::read(&stranger, &users).unsigned, [1], "a stranger's line");
        let long = [vec![b' '; MAX_LINE], good].concat();
        assert_eq!(DestructionList::read(&long, &users).damaged, [1]);
    }

    #[test]
    fn another_list_is_taken_over() {
        let mut b = bench();
        b.vault.note_destructions(&b.owner, &[destruction(Extent::Group, "grp-one")]).expect("notes");
        let mut newer = b.keys.read(DESTROYED).expect("reads").expect("is there");
        newer.extend(line(&destruction(Extent::Scope, ONE), &b.owner));
        newer.extend_from_slice(b"not a line\n");
        let read = b.vault.take_over_destructions(&newer).expect("takes over");
        assert_eq!((read.held.len(), read.damaged), (2, vec![3]));
        b.vault.take_over_destructions(&newer).expect("twice adds nothing");
        let own = b.vault.destructions().expect("reads");
        assert_eq!((own.held.len(), own.damaged.len()), (2, 0));
    }
}
