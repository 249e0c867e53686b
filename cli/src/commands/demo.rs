//! `demo`: the whole job once, on the bundled recording, told as a short story.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_consent::{Modality, Particulars};
use provenote_ledger::Entropy as _;
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, NoRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::drafting::DraftRequest;
use provenote_practice::notes::{Export, edit_text};
use provenote_practice::ports::Models;
use provenote_practice::retention::RecordClass;
use provenote_practice::settings::Settings;
use provenote_practice::setup::PracticeRecord;
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::Evidence;
use provenote_schemas::note::{NoteText, Support};
use serde_json::json;

use super::report::companies;
use super::{Outcome, write_new};
use crate::args::Demo;
use crate::documents;
use crate::documents::access::emergencies;
use crate::exit::Failure;
use crate::home::{Home, told};
use crate::screen::{Bars, print, print_json};
use crate::surroundings::SystemEntropy;

/// A mock session between two voices that a speech synthesiser made of our own script.
const RECORDING: &[u8] = include_bytes!("../../../fixtures/demo/session.flac");

const CLINICIAN: &str = "Dana Reyes, LCSW";
const CLIENT: &str = "Maria Alvarez";
const DECLINES: &str = "Jon Park";

struct Story<'a> {
    outer: &'a Home,
    step: u32,
}

impl Story<'_> {
    fn tell(&mut self, words: &str, command: &str) {
        if !self.outer.json() {
            self.step += 1;
            print(&format!("\n{}. {words}", self.step));
            print(&format!("   $ provenote {command}"));
        }
    }

    fn result(&self, words: &str) {
        if !self.outer.json() {
            for line in words.lines() {
                print(&format!("   {line}"));
            }
        }
    }
}

pub(super) fn run(outer: &Home, asked: &Demo) -> Outcome {
    let out = &asked.out;
    if out.exists() && fs::read_dir(out).map_or(true, |mut files| files.next().is_some()) {
        return Err(Failure::could(format!("{} is not empty: name a new folder with --out DIR", out.display())));
    }
    fs::create_dir_all(out).map_err(|error| Failure::could(format!("{} cannot be written: {error}", out.display())))?;
    let out =
        fs::canonicalize(out).map_err(|error| Failure::could(format!("{} cannot be used: {error}", out.display())))?;
    let passphrase_file = out.join("passphrase.txt");
    let recording = out.join("session.flac");
    write_new(&passphrase_file, format!("{}\n", passphrase()).as_bytes())?;
    write_new(&recording, RECORDING)?;
    let home = Home::at(out.join("practice"), outer.json(), None, Some(passphrase_file));
    let mut story = Story { outer, step: 0 };
    if !outer.json() {
        print(
            "Provenote, the whole job on one mock session. Everything happens on this machine, nothing is sent anywhere.",
        );
        print(&format!("Folder: {}", out.display()));
    }

    let drafting = match &asked.model {
        Some(model) => vec![model.clone()],
        None => home.drafting_models()?,
    };
    let settings = Settings { drafting, ..Settings::default() };
    if settings.drafting.iter().any(|id| id == "smollm2-135m") {
        story.result(
            "Only the small drafting model is on this machine: the draft will be poor, which shows the marks at work.",
        );
    }
    story.tell(
        "A therapist makes a practice: keys, ledger, first entries.",
        &format!("init --practice \"Elm Street Counseling\" --clinician \"{CLINICIAN}\" --state IL"),
    );
    let record = PracticeRecord {
        name: "Elm Street Counseling".to_owned(),
        clinician: CLINICIAN.to_owned(),
        license: Some("IL 149.012345 (mock)".to_owned()),
        state: "IL".to_owned(),
    };
    let passphrase = home.new_passphrase()?;
    let made = home.found(&record, &settings, passphrase.as_bytes())?;
    story.result(&format!("log key {}", made.vkey));
    let (mut practice, actor) = (made.practice, made.actor);

    story.tell("A client comes.", &format!("client add \"{CLIENT}\""));
    let client = practice.add_client(&actor, &NewClient { name: CLIENT.to_owned(), ..NewClient::default() })?;
    let id = client.client.as_str();
    story.result(&format!("{id}: the ledger knows only this pseudonym; the name is sealed"));

    let form_pdf = out.join("consent-form.pdf");
    story.tell(
        "The consent form tells what this pipeline does today, and is handed out.",
        &format!("consent form {id} -o consent-form.pdf"),
    );
    let shelf = super::consent::template::shelf(&home)?;
    let asked_form = |client| FormRequest { client, template: None, lang: "en", particulars: Particulars::default() };
    let form = practice.consent_form(&actor, &asked_form(id), &shelf, home.models()?)?;
    let pdf = documents::consent_form(&form).map_err(Failure::Could)?;
    practice.consent_printed(&actor, &form.form, false, &pdf)?;
    write_new(&form_pdf, &pdf)?;
    story.result(&format!("{} tells facts {}", form.form.template, form.form.disclosure_digest));

    let signed_pdf = out.join("consent-signed.pdf");
    story.tell(
        "They talk it through, and the client signs.",
        &format!("consent sign {id} --participant \"{CLIENT}\" --typed \"{CLIENT}\""),
    );
    practice.consent_discuss(
        &actor,
        id,
        CLIENT,
        "Talked through aloud.",
        &["How long is the recording kept?".to_owned()],
    )?;
    let request = SignRequest {
        participant: CLIENT,
        consent: None,
        taken: SignatureTaken::Typed(CLIENT.to_owned()),
        evidence: Evidence { identity: Some("known to the clinician".to_owned()), ..Evidence::default() },
    };
    let signed = practice.consent_sign(&actor, id, request, home.models()?)?;
    let receipts = practice.consent_receipts(&actor, &signed.form, true)?;
    let vkey = practice.log().key().map(ToString::to_string);
    let pdf = documents::signed_consent(&signed, vkey, receipts).map_err(Failure::Could)?;
    practice.consent_printed(&actor, &signed.form, true, &pdf)?;
    write_new(&signed_pdf, &pdf)?;
    story.result(&format!("entry {}; the client's copy carries the ledger's checkpoint as a QR code", signed.seq));

    story.tell(
        "The recording passes the gate and is sealed as it streams in.",
        &format!("session add {id} session.flac"),
    );
    let mut bars = Bars::new(outer.json());
    let how = SessionAsked { modality: Modality::InPerson, present: &[] };
    let (session, _) = practice.add_session(
        &actor,
        id,
        &how,
        home.models()?,
        || super::session::open(&recording),
        &mut |stage, done| bars.stage(stage, done),
    )?;
    bars.end();
    story.result(&format!("{}: {:.0} s", session.session, session.duration_s));

    story.tell(
        "Two models on this machine, locked away from network and files, hear it and draft a note.",
        &format!("note draft {} --format soap", session.session),
    );
    let engines = home.engines(&settings)?;
    let request = DraftRequest { session: session.session.as_str(), format: "soap", model: None };
    let drafted =
        practice.draft_note(&actor, &request, &engines, home.models()?, &mut |stage, done| bars.stage(stage, done));
    bars.end();
    let (draft, _) = drafted?;
    let note = draft.note.to_string();
    let view = practice.show_note(&actor, &note)?;
    if !outer.json() {
        super::note::print_view(&view);
    }

    story.tell(
        "The therapist corrects the draft: what the transcript does not carry goes, what only she saw comes in.",
        &format!("note edit {note}"),
    );
    let edited = corrected(&view.text);
    if let Some((_, seq)) = practice.edit_note(&actor, &note, &edited, home.models()?)? {
        story.result(&format!("entry {seq} holds the difference"));
    }
    answer_warnings(&mut practice, &actor, &note, home.models()?, &story)?;

    story.tell(
        "She answers for it with her passphrase: the draft is a note now, and the recording is destroyed with its key.",
        &format!("note attest {note}"),
    );
    let (_, seq) = practice.attest_note(&actor, &note, home.models()?)?;
    let receipts = practice.retention_run(&actor, Some((session.session.as_str(), RecordClass::Audio)))?;
    story.result(&format!("attested in entry {seq}"));
    for receipt in &receipts {
        story.result(&format!(
            "recording destroyed, {} bytes and their key; receipt: entry {}",
            receipt.bytes, receipt.seq
        ));
    }

    let note_pdf = out.join("note.pdf");
    story.tell("The note is exported.", &format!("note export {note} -o note.pdf"));
    let (bytes, _, seq) = practice.export_note(&actor, &note, Export::Pdf, documents::note)?;
    write_new(&note_pdf, &bytes)?;
    story.result(&format!("entry {seq}"));

    let report_pdf = out.join("board-report.pdf");
    story.tell(
        "The whole ledger is verified, and a report made for the licensing board.",
        "ledger verify && provenote report board -o board-report.pdf",
    );
    let verified = home.verify(&practice, Some(&actor), &[])?;
    let (companies, emergencies) = (companies(&practice, &actor)?, emergencies(&practice)?);
    let bytes = documents::board_report(&practice.board_record(&actor)?, &verified, companies, emergencies)
        .map_err(Failure::Could)?;
    practice.report_made(&actor, "board", &bytes)?;
    write_new(&report_pdf, &bytes)?;
    story.result(&told(&verified));

    story.tell(
        "Another client declines. A session of his is refused, and nothing of it is stored.",
        &format!("session add \"{DECLINES}\" session.flac"),
    );
    let other = practice.add_client(&actor, &NewClient { name: DECLINES.to_owned(), ..NewClient::default() })?;
    practice.consent_form(&actor, &asked_form(other.client.as_str()), &shelf, home.models()?)?;
    let no = NoRequest {
        participant: DECLINES,
        purposes: BTreeSet::new(),
        words: "Would rather not be recorded.",
        no_dictation: false,
    };
    practice.consent_decline(&actor, other.client.as_str(), &no)?;
    let refused = practice.add_session(
        &actor,
        other.client.as_str(),
        &how,
        home.models()?,
        || super::session::open(&recording),
        &mut |stage, done| bars.stage(stage, done),
    );
    let refusal = match refused {
        Err(error @ PracticeError::Gate { .. }) => error.to_string(),
        Err(error) => return Err(error.into()),
        Ok(_) => {
            return Err(Failure::could(
                "the gate let a session of a client through who declined: this is a fault of Provenote, please report it",
            ));
        }
    };
    story.result(&refusal);

    drop((practice, actor));
    story.tell(
        "Somebody alters one byte in a copy of the ledger. Verification names the entry.",
        "--home altered-copy ledger verify",
    );
    let (altered, entry) = altered_copy(&home, &out, &note)?;
    let found = altered.verify_closed(&[])?;
    story.result(&told(&found));
    let named = found.findings.iter().any(|finding| finding.seq == Some(entry));
    if found.findings.is_empty() || !named {
        return Err(Failure::could(
            "verification did not name the altered entry: this is a fault of Provenote, please report it",
        ));
    }

    let pdfs = [&form_pdf, &signed_pdf, &note_pdf, &report_pdf];
    if outer.json() {
        print_json(&json!({
            "note": note,
            "ledger": home.path().join("ledger.db"),
            "pdfs": pdfs,
            "verify": verified,
            "refused": refusal,
            "altered": { "entry": entry, "verify": found },
        }));
    } else {
        print("\nThe documents:");
        pdfs.iter().for_each(|pdf| print(&format!("   {}", pdf.display())));
        print("\nLook around in this practice:");
        print(&format!(
            "   provenote --home {} --passphrase-file {} note trace {note}",
            home.path().display(),
            out.join("passphrase.txt").display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A passphrase for a practice that holds nobody's secrets.
fn passphrase() -> String {
    let mut random = [0_u8; 12];
    SystemEntropy.fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a careful clinician makes of a draft of this session: sentences that the transcript does not carry go, the
/// medicine and the alcohol stand as she heard them herself, and what no recording can show comes in.
fn corrected(text: &NoteText) -> String {
    let mut kept = text.clone();
    for section in &mut kept.sections {
        section.sentences.retain(|sentence| {
            sentence.support == Support::Supported
                && !["ertraline", "alcohol", "wine"].iter().any(|word| sentence.text.contains(word))
        });
    }
    let mut edited = String::new();
    for line in edit_text(&kept).lines() {
        edited.push_str(line);
        edited.push('\n');
        match line {
            "## Subjective" => edited.push_str(
                "Client takes sertraline 50 mg every morning, missed one dose on Saturday, and reports no side effects.\n\
                 Client had one glass of wine on Friday and no other alcohol this week.\n",
            ),
            "## Objective" => edited.push_str("Client arrived on time, was oriented, and spoke at an even pace.\n"),
            "## Assessment" => edited.push_str("Anxiety before the Monday meeting is easing; no present risk seen.\n"),
            _ => {}
        }
    }
    edited
}

fn answer_warnings(
    practice: &mut Practice,
    actor: &Actor,
    note: &str,
    models: &dyn Models,
    story: &Story<'_>,
) -> Result<(), Failure> {
    let open: Vec<_> = practice
        .show_note(actor, note)?
        .text
        .warnings
        .into_iter()
        .filter(|warning| !warning.in_draft && warning.answer.is_none())
        .collect();
    for warning in open {
        let seq = practice.answer_warning(
            actor,
            note,
            &warning.id,
            "Asked as routine; the client said no. No present risk seen.",
            models,
        )?;
        story.result(&format!("warning {} (“{}”) answered in entry {seq}", warning.id, warning.quote));
    }
    Ok(())
}

/// Copies the practice and changes one byte of one entry in the copy's database. Returns the copy and the entry.
fn altered_copy(home: &Home, out: &Path, note: &str) -> Result<(Home, u64), Failure> {
    let problem =
        |error: std::io::Error| Failure::could(format!("the copy of the practice could not be made: {error}"));
    let copy = out.join("altered-copy");
    copy_folder(home.path(), &copy).map_err(problem)?;
    let practice = home.opened()?;
    let attested = practice.ledger_log(Some("note.attested"), None, None)?;
    let header = attested.first().ok_or_else(|| Failure::could(format!("{note} has no attestation in the ledger")))?;
    let bytes = practice.log().entry_bytes(header.seq)?;
    let database = copy.join("ledger.db");
    let mut file = fs::read(&database).map_err(problem)?;
    // The entry may still lie in the journal: whichever file holds it is altered.
    let journal = copy.join("ledger.db-wal");
    let mut target = database;
    if find(&file, &bytes).is_none() && journal.is_file() {
        file.clear();
        fs::File::open(&journal).and_then(|mut journal| journal.read_to_end(&mut file)).map_err(problem)?;
        target = journal;
    }
    let at = find(&file, &bytes).ok_or_else(|| Failure::could("the entry was not found in the copy"))?;
    let kind = find(&bytes, b"note.attested").ok_or_else(|| Failure::could("the entry has no kind"))?;
    if let Some(byte) = file.get_mut(at + kind) {
        *byte ^= 0x01;
    }
    fs::write(&target, &file).map_err(problem)?;
    Ok((Home::at(copy, home.json(), None, None), header.seq))
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

fn copy_folder(from: &Path, to: &PathBuf) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
