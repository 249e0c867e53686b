use std::path::PathBuf;

use provenote_ledger::conformance::{entry, epochs, payload, signer, suite, verified};
use provenote_ledger::{AppendError, Log, NoAnchor, Prepared, Query, Verdict, Writer};

use super::*;

fn opener(path: PathBuf) -> Box<dyn Fn() -> Box<dyn Store>> {
    Box::new(move || Box::new(SqliteStore::create(&path).expect("opens")))
}

#[test]
fn the_conformance_suite() {
    let dir = tempfile::tempdir().expect("a folder");
    let made = std::cell::Cell::new(0);
    suite(&|| {
        made.set(made.get() + 1);
        opener(dir.path().join(format!("{}.db", made.get())))
    });
}

#[test]
fn the_file_is_set_up_as_promised() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Missing)));
    SqliteStore::create(&path).expect("makes it");
    let store = SqliteStore::open(&path).expect("opens");
    let pragma = |name: &str| {
        store.connection.query_row(&format!("PRAGMA {name}"), [], |row| Ok(text(row, 0) + &number(row, 0).to_string()))
    };
    assert_eq!(pragma("journal_mode").expect("reads"), "wal0");
    assert_eq!(pragma("synchronous").expect("reads"), "2", "FULL");
    assert_eq!(pragma("secure_delete").expect("reads"), "1");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for name in ["ledger.db", "ledger.db-wal"] {
            if let Ok(metadata) = dir.path().join(name).metadata() {
                assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
            }
        }
    }
}

#[test]
fn what_is_no_ledger_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("text.db"), "This is a letter, not a database. ".repeat(200)).expect("writes");
    std::fs::write(path("empty.db"), "").expect("writes");
    Connection::open(path("foreign.db"))
        .and_then(|c| c.execute_batch("CREATE TABLE notes (t TEXT)"))
        .expect("makes it");
    std::fs::create_dir(path("folder.db")).expect("makes it");
    for name in ["text.db", "empty.db", "foreign.db", "folder.db"] {
        let error = SqliteStore::open(&path(name)).expect_err(name);
        assert!(matches!(error, StoreError::Foreign(_)), "{name}: {error}");
        assert!(error.to_string().contains(name) && !error.to_string().contains('\n'));
    }
    let store = SqliteStore::create(&path("new.db")).expect("makes it");
    store.connection.execute_batch("PRAGMA user_version = 7").expect("sets");
    drop(store);
    assert!(matches!(SqliteStore::open(&path("new.db")), Err(StoreError::TooNew { found: 7, known: 2 })));
    let older = Connection::open(path("new.db")).expect("opens");
    older.execute_batch("PRAGMA user_version = 1").expect("sets");
    drop(older);
    let error = SqliteStore::open(&path("new.db")).expect_err("was never released");
    assert!(error.to_string().contains("format 1") && error.to_string().contains("make a new practice"), "{error}");
    assert!(SqliteStore::create(&path("text.db")).is_err(), "nothing is overwritten");
}

/// Whatever packing did, a commit waits for the disk, and what is destroyed is overwritten.
#[test]
fn packing_leaves_the_settings_as_they_were() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let mut store = SqliteStore::create(&path).expect("makes it");
    let settings = |store: &SqliteStore| {
        ["synchronous", "secure_delete", "busy_timeout", "mmap_size"].map(|name| {
            let found = store.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
            found.expect("reads")
        })
    };
    let before = settings(&store);
    assert_eq!(before, [2, 1, 5_000, 0]);
    store.pack(&[]).expect_err("there is no log yet");
    assert_eq!(settings(&store), before);
    // Even where they could not be set back at once, nothing is committed before they are.
    store.connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF").expect("sets");
    store.settled.set(false);
    store.destroy_group("grp-none").expect("nothing to do");
    assert_eq!(settings(&store), before);
    let mut log = Log::create(Box::new(store), &signer(1), Box::new(NoAnchor)).expect("begins");
    for n in 0..300 {
        log.append(1, &signer(1), vec![entry("client.viewed", n)]).expect("appends");
    }
    let mut store = SqliteStore::open(&path).expect("opens");
    assert_eq!(store.bundles().expect("reads"), 1);
    store.pack(&[]).expect("nothing to do");
    store.runs(0, &mut |_| ControlFlow::Continue(())).expect("reads");
    assert_eq!(settings(&store), before);
}

/// While another process writes, packing does not wait for it: the append has been acknowledged long since.
#[test]
fn packing_gives_way_to_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let signer = signer(1);
    let mut log = Log::create(Box::new(SqliteStore::create(&path).expect("makes it")), &signer, Box::new(NoAnchor))
        .expect("begins");
    let group = |n| Prepared::new(vec![entry("client.viewed", n)]).expect("is good");
    for n in 0..256 {
        log.append_groups(1, &signer, &[group(n)]).expect("appends");
    }
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    log.pack();
    assert_eq!(log.store().bundles().expect("reads"), 0);
    assert_eq!(verified(log.store(), &signer, None).findings, Vec::new());
    other.execute_batch("ROLLBACK").expect("unlocks");
    log.pack();
    assert_eq!(log.store().bundles().expect("reads"), 1);
    assert_eq!(verified(log.store(), &signer, None).findings, Vec::new());
}

#[test]
fn a_second_process_at_work_is_told_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let store = SqliteStore::create(&path).expect("makes it");
    store.set_patience(Duration::ZERO).expect("sets");
    let signer = signer(1);
    let mut log = Log::create(Box::new(store), &signer, Box::new(NoAnchor)).expect("begins");
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let refused = log.append(1, &signer, vec![entry("client.added", 1)]);
    assert!(matches!(refused, Err(AppendError::Store(StoreError::Busy))));
    other.execute_batch("ROLLBACK").expect("unlocks");
    assert_eq!(log.append(1, &signer, vec![entry("client.added", 1)]).expect("appends"), [0]);
}

#[test]
fn a_full_disk_loses_nothing_and_passes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let store = SqliteStore::create(&path).expect("makes it");
    // SQLite reports the same SQLITE_FULL as for ENOSPC when a file may not grow any more.
    store.connection.query_row("PRAGMA max_page_count = 60", [], |_| Ok(())).expect("sets");
    let signer = signer(1);
    let mut log = Log::create(Box::new(store), &signer, Box::new(NoAnchor)).expect("begins");
    let mut acknowledged = 0;
    let refused = loop {
        match log.append(
            1,
            &signer,
            vec![entry("client.added", acknowledged).payload(payload("grp-a", &[acknowledged as u8; 9_000]))],
        ) {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Store(StoreError::Full)), "{refused}");
    assert!(acknowledged > 5);
    assert_eq!(log.size().expect("reads"), acknowledged);
    assert_eq!(verified(log.store(), &signer, Some(log.checkpoint().expect("reads"))).verdict, Verdict::Intact);
    // Space is freed: another connection without the limit stands for it.
    let mut log =
        Log::open(Box::new(SqliteStore::open(&path).expect("opens")), log.epochs(), Box::new(NoAnchor)).expect("opens");
    assert_eq!(log.append(1, &signer, vec![entry("client.added", 9)]).expect("appends"), [acknowledged]);
    assert_eq!(verified(log.store(), &signer, None).findings, Vec::new());
}

/// Payloads of every shape are destroyed in an order of their own; afterwards no file holds a byte of them.
#[test]
fn no_byte_of_a_destroyed_group_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let signer = signer(1);
    let mut log = Log::create(Box::new(SqliteStore::create(&path).expect("makes it")), &signer, Box::new(NoAnchor))
        .expect("begins");
    let mut sealed = Vec::new();
    for n in 0_u32..120 {
        let length = [272, 300, 700, 1_500, 3_900, 4_050, 4_200, 9_000, 70_000][n as usize % 9];
        let unique: Vec<u8> = (0..length / 32 + 1)
            .flat_map(|block: u32| Hash::of(&[n.to_be_bytes(), block.to_be_bytes()].concat()).0)
            .collect();
        let one = payload(&format!("grp-{}", n * 7 % 40), &unique[..length as usize]);
        log.append(1, &signer, vec![entry("session.recorded", 1).payload(one.clone())]).expect("appends");
        sealed.push(one);
    }
    let holds = |needle: &[u8]| {
        std::fs::read_dir(dir.path()).expect("lists").any(|file| {
            let bytes = std::fs::read(file.expect("lists").path()).expect("reads");
            // The first eight bytes narrow the search down quickly.
            bytes.windows(needle.len()).any(|window| window[..8] == needle[..8] && window == needle)
        })
    };
    // Pieces short enough to lie within one page, from the start, the middle and the end.
    let pieces = |one: &provenote_ledger::Sealed| {
        let provenote_ledger::Body::Inline(body) = &one.body else { panic!("inline") };
        let middle = body.len() / 2;
        vec![
            one.wrapped_key[..16].to_vec(),
            body[..16].to_vec(),
            body[middle..middle + 16].to_vec(),
            body[body.len() - 16..].to_vec(),
        ]
    };
    assert!(pieces(&sealed[0]).iter().all(|piece| holds(piece)), "they are there before");
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by_key(|n| n * 23 % 40);
    let (doomed, kept) = order.split_at(39);
    for n in doomed {
        log.append(1, &signer, vec![entry("record.destroyed", 1).refer("group", format!("grp-{n}"))]).expect("appends");
        assert!(log.delete_ciphertext(&format!("grp-{n}")).expect("destroys") > 0);
    }
    let kept_group = format!("grp-{}", kept[0]);
    let mut files = Vec::new();
    for file in std::fs::read_dir(dir.path()).expect("lists") {
        files.extend(std::fs::read(file.expect("lists").path()).expect("reads"));
    }
    let seen: std::collections::HashSet<&[u8]> = files.windows(16).collect();
    for one in &sealed {
        let stays = one.reference.group == kept_group;
        for piece in pieces(one) {
            assert_eq!(seen.contains(piece.as_slice()), stays, "group {}", one.reference.group);
        }
    }
    assert_eq!(verified(log.store(), &signer, None).findings, Vec::new());
}

/// Bytes of the file flipped at random: never a panic, and never intact with changed content.
#[test]
fn flipped_bytes_are_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let signer = signer(1);
    let mut log = Log::create(Box::new(SqliteStore::create(&path).expect("makes it")), &signer, Box::new(NoAnchor))
        .expect("begins");
    // A bundle and a tail.
    for n in 0..4_u64 {
        let sealed = payload("grp-a", &n.to_be_bytes().repeat(90));
        let entries = (0..66).map(|m| entry("client.viewed", m)).chain([entry("session.recorded", n).payload(sealed)]);
        log.append(1, &signer, entries.collect()).expect("appends");
    }
    let anchor = log.checkpoint().expect("reads");
    let epochs = log.epochs().to_vec();
    // Content: everything a reader can be shown. A flip in free space changes none of it.
    let content = |store: &dyn Store| -> Result<Vec<u8>, StoreError> {
        let mut all = format!("{:?}{:?}", store.identity()?, store.latest()?).into_bytes();
        let mut hashes = Vec::new();
        store.runs(0, &mut |run| {
            all.extend(format!("{run:?}").into_bytes());
            hashes.extend(
                Entries::of(run.bytes)
                    .filter_map(|entry| provenote_ledger::Header::parse(entry).ok())
                    .flat_map(|header| header.payloads.into_iter().map(|payload| payload.ciphertext)),
            );
            ControlFlow::Continue(())
        })?;
        for hash in hashes {
            all.extend(format!("{:?}", store.payload(&hash)?).bytes());
        }
        let mut rows = Vec::new();
        store.index(&mut |key, bundle, members| rows.push((key, bundle, *members)))?;
        all.extend(format!("{rows:?}{:?}{}", store.stored_tile(0, 0)?, store.stored_tiles()?).bytes());
        Ok(all)
    };
    drop(log);
    let whole = std::fs::read(&path).expect("reads");
    assert!(!dir.path().join("ledger.db-wal").exists(), "closing emptied the journal");
    let before = content(&SqliteStore::open(&path).expect("opens")).expect("reads");
    let mut found = 0;
    for seed in 0_u64..200 {
        let random = Hash::of(&seed.to_be_bytes()).0;
        let at = u32::from_be_bytes([random[0], random[1], random[2], random[3]]) as usize % whole.len();
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (random[4] % 8);
        let copy = dir.path().join(format!("flipped-{seed}.db"));
        std::fs::write(&copy, &bytes).expect("writes");
        let Ok(store) = SqliteStore::open(&copy) else {
            found += 1;
            continue;
        };
        let report = verified(&store, &signer, Some(anchor.clone()));
        let changed = content(&store).map_or(true, |after| after != before);
        assert!(!(changed && report.verdict == Verdict::Intact), "seed {seed}, byte {at}");
        found += u32::from(report.verdict != Verdict::Intact);
        drop(store);
        if let Ok(mut log) = SqliteStore::open(&copy)
            .map_err(|_| ())
            .and_then(|store| Log::open(Box::new(store), &epochs, Box::new(NoAnchor)).map_err(|_| ()))
        {
            // What is damaged may refuse; it may not panic.
            let _ = log.find(&provenote_ledger::Query::kind("client.viewed"));
            if seed % 4 == 0 {
                let _ = log.append(99, &signer, vec![entry("client.viewed", 1)]);
            }
        }
        for name in [copy.clone(), copy.with_extension("db-wal"), copy.with_extension("db-shm")] {
            let _ = std::fs::remove_file(name);
        }
    }
    assert!(found > 50, "{found} of 200 flips mattered");
}

/// Two writers on one database, each with threads of its own: as two processes would.
#[test]
fn two_writers_on_one_file_do_not_fork() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("ledger.db");
    let key = signer(1);
    let log = Log::create(Box::new(SqliteStore::create(&path).expect("makes it")), &key, Box::new(NoAnchor));
    let other = Log::open(Box::new(SqliteStore::open(&path).expect("opens")), &epochs(&key), Box::new(NoAnchor))
        .expect("opens");
    let writers = [log.expect("begins"), other].map(|log| Writer::start(log, signer(1), || 1_000).expect("starts"));
    let told: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u64)
            .map(|number| {
                let writer = writers[(number % 2) as usize].0.clone();
                scope.spawn(move || {
                    let each = (0..40).map(|round| {
                        let client = number * 100 + round;
                        (client, writer.append(vec![entry("client.viewed", client)]).expect("appends")[0])
                    });
                    each.collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("does not panic")).collect()
    });
    for (writer, thread) in writers {
        drop(writer);
        thread.join().expect("ends");
    }
    let log = Log::open(Box::new(SqliteStore::open(&path).expect("opens")), &epochs(&key), Box::new(NoAnchor))
        .expect("opens");
    assert_eq!(log.size().expect("reads"), 320);
    for (client, seq) in told {
        assert_eq!(log.header(seq).expect("is there").refs["client"], format!("cli-{client:016}"));
    }
    assert_eq!(log.store().bundles().expect("reads"), 1);
    let report = verified(log.store(), &key, Some(log.checkpoint().expect("reads")));
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

    /// Commits of any sizes, packed or not, by a process that may end after each: the entries are there in order, and
    /// are found.
    #[test]
    fn commits_of_any_sizes_are_kept_in_order(
        steps in proptest::collection::vec((1_u64..700, proptest::prelude::any::<bool>(), proptest::prelude::any::<bool>()), 1..7),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ledger.db");
        let key = signer(1);
        let open = || Log::open(Box::new(SqliteStore::open(&path).expect("opens")), &epochs(&key), Box::new(NoAnchor));
        let mut log = Log::create(Box::new(SqliteStore::create(&path).expect("makes it")), &key, Box::new(NoAnchor))
            .expect("begins");
        let mut size = 0;
        for (count, packs, ends) in steps {
            let group = Prepared::new((size..size + count).map(|n| entry("client.viewed", n)).collect()).expect("is good");
            let outcomes = log.append_groups(1_000, &key, &[group]).expect("appends");
            assert!(matches!(outcomes.as_slice(), [Ok(range)] if *range == (size..size + count)));
            size += count;
            if packs {
                log.pack();
                assert_eq!(log.store().bundles().expect("reads"), size / 256);
            }
            if ends {
                log = open().expect("opens");
            }
        }
        let mut seen = 0;
        log.store().runs(0, &mut |run| {
            assert_eq!(run.first, seen);
            for bytes in Entries::of(run.bytes) {
                let header = provenote_ledger::Header::parse(bytes).expect("a header");
                assert_eq!((header.seq, header.refs["client"].as_str()), (seen, format!("cli-{seen:016}").as_str()));
                seen += 1;
            }
            ControlFlow::Continue(())
        }).expect("reads");
        assert_eq!(seen, size);
        let last = Query::default().refer("client", format!("cli-{:016}", size - 1));
        assert_eq!(log.find(&last).expect("finds").iter().map(|header| header.seq).collect::<Vec<_>>(), [size - 1]);
        assert_eq!(log.header(size / 2).expect("is there").seq, size / 2);
        let report = verified(log.store(), &key, Some(log.checkpoint().expect("reads")));
        assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
    }
}
