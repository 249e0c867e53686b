//! `release`: texts without identifiers, which a person read and confirmed (45 CFR 164.514).

use std::collections::BTreeMap;
use std::process::ExitCode;

use provenote_deidentify::{Doubt, Identifier, actual_knowledge, expert_determination};
use provenote_practice::views::releases::{Confirmation, PreparedRelease, ReleaseDates, ReleaseSeen, ReleaseText};
use serde_json::{Value, json};

use super::{Outcome, read_text};
use crate::args::{Release, ReleaseMake};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{self, print, print_json, say, word};

/// A statement is a few sentences.
const LARGEST: u64 = 64 * 1024;

pub(super) fn run(home: &Home, asked: Release) -> Outcome {
    match asked {
        Release::Prepare { note, dates } => prepare(home, &note, dates.dates),
        Release::Make(asked) => make(home, &asked),
        Release::List => list(home),
        Release::Show { release } => {
            let (mut practice, actor) = home.signed_in()?;
            let seen = practice.view_release(&actor, &release)?;
            show(home, &seen);
            Ok(ExitCode::SUCCESS)
        }
        Release::Confirmation { release } => {
            let (mut practice, actor) = home.signed_in()?;
            let confirmed = practice.release_confirmation(&actor, &release)?;
            if home.json() {
                print_json(&json!(confirmed));
            } else {
                print(&format!("{} was confirmed {} by {}:", confirmed.release, confirmed.time, confirmed.user));
                print(&format!("  {}", confirmed.statement));
                for (name, words) in [("determination", &confirmed.determination), ("added", &confirmed.words)] {
                    words.iter().for_each(|words| print(&format!("  {name}: {words}")));
                }
                print(&format!("  SHA-256 of the text {}; the signature holds", confirmed.text));
            }
            Ok(ExitCode::SUCCESS)
        }
        Release::TakeBack { release } => {
            // What cannot be taken back is not done with keys somebody left unlocked.
            let (mut practice, actor) = home.signed_in_anew()?;
            let seq = practice.take_back_release(&actor, &release)?;
            if home.json() {
                print_json(&json!({ "release": release, "seq": seq }));
            } else {
                print(&format!("Took {release} back: its text was destroyed with its key (receipt: entry {seq})"));
                print("  copies that left the practice are not reached");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn prepare(home: &Home, note: &str, dates: ReleaseDates) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let prepared = practice.prepare_release(&actor, note, dates)?;
    if home.json() {
        print_json(&to_confirm(&prepared));
    } else {
        print_prepared(&prepared);
        if prepared.withheld().is_none() {
            print(&format!("\nWho releases it says, word for word:\n  {}", prepared.statement()));
            print(&format!("\nMark of this text: {}", prepared.mark()));
            print(&format!("Next: provenote release make {note}{}", option(dates)));
        }
    }
    Ok(if prepared.withheld().is_some() { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn make(home: &Home, asked: &ReleaseMake) -> Outcome {
    let statement = asked.statement_file.as_deref().map(|file| read_text(file, LARGEST)).transpose()?;
    let ask = statement.is_none();
    if ask && (home.json() || !screen::can_ask()) {
        return Err(Failure::could(
            "a person reads the text and confirms it: run this in a terminal, or read it with `provenote release prepare` and give --statement-file FILE --as-read MARK",
        ));
    }
    // Who confirms signs, as who attests does.
    let (mut practice, actor) = home.signed_in_anew()?;
    let prepared = practice.prepare_release(&actor, &asked.note, asked.dates.dates)?;
    if asked.as_read.as_ref().is_some_and(|mark| *mark != prepared.mark()) {
        return Err(Failure::could(format!(
            "this is not the text that was read: the note, or the names known of the client, changed since; read it again with `provenote release prepare {}{}`",
            prepared.note(),
            option(asked.dates.dates)
        )));
    }
    let mut confirmation = Confirmation {
        statement: statement.unwrap_or_default(),
        determination: asked.determination.clone(),
        words: asked.words.clone(),
    };
    if ask && prepared.withheld().is_none() {
        print_prepared(&prepared);
        say(&format!("\nWho releases it says, word for word:\n  {}\n", prepared.statement()));
        if asked.dates.dates == ReleaseDates::Shifted && confirmation.determination.is_none() {
            confirmation.determination =
                Some(screen::ask("Whose determination it rests on, of which day: ").map_err(Failure::Could)?);
        }
        confirmation.statement =
            screen::ask("Type the statement, or nothing to release nothing: ").map_err(Failure::Could)?;
        if confirmation.statement.trim().is_empty() {
            return Err(Failure::could("nothing was released: nobody confirmed it"));
        }
    }
    // A file may have it on several lines.
    confirmation.statement = confirmation.statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let note = prepared.note().clone();
    let removed = prepared.text().removed.clone();
    let (release, seq) = practice.confirm_release(&actor, prepared, &confirmation)?;
    if home.json() {
        print_json(&json!({ "release": release, "note": note, "removed": removed, "seq": seq }));
    } else {
        print(&format!("Released a text without identifiers of {note} as {release} (entry {seq})"));
        print(&format!("  who does research reads it with: provenote release show {release}"));
        print(&format!("  where something is found in it: provenote release take-back {release}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let releases = practice.list_releases(&actor)?;
    if home.json() {
        print_json(&json!({ "releases": releases }));
    } else if releases.is_empty() {
        print("No release that you may read.");
    } else {
        for release in releases {
            let origin = release.origin.map(|origin| format!("  of {}, {}", origin.note, origin.made));
            print(&format!("{}{}", release.release, origin.unwrap_or_default()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(home: &Home, seen: &ReleaseSeen) {
    if home.json() {
        let mut value = json!({ "view": "deidentified", "release": seen.release, "text": seen.text });
        if let Some(origin) = &seen.origin {
            value["origin"] = json!(origin);
        }
        print_json(&value);
        return;
    }
    print(&format!("{} text without identifiers, {}", seen.text.format, seen.release));
    print_text(&seen.text);
    if let Some(origin) = &seen.origin {
        print(&format!("\nReleased {} of {} (entry {})", origin.made, origin.note, origin.seq));
    }
}

/// Everything the person who confirms has to see.
fn to_confirm(prepared: &PreparedRelease) -> Value {
    let withheld = prepared.withheld().map(|withheld| {
        let reasons: Vec<Value> =
            withheld.reasons.iter().map(|reason| json!({ "reason": reason, "words": reason.in_words() })).collect();
        json!(reasons)
    });
    json!({
        "note": prepared.note(),
        "text": prepared.text(),
        "withheld": withheld,
        "doubts": prepared.doubts(),
        "cautions": prepared.cautions(),
        "actual_knowledge": actual_knowledge(),
        "expert_determination": expert_determination().filter(|_| prepared.text().dates == ReleaseDates::Shifted),
        "statement": prepared.statement(),
        "mark": prepared.mark(),
    })
}

fn print_prepared(prepared: &PreparedRelease) {
    print(&format!(
        "{} text without identifiers of {}; nothing of it is kept yet",
        prepared.text().format,
        prepared.note()
    ));
    match prepared.withheld() {
        Some(withheld) => {
            print("\nWithheld:");
            withheld.reasons.iter().for_each(|reason| print(&format!("  {}", reason.in_words())));
        }
        None => print_text(prepared.text()),
    }
    if !prepared.doubts().is_empty() {
        print("\nLook at this");
        prepared.doubts().iter().for_each(|doubt| print(&format!("  ! {}", in_words(doubt))));
    }
    print("\nKnow this before you release it");
    for caution in prepared.cautions() {
        print(&format!("  - {} [{}]", caution.text, caution.verification));
    }
    let shifted = expert_determination().filter(|_| prepared.text().dates == ReleaseDates::Shifted);
    for law in actual_knowledge().into_iter().chain(shifted) {
        print(&format!("  - {}: {} [{}]", law.citation, law.says, law.verification));
    }
}

fn print_text(text: &ReleaseText) {
    for section in &text.sections {
        print(&format!("\n{}", section.name));
        section.sentences.iter().for_each(|sentence| print(&format!("  {sentence}")));
    }
    if !text.dangers.is_empty() {
        let dangers: Vec<String> = text.dangers.iter().map(|danger| word(danger).replace('_', " ")).collect();
        print(&format!("\nThe session's warnings were about: {}", dangers.join(", ")));
    }
    print_removed(&text.removed);
    if text.sentences_withheld > 0 {
        print(&format!("  {} whole sentences, which told who somebody is", text.sentences_withheld));
    }
}

/// What was taken out, by the rule's own words.
fn print_removed(removed: &BTreeMap<Identifier, usize>) {
    if removed.is_empty() {
        print("\nNothing was taken out");
        return;
    }
    print("\nTaken out");
    for (identifier, times) in removed {
        let fact = identifier.fact().map_or_else(
            || word(identifier),
            |fact| {
                // What it covers in detail stands in the rule.
                let what = fact.identifier.split(['(', ';']).next().unwrap_or_default().trim();
                format!("{what} ({}) [{}]", fact.citation, fact.verification)
            },
        );
        print(&format!("  {times:>4}  {fact}"));
    }
}

fn in_words(doubt: &Doubt) -> String {
    match doubt {
        Doubt::EmptyRoster => "no name is known here, so only general rules stand behind what was found".to_owned(),
        Doubt::NameAsWord { times } => {
            format!("a known name that is also a word stands {times} times in small letters, and was left there")
        }
        Doubt::SentencesWithheld { times } => {
            format!("{times} sentences are withheld whole: they tell who somebody is without naming anybody")
        }
        Doubt::DatesShifted => "dates are moved and not taken out, so this is no text under Safe Harbor".to_owned(),
    }
}

/// The option that asks for the same text again.
fn option(dates: ReleaseDates) -> &'static str {
    match dates {
        ReleaseDates::Years => "",
        ReleaseDates::Shifted => " --dates shifted",
    }
}
