//! `access factor`: codes of an authenticator, and what helps on the day it is lost.

use std::io::BufRead as _;
use std::process::ExitCode;

use provenote_practice::authentication::{AuthenticationError, FactorBegun};
use provenote_practice::{PracticeError, Presence};
use provenote_schemas::UserId;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;
use zeroize::Zeroizing;

use super::super::Outcome;
use crate::args::Factor;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{self, print, print_json, say};

/// How often a first code may be mistyped.
const TRIES: usize = 3;

/// The longest line that is read as a code.
const LONGEST: u64 = 100;

pub(super) fn run(home: &Home, asked: Factor) -> Outcome {
    match asked {
        Factor::Add => add(home),
        Factor::Reset { user } => {
            let user: UserId = user.parse().map_err(Failure::could)?;
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.reset_factor(&actor, &user)?;
            if home.json() {
                print_json(&json!({ "user": user, "seq": seq }));
            } else {
                print(&format!(
                    "{user} has no second factor any more (entry {seq}): they make another with `provenote access factor add`"
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn add(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in_to_enrol_factor()?;
    let begun = practice.begin_factor(&actor)?;
    show(&begun);
    let mut tries = 0;
    let confirmed = loop {
        tries += 1;
        match practice.confirm_factor(&actor, &begun, &first_code()?) {
            Err(PracticeError::Authentication(AuthenticationError::Factor(error)))
                if tries < TRIES && screen::can_ask() =>
            {
                say(&format!("{error}; the authenticator shows another one every 30 seconds"));
            }
            done => break done?,
        }
    };
    // It was given a moment ago.
    let presence = Presence { factor_given: true, ..actor.presence().clone() };
    let actor = actor.with_presence(presence);
    home.keep_session(&practice, &actor)?;
    say("\nRecovery codes, shown once and kept nowhere. Each works once, in place of a code of the authenticator:\n");
    for code in &confirmed.recovery_codes {
        say(&format!("    {}", code.as_str()));
    }
    say("");
    if home.json() {
        print_json(&json!({ "user": actor.user(), "seq": confirmed.seq }));
    } else {
        print(&format!("{} has a second factor from now on (entry {})", actor.user(), confirmed.seq));
    }
    Ok(ExitCode::SUCCESS)
}

/// On the screen and nowhere else: whoever has the secret has the factor.
fn show(begun: &FactorBegun) {
    say("Read this with your authenticator:\n");
    // Terminals are mostly dark: what is drawn is the light part, and the margin with it.
    if let Ok(code) = QrCode::new(begun.shown.address.as_bytes()) {
        let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        say(&Zeroizing::new(drawn));
    }
    say(&format!("\nor type this secret into it: {}\n", begun.shown.typed.as_str()));
}

/// Typed, or read from standard input where nobody can be asked: a script knows the code only after the secret was shown.
fn first_code() -> Result<Zeroizing<String>, Failure> {
    if screen::can_ask() {
        return screen::ask_passphrase("The code it shows: ").map_err(Failure::Could);
    }
    let mut line = Zeroizing::new(String::new());
    std::io::Read::take(std::io::stdin().lock(), LONGEST)
        .read_line(&mut line)
        .map_err(|_| Failure::could("the code on standard input is no text"))?;
    if line.trim().is_empty() {
        return Err(Failure::could("no code was given: run this in a terminal, or write the code to standard input"));
    }
    Ok(line)
}
