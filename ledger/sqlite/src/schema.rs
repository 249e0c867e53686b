//! The file's format, and how it is opened.

use std::path::Path;

use provenote_ledger::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::{PATIENCE, failed, file_name};

/// `PVNT`: what tells a ledger from other SQLite files.
pub(crate) const APPLICATION: i64 = 0x5056_4e54;
/// The format this driver reads and writes. Format 1, one row an entry and one a checkpoint, was never released.
pub(crate) const FORMAT: i64 = 2;

/// The tables, `user_version` 2:
///
/// - `meta (key, value)`: two rows, `origin` and `vkey` (the first epoch's verifier key).
/// - `head (id, size, note)`: one row, `id` 1: the latest checkpoint, its size and its signed note. Every commit
///   replaces it; it is the only checkpoint stored.
/// - `tail (first, entries)`: the latest entries, one row a commit: `first` is the position of its first entry,
///   `entries` holds all of them, one after the other, in the form of an entry bundle of C2SP tlog-tiles: each entry as
///   its length (two bytes, big endian) and its bytes (the header's JSON). A commit of 256 entries and more puts whole
///   bundles into `bundles` at once, and only what is left over here.
/// - `bundles (n, newest, entries)`: entries `256n` to `256n + 255`, `entries` in the same form, exactly 256 of them;
///   `newest` is the latest time among them (milliseconds since 1970). Bundles are written when 256 entries are full,
///   and those entries leave `tail` (a row that reaches beyond is kept from there on): the first row of `tail` begins
///   where the last bundle ends. Packing is a transaction of its own, after the commit, which does not wait for the
///   disk; where it was lost, `tail` holds more than 255 entries until the next commit.
/// - `tiles (id, root, hashes)`: the full tiles of packed entries: `id` is `level << 48 | index`, `hashes` the 256
///   hashes of 32 bytes one after the other (level 0: RFC 6962 leaf hashes; level L: roots of tiles of level L-1),
///   `root` the root of the 256. One of level 0 for each row of `bundles`; one of level 1 for each 256 of those; and
///   so on.
/// - `finder (key, bundle, members)`: what packed entries are found by; entries in `tail` are not in it. One row for
///   each key that entries of a bundle have: `key` is the ledger's `index_key` (FNV-1a, 64 bits, of `name=value` of a
///   reference, or `=kind`; as a signed number), `bundle` is `bundles.n`, and `members` a set of 256 bits in 32 bytes:
///   entry `256 * bundle + i` has the key when bit `i % 8` (1 is the lowest) of byte `i / 8` is set.
/// - `payloads (id, destroyed, grp, ciphertext, wrapped, body)`: sealed payloads by the SHA-256 of their ciphertext;
///   `wrapped` is the wrapped data key, `body` the ciphertext, or NULL when it lies in the blob store. Rows are
///   overwritten by zeros, never deleted: `destroyed` is then 1.
///
/// What guards against a fork is that a commit reads `head` again inside its transaction, and that positions are
/// unique.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE tail (first INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
CREATE TABLE bundles (n INTEGER PRIMARY KEY, newest INTEGER NOT NULL, entries BLOB NOT NULL) STRICT;
CREATE TABLE tiles (id INTEGER PRIMARY KEY, root BLOB NOT NULL, hashes BLOB NOT NULL) STRICT;
CREATE TABLE finder (key INTEGER NOT NULL, bundle INTEGER NOT NULL, members BLOB NOT NULL,
                     PRIMARY KEY (key, bundle)) WITHOUT ROWID, STRICT;
CREATE TABLE payloads (id INTEGER PRIMARY KEY, destroyed INTEGER NOT NULL, grp TEXT NOT NULL,
                       ciphertext BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL, body BLOB) STRICT;
CREATE INDEX payloads_by_group ON payloads (grp);
";

pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let name = file_name(path);
    if !path.exists() {
        return Err(StoreError::Missing);
    }
    if !path.is_file() {
        return Err(StoreError::Foreign(name));
    }
    let connection = connect(path, &name)?;
    let number = |pragma: &str| {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
            .map_err(|error| failed(&name, error))
    };
    if number("application_id")? != APPLICATION {
        return Err(StoreError::Foreign(name));
    }
    let found = number("user_version")?;
    if found < FORMAT {
        return Err(StoreError::TooOld { found });
    }
    if found > FORMAT {
        return Err(StoreError::TooNew { found, known: FORMAT });
    }
    settled(&connection).map_err(|error| failed(&name, error))?;
    Ok(connection)
}

pub(crate) fn create(path: &Path) -> Result<Connection, StoreError> {
    let name = file_name(path);
    let backend = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Backend(Box::new(error)),
    };
    let length = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(backend(error)),
    };
    if length > 0 {
        return open(path);
    }
    // Made here and not by SQLite, for its mode: the journal inherits it.
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(backend)?;
    let connection = connect(path, &name)?;
    // Identity, format and tables in one transaction: a killed process leaves an empty file or a whole one.
    let tables = format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; {TABLES} COMMIT;"
    );
    connection.execute_batch(&tables).map_err(|error| failed(&name, error))?;
    settled(&connection).map_err(|error| failed(&name, error))?;
    Ok(connection)
}

fn connect(path: &Path, name: &str) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(name, error))?;
    connection.busy_timeout(PATIENCE).map_err(|error| failed(name, error))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Settings of the connection; `journal_mode` is the file's and stays.
fn settled(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection
        .execute_batch("PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
    settle(connection)
}

/// Settings that a commit relies on: what is acknowledged is on the disk, what is destroyed is overwritten.
pub(crate) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
}
