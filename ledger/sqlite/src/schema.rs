//! The file's format, and how it is opened.

use std::path::Path;

use provenote_ledger::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::{PATIENCE, failed, file_name};

/// `PVNT`: what tells a ledger from other SQLite files.
pub(crate) const APPLICATION: i64 = 0x5056_4e54;
/// The format this driver writes.
pub(crate) const FORMAT: i64 = 1;

/// `payloads` rows are overwritten, never deleted; `finder.key` is the ledger's `index_key`; `tiles.id` is
/// `level << 48 | index`. What guards against a fork is that `seq` is unique and that a commit reads the head again inside
/// its transaction; an index over `prev` would say the same once more, at the price of a page an append.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE entries (seq INTEGER PRIMARY KEY, prev BLOB NOT NULL, time INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE finder (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID, STRICT;
CREATE TABLE payloads (id INTEGER PRIMARY KEY, destroyed INTEGER NOT NULL, grp TEXT NOT NULL,
                       ciphertext BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL, body BLOB) STRICT;
CREATE INDEX payloads_by_group ON payloads (grp);
CREATE TABLE tiles (id INTEGER PRIMARY KEY, root BLOB NOT NULL, hashes BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
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
    if found > FORMAT {
        return Err(StoreError::TooNew { found, known: FORMAT });
    }
    settle(&connection).map_err(|error| failed(&name, error))?;
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
    settle(&connection).map_err(|error| failed(&name, error))?;
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
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))
}
