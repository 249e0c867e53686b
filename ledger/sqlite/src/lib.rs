//! The ledger in SQLite.
//!
//! One file, write-ahead log, `synchronous=FULL`: an acknowledged commit has been flushed to the disk. That survives
//! a killed process and, where the disk tells the truth about flushing, power loss. `secure_delete=ON`, and destroyed
//! payloads are overwritten in place, so that no page, no free page and no journal keeps their bytes.

mod schema;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::time::Duration;

use provenote_ledger::Hash;
use provenote_ledger::store::{Commit, EntryRow, Identity, Store, StoreError, StoredCheckpoint, StoredPayload};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, TransactionBehavior, params, params_from_iter};

/// How long a write waits for another process before it gives up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of the file is mapped at most, in bytes; SQLite has a limit of its own, by default 2 GiB.
const MOST_MAPPED: i64 = 1 << 40;

/// A [`Store`] in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    name: String,
}

impl SqliteStore {
    /// Opens a ledger's file.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no file, [`StoreError::Foreign`] when it is no ledger or too damaged to
    /// tell, [`StoreError::TooNew`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        schema::open(path).map(|connection| Self { connection, name: file_name(path) })
    }

    /// Makes a ledger's file, empty; [`Store::create`] begins the log in it. A file that a killed process left without
    /// a log is taken over.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] when a file is there that is no ledger, [`StoreError::Full`], [`StoreError::Backend`].
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        schema::create(path).map(|connection| Self { connection, name: file_name(path) })
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
        self.connection.busy_timeout(patience).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        failed(&self.name, error)
    }

    /// Runs a query that goes over a whole table, with the file mapped into memory as long as it lasts: reading it page
    /// by page takes a third longer. Nothing else is read so, since a disk that fails under a mapped file ends the
    /// process, where a read tells of it.
    fn each_mapped(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        // Where a file cannot be mapped, it is read.
        let map = |bytes: i64| drop(self.connection.query_row(&format!("PRAGMA mmap_size = {bytes}"), [], |_| Ok(())));
        map(MOST_MAPPED);
        let read = self.each(sql, parameters, visit);
        map(0);
        read
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
        let begun: i64 = write.query_row("SELECT count(*) FROM checkpoints", [], |row| row.get(0)).map_err(failed)?;
        if begun != 0 {
            return Err(StoreError::Exists);
        }
        for (key, value) in [("origin", &identity.origin), ("vkey", &identity.vkey)] {
            write.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![key, value]).map_err(failed)?;
        }
        write.execute("INSERT INTO checkpoints (size, note) VALUES (0, ?1)", [checkpoint]).map_err(failed)?;
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

    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let name = self.name.clone();
        let failed = |error| failed(&name, error);
        let write = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        if latest(&write, &name)?.note != commit.onto {
            return Err(StoreError::Moved);
        }
        {
            let mut entry = write
                .prepare_cached("INSERT INTO entries (seq, prev, time, bytes) VALUES (?1, ?2, ?3, ?4)")
                .map_err(failed)?;
            let mut key = write.prepare_cached("INSERT INTO finder (key, seq) VALUES (?1, ?2)").map_err(failed)?;
            for row in &commit.entries {
                let seq = signed(row.seq)?;
                entry.execute(params![seq, row.prev.0, row.time, row.bytes]).map_err(failed)?;
                for found_by in &row.keys {
                    key.execute(params![found_by, seq]).map_err(failed)?;
                }
            }
            let mut payload = write
                .prepare_cached(
                    "INSERT INTO payloads (destroyed, grp, ciphertext, wrapped, body) VALUES (0, ?1, ?2, ?3, ?4) \
                     ON CONFLICT (ciphertext) DO NOTHING",
                )
                .map_err(failed)?;
            for row in &commit.payloads {
                payload.execute(params![row.group, row.ciphertext.0, row.wrapped_key, row.body]).map_err(failed)?;
            }
            let mut tile =
                write.prepare_cached("INSERT INTO tiles (id, root, hashes) VALUES (?1, ?2, ?3)").map_err(failed)?;
            for full in &commit.tiles {
                let hashes: Vec<u8> = full.hashes.iter().flat_map(|hash| hash.0).collect();
                tile.execute(params![tile_id(full.level, full.index)?, full.root.0, hashes]).map_err(failed)?;
            }
            write
                .prepare_cached("INSERT INTO checkpoints (size, note) VALUES (?1, ?2)")
                .and_then(|mut note| {
                    note.execute(params![commit.checkpoint.size.cast_signed(), commit.checkpoint.note])
                })
                .map_err(failed)?;
        }
        write.commit().map_err(failed)
    }

    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = None;
        self.each("SELECT bytes FROM entries WHERE seq = ?1", [signed(seq)?], &mut |row| {
            found = Some(bytes(row, 0).to_vec());
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        let sql = "SELECT seq, prev, time, bytes FROM entries WHERE seq >= ?1 ORDER BY seq";
        self.each_mapped(sql, [signed(from)?], &mut |row| {
            Ok(visit(EntryRow {
                seq: position(row, 0)?,
                prev: hash(row, 1),
                time: number(row, 2),
                bytes: bytes(row, 3),
            }))
        })
    }

    fn previous(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut next = range.start;
        let mut hashes = Vec::new();
        let sql = "SELECT seq, prev FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";
        self.each(sql, [signed(range.start)?, signed(range.end)?], &mut |row| {
            if position(row, 0)? != next {
                return Ok(ControlFlow::Break(()));
            }
            hashes.push(hash(row, 1));
            next += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        if next < range.end {
            return Err(StoreError::Corrupt(format!("entry {next} is missing")));
        }
        Ok(hashes)
    }

    fn find(&self, keys: &[i64], since_ms: Option<i64>, after: Option<u64>) -> Result<Vec<u64>, StoreError> {
        // One index row is the anchor, the others are looked up beside it.
        let mut sql = match keys {
            [] => "SELECT seq FROM entries AS f WHERE seq > ?1".to_owned(),
            [_, ..] => "SELECT seq FROM finder AS f WHERE seq > ?1 AND key = ?3".to_owned(),
        };
        for n in 1..keys.len() {
            sql.push_str(&format!(" AND EXISTS (SELECT 1 FROM finder WHERE key = ?{} AND seq = f.seq)", n + 3));
        }
        sql.push_str(" AND (?2 IS NULL OR (SELECT time FROM entries WHERE entries.seq = f.seq) >= ?2) ORDER BY seq");
        let after = after.map(signed).transpose()?.unwrap_or(-1);
        let mut parameters = vec![Some(after), since_ms];
        parameters.extend(keys.iter().map(|key| Some(*key)));
        let mut found = Vec::new();
        self.each(&sql, params_from_iter(parameters), &mut |row| {
            found.push(position(row, 0)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    fn index(&self, visit: &mut dyn FnMut(i64, u64)) -> Result<(), StoreError> {
        self.each_mapped("SELECT key, seq FROM finder", [], &mut |row| {
            // A row without a sensible position is a wrong row all the same.
            visit(number(row, 0), position(row, 1).unwrap_or(u64::MAX));
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

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let mut found = None;
        self.each("SELECT hashes FROM tiles WHERE id = ?1", [tile_id(level, index)?], &mut |row| {
            let hashes: Result<Vec<Hash>, _> = bytes(row, 0).chunks(32).map(Hash::try_from).collect();
            let damaged = |_| StoreError::Corrupt(format!("tile {index} of level {level} has the wrong length"));
            found = Some(hashes.map_err(damaged)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let (mut next, first, end) =
            (tile_id(level, range.start)?, tile_id(level, range.start)?, tile_id(level, range.end)?);
        let mut roots = Vec::new();
        let sql = "SELECT id, root FROM tiles WHERE id >= ?1 AND id < ?2 ORDER BY id";
        self.each(sql, [first, end], &mut |row| {
            if number(row, 0) != next {
                return Ok(ControlFlow::Break(()));
            }
            roots.push(hash(row, 1));
            next += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        if next < end {
            return Err(StoreError::Corrupt(format!("a tile of level {level} is missing")));
        }
        Ok(roots)
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let mut found = Vec::new();
        let sql = "SELECT size, note FROM checkpoints WHERE size >= ?1 ORDER BY size LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.each(sql, [signed(from)?, limit], &mut |row| {
            found.push(StoredCheckpoint { size: position(row, 0)?, note: text(row, 1) });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError> {
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
    let mut statement = connection
        .prepare_cached("SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1")
        .map_err(|error| failed(name, error))?;
    let mut rows = statement.query([]).map_err(|error| failed(name, error))?;
    let row = rows.next().map_err(|error| failed(name, error))?.ok_or(StoreError::Missing)?;
    Ok(StoredCheckpoint { size: position(row, 0)?, note: text(row, 1) })
}

#[cfg(test)]
mod tests;
