//! Files that a person brings, and what a folder says of them.

use std::fs;
use std::path::{Path, PathBuf};

use provenote_models::{Checked, Condition, Description, Engine, Keep, Listed, ModelDir, ModelError};
use provenote_schemas::Digest;

fn gguf(salt: u8) -> Vec<u8> {
    let mut bytes = [&b"GGUF"[..], &3u32.to_le_bytes(), &290u64.to_le_bytes(), &30u64.to_le_bytes()].concat();
    bytes.resize(5_000, salt);
    bytes
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary folder");
    path
}

fn open(folder: &tempfile::TempDir) -> Result<ModelDir, ModelError> {
    ModelDir::open(folder.path().join("models"), vec![folder.path().join("shared")])
}

fn add(dir: &mut ModelDir, file: &Path, keep: Keep) -> Result<provenote_models::Entry, ModelError> {
    dir.add(file, &Description::default(), keep, &mut |_| {})
}

fn of<'a>(checked: &'a [Checked], id: &str) -> &'a Condition {
    &checked.iter().find(|c| c.id == id).expect("every model is checked").condition
}

#[test]
fn a_file_is_added_where_it_is_or_copied_and_survives_a_new_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    let (there, here) =
        (put(folder.path(), "My Model.Q4_K_M.gguf", &gguf(1)), put(folder.path(), "other.gguf", &gguf(2)));
    let entry = add(&mut dir, &there, Keep::There).expect("a model");
    assert_eq!(
        (entry.id.as_str(), entry.engine, entry.sha256),
        ("my-model.q4_k_m", Engine::Llama, Digest::of(&gguf(1)))
    );
    assert_eq!(entry.maker, "not stated");
    add(&mut dir, &here, Keep::Here).expect("a model");
    fs::remove_file(&here).expect("it was copied");

    let dir = open(&folder).expect("what it wrote");
    assert_eq!(dir.resolve("my-model.q4_k_m").expect("there").path, fs::canonicalize(&there).expect("there"));
    assert_eq!(fs::read(dir.resolve("other").expect("here").path).expect("here"), gguf(2));
    let checked = dir.check(&mut |_, _, _| {});
    assert_eq!(of(&checked, "other"), &Condition::Right);
    assert_eq!(of(&checked, "whisper-base"), &Condition::Missing);
}

#[test]
fn an_altered_file_is_found_by_check_and_a_shorter_one_already_by_its_length() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    let file = put(folder.path(), "m.gguf", &gguf(1));
    add(&mut dir, &file, Keep::There).expect("a model");
    let mut altered = gguf(1);
    altered[4_000] ^= 1;
    fs::write(&file, &altered).expect("a temporary folder");
    assert!(dir.resolve("m").is_ok(), "the worker proves the digest when it loads the file");
    assert_eq!(of(&dir.check(&mut |_, _, _| {}), "m"), &Condition::Wrong { found: Digest::of(&altered) });
    fs::write(&file, &altered[..100]).expect("a temporary folder");
    assert!(matches!(dir.resolve("m"), Err(ModelError::WrongLength { expected: 5_000, found: 100, .. })));
    fs::remove_file(&file).expect("a temporary folder");
    let error = dir.resolve("m").expect_err("gone");
    assert!(matches!(error, ModelError::Missing { .. }) && error.to_string().contains("model add"), "{error}");
}

#[test]
fn what_is_no_model_or_another_one_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    for (name, bytes) in [("a.gguf", &b"<html>"[..]), ("b.gguf", b""), ("c.bin", &[0; 100])] {
        let error = add(&mut dir, &put(folder.path(), name, bytes), Keep::There).expect_err(name);
        assert!(matches!(error, ModelError::NoModel(_)), "{name}: {error}");
    }
    assert!(add(&mut dir, folder.path(), Keep::There).is_err(), "a folder");
    assert!(add(&mut dir, &folder.path().join("none.gguf"), Keep::There).is_err());
    add(&mut dir, &put(folder.path(), "m.gguf", &gguf(1)), Keep::Here).expect("a model");
    let named = |id: &str| Description { id: Some(id.to_owned()), ..Description::default() };
    let second = put(folder.path(), "n.gguf", &gguf(2));
    for id in ["m", "whisper-base"] {
        let error = dir.add(&second, &named(id), Keep::Here, &mut |_| {}).expect_err(id);
        assert!(matches!(error, ModelError::IdTaken { .. }), "{error}");
    }
    assert!(matches!(dir.add(&second, &named("A b"), Keep::Here, &mut |_| {}), Err(ModelError::BadId { .. })));
    assert!(matches!(dir.resolve("nobody"), Err(ModelError::Unknown { .. })));
    assert!(!folder.path().join("models/n.gguf").exists(), "nothing of a refused file is kept");
}

#[test]
fn two_files_of_one_name_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    for salt in [1, 2] {
        let inner = folder.path().join(salt.to_string());
        fs::create_dir(&inner).expect("a temporary folder");
        let file = put(&inner, "model.gguf", &gguf(salt));
        let description = Description { id: Some(format!("m{salt}")), ..Description::default() };
        dir.add(&file, &description, Keep::Here, &mut |_| {}).expect("a model");
    }
    for salt in [1, 2] {
        let path = dir.resolve(&format!("m{salt}")).expect("it is there").path;
        assert_eq!(fs::read(path).expect("it is there"), gguf(salt));
    }
}

#[test]
fn a_shared_folder_is_looked_into_and_lengths_decide_between_places() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    let file = put(folder.path(), "m.gguf", &gguf(1));
    add(&mut dir, &file, Keep::Here).expect("a model");
    fs::create_dir(folder.path().join("shared")).expect("a temporary folder");
    fs::rename(folder.path().join("models/m.gguf"), folder.path().join("shared/m.gguf")).expect("a temporary folder");
    let shared = dir.resolve("m").expect("in the shared folder").path;
    assert!(shared.ends_with("shared/m.gguf"));
    // A broken one in the practice's own folder does not hide it.
    put(&folder.path().join("models"), "m.gguf", b"GGUF");
    assert_eq!(dir.resolve("m").expect("in the shared folder").path, shared);
    let listed = dir.list();
    assert!(listed.iter().any(|(entry, state)| entry.id == "m" && *state == Listed::Present(shared.clone())));
    assert!(listed.iter().any(|(entry, state)| entry.id == "whisper-base" && *state == Listed::Missing));
}

#[test]
fn a_damaged_catalogue_stops_everything_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut dir = open(&folder).expect("an empty folder");
    add(&mut dir, &put(folder.path(), "m.gguf", &gguf(1)), Keep::Here).expect("a model");
    let catalogue = folder.path().join("models/catalogue.yaml");
    let good = fs::read_to_string(&catalogue).expect("it was written");
    for bad in [
        good.replace("engine: llama", "engine: lama"),
        good.replacen("models:", "models", 1),
        format!("{good}\n  - id: ["),
    ] {
        fs::write(&catalogue, bad).expect("a temporary folder");
        let error = open(&folder).expect_err("damaged").to_string();
        assert!(
            error.contains("catalogue.yaml, line ") && error.contains("column ") && error.lines().count() == 1,
            "{error}"
        );
    }
    fs::write(&catalogue, [0xff, 0xfe, 0]).expect("a temporary folder");
    assert!(open(&folder).is_err());
}
