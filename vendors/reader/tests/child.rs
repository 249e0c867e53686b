//! The process that parses: what it gives, and what happens when it does not.

use std::ffi::OsString;
use std::path::PathBuf;

use provenote_reader::{ChildError, Limits, Program, ReadError, read, read_in_child};

fn reader() -> Program {
    Program { path: PathBuf::from(env!("CARGO_BIN_EXE_provenote-reader")), arguments: Vec::new() }
}

fn shell(script: &str) -> Program {
    Program { path: PathBuf::from("/bin/sh"), arguments: vec![OsString::from("-c"), OsString::from(script)] }
}

/// Where this machine has no sandbox the limits are tested without one.
fn limits() -> Limits {
    Limits { allow_no_sandbox: true, ..Limits::default() }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
}

#[test]
fn the_child_reads_as_this_process_does() {
    for name in ["agreement.pdf", "two-columns.pdf", "table.pdf"] {
        let bytes = fixture(name);
        assert_eq!(read_in_child(&reader(), &bytes, limits()).expect("read"), read(&bytes).expect("read"), "{name}");
    }
    let refused = read_in_child(&reader(), &fixture("locked.pdf"), limits());
    assert!(matches!(refused, Err(ChildError::Read(ReadError::Encrypted))), "{refused:?}");
}

#[test]
fn memory_ends() {
    // Many small elements: a page of a size that is read, whose tree does not fit.
    let page = format!("<!doctype html>{}", "<b>x</b>".repeat(1 << 18));
    let refused = read_in_child(&reader(), page.as_bytes(), Limits { memory: 130 << 20, ..limits() });
    assert!(matches!(refused, Err(ChildError::Read(ReadError::TooMuchMemory { megabytes: 130 }))), "{refused:?}");
}

#[test]
fn time_ends() {
    let refused = read_in_child(&shell("exec sleep 60"), b"x", Limits { seconds: 0, ..limits() });
    assert!(matches!(refused, Err(ChildError::Read(ReadError::TooLong { seconds: 0 }))), "{refused:?}");
    let refused = read_in_child(&shell("kill -XCPU $$"), b"x", Limits { processor_seconds: 7, ..limits() });
    assert!(matches!(refused, Err(ChildError::Read(ReadError::TooLong { seconds: 7 }))), "{refused:?}");
}

#[test]
fn a_child_that_lies_or_falls_is_not_believed() {
    for script in [
        "exit 0",
        "exit 3",
        "kill -SEGV $$",
        "echo nonsense",
        r#"echo '{"document":{"text":"é","blocks":[{"kind":"paragraph","start":0,"end":1}],"format":"text"}}'"#,
        r#"echo '{"document":{"text":"abc","blocks":[{"kind":"paragraph","start":0,"end":9}],"format":"text"}}'"#,
    ] {
        let refused = read_in_child(&shell(script), b"x", limits());
        assert!(matches!(refused, Err(ChildError::Read(ReadError::Stopped))), "{script}: {refused:?}");
    }
    let missing = Program { path: PathBuf::from("/no-such-folder/reader"), arguments: Vec::new() };
    assert!(matches!(read_in_child(&missing, b"x", limits()), Err(ChildError::Start { .. })));
}

#[test]
fn without_a_sandbox_nothing_is_opened() {
    let refused = read_in_child(&shell(r#"echo '{"no_sandbox":"no landlock"}'"#), b"x", limits());
    let Err(error @ ChildError::NoSandbox(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("no landlock"));
}
