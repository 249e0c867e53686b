//! Archives that are not what a backup wrote: each is refused in one sentence, and nothing of it stays.

mod place;

use std::fs;
use std::path::{Path, PathBuf};

use place::{Open, Place, practice};
use provenote_backup::archive::{Archive, Manifest, Member, Part};
use provenote_backup::{Backup, BackupError, Restore, restore, verify};
use provenote_ledger::memory::{MemoryBlobs, MemoryKeys};
use provenote_ledger::{Argon2Params, Entropy, Hash, Unlocked, Vault};

/// A backup as bytes, to be changed.
struct Bytes {
    data: Vec<u8>,
    keys: Vec<u8>,
}

fn backed_up(seed: u64) -> (Place, Open, Bytes) {
    let (place, mut open) = practice(seed);
    open.client("Maria Alvarez");
    let created = place.back_up(&mut open);
    let bytes = Bytes { data: fs::read(created.data).expect("reads"), keys: fs::read(created.keys).expect("reads") };
    (place, open, bytes)
}

fn laid_out(place: &Place, data: &[u8], keys: &[u8]) -> Backup {
    let backup = Backup { data: place.path("hostile.pvb"), keys: place.path("hostile.pvk") };
    fs::write(&backup.data, data).expect("writes");
    fs::write(&backup.keys, keys).expect("writes");
    backup
}

fn attempt(place: &Place, backup: &Backup) -> Result<(), BackupError> {
    let home = place.path("new");
    let asked = Restore { backup, home: &home, vkey: None, anchors: &[], lists: &[], accept_older_keys: false };
    restore(&asked).map(|_| fs::remove_dir_all(&home).expect("removes it"))
}

/// Tries to restore it, and to verify it; neither may leave anything.
fn refused(place: &Place, data: &[u8], keys: &[u8], what: &str) -> BackupError {
    let before = names(&place.path(""));
    let backup = laid_out(place, data, keys);
    let error = attempt(place, &backup).expect_err(what);
    assert!(!error.to_string().contains('\n'), "{what}: {error}");
    assert!(verify(&backup, None, &[], &place.path("")).is_err(), "{what}");
    fs::remove_file(&backup.data).expect("removes it");
    fs::remove_file(&backup.keys).expect("removes it");
    assert_eq!(names(&place.path("")), before, "{what}: nothing is left");
    error
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").path()).collect();
    names.sort();
    names
}

/// Offsets all over an archive: every kind of place in it, and some of everything else.
fn places(length: usize) -> Vec<usize> {
    let step = (length / 24).max(1);
    let mut places: Vec<usize> = (0..length).step_by(step).map(|at| at + at % 509).collect();
    // The first header, the manifest, the end of the file.
    places.extend([0, 5, 110, 124, 148, 156, 157, 300, 511, 520, 700, length - 1, length - 600, length - 1_024]);
    places.retain(|at| *at < length);
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let (place, _open, good) = backed_up(20);
    attempt(&place, &laid_out(&place, &good.data, &good.keys)).expect("unchanged, it is restored");
    fs::remove_file(place.path("hostile.pvb")).expect("removes it");
    fs::remove_file(place.path("hostile.pvk")).expect("removes it");
    for at in places(good.data.len()) {
        let mut bad = good.data.clone();
        bad[at] ^= 1 << (at % 8);
        refused(&place, &bad, &good.keys, &format!("byte {at} of the data"));
    }
    for at in places(good.keys.len()) {
        let mut bad = good.keys.clone();
        bad[at] ^= 1 << (at % 8);
        refused(&place, &good.data, &bad, &format!("byte {at} of the keys"));
    }
}

#[test]
fn an_archive_cut_short_or_made_longer_is_refused() {
    let (place, _open, good) = backed_up(21);
    let length = good.data.len();
    for cut in [0, 1, 511, 512, 600, 5_000, length / 2, length - 1_024, length - 1] {
        let error = refused(&place, &good.data[..cut], &good.keys, &format!("{cut} bytes"));
        assert!(matches!(error, BackupError::Truncated(_)), "{cut}: {error}");
    }
    let error = refused(&place, &good.data, &good.keys[..good.keys.len() - 512], "keys cut short");
    assert!(matches!(error, BackupError::Truncated(_)));
    for more in [vec![0; 512], b"x".to_vec()] {
        let error = refused(&place, &[good.data.clone(), more].concat(), &good.keys, "longer");
        assert!(matches!(error, BackupError::Altered { .. }), "{error}");
    }
    for (data, keys, what) in [(&good.keys, &good.data, "exchanged"), (&good.data, &good.data, "data twice")] {
        assert!(matches!(refused(&place, data, keys, what), BackupError::Altered { .. }), "{what}");
    }
}

fn header(name: &str, bytes: u64, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    // Written past the crate's own guard against such names.
    let place = header.as_ustar_mut().expect("a ustar header");
    place.name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

/// An archive of these members under this manifest, signed by somebody who may.
fn forged(manifest: &Manifest, members: &[(tar::Header, Vec<u8>)], by: &Unlocked) -> Vec<u8> {
    let mut encoded = serde_json::to_vec_pretty(manifest).expect("JSON");
    encoded.push(b'\n');
    let signature = by.sign(&[b"provenote/backup/v1\n", encoded.as_slice()].concat()).to_vec();
    let regular = tar::EntryType::Regular;
    let first = header("manifest.json", encoded.len() as u64, regular);
    let second = header("manifest.sig", 64, regular);
    let mut bytes = Vec::new();
    for (header, contents) in [(first, encoded), (second, signature)].iter().chain(members) {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1_024, 0);
    bytes
}

fn parts(path: &Path, part: Part) -> (Manifest, Vec<Vec<u8>>) {
    let mut archive = Archive::open(path, part).expect("opens");
    let mut contents = Vec::new();
    let read = archive.members(&mut |_, reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("reads");
        contents.push(bytes);
        Ok(())
    });
    read.expect("it is whole");
    (archive.manifest().clone(), contents)
}

fn whole(manifest: &Manifest, contents: &[Vec<u8>]) -> Vec<(tar::Header, Vec<u8>)> {
    let member = |(member, bytes): (&Member, &Vec<u8>)| {
        (header(&member.name, bytes.len() as u64, tar::EntryType::Regular), bytes.clone())
    };
    manifest.members.iter().zip(contents).map(member).collect()
}

fn member(name: &str, bytes: &[u8]) -> Member {
    Member { name: name.to_owned(), bytes: bytes.len() as u64, sha256: Hash::of(bytes) }
}

/// All of these are signed with the owner's key, as by a program that was tampered with.
#[test]
fn paths_leading_out_links_and_bombs_are_refused() {
    let (place, open, good) = backed_up(22);
    let by = open.actor.keys();
    let (manifest, contents) = parts(&place.newest().data, Part::Data);
    let again = forged(&manifest, &whole(&manifest, &contents), by);
    assert_eq!(again, good.data, "the forger's tool makes what a backup makes");

    let evil = b"evil".to_vec();
    for name in [
        "../evil",
        "/etc/evil",
        "blobs/../../evil",
        "blobs/evil",
        "blobs/",
        "keys/log.json",
        "keys/groups/grp-evil.json",
        "ledger.db-wal",
        "ledger.db",
        "models/whisper.bin",
        "",
    ] {
        let (mut manifest, mut contents) = (manifest.clone(), contents.clone());
        manifest.members.push(member(name, &evil));
        contents.push(evil.clone());
        let error = refused(&place, &forged(&manifest, &whole(&manifest, &contents), by), &good.keys, name);
        assert!(matches!(error, BackupError::Altered { .. }), "{name}: {error}");
    }
    assert!(!place.path("evil").exists() && !place.path("../evil").exists());

    for (what, kind) in [
        ("a symbolic link", tar::EntryType::Symlink),
        ("a hard link", tar::EntryType::Link),
        ("a device", tar::EntryType::Block),
        ("a folder", tar::EntryType::Directory),
        ("a long name", tar::EntryType::GNULongName),
        ("an extension", tar::EntryType::XHeader),
        ("a sparse file", tar::EntryType::GNUSparse),
    ] {
        let mut members = whole(&manifest, &contents);
        let blob = members.last_mut().expect("a blob");
        blob.0 = header(&manifest.members.last().expect("a blob").name, blob.1.len() as u64, kind);
        let error = refused(&place, &forged(&manifest, &members, by), &good.keys, what);
        assert!(matches!(error, BackupError::Altered { .. }), "{what}: {error}");
    }

    // A length that the file does not have, at the top of what can be counted and just beyond the file.
    for bytes in [u64::MAX, u64::MAX - 600, 1 << 60, contents[0].len() as u64 + 4_096] {
        let mut manifest = manifest.clone();
        manifest.members[0].bytes = bytes;
        let error = refused(&place, &forged(&manifest, &whole(&manifest, &contents), by), &good.keys, "a bomb");
        assert!(matches!(error, BackupError::Truncated(_) | BackupError::Altered { .. }), "{error}");
    }
    let mut huge = good.data.clone();
    huge[..512].copy_from_slice(header("manifest.json", 1 << 40, tar::EntryType::Regular).as_bytes());
    refused(&place, &huge, &good.keys, "a manifest of a terabyte");

    type Change = fn(&mut Manifest);
    let changes: [(&str, Change); 5] = [
        ("another version", |m| m.v = 2),
        ("no ledger", |m| m.members[0].name = "models/catalogue.yaml".to_owned()),
        ("another length of the ledger", |m| m.size += 1),
        ("another user's name", |m| m.by = "usr-nobody".to_owned()),
        ("no checkpoint", |m| m.checkpoint = "nothing".to_owned()),
    ];
    for (what, change) in changes {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        let error = refused(&place, &forged(&manifest, &whole(&manifest, &contents), by), &good.keys, what);
        assert!(matches!(error, BackupError::Altered { .. }), "{what}: {error}");
    }
}

#[test]
fn strange_names_among_the_keys_are_refused() {
    let (place, open, good) = backed_up(23);
    let by = open.actor.keys();
    let (manifest, contents) = parts(&place.newest().keys, Part::Keys);
    for name in
        ["keys/../evil", "keys/a/b/c", "keys/.hidden", "keys/", "keys//a", "keys/A", "witness.policy/x", "ledger.db"]
    {
        let (mut manifest, mut contents) = (manifest.clone(), contents.clone());
        manifest.members.push(member(name, b"evil"));
        contents.push(b"evil".to_vec());
        let error = refused(&place, &good.data, &forged(&manifest, &whole(&manifest, &contents), by), name);
        assert!(matches!(error, BackupError::Altered { .. }), "{name}: {error}");
    }
    let at = manifest.members.iter().position(|member| member.name == "keys/log.json").expect("is there");
    let (mut less, mut fewer) = (manifest, contents);
    less.members.remove(at);
    fewer.remove(at);
    let error = refused(&place, &good.data, &forged(&less, &whole(&less, &fewer), by), "without the log's key");
    assert!(matches!(error, BackupError::Altered { .. }));
}

/// No randomness, for keys that protect nothing.
struct Sevens;

impl Entropy for Sevens {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// Somebody with a practice and keys of their own.
#[test]
fn another_practices_files_are_refused() {
    let (place, open, good) = backed_up(24);
    let (other, stranger, foreign) = backed_up(25);
    refused(&place, &good.data, &foreign.keys, "another practice's keys");
    refused(&place, &foreign.data, &good.keys, "another practice's data");

    // The stranger's ledger under this practice's signature.
    let (mut manifest, _) = parts(&place.newest().data, Part::Data);
    let (of_other, contents) = parts(&other.newest().data, Part::Data);
    manifest.members.clone_from(&of_other.members);
    let data = forged(&manifest, &whole(&manifest, &contents), open.actor.keys());
    assert!(matches!(refused(&place, &data, &good.keys, "a ledger exchanged"), BackupError::Altered { .. }));
    manifest.checkpoint.clone_from(&of_other.checkpoint);
    manifest.size = of_other.size;
    let data = forged(&manifest, &whole(&manifest, &contents), open.actor.keys());
    let error = refused(&place, &data, &good.keys, "ledger and checkpoint exchanged");
    assert!(matches!(error, BackupError::TwoPractices { .. }), "{error}");

    // This practice's data and log key, with the stranger's user file in place of the owner's.
    let (mut keys, mut key_contents) = parts(&place.newest().keys, Part::Keys);
    let (of_stranger, stranger_contents) = parts(&other.newest().keys, Part::Keys);
    let user =
        |manifest: &Manifest| manifest.members.iter().position(|m| m.name.starts_with("keys/users/")).expect("one");
    let (mine, theirs) = (user(&keys), user(&of_stranger));
    keys.members[mine] = of_stranger.members[theirs].clone();
    key_contents[mine].clone_from(&stranger_contents[theirs]);
    keys.by = stranger.actor.user().to_string();
    let keys = forged(&keys, &whole(&keys, &key_contents), stranger.actor.keys());
    let (mut data, contents) = parts(&place.newest().data, Part::Data);
    data.by = stranger.actor.user().to_string();
    let data = forged(&data, &whole(&data, &contents), stranger.actor.keys());
    let error = refused(&place, &data, &keys, "a user put in");
    assert!(error.to_string().contains("not the one the ledger names"), "{error}");

    // The same under the owner's own name, which is no secret.
    let made = MemoryKeys::default();
    let mut forger = Vault::new(Box::new(made.clone()), Box::new(MemoryBlobs::default()));
    let light = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let mine = forger.create_user(&place.user, b"another passphrase", light, &mut Sevens).expect("makes a user");
    let file = made.0.lock().expect("keys")[&format!("users/{}.json", place.user)].clone();
    let (mut keys, mut key_contents) = parts(&place.newest().keys, Part::Keys);
    let at = user(&keys);
    keys.members[at] = member(&keys.members[at].name.clone(), &file);
    key_contents[at] = file;
    let keys = forged(&keys, &whole(&keys, &key_contents), &mine);
    let (data, contents) = parts(&place.newest().data, Part::Data);
    let data = forged(&data, &whole(&data, &contents), &mine);
    let error = refused(&place, &data, &keys, "a key put in under the owner's name");
    assert!(error.to_string().contains("not the one the ledger names"), "{error}");

    // All of it is the stranger's: only what the recovery kit says tells.
    let backup = laid_out(&place, &foreign.data, &foreign.keys);
    let home = place.path("new");
    let asked = Restore {
        backup: &backup,
        home: &home,
        vkey: Some(&place.vkey),
        anchors: &[],
        lists: &[],
        accept_older_keys: false,
    };
    assert!(matches!(restore(&asked), Err(BackupError::OtherLog { .. })));
    assert!(matches!(verify(&backup, Some(&place.vkey), &[], &place.path("")), Err(BackupError::OtherLog { .. })));
    assert!(!home.exists());
}

/// Whoever can sign a manifest can still not change the ledger.
#[test]
fn an_altered_ledger_in_a_signed_archive_is_refused() {
    let (place, open, good) = backed_up(26);
    let (mut manifest, mut contents) = parts(&place.newest().data, Part::Data);
    let needle = b"client.added";
    let at = contents[0].windows(needle.len()).position(|window| window == needle).expect("an entry");
    contents[0][at] = b'C';
    manifest.members[0] = member("ledger.db", &contents[0]);
    let data = forged(&manifest, &whole(&manifest, &contents), open.actor.keys());
    let backup = laid_out(&place, &data, &good.keys);
    assert!(attempt(&place, &backup).is_err());
    assert!(!place.path("new").exists());
    match verify(&backup, None, &[], &place.path("")) {
        Err(_) => {}
        Ok(told) => assert!(!told.report.findings.is_empty(), "{:?}", told.report.verdict),
    }
}
