//! The three layers a practice can point to: what is there, what is missing, what follows.

use super::judging::settled;
use super::{Answer, Layer, Question, Row, RowState, Says, Stack, StackLayer};

const LAYERS: [(StackLayer, Layer); 3] = [
    (StackLayer::Agreement, Layer::Agreement),
    (StackLayer::AccessControls, Layer::AccessControls),
    (StackLayer::AuditLogs, Layer::AuditLogs),
];

/// The layers as the answers tell.
pub(super) fn stack(answers: &[(Question, Option<Answer>)], local: bool) -> Stack {
    let rows: Vec<Row> = LAYERS.into_iter().map(|(layer, of)| row(layer, of, answers)).collect();
    let list = |wanted: &[RowState]| -> Vec<String> {
        let rows = rows.iter().filter(|row| wanted.contains(&row.state));
        rows.map(|row| match row.state {
            RowState::Partly => format!("{} in part", row.layer.title()),
            RowState::Unknown => format!("{} (not known)", row.layer.title()),
            RowState::NotNeeded => format!("{} (does not arise)", row.layer.title()),
            RowState::There | RowState::Missing => row.layer.title().to_owned(),
        })
        .collect()
    };
    let have = said(&list(&[RowState::There, RowState::Partly, RowState::NotNeeded]), "nothing that was answered for");
    let missing = said(&list(&[RowState::Missing, RowState::Unknown]), "nothing that was asked for");
    let follows = follows(&rows, local);
    Stack { rows, have, missing, follows }
}

fn row(layer: StackLayer, of: Layer, answers: &[(Question, Option<Answer>)]) -> Row {
    let stands_on: Vec<_> = answers.iter().filter(|(question, _)| question.layer == of && question.essential).collect();
    let mut good = 0;
    let mut known = 0;
    let mut needless = 0;
    let mut partly = false;
    let mut by = Vec::new();
    for (question, answer) in &stands_on {
        let state = match answer {
            None => "nobody answered",
            Some(answer) if answer.stale.is_some() => "answered, but out of date",
            Some(answer) => answer.says.title(),
        };
        by.push(format!("{} {state}", question.asks));
        let Some(answer) = answer else { continue };
        known += usize::from(answer.says != Says::Unknown);
        needless += usize::from(answer.says == Says::NotApplicable);
        good += usize::from(settled(question, answer) && answer.says != Says::NotApplicable);
        partly |= answer.says == Says::Partly;
    }
    let total = stands_on.len();
    let state = if known == 0 {
        RowState::Unknown
    } else if needless == total {
        RowState::NotNeeded
    } else if good + needless == total {
        RowState::There
    } else if good > 0 || partly {
        RowState::Partly
    } else if known < total {
        RowState::Unknown
    } else {
        RowState::Missing
    };
    // The first is the one that the others hang on: without a contract its clauses are nothing.
    let first = stands_on.first().and_then(|(question, answer)| Some((question, answer.as_ref()?)));
    let lost = first.is_some_and(|(_, answer)| matches!(answer.says, Says::No));
    Row { layer, state: if lost { RowState::Missing } else { state }, by }
}

/// A list in words.
fn said(list: &[String], none: &str) -> String {
    match list {
        [] => none.to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What follows of what is there and what is not.
fn follows(rows: &[Row], local: bool) -> String {
    let state =
        |layer: StackLayer| rows.iter().find(|row| row.layer == layer).map_or(RowState::Unknown, |row| row.state);
    let there = |layer| matches!(state(layer), RowState::There | RowState::NotNeeded);
    let (agreement, access, logs) =
        (there(StackLayer::Agreement), there(StackLayer::AccessControls), there(StackLayer::AuditLogs));
    let (whose, itself) = if local {
        ("the practice's own pipeline", "anybody who gets the words besides")
    } else {
        ("the company", "the company itself")
    };
    let mut follows = match (agreement, access, logs) {
        (true, true, true) => "All three layers were answered for. That is ground to stand on when somebody asks; it is no proof that they work, and no proof that the law is kept.".to_owned(),
        (true, true, false) => format!("What {whose} may do is settled and held back by controls, but afterwards nobody could show in full who read, asked or took out what."),
        (true, false, true) => "What may be done is settled and misuse would leave traces, but what stops it beforehand is not shown in full: it would be seen afterwards.".to_owned(),
        (true, false, false) => "It is settled on paper. Nothing answered so far shows in full that the promise is held to, or that anybody could tell whether it was.".to_owned(),
        (false, true, true) => format!("Strangers are kept out and use leaves traces, but nothing that was answered binds {itself}: what may be done with the words is open."),
        (false, true, false) => format!("Strangers are kept out. Nothing that was answered binds {itself}, and what is done would leave no full trace."),
        (false, false, true) => "A misuse could be read about afterwards, when it is too late. Nothing that was answered forbids it or stops it.".to_owned(),
        (false, false, false) => "None of the three layers was answered for in full: on these answers nobody can say what happens to the words, or show it later.".to_owned(),
    };
    let open = rows.iter().filter(|row| row.state == RowState::Unknown).count();
    if open > 0 {
        follows.push_str(" Where a layer is not known, ask before relying on it.");
    }
    follows
}
