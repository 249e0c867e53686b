//! Documents of strangers: read in a process that can do nothing else.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use provenote_practice::ports::ReadDocument;
use provenote_reader::{ChildError, Limits, Program, expect_english, read_in_child, read_source_in_child};
use provenote_vendors::reading::Document;
use provenote_vendors::terms::Source;

use crate::exit::Failure;

/// The argument that makes this program the reader's child.
pub(crate) const CHILD: &str = "__read";

/// This program as the reader's child.
pub(crate) fn program() -> Result<Program, Failure> {
    let path = std::env::current_exe()
        .map_err(|error| Failure::could(format!("the system does not say where this program is: {error}")))?;
    Ok(Program { path, arguments: vec![OsString::from(CHILD)] })
}

/// The bytes of a file that is not too large to be read.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", path.display()));
    if path.is_dir() {
        return Err(Failure::could(format!("{} is a folder: name the file in it", path.display())));
    }
    let mut bytes = Vec::new();
    let most = provenote_reader::LARGEST_FILE as u64;
    let file = fs::File::open(path).map_err(problem)?;
    let length = file.metadata().map_err(problem)?.len();
    if length > most {
        let (megabytes, most) = (length.div_ceil(1 << 20), most >> 20);
        return Err(Failure::could(format!(
            "{}: the file has {megabytes} MB, and at most {most} MB are read: save the agreement alone, without pictures",
            path.display()
        )));
    }
    file.take(most + 1).read_to_end(&mut bytes).map_err(problem)?;
    Ok(bytes)
}

/// An English document, with its file's bytes.
pub(crate) fn document(path: &Path) -> Result<(Document, Vec<u8>), Failure> {
    let bytes = bytes_of(path)?;
    let named = |error: &dyn std::fmt::Display| Failure::could(format!("{}: {error}", path.display()));
    let document = read_in_child(&program()?, &bytes, Limits::default()).map_err(|error: ChildError| named(&error))?;
    expect_english(&document).map_err(|error| named(&error))?;
    Ok((document, bytes))
}

/// Reads what came from an address, in the child.
pub(crate) struct Child;

impl ReadDocument for Child {
    fn read(&self, bytes: &[u8], source: Option<&Source>) -> Result<Document, String> {
        let program = program().map_err(|error| error.to_string())?;
        let document = read_source_in_child(&program, bytes, source, Limits::default())
            .map_err(|error: ChildError| error.to_string())?;
        expect_english(&document).map_err(|error| error.to_string())?;
        Ok(document)
    }
}
