//! `access review`: the periodic review of who opened what (45 CFR 164.308(a)(1)(ii)(D)), and its sign-off.

use std::process::ExitCode;

use provenote_access::review::{Finding, Rules};
use provenote_practice::trail::Review;
use serde_json::json;

use super::super::Outcome;
use crate::args::{AccessReview, ReviewAsked, ReviewCommand};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::period;
use crate::screen::{print, print_json};
use crate::surroundings::local;

pub(super) fn run(home: &Home, asked: AccessReview) -> Outcome {
    match asked.command {
        None => look(home, &asked.asked),
        Some(ReviewCommand::SignOff { words }) => sign_off(home, &words),
    }
}

fn look(home: &Home, asked: &ReviewAsked) -> Outcome {
    let rules = rules(asked)?;
    let (from, to) = (period::since(&asked.period)?, period::until(&asked.period)?);
    let (mut practice, actor) = home.signed_in()?;
    let from = match from {
        Some(from) => from,
        None => practice.reviewed_until()?,
    };
    let to = to.unwrap_or_else(|| practice.now());
    let review = practice.access_review(&actor, from, to, &local, &rules)?;
    if home.json() {
        print_json(&json!({ "review": review, "last": practice.last_review()? }));
    } else {
        told(&review);
        match practice.last_review()? {
            Some(last) => print(&format!("The review before was signed off on {} (entry {})", last.time, last.seq)),
            None => print("No review was signed off before."),
        }
        print("Sign this one off: provenote access review sign-off --words \"What you say of the findings.\"");
    }
    Ok(if review.findings.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn sign_off(home: &Home, words: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let (review, seq) = practice.sign_off_last(&actor, &local, words)?;
    if home.json() {
        print_json(&json!({ "review": review, "seq": seq }));
    } else {
        told(&review);
        print(&format!("Signed off (entry {seq}); findings and words are sealed"));
    }
    Ok(ExitCode::SUCCESS)
}

fn rules(asked: &ReviewAsked) -> Result<Rules, Failure> {
    let mut rules = Rules { weekends: asked.weekends, ..Rules::default() };
    if let Some(hours) = &asked.hours {
        let bad =
            || Failure::Usage("the hours are given like 7-21: from 0 to 24, the first before the second".to_owned());
        let (from, to) = hours.split_once('-').ok_or_else(bad)?;
        rules.from_hour = from.trim().parse().map_err(|_| bad())?;
        rules.to_hour = to.trim().parse().map_err(|_| bad())?;
        if rules.from_hour >= rules.to_hour || rules.to_hour > 24 {
            return Err(bad());
        }
    }
    if let Some(bulk) = asked.bulk {
        rules.bulk_clients = bulk;
    }
    Ok(rules)
}

fn told(review: &Review) {
    let openings = if review.readings == 1 { "1 opening".to_owned() } else { format!("{} openings", review.readings) };
    print(&format!("Looked at {openings} of clients' records from {} up to {}", review.from, review.to));
    if review.findings.findings.is_empty() {
        print("Nothing stands out.");
    }
    review.findings.findings.iter().for_each(|finding| print(&line(finding)));
    review.findings.not_looked_at.iter().for_each(|sentence| print(&format!("- {sentence}")));
}

fn line(finding: &Finding) -> String {
    let about = [finding.user.as_ref().map(ToString::to_string), finding.client.as_ref().map(ToString::to_string)];
    let about: Vec<String> = about.into_iter().flatten().collect();
    let about = if about.is_empty() { String::new() } else { format!("{}: ", about.join(" ")) };
    let entries: Vec<String> = finding.entries.iter().map(u64::to_string).collect();
    let entries = match entries.as_slice() {
        [] => String::new(),
        [one] => format!(" (entry {one})"),
        many => format!(" (entries {})", many.join(", ")),
    };
    format!("! {about}{}{entries}", finding.says)
}
