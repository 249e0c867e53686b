//! `consent template`: list, show, check, add.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use provenote_access::Act;
use provenote_consent::{Severity, State, check_template, reading_levels};
use provenote_templates::{Shelf, Template as File};
use serde_json::json;

use crate::args::Template;
use crate::commands::{Outcome, read_text, write_new};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json};

/// The largest template that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

pub(super) fn run(home: &Home, asked: &Template) -> Outcome {
    match asked {
        Template::List => list(home),
        Template::Show { template, lang } => {
            let shelf = shelf(home)?;
            let found = shelf.find(template, lang).map_err(Failure::could)?;
            print(found.source().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Template::Check { file, state } => check(home, file, state),
        Template::Add { file } => add(home, file),
    }
}

/// Templates to choose from: the bundled ones, and the practice's own in `templates` of its folder.
pub(in crate::commands) fn shelf(home: &Home) -> Result<Shelf, Failure> {
    let mut shelf = Shelf::bundled();
    let folder = home.path().join("templates");
    if !folder.is_dir() {
        return Ok(shelf);
    }
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", folder.display()));
    let mut files = Vec::new();
    for file in fs::read_dir(&folder).map_err(problem)? {
        let path = file.map_err(problem)?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            files.push(path);
        }
    }
    files.sort();
    for path in files {
        let own = File::parse_file(&path.display().to_string(), &read_text(&path, LARGEST)?).map_err(Failure::could)?;
        shelf = shelf.with(own).map_err(Failure::could)?;
    }
    Ok(shelf)
}

fn list(home: &Home) -> Outcome {
    let shelf = shelf(home)?;
    if home.json() {
        let all: Vec<_> = shelf
            .templates()
            .iter()
            .map(|one| {
                json!({ "template": one.name(), "lang": one.lang(), "title": one.title(), "purposes": one.purposes(),
                    "reviewed_by_person": one.translation().map(|translation| translation.reviewed_by_person) })
            })
            .collect();
        print_json(&json!({ "templates": all }));
        return Ok(ExitCode::SUCCESS);
    }
    for one in shelf.templates() {
        let unread = one.translation().is_some_and(|translation| !translation.reviewed_by_person);
        print(&format!(
            "{:28} {}  {}{}",
            one.name(),
            one.lang(),
            one.title(),
            if unread { "  (translation, not yet read by a person)" } else { "" }
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(home: &Home, file: &Path, states: &[String]) -> Outcome {
    let states = states
        .iter()
        .map(|text| State::parse(text).map_err(|error| Failure::Usage(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    let source = read_text(file, LARGEST)?;
    let shown = file.display().to_string();
    let mut problems = Vec::new();
    for state in &states {
        for problem in check_template(&shown, &source, *state) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    let wrong = problems.iter().filter(|problem| problem.severity == Severity::Wrong).count();
    let levels = match (File::parse_file(&shown, &source), states.first()) {
        (Ok(template), Some(state)) => reading_levels(&template, *state),
        _ => Vec::new(),
    };
    if home.json() {
        let listed: Vec<_> = problems
            .iter()
            .map(|one| {
                json!({ "line": one.line, "column": one.column, "wrong": one.severity == Severity::Wrong,
                    "says": one.fault.to_string() })
            })
            .collect();
        let levels: Vec<_> = levels
            .iter()
            .map(|(section, level)| json!({ "section": section, "level": level.map(|level| level.to_string()) }))
            .collect();
        print_json(&json!({ "file": file, "wrong": wrong, "problems": listed, "reading": levels }));
    } else {
        problems.iter().for_each(|problem| print(&problem.to_string()));
        if !levels.is_empty() {
            print("Reading level by section (the hardest of the samples)");
        }
        for (section, level) in &levels {
            print(&format!(
                "  {section:48} {}",
                level.map_or_else(|| "not measured".to_owned(), |level| level.to_string())
            ));
        }
        print(&match wrong {
            0 => format!("{shown} can be used: nothing in it must be put right"),
            1 => format!("{shown}: one thing must be put right"),
            many => format!("{shown}: {many} things must be put right"),
        });
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn add(home: &Home, file: &Path) -> Outcome {
    if !home.is_practice() {
        return Err(Failure::could("there is no practice here to take the template: `provenote init` makes one"));
    }
    let source = read_text(file, LARGEST)?;
    let shown = file.display().to_string();
    let template = File::parse_file(&shown, &source).map_err(Failure::could)?;
    let (mut practice, actor) = home.signed_in()?;
    practice.allow_at_all(&actor, Act::Configure)?;
    let state = State::parse(&practice.record(&actor)?.state).map_err(Failure::could)?;
    let wrong: Vec<String> = check_template(&shown, &source, state)
        .into_iter()
        .filter(|problem| problem.severity == Severity::Wrong)
        .map(|problem| problem.to_string())
        .collect();
    if !wrong.is_empty() {
        return Err(Failure::could(format!(
            "{}; put it right first: `provenote consent template check {shown} --state {state}` lists all",
            wrong.first().map_or("", String::as_str)
        )));
    }
    // Refused where there is one of that name already.
    shelf(home)?.with(template.clone()).map_err(Failure::could)?;
    let folder = home.path().join("templates");
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::could(format!("{} could not be made: {error}", folder.display())))?;
    let kept = folder.join(format!("{}.{}.md", template.name(), template.lang()));
    write_new(&kept, source.as_bytes())?;
    if home.json() {
        print_json(&json!({ "template": template.name(), "lang": template.lang(), "file": kept }));
    } else {
        print(&format!("Took in {} ({}) as {}", template.name(), template.lang(), kept.display()));
        print("  from the first form on it is frozen: a change is a new version");
        print(&format!("Next: provenote consent form CLIENT --template {} --lang {}", template.id(), template.lang()));
    }
    Ok(ExitCode::SUCCESS)
}
