//! The ledger in SQLite.
//!
//! One file, write-ahead log, `synchronous=FULL`: an acknowledged commit has been flushed to the disk. That survives
//! a killed process and, where the disk tells the truth about flushing, power loss. `secure_delete=ON`, and destroyed
//! payloads are overwritten in place, so that no page, no free page and no journal keeps their bytes.

mod copy;
mod schema;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::Duration;

use provenote_ledger::Hash;
use provenote_ledger::packing::{BUNDLE, Entries, Members, Packed};
use provenote_ledger::store::{Commit, Identity, Run, Store, StoreError, StoredCheckpoint, StoredPayload};
use provenote_ledger::tree::{TILE_WIDTH, Tile};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, TransactionBehavior, params, params_from_iter};

/// How much of the file is mapped at most, in bytes; SQLite has a limit of its own, by default 2 GiB.
const MOST_MAPPED: i64 = 1 << 40;
/// Bytes of entries that are read while the file is mapped, before it is mapped anew: what has been read through a mapping
/// counts as this process's memory as long as it lasts.
const WINDOW: usize = 32 << 20;
/// And before it is mapped at all.
const SHORT_WINDOW: usize = 2 << 20;
/// How long a write waits for another process before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);

/// A [`Store`] in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    name: String,
    /// How long a write waits for another process.
    patience: Cell<Duration>,
    /// False while the connection is set up for packing, and as long as that could not be undone.
    settled: Cell<bool>,
}

impl SqliteStore {
    /// Opens a ledger's file.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no file, [`StoreError::Foreign`] when it is no ledger or too damaged to
    /// tell, [`StoreError::TooNew`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        schema::open(path).map(|connection| Self::over(connection, path))
    }

    /// Makes a ledger's file, empty; [`Store::create`] begins the log in it. A file that a killed process left without
    /// a log is taken over.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when a file is there that is no ledger, [`StoreError::Full`], [`StoreError::Backend`].
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        schema::create(path).map(|connection| Self::over(connection, path))
    }

    fn over(connection: Connection, path: &Path) -> Self {
        Self { connection, name: file_name(path), patience: Cell::new(PATIENCE), settled: Cell::new(true) }
    }

    /// Opens a ledger's file as it stands at this moment: whatever other processes write from now on is not seen. For
    /// verification, which reads everything and must not take an append in between for a forgery. Writes fail.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn snapshot(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open(path)?;
        // The transaction begins with its first read, and ends with the connection.
        store
            .connection
            .execute_batch("PRAGMA query_only = ON; BEGIN; SELECT count(*) FROM meta;")
            .map_err(|error| store.failed(error))?;
        Ok(store)
    }

    /// Sets how long a write waits for another process; five seconds unless told.
    ///
    /// # Errors
    /// [`StoreError::Backend`].
    pub fn set_patience(&self, patience: Duration) -> Result<(), StoreError> {
        self.patience.set(patience);
        self.connection.busy_timeout(patience).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        failed(&self.name, error)
    }

    /// Makes sure that what is written from here on waits for the disk and overwrites what it deletes.
    fn settle(&self) -> Result<(), StoreError> {
        if !self.settled.get() {
            schema::settle(&self.connection)
                .and_then(|()| self.connection.busy_timeout(self.patience.get()))
                .map_err(|error| self.failed(error))?;
            self.settled.set(true);
        }
        Ok(())
    }

    fn pack_now(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        let name = self.name.clone();
        let failed = |error| failed(&name, error);
        let write = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        // Only what the tail holds.
        let (there, size) = (bundles(&write, &name)?, latest(&write, &name)?.size);
        for bundle in packed.iter().filter(|bundle| bundle.index >= there && bundle.end() <= size) {
            pack(&write, &name, bundle)?;
        }
        write.commit().map_err(failed)
    }

    /// Lets several queries see the database at one moment.
    fn consistently<T>(&self, read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let step = |sql: &str| {
            self.connection
                .prepare_cached(sql)
                .and_then(|mut step| step.execute([]))
                .map_err(|error| self.failed(error))
        };
        step("SAVEPOINT reading")?;
        let read = read();
        step("RELEASE reading").and(read)
    }

    /// Maps the file into memory, or none of it: a long log read page by page spends twice the time in the system. Nothing
    /// else is read so, since a disk that fails under a mapped file ends the process, where a read tells of it. Where a file
    /// cannot be mapped, it is read.
    fn map(&self, bytes: i64) {
        let _ = self.connection.query_row(&format!("PRAGMA mmap_size = {bytes}"), [], |_| Ok(()));
    }

    /// Runs a query whose rows may hold anything: a damaged file must not be able to do more than be reported.
    fn each(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.failed(error))?;
        let mut rows = statement.query(parameters).map_err(|error| self.failed(error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            if visit(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "the file".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Tells apart what the caller can do something about.
fn failed(name: &str, error: rusqlite::Error) -> StoreError {
    // The shared-memory file could not grow: SQLite reports a full disk there as a failure of its own.
    const IOERR_SHMSIZE: i32 = 4874;
    let code = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => Some((failure.code, failure.extended_code)),
        _ => None,
    };
    match code {
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => StoreError::Busy,
        Some((ErrorCode::DiskFull, _) | (_, IOERR_SHMSIZE)) => StoreError::Full,
        Some((ErrorCode::NotADatabase, _)) => StoreError::Foreign(name.to_owned()),
        Some((ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation, _)) => {
            StoreError::Corrupt(format!("{name}: {error}"))
        }
        _ => StoreError::Backend(Box::new(error)),
    }
}

fn signed(n: u64) -> Result<i64, StoreError> {
    i64::try_from(n).map_err(|_| StoreError::Corrupt(format!("{n} is no position")))
}

fn bytes<'a>(row: &'a Row<'_>, column: usize) -> &'a [u8] {
    match row.get_ref(column) {
        Ok(ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => bytes,
        _ => &[],
    }
}

fn number(row: &Row<'_>, column: usize) -> i64 {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(n)) => n,
        _ => 0,
    }
}

fn position(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    u64::try_from(number(row, column)).map_err(|_| StoreError::Corrupt("a position is negative".to_owned()))
}

fn text(row: &Row<'_>, column: usize) -> String {
    String::from_utf8_lossy(bytes(row, column)).into_owned()
}

/// Stored members; of a wrong length they read as none.
fn members(row: &Row<'_>, column: usize) -> Members {
    Members(bytes(row, column).try_into().unwrap_or_default())
}

/// A stored hash; one of a wrong length reads as zeros, which no comparison takes for right.
fn hash(row: &Row<'_>, column: usize) -> Hash {
    Hash::try_from(bytes(row, column)).unwrap_or(Hash::ZERO)
}

fn tile_id(level: u8, index: u64) -> Result<i64, StoreError> {
    if index >> 48 != 0 || level > 7 {
        return Err(StoreError::Corrupt(format!("there is no tile {index} of level {level}")));
    }
    Ok(i64::from(level) << 48 | signed(index)?)
}

impl Store for SqliteStore {
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError> {
        let name = self.name.clone();
        let failed = |error| failed(&name, error);
        let write = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let begun: i64 = write.query_row("SELECT count(*) FROM head", [], |row| row.get(0)).map_err(failed)?;
        if begun != 0 {
            return Err(StoreError::Exists);
        }
        for (key, value) in [("origin", &identity.origin), ("vkey", &identity.vkey)] {
            write.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, value]).map_err(failed)?;
        }
        write.execute("INSERT INTO head (id, size, note) VALUES (1, 0, ?1)", [checkpoint]).map_err(failed)?;
        write.commit().map_err(failed)
    }

    fn identity(&self) -> Result<Identity, StoreError> {
        let value = |key: &str| {
            let mut statement = self.connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
            statement.query_row([key], |row| Ok(text(row, 0))).optional()
        };
        let origin = value("origin").map_err(|error| self.failed(error))?.ok_or(StoreError::Missing)?;
        let vkey = value("vkey").map_err(|error| self.failed(error))?.ok_or(StoreError::Missing)?;
        Ok(Identity { origin, vkey })
    }

    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        latest(&self.connection, &self.name)
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.settle()?;
        let name = self.name.clone();
        let failed = |error| failed(&name, error);
        let write = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        if latest(&write, &name)?.note != commit.onto {
            return Err(StoreError::Moved);
        }
        for packed in commit.packed {
            pack(&write, &name, packed)?;
        }
        if !commit.tail.is_empty() {
            let first = signed(commit.first)?;
            write
                .prepare_cached("INSERT INTO tail (first, entries) VALUES (?1, ?2)")
                .and_then(|mut insert| insert.execute(params![first, commit.tail]))
                .map_err(failed)?;
        }
        for row in &commit.payloads {
            write
                .prepare_cached(
                    "INSERT INTO payloads (destroyed, grp, ciphertext, wrapped, body) VALUES (0, ?1, ?2, ?3, ?4) \
                     ON CONFLICT (ciphertext) DO NOTHING",
                )
                .and_then(|mut insert| insert.execute(params![row.group, row.ciphertext.0, row.wrapped_key, row.body]))
                .map_err(failed)?;
        }
        let size = signed(commit.checkpoint.size)?;
        write
            .prepare_cached("UPDATE head SET size = ?1, note = ?2 WHERE id = 1")
            .and_then(|mut update| update.execute(params![size, commit.checkpoint.note]))
            .map_err(failed)?;
        write.commit().map_err(failed)
    }

    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        // Nothing acknowledged depends on it: it becomes durable with the next commit, and whoever writes just now may
        // go first. Headers stay in the log, so their old place need not be overwritten.
        self.settled.set(false);
        self.connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF"))
            .map_err(|error| self.failed(error))?;
        let outcome = self.pack_now(packed);
        self.settle()?;
        outcome
    }

    fn bundles(&self) -> Result<u64, StoreError> {
        bundles(&self.connection, &self.name)
    }

    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let at = signed(seq)?;
        let mut found = None;
        let mut take = |first: u64, run: &[u8]| {
            let place = seq.checked_sub(first).and_then(|place| usize::try_from(place).ok());
            found = place.and_then(|place| Entries::of(run).nth(place)).map(<[u8]>::to_vec);
        };
        self.consistently(|| {
            let mut packed = false;
            self.each("SELECT n, entries FROM bundles WHERE n = ?1", [at / BUNDLE.cast_signed()], &mut |row| {
                packed = true;
                take(position(row, 0)?.saturating_mul(BUNDLE), bytes(row, 1));
                Ok(ControlFlow::Break(()))
            })?;
            if packed {
                return Ok(());
            }
            let sql = "SELECT first, entries FROM tail WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
            self.each(sql, [at], &mut |row| {
                take(position(row, 0)?, bytes(row, 1));
                Ok(ControlFlow::Break(()))
            })
        })?;
        Ok(found)
    }

    fn runs(&self, from: u64, visit: &mut dyn FnMut(Run<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        let from = signed(from)?;
        // One view of both tables: another process may pack in between.
        self.consistently(|| {
            let mut next = from / BUNDLE.cast_signed();
            let mut window = SHORT_WINDOW;
            loop {
                let (mut flow, mut read) = (ControlFlow::Continue(()), 0);
                let sql = "SELECT n, newest, entries FROM bundles WHERE n >= ?1 ORDER BY n";
                self.each(sql, [next], &mut |row| {
                    let (first, bytes) = (position(row, 0)?.saturating_mul(BUNDLE), bytes(row, 2));
                    next = number(row, 0).saturating_add(1);
                    read += bytes.len();
                    flow = visit(Run { first, newest: Some(number(row, 1)), bytes });
                    Ok(if read < window { flow } else { ControlFlow::Break(()) })
                })?;
                self.map(0);
                if flow.is_break() {
                    return Ok(());
                }
                if read < window {
                    break;
                }
                window = WINDOW;
                self.map(MOST_MAPPED);
            }
            let sql = "SELECT first, entries FROM tail \
                       WHERE first >= coalesce((SELECT max(first) FROM tail WHERE first <= ?1), 0) ORDER BY first";
            self.each(sql, [from], &mut |row| {
                Ok(visit(Run { first: position(row, 0)?, newest: None, bytes: bytes(row, 1) }))
            })
        })
    }

    fn find(
        &self,
        keys: &[i64],
        since_ms: Option<i64>,
        after: Option<u64>,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let mut each = |first: u64, run: &[u8], members: &Members| {
            for (seq, entry) in (first..).zip(Entries::of(run)).filter(|(seq, _)| *seq >= from) {
                if members.contains((seq % BUNDLE) as u8) && visit(seq, entry).is_break() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        self.consistently(|| {
            let mut flow = ControlFlow::Continue(());
            // One index row is what is gone by, the others are looked up beside it.
            let mut sql = "SELECT b.n, b.entries".to_owned();
            (0..keys.len()).for_each(|n| sql.push_str(&format!(", f{n}.members")));
            match keys {
                [] => sql.push_str(" FROM bundles AS b WHERE b.n >= ?1"),
                [_, others @ ..] => {
                    sql.push_str(" FROM finder AS f0 CROSS JOIN bundles AS b ON b.n = f0.bundle");
                    for n in 1..=others.len() {
                        sql.push_str(&format!(
                            " CROSS JOIN finder AS f{n} ON f{n}.key = ?{} AND f{n}.bundle = f0.bundle",
                            n + 3
                        ));
                    }
                    sql.push_str(" WHERE f0.key = ?3 AND f0.bundle >= ?1");
                }
            }
            sql.push_str(" AND (?2 IS NULL OR b.newest >= ?2) ORDER BY 1");
            let mut parameters = vec![Some(signed(from / BUNDLE)?), since_ms];
            parameters.extend(keys.iter().map(|key| Some(*key)));
            self.each(&sql, params_from_iter(parameters), &mut |row| {
                let mut members = Members::ALL;
                (0..keys.len()).for_each(|n| members.retain(&self::members(row, n + 2)));
                flow = each(position(row, 0)?.saturating_mul(BUNDLE), bytes(row, 1), &members);
                Ok(flow)
            })?;
            if flow.is_break() {
                return Ok(());
            }
            self.each("SELECT first, entries FROM tail ORDER BY first", [], &mut |row| {
                Ok(each(position(row, 0)?, bytes(row, 1), &Members::ALL))
            })
        })
    }

    fn index(&self, visit: &mut dyn FnMut(i64, u64, &Members)) -> Result<(), StoreError> {
        self.each("SELECT key, bundle, members FROM finder", [], &mut |row| {
            // A row without a sensible bundle is a wrong row all the same.
            visit(number(row, 0), position(row, 1).unwrap_or(u64::MAX), &members(row, 2));
            Ok(ControlFlow::Continue(()))
        })
    }

    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError> {
        let mut found = None;
        let sql = "SELECT grp, wrapped, body FROM payloads WHERE ciphertext = ?1 AND destroyed = 0";
        self.each(sql, [ciphertext.0], &mut |row| {
            let body = match row.get_ref(2) {
                Ok(ValueRef::Null) | Err(_) => None,
                Ok(_) => Some(bytes(row, 2).to_vec()),
            };
            found = Some(StoredPayload {
                ciphertext: *ciphertext,
                group: text(row, 0),
                wrapped_key: bytes(row, 1).to_vec(),
                body,
            });
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        self.each("SELECT grp, count(*) FROM payloads WHERE destroyed = 0 GROUP BY grp", [], &mut |row| {
            counts.insert(text(row, 0), position(row, 1)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(counts)
    }

    fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Tile>, StoreError> {
        let mut found = None;
        self.each("SELECT root, hashes FROM tiles WHERE id = ?1", [tile_id(level, index)?], &mut |row| {
            let hashes: Result<Vec<Hash>, _> = bytes(row, 1).chunks(32).map(Hash::try_from).collect();
            let hashes = hashes.ok().filter(|hashes| hashes.len() == TILE_WIDTH);
            let damaged = || StoreError::Corrupt(format!("tile {index} of level {level} has the wrong length"));
            found = Some(Tile { level, index, root: hash(row, 0), hashes: hashes.ok_or_else(damaged)? });
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    fn stored_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut roots = Vec::new();
        let (mut next, end) = (tile_id(level, range.start)?, tile_id(level, range.end)?);
        self.each("SELECT id, root FROM tiles WHERE id >= ?1 AND id < ?2 ORDER BY id", [next, end], &mut |row| {
            if number(row, 0) != next {
                return Ok(ControlFlow::Break(()));
            }
            roots.push(hash(row, 1));
            next += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(roots)
    }

    fn stored_tiles(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        self.each("SELECT count(*) FROM tiles", [], &mut |row| {
            count = position(row, 0)?;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(count)
    }

    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError> {
        self.settle()?;
        let name = self.name.clone();
        let failed = |error| failed(&name, error);
        let write = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let bytes: i64 = write
            .query_row(
                "SELECT coalesce(sum(length(body)), 0) FROM payloads WHERE grp = ?1 AND destroyed = 0",
                [group],
                |row| row.get(0),
            )
            .map_err(failed)?;
        // Zeros of the same length, so that SQLite overwrites the row where it stands: deleting it could rebuild
        // pages around it, and leave copies of its neighbours in the slack. The row stays as a tombstone.
        write
            .execute(
                "UPDATE payloads SET destroyed = 1, wrapped = zeroblob(length(wrapped)), body = zeroblob(length(body)) \
                 WHERE grp = ?1 AND destroyed = 0",
                [group],
            )
            .map_err(failed)?;
        write.commit().map_err(failed)?;
        let blocked: i64 =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
        if blocked != 0 {
            return Err(StoreError::Busy);
        }
        Ok(bytes.unsigned_abs())
    }
}

fn latest(connection: &Connection, name: &str) -> Result<StoredCheckpoint, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT size, note FROM head WHERE id = 1").map_err(|error| failed(name, error))?;
    let mut rows = statement.query([]).map_err(|error| failed(name, error))?;
    let row = rows.next().map_err(|error| failed(name, error))?.ok_or(StoreError::Missing)?;
    Ok(StoredCheckpoint { size: position(row, 0)?, note: text(row, 1) })
}

fn bundles(connection: &Connection, name: &str) -> Result<u64, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT coalesce(max(n) + 1, 0) FROM bundles")
        .map_err(|error| failed(name, error))?;
    statement.query_row([], |row| Ok(position(row, 0))).map_err(|error| failed(name, error))?
}

/// Puts one bundle where it belongs, within a transaction, and takes its entries out of the tail. One that is there
/// already stays as it is.
fn pack(write: &Connection, name: &str, packed: &Packed) -> Result<(), StoreError> {
    let failed = |error| failed(name, error);
    let (n, end) = (signed(packed.index)?, signed(packed.end())?);
    let insert = "INSERT INTO bundles (n, newest, entries) VALUES (?1, ?2, ?3) ON CONFLICT (n) DO NOTHING";
    let mut insert = write.prepare_cached(insert).map_err(failed)?;
    if insert.execute(params![n, packed.newest, packed.entries]).map_err(failed)? == 0 {
        return Ok(());
    }
    let mut tile = write.prepare_cached("INSERT INTO tiles (id, root, hashes) VALUES (?1, ?2, ?3)").map_err(failed)?;
    for full in &packed.tiles {
        let hashes: Vec<u8> = full.hashes.iter().flat_map(|hash| hash.0).collect();
        tile.execute(params![tile_id(full.level, full.index)?, full.root.0, hashes]).map_err(failed)?;
    }
    let mut key =
        write.prepare_cached("INSERT INTO finder (key, bundle, members) VALUES (?1, ?2, ?3)").map_err(failed)?;
    for (found_by, members) in &packed.keys {
        key.execute(params![found_by, n, members.0]).map_err(failed)?;
    }
    // The last row below the end may reach beyond it.
    let last = "SELECT first, entries FROM tail WHERE first < ?1 ORDER BY first DESC LIMIT 1";
    let mut last = write.prepare_cached(last).map_err(failed)?;
    let mut rows = last.query([end]).map_err(failed)?;
    let beyond = match rows.next().map_err(failed)? {
        None => Vec::new(),
        Some(row) => {
            let mut entries = Entries::of(bytes(row, 1));
            let below = packed.end().saturating_sub(position(row, 0)?);
            if let Some(last) = usize::try_from(below).ok().and_then(|below| below.checked_sub(1)) {
                entries.nth(last);
            }
            entries.rest().to_vec()
        }
    };
    drop(rows);
    let mut delete = write.prepare_cached("DELETE FROM tail WHERE first < ?1").map_err(failed)?;
    delete.execute([end]).map_err(failed)?;
    if !beyond.is_empty() {
        let mut insert = write.prepare_cached("INSERT INTO tail (first, entries) VALUES (?1, ?2)").map_err(failed)?;
        insert.execute(params![end, beyond]).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
