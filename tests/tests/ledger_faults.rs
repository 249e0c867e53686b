//! What can go wrong with the ledger while it is written and while it lies there: kills, full disks, other processes,
//! altered bytes, old copies. Nothing acknowledged is lost, and whatever was altered is named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use provenote_tests::{Place, Running, audio, files, findings, text, wait};
use rusqlite::Connection;
use serde_json::Value;

fn clients(place: &Place) -> BTreeSet<String> {
    let list = place.json(&["client", "list"]);
    list["clients"].as_array().expect("clients").iter().map(|client| text(&client["client"])).collect()
}

/// The id that a command acknowledged before it was killed, if it came so far.
fn acknowledged(printed: &str, key: &str) -> Option<String> {
    serde_json::from_str::<Value>(printed).ok().map(|value| text(&value[key]))
}

fn count(folder: &Path) -> usize {
    files::files(folder).len()
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let place = Place::founded();
    let mut kept = BTreeSet::new();
    for round in 0..20_usize {
        let keys = count(&place.home().join("keys"));
        let journal = files::bytes_in(&place.home());
        let name = format!("Client {round}");
        let mut running = Running::start(&place, "add", &["--json", "client", "add", &name]);
        // A later point each round: before the first key, between keys, at the entry, after the answer.
        let home = place.home();
        wait(&mut running.child, || match round % 10 {
            0 => true,
            1..=5 => count(&home.join("keys")) >= keys + round % 10,
            6 => count(&home.join("keys")) >= keys + 6,
            7 => home.join("ledger.db-wal").exists(),
            8 => files::bytes_in(&home) > journal + 9_000,
            _ => place.path().join("add.out").metadata().is_ok_and(|data| data.len() > 0),
        });
        running.kill();
        kept.extend(acknowledged(&running.printed(), "client"));
        let report = place.verify();
        assert!(clients(&place).is_superset(&kept), "round {round}: {report:#}");
    }
    // And whoever is not killed is not disturbed by what was left.
    let last = place.client("Maria Alvarez");
    assert!(clients(&place).contains(&last));
    let left: Vec<_> =
        files::files(&place.home()).into_iter().filter(|file| file.to_string_lossy().contains("/.new-")).collect();
    assert!(left.is_empty(), "unfinished files are swept: {left:?}");
}

#[test]
fn a_killed_recording_is_kept_whole_or_not_at_all() {
    let place = Place::founded();
    place.consenting("Maria Alvarez");
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(60)));
    let mut kept = BTreeSet::new();
    let sessions = |place: &Place| -> BTreeSet<String> {
        let list = place.json(&["session", "list"]);
        list["sessions"].as_array().expect("sessions").iter().map(|session| text(&session["session"])).collect()
    };
    for round in 0..10_u64 {
        let blobs = place.home().join("blobs");
        let (before, whole) = (files::bytes_in(&blobs), count(&blobs));
        let mut running = Running::start(&place, "session", &["--json", "session", "add", "Maria Alvarez", &talk]);
        wait(&mut running.child, || match round {
            0..=5 => files::bytes_in(&blobs) > before + round * 350_000,
            6 | 7 => fs::read_dir(&blobs).is_ok_and(|all| {
                all.flatten().filter(|file| !file.file_name().to_string_lossy().starts_with('.')).count() > whole
            }),
            _ => place.path().join("session.out").metadata().is_ok_and(|data| data.len() > 0),
        });
        running.kill();
        kept.extend(acknowledged(&running.printed(), "session"));
        place.verify();
        assert!(sessions(&place).is_superset(&kept), "round {round}");
    }
    let session = place.json(&["session", "add", "Maria Alvarez", &talk]);
    assert!(sessions(&place).contains(&text(&session["session"])));
    place.verify();
}

#[test]
fn a_killed_setting_is_the_old_or_the_new_one() {
    let place = Place::founded();
    let mut days = 7;
    for round in 0..8_usize {
        let next = 10 + round;
        let mut running =
            Running::start(&place, "set", &["--json", "settings", "set", "audio_days", &next.to_string()]);
        let wal = place.home().join("ledger.db-wal");
        wait(&mut running.child, || match round % 4 {
            0 => true,
            1 => wal.exists(),
            2 => wal.metadata().is_ok_and(|data| data.len() > 0),
            _ => place.path().join("set.out").metadata().is_ok_and(|data| data.len() > 0),
        });
        running.kill();
        let shown = place.json(&["settings", "show"])["audio_days"].as_u64().expect("a number");
        if running.printed().contains("audio_days") {
            assert_eq!(shown, next as u64, "acknowledged, and lost");
        }
        assert!(shown == days || shown == next as u64);
        days = shown;
        place.verify();
    }
}

#[test]
fn several_processes_at_once_all_succeed() {
    let place = Place::founded();
    place.consenting("Maria Alvarez");
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(30)));
    let names: Vec<String> = (0..6).map(|number| format!("Client {number}")).collect();
    let mut running: Vec<Running> = names
        .iter()
        .map(|name| Running::start(&place, &name.replace(' ', "-"), &["--json", "client", "add", name]))
        .collect();
    running.push(Running::start(&place, "session", &["--json", "session", "add", "Maria Alvarez", &talk]));
    running.push(Running::start(&place, "verify", &["--json", "ledger", "verify"]));
    for process in &mut running {
        let status = process.child.wait().expect("ends");
        assert!(status.success(), "{}", process.printed());
    }
    assert_eq!(clients(&place).len(), 7);
    assert_eq!(place.json(&["session", "list"])["sessions"].as_array().expect("sessions").len(), 1);
    let seqs: Vec<u64> = place.entries(&[]).iter().map(|entry| entry["seq"].as_u64().expect("a number")).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "one order without gaps");
    place.verify();
}

#[test]
fn a_recording_that_is_being_sealed_is_left_alone_by_other_commands() {
    let place = Place::founded();
    place.consenting("Maria Alvarez");
    let long = place.file("long.wav", &audio::wav(&audio::noise(1200)));
    let blobs = place.home().join("blobs");
    let mut running = Running::start(&place, "session", &["--json", "session", "add", "Maria Alvarez", &long]);
    wait(&mut running.child, || count(&blobs) > 0);
    assert!(running.child.try_wait().expect("can be asked").is_none(), "it is still at work: {}", running.printed());
    place.done(&["client", "list"]);
    place.client("Jon Park");
    let status = running.child.wait().expect("ends");
    assert!(status.success(), "{}", running.printed());
    assert_eq!(count(&blobs), 1);
    place.verify();
}

#[test]
fn a_ledger_that_is_being_written_is_waited_for_and_then_given_up() {
    let place = Place::founded();
    let other = Connection::open(place.home().join("ledger.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("takes the write lock");
    let said = place.fails(1, &["client", "add", "Maria Alvarez"]);
    assert!(said.contains("another provenote"), "{said}");
    other.execute_batch("ROLLBACK").expect("lets go");
    place.client("Maria Alvarez");
    assert_eq!(clients(&place).len(), 1, "the first attempt left no client");
    place.verify();
}

/// A small file system on the practice's folder; unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mounted(at: &'a Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn grown(&self, size: &str) {
        let options = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.0).status().expect("mount runs");
        assert!(status.success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_act_and_loses_nothing() {
    let place = Place::new();
    fs::create_dir(place.home()).expect("a folder");
    let home = place.home();
    let Some(disk) = SmallDisk::mounted(&home, "900k") else {
        eprintln!(
            "skipped: this user may not mount a small file system; `a_file_that_may_not_grow_stops_the_act` stands in"
        );
        return;
    };
    place.done(&["init", "--practice", "Elm", "--clinician", "Dana Reyes", "--state", "IL"]);
    place.consenting("Maria Alvarez");
    // A recording that does not fit leaves the room it took.
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(60)));
    let before = (count(&home.join("blobs")), count(&home.join("keys")), place.size());
    let said = place.fails(1, &["session", "add", "Maria Alvarez", &talk]);
    assert!(said.contains("space") || said.contains("full") || said.contains("room"), "{said}");
    assert_eq!((count(&home.join("blobs")), count(&home.join("keys")), place.size()), before);

    let mut kept = clients(&place);
    let mut said = None;
    for number in 0..400 {
        let ran = place.run(&["--json", "client", "add", &format!("Client {number}")]);
        if ran.code == 0 {
            kept.extend(acknowledged(&ran.out, "client"));
        } else {
            assert_eq!(ran.code, 1, "{}", ran.err);
            said = Some(ran.err);
            break;
        }
    }
    let said = said.expect("the disk becomes full");
    assert!(said.contains("full") || said.contains("space"), "{said}");
    // Reading what needs no entry goes on, and once there is room everything does.
    let verified = place.run(&["--json", "ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    disk.grown("8m");
    assert_eq!(clients(&place), kept);
    kept.insert(place.client("One More"));
    assert_eq!(clients(&place), kept);
    place.verify();
}

#[test]
fn a_file_that_may_not_grow_stops_the_act() {
    let place = Place::founded();
    place.consenting("Maria Alvarez");
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(60)));
    let before = (count(&place.home().join("blobs")), count(&place.home().join("keys")), place.size());
    // Files of at most 256 KiB: the recording does not fit, as on a full disk or beyond a quota.
    let script = format!(
        "ulimit -f 256; trap '' XFSZ; exec {} session add 'Maria Alvarez' {talk}",
        provenote_tests::program().display()
    );
    let mut command = place.command(&[]);
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = Command::new("sh");
    command.args(["-c", &script]).current_dir(place.work()).env_clear();
    command.envs(environment.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    let output = command.output().expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    provenote_tests::sentence(&["session", "add"], &String::from_utf8_lossy(&output.stderr));
    assert_eq!((count(&place.home().join("blobs")), count(&place.home().join("keys")), place.size()), before);
    place.verify();
}

/// Runs verification, which must find something; the report.
fn found(place: &Place) -> Value {
    let ran = place.run(&["--json", "ledger", "verify"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let report: Value = serde_json::from_str(&ran.out).expect("one document");
    assert!(!report["findings"].as_array().expect("findings").is_empty());
    assert_ne!(report["verdict"], "intact");
    for key in ["verdict", "size", "root", "signed", "anchored_to", "findings"] {
        assert!(report.get(key).is_some(), "{key}");
    }
    report
}

fn names(report: &Value, seq: u64) -> bool {
    report["findings"].as_array().expect("findings").iter().any(|finding| finding["seq"] == seq)
}

/// A practice with a dozen entries, SQLite's journal folded into the database.
fn filled() -> Place {
    let place = Place::founded();
    place.consenting("Maria Alvarez");
    for name in ["Jon Park", "Noor Haddad", "Amos Bell"] {
        place.client(name);
    }
    let database = Connection::open(place.home().join("ledger.db")).expect("opens");
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("folds the journal in");
    place.verify();
    place
}

/// The rows of the newest entries: for each commit the number of its first entry, and its entries' bytes, as the table
/// `tail` has them (two bytes of length, and so on).
fn rows(database: &Path) -> Vec<(u64, Vec<Vec<u8>>)> {
    let connection = Connection::open(database).expect("opens");
    let mut statement = connection.prepare("SELECT first, entries FROM tail ORDER BY first").expect("reads");
    let mut rows = statement.query([]).expect("reads");
    let mut all = Vec::new();
    while let Some(row) = rows.next().expect("reads") {
        let (first, packed): (i64, Vec<u8>) = (row.get(0).expect("a number"), row.get(1).expect("bytes"));
        let (mut rest, mut entries) = (packed.as_slice(), Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (entry, more) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            entries.push(entry.to_vec());
            rest = more;
        }
        all.push((u64::try_from(first).expect("a position"), entries));
    }
    all
}

#[test]
fn one_altered_byte_is_named_by_its_entry() {
    let place = filled();
    let database = place.home().join("ledger.db");
    let clean = fs::read(&database).expect("the database");
    let entries: Vec<(u64, Vec<u8>)> =
        rows(&database).into_iter().flat_map(|(first, entries)| (first..).zip(entries)).collect();
    assert!(entries.len() > 8);
    for (seq, bytes) in &entries {
        // Entries on overflow pages are not in one piece; their last bytes, with the number and the time, are.
        let tail = &bytes[bytes.len().saturating_sub(64)..];
        let at = files::find(&clean, tail).unwrap_or_else(|| panic!("entry {seq} is not in the file"));
        let mut altered = clean.clone();
        let place_of = usize::try_from(*seq).expect("small") * 5 % tail.len();
        altered[at + place_of] ^= 0x01;
        fs::write(&database, &altered).expect("altered");
        let report = found(&place);
        assert!(names(&report, *seq), "byte {place_of} of entry {seq}: {}", findings(&report));
    }
    fs::write(&database, &clean).expect("as it was");
    place.verify();
}

#[test]
fn a_forger_with_a_database_tool_is_found() {
    let place = filled();
    let database = place.home().join("ledger.db");
    let clean = fs::read(&database).expect("the database");
    let last = place.size() as u64 - 1;
    // Two commits of one entry each, one after the other.
    let all = rows(&database);
    let pair = all.windows(2).find(|pair| pair.iter().all(|(_, entries)| entries.len() == 1)).expect("single entries");
    let (one, two) = (pair[0].0, pair[1].0);
    let cases: [(&str, String, u64); 6] = [
        ("dropped", format!("DELETE FROM tail WHERE first = {one}"), one),
        (
            "replaced",
            format!("UPDATE tail SET entries = (SELECT entries FROM tail WHERE first = {two}) WHERE first = {one}"),
            one,
        ),
        (
            "exchanged",
            format!(
                "UPDATE tail SET first = -1 WHERE first = {one}; UPDATE tail SET first = {one} WHERE first = {two}; UPDATE tail SET first = {two} WHERE first = -1"
            ),
            one,
        ),
        (
            "inserted",
            format!("INSERT INTO tail (first, entries) SELECT {last} + 1, entries FROM tail WHERE first = {one}"),
            last + 1,
        ),
        (
            "ciphertext swapped",
            "UPDATE payloads SET body = zeroblob(length(body)) WHERE rowid = (SELECT min(rowid) FROM payloads)"
                .to_owned(),
            0,
        ),
        (
            "key swapped",
            "UPDATE payloads SET wrapped = zeroblob(length(wrapped)) WHERE rowid = (SELECT min(rowid) FROM payloads)"
                .to_owned(),
            0,
        ),
    ];
    for (what, sql, seq) in &cases {
        let forger = Connection::open(&database).expect("opens");
        forger.execute_batch(sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        forger.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("folds");
        drop(forger);
        let report = found(&place);
        assert!(names(&report, *seq), "{what} at {seq}: {}", findings(&report));
        for journal in ["ledger.db-wal", "ledger.db-shm"] {
            let _ = fs::remove_file(place.home().join(journal));
        }
        fs::write(&database, &clean).expect("as it was");
    }
    place.verify();
}

#[test]
fn an_old_copy_of_the_database_is_a_rollback() {
    let place = filled();
    let checkpoint = place.done(&["ledger", "checkpoint"]);
    let outside = place.file("checkpoint.txt", checkpoint.as_bytes());
    let database = place.home().join("ledger.db");
    let old = fs::read(&database).expect("the database");
    place.client("Late Comer");
    let later = place.file("later.txt", place.done(&["ledger", "checkpoint"]).as_bytes());
    for journal in ["ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(place.home().join(journal));
    }
    fs::write(&database, &old).expect("put back");
    let report = found(&place);
    assert_eq!(report["verdict"], "rolled_back", "{}", findings(&report));
    // Nothing is added to a log that lost its end.
    let ran = place.run(&["client", "add", "Somebody Else"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let kept = fs::read(&database).expect("the database");
    assert_eq!(files::find(&kept, b"SQLite format 3"), Some(0));
    assert_eq!(place.size_of_log(), report["size"].as_u64().expect("a size"));

    // With the checkpoint beside the keys put back too, only a copy outside the machine tells.
    fs::remove_file(place.home().join("keys/anchor")).expect("the local anchor");
    let alone = place.json(&["ledger", "verify", "--anchor", &outside]);
    assert_eq!(alone["verdict"], "intact", "an older checkpoint fits");
    let ran = place.run(&["--json", "ledger", "verify", "--anchor", &later]);
    assert_eq!(ran.code, 3);
    let report: Value = serde_json::from_str(&ran.out).expect("one document");
    assert_eq!(report["verdict"], "rolled_back", "{}", findings(&report));
}

/// The log's size without opening it as a practice, which a rolled-back one refuses.
trait SizeOfLog {
    fn size_of_log(&self) -> u64;
}

impl SizeOfLog for Place {
    fn size_of_log(&self) -> u64 {
        let database = Connection::open(self.home().join("ledger.db")).expect("opens");
        let size: i64 = database.query_row("SELECT size FROM head", [], |row| row.get(0)).expect("reads");
        u64::try_from(size).expect("a size")
    }
}

#[test]
fn a_checkpoint_of_another_log_is_refused_as_an_anchor() {
    let (place, other) = (filled(), Place::founded());
    let foreign = place.file("foreign.txt", other.done(&["ledger", "checkpoint"]).as_bytes());
    let forged = place.file("forged.txt", place.done(&["ledger", "checkpoint"]).replacen('\n', "\n9", 1).as_bytes());
    for file in [&foreign, &forged] {
        let ran = place.run(&["--json", "ledger", "verify", "--anchor", file]);
        assert_eq!(ran.code, 3, "{file}: {}", ran.out);
        let report: Value = serde_json::from_str(&ran.out).expect("one document");
        assert!(report["findings"].to_string().contains("anchor_refused"), "{}", findings(&report));
    }
    for (name, bytes) in [("binary.txt", &[0xff, 0xfe, 0x00][..]), ("words.txt", b"no checkpoint at all\n")] {
        let sentence = place.fails(1, &["ledger", "verify", "--anchor", &place.file(name, bytes)]);
        assert!(sentence.contains("holds no checkpoint"), "{sentence}");
    }
}

#[test]
fn damaged_and_missing_keys_are_named() {
    for folder in ["groups", "classes", "users"] {
        let place = filled();
        let sealing = text(&place.newest("client.added")["refs"]["file"]);
        let mut keys = files::files(&place.home().join("keys").join(folder)).into_iter();
        // A group that has sealed something: of one that has not, the log knows nothing.
        let key = keys.find(|key| folder != "groups" || key.to_string_lossy().contains(&sealing)).expect("a key file");
        let bytes = fs::read(&key).expect("a key");
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] = if damaged[middle] == b'A' { b'B' } else { b'A' };
        fs::write(&key, &damaged).expect("altered");
        let ran = place.run(&["--json", "ledger", "verify"]);
        // A user's own key that does not open is a failure to sign in; every other damage is a finding.
        assert_eq!(ran.code, if folder == "users" { 1 } else { 3 }, "{folder}: {}{}", ran.out, ran.err);
        fs::remove_file(&key).expect("removed");
        if folder == "groups" {
            let report = found(&place);
            assert!(report["findings"].to_string().contains("destroyed_without_entry"), "{}", findings(&report));
        }
        fs::write(&key, &bytes).expect("as it was");
        place.verify();
    }
}

#[test]
fn verification_needs_no_passphrase_to_find_an_altered_entry() {
    let place = filled();
    let database = Connection::open(place.home().join("ledger.db")).expect("opens");
    // Of the same length, so that nothing but the word changes.
    let (word, other) = (b"consent.granted", b"consent.grantee");
    let (first, mut packed): (i64, Vec<u8>) = database
        .query_row("SELECT first, entries FROM tail WHERE instr(entries, ?1) > 0", [word.as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a consent");
    let at = files::find(&packed, word).expect("the word");
    packed[at..at + other.len()].copy_from_slice(other);
    database.execute("UPDATE tail SET entries = ?2 WHERE first = ?1", (first, packed)).expect("writes");
    drop(database);
    let ran = place.run_locked(&["--json", "ledger", "verify"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let said = place.run_locked(&["ledger", "verify"]);
    assert!(said.out.contains("altered") && said.out.contains("No log can show"), "{}", said.out);
}
