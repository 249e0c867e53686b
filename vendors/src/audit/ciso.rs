//! Frameworks in the form of CISO Assistant's libraries, as the public library files have it: `objects.framework` with
//! `requirement_nodes`, a flat list in which each node names its parent. A node that can be assessed is asked; its
//! questions are in `question` (older files: one list) or `questions` (newer files: by URN).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::questionnaire::{place, read as read_yaml};
use super::{Layer, Question, Questionnaire, QuestionnaireError, Says, Severity};

/// Frameworks have far more nodes than a questionnaire that people fill in; the largest public one has some thousands.
const MOST_NODES: usize = 20_000;

#[derive(Deserialize)]
struct Library {
    #[serde(default)]
    ref_id: Option<String>,
    #[serde(default)]
    version: Option<u64>,
    objects: Objects,
}

#[derive(Deserialize)]
struct Objects {
    #[serde(default)]
    framework: Option<Framework>,
    #[serde(default)]
    frameworks: Vec<Framework>,
}

#[derive(Deserialize)]
struct Framework {
    #[serde(default)]
    ref_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    requirement_nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    urn: Spanned<String>,
    #[serde(default)]
    ref_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    annotation: Option<String>,
    #[serde(default)]
    assessable: bool,
    #[serde(default)]
    parent_urn: Option<Spanned<String>>,
    #[serde(default)]
    question: Option<OldQuestions>,
    #[serde(default)]
    questions: Option<BTreeMap<String, NewQuestion>>,
}

#[derive(Deserialize)]
struct OldQuestions {
    #[serde(default)]
    questions: Vec<NewQuestion>,
}

#[derive(Deserialize)]
struct NewQuestion {
    #[serde(default)]
    text: Option<String>,
}

/// Reads a framework. Its questions carry the framework's own words; what follows of an answer it does not say.
pub(super) fn read(file: &str, text: &str) -> Result<Questionnaire, QuestionnaireError> {
    let library: Library = read_yaml(file, text)?;
    let whole = |problem: &str| QuestionnaireError::Malformed {
        file: file.to_owned(),
        line: 1,
        column: 1,
        problem: problem.to_owned(),
    };
    let framework = library
        .objects
        .framework
        .or_else(|| library.objects.frameworks.into_iter().next())
        .ok_or_else(|| whole("this library has no framework: `objects.framework` is what is read"))?;
    if framework.requirement_nodes.len() > MOST_NODES {
        return Err(whole("this framework has more than 20,000 nodes: cut it down to what is asked"));
    }
    let id = token(framework.ref_id.as_deref().or(library.ref_id.as_deref()).unwrap_or("framework"));
    let name = framework.name.clone().unwrap_or_else(|| id.clone());
    let nodes: BTreeMap<&str, &Node> =
        framework.requirement_nodes.iter().map(|node| (node.urn.value.as_str(), node)).collect();
    let mut taken = BTreeSet::new();
    let mut questions = Vec::new();
    for node in &framework.requirement_nodes {
        if let Some(parent) = &node.parent_urn
            && !nodes.contains_key(parent.value.as_str())
        {
            let (line, column) = place(parent);
            let problem = format!("no node has the URN `{}`, which is named as a parent", parent.value);
            return Err(QuestionnaireError::Malformed { file: file.to_owned(), line, column, problem });
        }
        let above = above(node, &nodes).ok_or_else(|| {
            let (line, column) = place(&node.urn);
            let problem = format!("the node `{}` is its own ancestor", node.urn.value);
            QuestionnaireError::Malformed { file: file.to_owned(), line, column, problem }
        })?;
        if !node.assessable {
            continue;
        }
        let own = node.ref_id.clone().unwrap_or_else(|| last(&node.urn.value).to_owned());
        let short = unused(&mut taken, &token(&own), last(&node.urn.value));
        questions.push(Question {
            id: short,
            layer: Layer::Other,
            asks: asks(node, &own),
            why: above.join(": "),
            good: Says::Yes,
            severity: Severity::Medium,
            follows: format!("{name} asks for it: see {own}."),
            citation: format!("{name}, {own}"),
            mark: "as the framework's file says it; not checked".to_owned(),
            sources: Vec::new(),
            essential: false,
        });
    }
    Questionnaire::of(file, id, library.version.unwrap_or(1).to_string(), name, questions)
}

/// The titles above a node, the outermost first; nothing where it is its own ancestor.
fn above(node: &Node, nodes: &BTreeMap<&str, &Node>) -> Option<Vec<String>> {
    let mut titles = Vec::new();
    let mut at = node;
    // No framework is nested that deep.
    for _ in 0..64 {
        let Some(parent) = at.parent_urn.as_ref().and_then(|urn| nodes.get(urn.value.as_str())) else {
            titles.reverse();
            return Some(titles);
        };
        at = parent;
        titles.extend(at.name.as_deref().or(at.ref_id.as_deref()).map(line));
    }
    None
}

fn asks(node: &Node, own: &str) -> String {
    let old = node.question.iter().flat_map(|question| &question.questions);
    let new = node.questions.iter().flat_map(BTreeMap::values);
    let asked: Vec<String> = old.chain(new).filter_map(|question| question.text.as_deref()).map(line).collect();
    let said = if asked.is_empty() {
        [&node.name, &node.description].into_iter().flatten().map(|text| line(text)).collect::<Vec<_>>().join(": ")
    } else {
        asked.join(" ")
    };
    let said = if said.is_empty() { node.annotation.as_deref().map(line).unwrap_or_default() } else { said };
    if said.is_empty() { own.to_owned() } else { said }
}

/// A text without line breaks.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn last(urn: &str) -> &str {
    urn.rsplit(':').next().unwrap_or(urn)
}

/// A short name of small letters, digits and `-._`.
fn token(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_alphanumeric() || "-._".contains(letter) { letter } else { '-' }
    });
    let token: String = letters.take(60).collect();
    let token = token.trim_matches('-');
    if token.is_empty() { "node".to_owned() } else { token.to_owned() }
}

/// The name, or where two nodes share one, the name with the end of the URN or a number.
fn unused(taken: &mut BTreeSet<String>, name: &str, urn: &str) -> String {
    let mut one = name.to_owned();
    let mut number = 2;
    if taken.contains(&one) {
        one = token(urn);
    }
    while taken.contains(&one) {
        one = format!("{name}-{number}");
        number += 1;
    }
    taken.insert(one.clone());
    one
}
