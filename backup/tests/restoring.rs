//! A practice backed up and restored: what comes back, and what must not.

mod place;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use place::{files, practice, vault, verified};
use provenote_backup::restore::destruction_list;
use provenote_backup::{Backup, BackupError, Restore, pending, restore, settle, verify};
use provenote_ledger::verify::GivenAnchor;
use provenote_ledger::{FindingKind, Log, NewEntry, Unlocked, Verdict};
use provenote_ledger_files::{Alarm, FileAnchor, FileAnchors};
use provenote_ledger_sqlite::SqliteStore;
use provenote_practice::backups::RestoredFrom;
use provenote_practice::erasure::ErasureReason;

fn plain<'a>(backup: &'a Backup, home: &'a std::path::Path) -> Restore<'a> {
    Restore { backup, home, vkey: None, anchors: &[], lists: &[], accept_older_keys: false }
}

fn accepted(restored: &provenote_backup::Restored) -> RestoredFrom {
    RestoredFrom {
        backup: restored.seq,
        size: restored.size,
        keys_size: restored.keys_size,
        anchor: restored.anchor,
        destroyed_again: restored.destroyed_again,
    }
}

#[test]
fn the_recovery_kit_restores_a_practice_on_a_new_machine() {
    let (place, mut open) = practice(1);
    let client = open.client("Maria Alvarez");
    fs::write(place.home().join("witness.policy"), "quorum none\n").expect("writes");
    fs::create_dir(place.home().join("models")).expect("makes it");
    fs::write(place.home().join("models/catalogue.yaml"), "models: []\n").expect("writes");
    let created = place.back_up(&mut open);
    assert_eq!(created.size, open.practice.log().size().expect("reads"));
    let anchor = [GivenAnchor { label: "a form".to_owned(), note: created.checkpoint.clone() }];
    let told = verify(&place.newest(), Some(&place.vkey), &anchor, &place.path("")).expect("whole");
    assert_eq!(
        (told.report.verdict, told.size, told.blobs, told.anchor),
        (Verdict::Intact, created.size, 1, Some(created.size))
    );
    // The old machine is lost, and the passphrase with it.
    drop(open);
    fs::remove_dir_all(place.home()).expect("removes it");

    let new = place.path("new machine/practice");
    let restored = restore(&Restore { vkey: Some(&place.vkey), ..plain(&place.newest(), &new) }).expect("restores");
    assert_eq!((restored.size, restored.anchor, restored.destroyed_again), (created.size, None, 0));
    assert_eq!((restored.vkey.as_str(), restored.verdict.as_str()), (place.vkey.as_str(), "intact"));
    assert_eq!(pending(&new).expect("reads"), Some(restored.clone()));

    let mut practice = place.opened(&new);
    let actor = practice.recover(&place.user, &place.recovery).expect("the code opens the keys");
    practice.accept_restored(&actor, &accepted(&restored)).expect("an entry");
    settle(&new).expect("is settled");
    assert_eq!(pending(&new).expect("reads"), None);
    practice.change_passphrase(&actor, b"a new passphrase of words").expect("changes");
    let actor = practice.sign_in(&place.user, b"a new passphrase of words").expect("signs in");
    let open = place::Open { practice, actor };
    assert!(open.opening(&client.id).iter().all(|opens| *opens), "every payload opens");
    let report = verified(&new, &open);
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, vec![]));
    assert_eq!(open.kinds().iter().rev().take(2).collect::<Vec<_>>(), ["user.recovered", "backup.restored"]);
    assert_eq!(fs::read_to_string(new.join("witness.policy")).expect("reads"), "quorum none\n");
    assert!(new.join("models/catalogue.yaml").is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert!(files(&new).iter().all(|file| mode(file) == 0o600), "{:?}", files(&new));
        assert_eq!((mode(&new), mode(&new.join("keys/groups")), mode(&place.backups())), (0o700, 0o700, 0o700));
        assert!(files(&place.backups()).iter().all(|file| mode(file) == 0o600));
    }
}

#[test]
fn names_stand_in_no_backup() {
    let (place, mut open) = practice(2);
    open.client("Maria Alvarez");
    place.back_up(&mut open);
    for file in files(&place.backups()) {
        let bytes = fs::read(&file).expect("reads");
        for word in ["Maria", "Alvarez", "Dana", "Elm Street", "five random"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} in {}", file.display());
        }
    }
}

/// The client's audio and file were destroyed after the first backup. Three ways to bring them back, and none does.
#[test]
fn what_was_destroyed_since_never_comes_back() {
    let (place, mut open) = practice(3);
    let (doomed, kept) = (open.client("Maria Alvarez"), open.client("Jon Park"));
    let first = place.back_up(&mut open);
    let old_data = place.keep(&first.data, "old.pvb");
    let old_keys = place.keep(&first.keys, "old.pvk");
    open.practice.destroy_client(&open.actor, &doomed.id, ErasureReason::ClientRequest, true).expect("destroys");
    let late = open.client("Ada Moss");
    let second = place.back_up(&mut open);
    let list = destruction_list(&place.home()).expect("reads");
    let lists = [list];

    let newest_keys = Backup { data: old_data.clone(), keys: second.keys.clone() };
    let with_list = Backup { data: old_data, keys: old_keys.clone() };
    let newer_ledger = Backup { data: second.data.clone(), keys: old_keys };
    let cases = [
        ("older data, newest keys", plain(&newest_keys, &place.path("one")), Some(second.size)),
        (
            "older data, older keys, the list by hand",
            Restore { lists: &lists, ..plain(&with_list, &place.path("two")) },
            Some(first.size + 5),
        ),
        (
            "newer data, older keys",
            Restore { accept_older_keys: true, ..plain(&newer_ledger, &place.path("three")) },
            None,
        ),
    ]
    .map(|(what, asked, anchor)| (what, restore(&asked).expect(what), asked.home.to_path_buf(), anchor));
    for (what, restored, home, anchor) in cases {
        let older = anchor.is_some();
        if what.contains("newest keys") {
            assert_eq!(restored.anchor, anchor, "{what}");
        }
        assert_eq!(restored.anchor.is_some(), older, "{what}");
        assert!(restored.destroyed_again > 0, "{what}");
        let mut open = place.signed_in(&home);
        assert!(open.opening(&doomed.id).iter().all(|opens| !opens), "{what}: nothing of the client opens");
        assert!(open.opening(&kept.id).iter().all(|opens| *opens), "{what}: everything of the other one does");
        assert_eq!(vault(&home).groups_of(&doomed.id).expect("reads"), [""; 0], "{what}");
        assert_eq!(fs::read_dir(home.join("blobs")).expect("lists").count(), if older { 1 } else { 2 }, "{what}");

        // The owner accepts it; what only the list knew is in the ledger again, and the verdict is clean.
        open.practice.accept_restored(&open.actor, &accepted(&restored)).expect("accepts");
        let kinds = open.kinds();
        assert_eq!(kinds.iter().filter(|kind| *kind == "client.destroyed").count(), 1, "{what}");
        assert_eq!(kinds.iter().filter(|kind| *kind == "record.destroyed").count(), 4, "{what}");
        let report = verified(&home, &open);
        if older {
            assert_eq!((report.verdict, report.findings), (Verdict::Intact, vec![]), "{what}");
        } else {
            // The third client's keys are newer than these: that is said, and not called lawful.
            assert_eq!(report.verdict, Verdict::Incomplete, "{what}");
            assert!(open.opening(&late.id).iter().all(|opens| !opens), "{what}");
        }
        assert!(open.practice.finish_destructions(&open.actor).expect("a run") == 0, "{what}: nothing is left to do");
    }
}

#[test]
fn a_rollback_is_told_and_its_evidence_kept() {
    let (place, mut open) = practice(4);
    open.client("Maria Alvarez");
    let first = place.back_up(&mut open);
    let old_data = place.keep(&first.data, "old.pvb");
    open.client("Jon Park");
    let second = place.back_up(&mut open);
    let backup = Backup { data: old_data, keys: second.keys };
    let told = verify(&backup, None, &[], &place.path("")).expect("whole");
    assert_eq!((told.report.verdict, told.anchor), (Verdict::RolledBack, Some(second.size)));

    let home = place.path("new");
    let restored = restore(&plain(&backup, &home)).expect("restores");
    assert_eq!(
        (restored.size, restored.anchor, restored.verdict.as_str()),
        (first.size, Some(second.size), "rolled_back")
    );
    assert!(
        restored.told().contains(&format!("from {}", first.size)) && restored.told().contains(&second.size.to_string())
    );
    let evidence = fs::read_to_string(home.join(format!("keys/superseded/{}.anchor", second.size))).expect("is kept");
    assert!(evidence.contains(&format!("\n{}\n", second.size)));

    let mut open = place.signed_in(&home);
    open.practice.accept_restored(&open.actor, &accepted(&restored)).expect("accepts");
    let entry = open.practice.ledger_log(Some("backup.restored"), None, None).expect("reads").pop().expect("is there");
    let fact = |name: &str| format!("{:?}", entry.facts.get(name));
    assert!(fact("from").contains(&first.size.to_string()) && fact("anchor").contains(&second.size.to_string()));
    open.client("Ada Moss");
    assert_eq!(verified(&home, &open).verdict, Verdict::Intact);
}

#[test]
fn keys_older_than_the_data_are_refused_unless_they_are_accepted() {
    let (place, mut open) = practice(5);
    let first = place.back_up(&mut open);
    let old_keys = place.keep(&first.keys, "old.pvk");
    open.client("Maria Alvarez");
    let second = place.back_up(&mut open);
    let backup = Backup { data: second.data, keys: old_keys };
    let refused = restore(&plain(&backup, &place.path("new"))).expect_err("is refused");
    assert!(matches!(refused, BackupError::KeysOlder { keys, data } if (keys, data) == (first.size, second.size)));
    assert!(!place.path("new").exists());
    restore(&Restore { accept_older_keys: true, ..plain(&backup, &place.path("new")) }).expect("is accepted");
}

#[test]
fn each_backup_replaces_the_keys_and_overwrites_the_old_ones() {
    let (place, mut open) = practice(6);
    open.client("Maria Alvarez");
    let first = place.back_up(&mut open);
    let held = fs::File::open(&first.keys).expect("opens");
    let length = held.metadata().expect("reads").len();
    open.client("Jon Park");
    let second = place.back_up(&mut open);
    let names: Vec<_> =
        files(&place.backups()).iter().map(|file| file.file_name().expect("a name").to_owned()).collect();
    assert_eq!(names.len(), 3, "two generations of data, one of keys, nothing else: {names:?}");
    let old = std::io::read_to_string(held).expect("zeros are text");
    assert!(old.len() as u64 == length && old.bytes().all(|byte| byte == 0), "the old keys were overwritten");
    assert_eq!(place.newest().data, second.data);
    for data in [first.data, second.data] {
        verify(&Backup { data, keys: second.keys.clone() }, None, &[], &place.path("")).expect("both are whole");
    }
}

#[test]
fn a_folder_that_will_not_do_is_refused() {
    let (place, mut open) = practice(7);
    place.back_up(&mut open);
    let backup = place.newest();
    let refused = restore(&plain(&backup, &place.home())).expect_err("it is a practice");
    assert!(matches!(refused, BackupError::NotEmpty(_)));
    fs::write(place.path("file"), "x").expect("writes");
    assert!(matches!(restore(&plain(&backup, &place.path("file"))), Err(BackupError::NotEmpty(_))));
    fs::create_dir(place.path("empty")).expect("makes it");
    restore(&plain(&backup, &place.path("empty"))).expect("an empty folder will do");
    assert!(matches!(Backup::newest(&place.path("empty")), Err(BackupError::NoBackup(_))));
    assert!(Backup::newest(&place.path("nowhere")).is_err());

    let home = place.home();
    for inside in [home.clone(), home.join("backups"), home.join("keys/../new/backups"), place.path("empty/../home/b")]
    {
        let seq = open.practice.backup_created(&open.actor).expect("an entry");
        let source = provenote_backup::Source { home: &home, into: &inside, seq, made: 0, by: open.actor.keys() };
        assert!(matches!(provenote_backup::create(&source), Err(BackupError::Inside(_))), "{}", inside.display());
    }
    let into = place.path("elsewhere");
    let nothing = provenote_backup::Source {
        home: &place.path("empty/blobs"),
        into: &into,
        seq: 1,
        made: 0,
        by: open.actor.keys(),
    };
    assert!(matches!(provenote_backup::create(&nothing), Err(BackupError::NotAPractice(_))));
    assert!(!into.exists());
}

#[test]
fn a_list_that_nobody_of_the_practice_signed_destroys_nothing() {
    let (place, mut open) = practice(8);
    let client = open.client("Maria Alvarez");
    place.back_up(&mut open);
    let (other, mut stranger) = practice(9);
    let doomed = stranger.client("Jon Park");
    stranger
        .practice
        .destroy_client(&stranger.actor, &doomed.id, ErasureReason::ClientRequest, true)
        .expect("destroys");
    // The same words about this client, under the stranger's signature.
    let list = String::from_utf8(destruction_list(&other.home()).expect("reads")).expect("text");
    let lists = [list.replace(&doomed.id, &client.id).into_bytes(), list.into_bytes()];
    let (backup, home) = (place.newest(), place.path("new"));
    for (what, lists) in [("a stranger's list", &lists[1..]), ("one whose lines were changed", &lists[..1])] {
        let refused = restore(&Restore { lists, ..plain(&backup, &home) });
        assert!(matches!(refused, Err(BackupError::ForeignList(_))), "{what}");
        assert!(!home.exists());
    }
}

/// An older copy of the keys put back over a folder by hand: the list, or the ledger, destroys again.
#[test]
fn keys_put_back_by_hand_are_destroyed_again() {
    let (place, mut open) = practice(10);
    let client = open.client("Maria Alvarez");
    let old: Vec<_> =
        files(&place.home().join("keys")).into_iter().map(|file| (fs::read(&file).expect("reads"), file)).collect();
    open.practice.destroy_client(&open.actor, &client.id, ErasureReason::ClientRequest, true).expect("destroys");
    for (bytes, file) in old.into_iter().filter(|(_, file)| !file.ends_with("anchor")) {
        fs::write(file, bytes).expect("puts it back");
    }
    assert!(vault(&place.home()).scope_exists(&client.id).expect("reads"));
    assert!(open.practice.finish_destructions(&open.actor).expect("a run") > 0);
    assert!(!vault(&place.home()).scope_exists(&client.id).expect("reads"));
}

#[test]
fn what_is_known_of_a_longer_log_is_kept_apart() {
    let (place, mut open) = practice(11);
    let first = place.back_up(&mut open);
    let old_data = place.keep(&first.data, "old.pvb");
    open.client("Maria Alvarez");
    let anchors = FileAnchors::open(place.home().join("keys/anchors")).expect("opens");
    let ahead = open.practice.log().size().expect("reads");
    anchors.keep_note(first.size, &first.checkpoint).expect("keeps");
    anchors.keep_note(ahead, &open.practice.log().checkpoint().expect("reads")).expect("keeps");
    anchors.keep_timestamp(first.size, b"a token").expect("keeps");
    anchors.keep_timestamp(ahead, b"another").expect("keeps");
    let alarm = Alarm { size: ahead + 7, witness: "board.example".to_owned() };
    anchors.raise_alarm(&alarm).expect("keeps");
    let second = place.back_up(&mut open);

    let (backup, home) = (Backup { data: old_data, keys: second.keys }, place.path("new"));
    let restored = restore(&plain(&backup, &home)).expect("restores");
    assert_eq!(restored.anchor, Some(second.size));
    let left = FileAnchors::open(home.join("keys/anchors")).expect("opens");
    assert_eq!(left.notes().expect("reads"), [(first.size, first.checkpoint.clone())]);
    assert_eq!(left.timestamps().expect("reads"), [(first.size, b"a token".to_vec())]);
    assert_eq!(left.alarm().expect("reads"), None);
    let kept: Vec<String> = files(&home.join("keys/superseded"))
        .iter()
        .map(|file| file.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    let mut expected =
        vec![format!("{ahead}.note"), format!("{ahead}.tsr"), "alarm".to_owned(), format!("{}.anchor", second.size)];
    expected.sort();
    assert_eq!(kept, expected);
    assert_eq!(place.signed_in(&home).kinds().len() as u64, first.size);
}

#[test]
fn keys_and_data_from_both_sides_of_a_rotation_do_not_go_together() {
    let (place, mut open) = practice(12);
    let client = open.client("Maria Alvarez");
    let first = place.back_up(&mut open);
    let (old_data, old_keys) = (place.keep(&first.data, "old.pvb"), place.keep(&first.keys, "old.pvk"));
    open.practice.rotate_log_key(&mut open.actor, None).expect("rotates");
    let second = place.back_up(&mut open);

    let home = place.path("new");
    let older = Backup { data: old_data.clone(), keys: second.keys.clone() };
    let refused = restore(&plain(&older, &home)).expect_err("is refused");
    assert!(matches!(refused, BackupError::KeyRotated), "{refused}");
    let newer = Backup { data: second.data.clone(), keys: old_keys.clone() };
    let refused = restore(&Restore { accept_older_keys: true, ..plain(&newer, &home) }).expect_err("is refused");
    assert!(matches!(refused, BackupError::KeyRotated | BackupError::Ledger { .. }), "{refused}");
    assert!(!home.exists());

    for (backup, name) in [
        (Backup { data: old_data, keys: old_keys }, "before"),
        (Backup { data: second.data, keys: second.keys }, "after"),
    ] {
        let home = place.path(name);
        let restored = restore(&plain(&backup, &home)).expect(name);
        let mut open = place.signed_in(&home);
        open.practice.accept_restored(&open.actor, &accepted(&restored)).expect("the key signs");
        assert!(open.opening(&client.id).iter().all(|opens| *opens));
        let report = verified(&home, &open);
        assert_eq!((report.verdict, report.findings), (Verdict::Intact, vec![]), "{name}");
    }
}

/// Ends the other thread, also where this one fails.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Another process appends all the while. Each backup is of one moment, and whole.
#[test]
fn a_backup_of_a_practice_at_work_is_of_one_moment() {
    let (place, mut open) = practice(13);
    open.client("Maria Alvarez");
    let home = place.home();
    let keys = Unlocked::from_bytes(&open.actor.keys().to_bytes()).expect("the same keys");
    let (ready, is_ready) = std::sync::mpsc::channel();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (home, stop) = (&home, &stop);
        let _at_the_end = Stops(stop);
        scope.spawn(move || {
            let vault = vault(home);
            let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
            let anchor = FileAnchor::new(home.join("keys/anchor"));
            let mut log = Log::open(Box::new(store), &vault.epochs().expect("reads"), Box::new(anchor)).expect("opens");
            let signer = vault.log_signer(&keys).expect("opens");
            while !stop.load(Ordering::Relaxed) {
                let entry = NewEntry::new(keys.user(), "ledger.viewed");
                log.append(1_800_000_000_000, &signer, vec![entry]).expect("appends");
                let _ = ready.send(());
            }
        });
        is_ready.recv().expect("it appends");
        let created: Vec<_> = (0..4).map(|_| place.back_up(&mut open)).collect();
        let sizes: Vec<u64> = created.iter().map(|created| created.size).collect();
        assert!(sizes.is_sorted(), "{sizes:?}");
    });
    let last = restore(&plain(&place.newest(), &place.path("new"))).expect("restores");
    assert_eq!((last.anchor, last.verdict.as_str()), (None, "intact"), "nothing speaks of a rollback");
    for entry in fs::read_dir(place.backups()).expect("lists") {
        let data = entry.expect("lists").path();
        if data.extension().is_some_and(|kind| kind == "pvb") {
            let keys = place.newest().keys;
            let told = verify(&Backup { data, keys }, None, &[], &place.path("")).expect("whole");
            assert!(
                told.report.findings.iter().all(|finding| finding.kind == FindingKind::RolledBack),
                "{:?}",
                told.report
            );
        }
    }
}
