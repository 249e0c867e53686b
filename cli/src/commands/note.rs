//! `note`: draft, show, edit, answer, attest, amend, export, trace.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use provenote_deidentify::views::View;
use provenote_practice::drafting::DraftRequest;
use provenote_practice::notes::{Export, NoteView};
use provenote_practice::retention::RecordClass;
use provenote_practice::views::{NoteAsSeen, view_of};
use provenote_schemas::note::{NoteState, NoteText, Origin, Support};
use serde_json::{Value, json};

use super::{Outcome, can_write, write_new};
use crate::args::Note;
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{Bars, print, print_json, say, word};
use crate::surroundings;

pub(super) fn run(home: &Home, asked: Note) -> Outcome {
    match asked {
        Note::Draft { session, format, model } => draft(home, &session, &format, model.as_deref()),
        Note::List => list(home),
        Note::Show { note } => {
            let (mut practice, actor) = home.signed_in()?;
            let seen = practice.view_note(&actor, &note)?;
            show(home, &seen);
            Ok(ExitCode::SUCCESS)
        }
        Note::Edit { note, from } => edit(home, &note, from.as_deref()),
        Note::Answer { note, warning, answer } => {
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.answer_warning(&actor, &note, &warning, &answer, home.models()?)?;
            if home.json() {
                print_json(&json!({ "note": note, "warning": warning, "seq": seq }));
            } else {
                print(&format!("Recorded the answer to {warning} (entry {seq})"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Note::Attest { note } => attest(home, &note),
        Note::Amend { note, text, from } => {
            let text = match (text, from) {
                (Some(text), _) => text,
                (None, Some(file)) => read(&file)?,
                (None, None) => return Err(Failure::Usage("say what is added: --text TEXT or --from FILE".to_owned())),
            };
            let (mut practice, actor) = home.signed_in_anew()?;
            let (view, seq) = practice.amend_note(&actor, &note, &text)?;
            if home.json() {
                print_json(&json!({ "note": view.note, "state": view.state, "seq": seq }));
            } else {
                print(&format!("Added to {} (entry {seq}); what was attested stays as it is", view.note));
            }
            Ok(ExitCode::SUCCESS)
        }
        Note::Export { note, output } => export(home, &note, output),
        Note::Trace { note } => {
            let (mut practice, actor) = home.signed_in()?;
            let entries = practice.trace_note(&actor, &note)?;
            if home.json() {
                print_json(&json!({ "note": note, "entries": entries }));
            } else {
                entries.iter().for_each(|entry| print(&format!("{:>6}  {}  {}", entry.seq, entry.time, entry.kind)));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn draft(home: &Home, session: &str, format: &str, model: Option<&str>) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let engines = home.engines(&practice.settings()?)?;
    let mut bars = Bars::new(home.json());
    let drafted = practice.draft_note(
        &actor,
        &DraftRequest { session, format, model },
        &engines,
        home.models()?,
        &mut |stage, done| bars.stage(stage, done),
    );
    bars.end();
    let (text, seq) = drafted?;
    let view = practice.show_note(&actor, text.note.as_str())?;
    if home.json() {
        let mut value = shown(&view);
        value["seq"] = json!(seq);
        print_json(&value);
    } else {
        print(&format!("Drafted {} (entry {seq}). It is a draft: read it, correct it, then attest it.\n", text.note));
        print_view(&view);
        print(&format!("Next: provenote note edit {0}   or   provenote note attest {0}", text.note));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(home: &Home) -> Outcome {
    let (practice, actor) = home.signed_in()?;
    let notes = practice.list_notes(&actor)?;
    if home.json() {
        let notes: Vec<_> =
            notes.iter().map(|(note, state, time)| json!({ "note": note, "state": state, "drafted": time })).collect();
        print_json(&json!({ "notes": notes }));
    } else if notes.is_empty() {
        print(match view_of(actor.role()) {
            View::Billing => "You see no notes; their claims: provenote claim list",
            View::Deidentified => "You see no notes; texts without identifiers: provenote release list",
            View::Full | View::StatusOnly => "No notes yet: provenote note draft SESSION",
        });
    } else {
        for (note, state, time) in notes {
            print(&format!("{note}  {time}  {}", word(&state)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn edit(home: &Home, note: &str, from: Option<&Path>) -> Outcome {
    let edited = match from {
        Some(file) => read(file)?,
        None => {
            let (mut practice, actor) = home.signed_in()?;
            in_editor(&practice.note_to_edit(&actor, note, home.models()?)?)?
        }
    };
    let (mut practice, actor) = home.signed_in()?;
    let Some((view, seq)) = practice.edit_note(&actor, note, &edited, home.models()?)? else {
        if home.json() {
            print_json(&json!({ "note": note, "changed": false }));
        } else {
            print("Nothing was changed.");
        }
        return Ok(ExitCode::SUCCESS);
    };
    if home.json() {
        let mut value = shown(&view);
        value["changed"] = json!(true);
        value["seq"] = json!(seq);
        print_json(&value);
    } else {
        print(&format!("Recorded the edit of {} with its difference (entry {seq})\n", view.note));
        print_view(&view);
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a text in the user's editor. It lies in memory only (`/dev/shm`, where there is one), because
/// a draft holds health information and must not touch a disk in the clear.
fn in_editor(text: &str) -> Result<String, Failure> {
    let editor =
        surroundings::editor().ok_or_else(|| Failure::could("no editor is set: set EDITOR, or use --from FILE"))?;
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        return Err(Failure::could(
            "this system has no folder in memory, and a draft must not lie on a disk in the clear: use `note show` and `note edit --from FILE`",
        ));
    }
    let problem =
        |error: std::io::Error| Failure::could(format!("the text could not be handed to the editor: {error}"));
    let mut file = tempfile::Builder::new().prefix("provenote-").suffix(".md").tempfile_in(memory).map_err(problem)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(problem)?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(file.path()).status();
    let status =
        status.map_err(|error| Failure::could(format!("the editor `{program}` could not be started: {error}")))?;
    if !status.success() {
        return Err(Failure::could("the editor ended with an error; the draft is as it was"));
    }
    // Editors write a new file over the old name, or into the old one.
    let edited = fs::read_to_string(file.path()).map_err(problem)?;
    if edited == text {
        let mut same = String::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut same)).map_err(problem)?;
        return Ok(same);
    }
    Ok(edited)
}

fn attest(home: &Home, note: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in_anew()?;
    let (view, seq) = practice.attest_note(&actor, note, home.models()?)?;
    // What the form promised: the recording goes when the note is attested.
    let receipts = practice.retention_run(&actor, Some((view.text.session.as_str(), RecordClass::Audio)))?;
    if home.json() {
        let mut value = shown(&view);
        value["seq"] = json!(seq);
        value["destroyed"] = json!(receipts);
        print_json(&value);
    } else {
        print(&format!("{} is attested (entry {seq})", view.note));
        for receipt in receipts {
            print(&format!("  the recording was destroyed with its key (receipt: entry {})", receipt.seq));
        }
        print("  transcript, prompts and drafts are due too: provenote retention run");
        print(&format!("Next: provenote note export {} -o note.pdf", view.note));
    }
    Ok(ExitCode::SUCCESS)
}

fn export(home: &Home, note: &str, output: Option<PathBuf>) -> Outcome {
    let file = output.unwrap_or_else(|| PathBuf::from(format!("{note}.pdf")));
    let format = match file.extension().and_then(|ending| ending.to_str()) {
        Some("pdf") => Export::Pdf,
        Some("md") => Export::Markdown,
        Some("txt") => Export::Text,
        Some("json") => Export::Json,
        _ => {
            return Err(Failure::Usage(format!(
                "{}: name a file that ends in .pdf, .md, .txt or .json",
                file.display()
            )));
        }
    };
    can_write(&file)?;
    let (mut practice, actor) = home.signed_in()?;
    let (bytes, view, seq) = practice.export_note(&actor, note, format, documents::note)?;
    write_new(&file, &bytes)?;
    let sha256 = provenote_schemas::Digest::of(&bytes);
    if home.json() {
        print_json(&json!({ "note": view.note, "file": file, "sha256": sha256, "seq": seq }));
    } else {
        print(&format!("Wrote {} to {} (entry {seq})", view.note, file.display()));
        print(&format!("  SHA-256 {sha256}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|error| Failure::could(format!("{} could not be read as text: {error}", file.display())))
}

/// The reader's view, and nothing beside it.
fn show(home: &Home, seen: &NoteAsSeen) {
    match seen {
        NoteAsSeen::Full(view) if home.json() => print_json(&shown(view)),
        NoteAsSeen::Full(view) => print_view(view),
        NoteAsSeen::Claim(claim) => super::claim::show(home, claim),
        NoteAsSeen::Deidentified(release) => super::release::show(home, release),
        NoteAsSeen::Status(status) if home.json() => {
            print_json(&json!({ "view": "status", "note": status.note, "state": status.state }));
        }
        NoteAsSeen::Status(status) => {
            print(&format!("{} is {}. Nothing is entered for its claim yet.", status.note, standing(status.state)));
        }
    }
}

fn standing(state: NoteState) -> &'static str {
    match state {
        NoteState::Draft => "a draft",
        NoteState::Attested => "attested",
        NoteState::Amended => "attested, and something was added to it",
    }
}

fn shown(view: &NoteView) -> Value {
    json!({
        "view": "full",
        "note": view.note,
        "session": view.text.session,
        "state": view.state,
        "format": view.text.format,
        "sections": view.text.sections,
        "warnings": view.text.warnings,
        "removed": view.text.removed,
        "doubts": view.text.doubts,
        "consent_statement": view.text.consent_statement,
        "attestation": view.attestation,
        "amendments": view.amendments,
    })
}

/// A note as a person reads it: each sentence with its mark and the segments it rests on.
pub(super) fn print_view(view: &NoteView) {
    let NoteText { note, format, sections, warnings, removed, doubts, consent_statement, .. } = &view.text;
    print(&format!("{format} note {note}, {}", word(&view.state)));
    for section in sections {
        print(&format!("\n{}", section.name));
        for sentence in &section.sentences {
            let mark = match sentence.support {
                Support::Supported => "✓",
                Support::Weak => "?",
                Support::Unsupported => "✗",
                Support::Clinician => "·",
            };
            let cited = if sentence.segments.is_empty() {
                String::new()
            } else {
                format!("  [{}]", sentence.segments.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
            };
            let by = match sentence.origin {
                Origin::Model => "",
                Origin::Edited => "  (edited)",
                Origin::Clinician => "  (clinician)",
            };
            print(&format!("  {mark} {}{cited}{by}", sentence.text));
            for reason in &sentence.reasons {
                print(&format!("      {}: {reason}", word(&sentence.support)));
            }
        }
        if let Some(ask) = &section.for_clinician {
            print(&format!("  → for you to add: {ask}"));
        }
    }
    for warning in warnings {
        let state = if warning.in_draft {
            "in the draft"
        } else if warning.answer.is_some() {
            "answered"
        } else {
            "NOT in the draft: edit the note or answer this before you attest"
        };
        let segments = warning.segments.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        print(&format!(
            "\n! {} {}: “{}” [{segments}], {state}",
            warning.id,
            word(&warning.danger).replace('_', " "),
            warning.quote
        ));
        if let Some(answer) = &warning.answer {
            print(&format!("    answered: {answer}"));
        }
    }
    for one in removed {
        print(&format!(
            "\n− taken out of {}, since the records tell of consent and not the model: “{}”",
            one.section, one.text
        ));
        if let Some(rest) = &one.rest {
            print(&format!("    what stays: {rest}"));
        }
        if one.look {
            print("    look whether something else went with it");
        }
    }
    for one in doubts {
        print(&format!(
            "\n! {} may speak of consent to the session: look whether it is right: “{}”",
            one.section, one.text
        ));
    }
    if !consent_statement.is_empty() {
        print("\nConsent (from the practice's records)");
        consent_statement.iter().for_each(|sentence| print(&format!("  {sentence}")));
    }
    if let Some(transcript) = &view.cited {
        let mut cited: Vec<u32> = sections
            .iter()
            .flat_map(|section| &section.sentences)
            .flat_map(|sentence| sentence.segments.clone())
            .collect();
        cited.sort_unstable();
        cited.dedup();
        let rows: Vec<_> = transcript.segments.iter().filter(|segment| cited.contains(&segment.id)).collect();
        if !rows.is_empty() {
            print("\nWhat these sentences rest on");
        }
        for segment in rows {
            print(&format!("  [{:>3}] {}  {}", segment.id, super::transcript::clock(segment.start_s), segment.text));
        }
    }
    if let Some(attestation) = &view.attestation {
        print(&format!("\nAttested {} by {}: {}", attestation.time, attestation.user, attestation.statement));
    }
    for amendment in &view.amendments {
        print(&format!("\nAmended {} by {}: {}", amendment.time, amendment.user, amendment.text));
    }
    say("\n✓ supported  ? weak  ✗ unsupported by the transcript  · written by the clinician");
}
