//! The sentences of a note that say who consented: made from the ledger's facts, never by the model; and what the
//! model wrote of it by itself, found and taken out.

use provenote_schemas::note::{Origin, Section, Sentence};
use provenote_schemas::people::Participant;
use provenote_schemas::{ParticipantId, Purpose, Time};
use serde::Serialize;

use crate::acts::{Record, Word};
use crate::standing::{Standing, Status, purpose_words};

/// How people are named in the statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// By name and role.
    Names,
    /// By role alone: a note about one person should not name everybody who was there.
    #[default]
    Roles,
}

fn named(person: Option<&Participant>, id: &ParticipantId, people: &[Participant], naming: Naming) -> String {
    let Some(person) = person else { return format!("Somebody who takes part ({id})") };
    let role = person.role.as_str().replace('_', " ");
    let alone = people.iter().filter(|other| other.role == person.role).count() == 1;
    match naming {
        Naming::Names => format!("{} ({role})", person.name),
        Naming::Roles if alone => format!("The {role}"),
        Naming::Roles => format!("The {role} {id}"),
    }
}

/// What the record says of consent at a moment: a sentence for each person and purpose, and one for the whole.
/// `standing` is what was judged for `people` at `now`; `record` is what it was judged on.
#[must_use]
pub fn statement(
    standing: &Standing,
    record: &Record,
    people: &[Participant],
    now: Time,
    naming: Naming,
) -> Vec<String> {
    let today = now.date();
    let mut sentences = Vec::new();
    for one in standing.people.iter().filter(|one| one.needed) {
        let person = people.iter().find(|person| person.id == one.participant);
        let who = named(person, &one.participant, people, naming);
        for (purpose, status) in &one.purposes {
            let what = purpose_words(*purpose);
            sentences.push(said(record, &one.participant, *purpose, *status, &who, what, &today));
        }
    }
    let whole = match standing.status {
        Status::InForce => {
            let until = standing.until.map_or_else(String::new, |until| format!(" and lasts until {}", until.date()));
            format!("The consent of everybody asked was in force on {today}{until}.")
        }
        status => format!("Consent was {} on {today}.", status.words()),
    };
    sentences.push(whole);
    sentences.push("This was written from the practice's records, not by the model.".to_owned());
    sentences
}

fn said(
    record: &Record,
    id: &ParticipantId,
    purpose: Purpose,
    status: Status,
    who: &str,
    what: &str,
    today: &str,
) -> String {
    let stands = if status == Status::InForce { "is still in force" } else { "is not in force" };
    match record.stand(id, purpose).map(|stand| (&stand.word, &stand.talk)) {
        // The signature is not what counts where a spoken yes is in force beside one that is not.
        Some((_, crate::acts::Talk::Spoken(yes))) if status == Status::InForce => format!(
            "{who} said yes aloud to {what} on {}, as the clinician states (form {}, {}); as of {today} it {stands}.",
            yes.time.date(),
            yes.form.template,
            yes.form.consent
        ),
        Some((Word::Signed(yes), _)) => format!(
            "{who} signed the consent to {what} on {} (form {}, {}); as of {today} it {stands}.",
            yes.time.date(),
            yes.form.template,
            yes.form.consent
        ),
        Some((Word::Declined { time }, _)) => format!("{who} said no to {what} on {}.", time.date()),
        Some((Word::Revoked { time }, _)) => format!("{who} took the consent to {what} back on {}.", time.date()),
        _ => format!("{who} has not signed the consent to {what}."),
    }
}

/// What a sentence says of consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing, or of somebody's life and not of these sessions.
    None,
    /// Something of consent that may be the client's story or another consent: it stays, and is pointed out.
    Doubtful,
    /// That somebody consented to recording, AI, notes or treatment, or did not, and nothing else.
    Whole,
    /// The same, with something else beside it that can stay in these words.
    Part {
        /// What stays.
        rest: String,
    },
    /// The same, tied up with something else that cannot be told apart.
    Mixed,
}

/// A sentence that was taken out, or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The section's name.
    pub section: String,
    /// Where it stood in the section, from 0.
    pub place: usize,
    /// What the model wrote.
    pub text: String,
    /// What stays of it; `None` where all of it went.
    pub rest: Option<String>,
    /// True where something besides consent may have gone with it: the clinician should look.
    pub look: bool,
}

/// A sentence that stays, but may speak of consent: the clinician should look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// The section's name.
    pub section: String,
    /// Where it stands in the section as it is left, from 0.
    pub place: usize,
    /// What it says.
    pub text: String,
}

/// A draft without the model's own words on consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// The sections as they are left.
    pub sections: Vec<Section>,
    /// What was taken out.
    pub removed: Vec<Removed>,
    /// What was left though it may be such a sentence.
    pub doubts: Vec<Doubt>,
}

/// Takes the model's own sentences on consent out of a draft. Sentences that a clinician wrote or changed are never
/// touched, only pointed out.
#[must_use]
pub fn without_claims(sections: &[Section]) -> Cleaned {
    let mut cleaned = Cleaned { sections: Vec::new(), removed: Vec::new(), doubts: Vec::new() };
    for section in sections {
        let mut left: Vec<Sentence> = Vec::new();
        for (place, sentence) in section.sentences.iter().enumerate() {
            let claim = claim(&sentence.text);
            let touched = sentence.origin == Origin::Model && !matches!(claim, Claim::None | Claim::Doubtful);
            if touched {
                let rest = match &claim {
                    Claim::Part { rest } => Some(rest.clone()),
                    _ => None,
                };
                cleaned.removed.push(Removed {
                    section: section.name.clone(),
                    place,
                    text: sentence.text.clone(),
                    rest: rest.clone(),
                    look: !matches!(claim, Claim::Whole),
                });
                left.extend(rest.map(|text| Sentence { text, ..sentence.clone() }));
                continue;
            }
            if claim != Claim::None {
                let doubt = Doubt { section: section.name.clone(), place: left.len(), text: sentence.text.clone() };
                cleaned.doubts.push(doubt);
            }
            left.push(sentence.clone());
        }
        cleaned.sections.push(Section { sentences: left, ..section.clone() });
    }
    cleaned
}

/// Words as they are compared: lower case, without marks, hyphens kept.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\'' || c == '\u{2019}'))
        .map(|word| word.trim_matches(|c| c == '-' || c == '\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn starts(word: &str, stems: &[&str]) -> bool {
    stems.iter().any(|stem| word.starts_with(stem))
}

fn any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&word.as_str()))
}

fn any_stem(words: &[String], stems: &[&str]) -> bool {
    words.iter().any(|word| starts(word, stems))
}

/// True where the words stand in this order with nothing between them; `*` stands for any one word.
fn phrase(words: &[String], of: &str) -> bool {
    let of: Vec<&str> = of.split(' ').collect();
    words.windows(of.len()).any(|window| window.iter().zip(&of).all(|(word, of)| *of == "*" || word == of))
}

fn phrases(words: &[String], list: &[&str]) -> bool {
    list.iter().any(|of| phrase(words, of))
}

/// Consent in so many words.
const CONSENT: &[&str] = &[
    "consent",
    "consented",
    "consents",
    "consenting",
    "consentimiento",
    "consinti\u{f3}",
    "consiente",
    "consintieron",
];

/// Saying yes or no in other words. Alone they say nothing about consent.
const AGREE: &[&str] = &[
    "agreed",
    "agrees",
    "agreement",
    "permission",
    "permitted",
    "permits",
    "authorized",
    "authorizes",
    "authorization",
    "authorised",
    "accepted",
    "accepts",
    "allowed",
    "allows",
    "approved",
    "approves",
    "okayed",
    "opted",
    "willing",
    "comfortable",
    "declined",
    "declines",
    "refused",
    "refuses",
    "objected",
    "objects",
    "withdrew",
    "revoked",
    "opposed",
    "acept\u{f3}",
    "autoriz\u{f3}",
    "permiti\u{f3}",
    "permiso",
    "acuerdo",
    "rechaz\u{f3}",
    "declin\u{f3}",
    "revoc\u{f3}",
    "retir\u{f3}",
];

/// What the session is worked on with.
const TOOLS: &[&str] = &[
    "transcri",
    "scribe",
    "note-taking",
    "notetaking",
    "ai-assisted",
    "ai-generated",
    "ai-powered",
    "ai-supported",
    "ai-drafted",
];

/// Telling of somebody's life: a sentence with one of these is never taken out.
const LIFE: &[&str] = &[
    "sex",
    "sexual",
    "sexually",
    "intimacy",
    "intimate",
    "nonconsensual",
    "non-consensual",
    "consensual",
    "assault",
    "assaulted",
    "rape",
    "raped",
    "touch",
    "touched",
    "encounter",
    "kiss",
    "photo",
    "photos",
    "picture",
    "pictures",
    "ex",
    "ex-husband",
    "ex-wife",
    "ex-boyfriend",
    "ex-girlfriend",
    "boss",
    "employer",
    "coworker",
    "coworkers",
    "manager",
    "landlord",
    "neighbor",
    "neighbors",
    "police",
    "officer",
    "school",
    "teacher",
    "marriage",
    "married",
    "surgery",
    "surgeon",
    "adoption",
    "custody",
    "roommate",
    "doorbell",
    "chatbot",
    "app",
    "journal",
    "journaling",
    "diary",
    "log",
    "mood",
    "homework",
    "lease",
    "loan",
    "contract",
    "podcast",
    "album",
    "song",
    "band",
    "studio",
    "medication",
    "dose",
    "dosage",
    "sertraline",
    "lithium",
    "study",
    "research",
    "trial",
    "dates",
    "dating",
    "party",
    "boyfriend",
    "girlfriend",
    "husband",
    "wife",
    "hospital",
    "vaccin",
    "vaccine",
    "daughter's",
    "son's",
    "job",
    "work",
    "workplace",
    "divorce",
    "court",
    "sexo",
    "jefe",
    "escuela",
    "matrimonio",
    "novio",
    "novia",
    "esposo",
    "esposa",
    "cirug\u{ed}a",
    "trabajo",
];

/// Another consent than ours: to tell others, which the clinician has to keep.
const RELEASE: &[&str] = &[
    "release",
    "releasing",
    "disclosure",
    "disclose",
    "coordinate",
    "coordination",
    "contact",
    "speak",
    "share",
    "sharing",
    "collateral",
    "divulgar",
    "contactar",
];

/// Verbs that begin another thing that was said or seen.
const TELLS: &[&str] = &[
    "reported",
    "reports",
    "described",
    "describes",
    "discussed",
    "discusses",
    "stated",
    "states",
    "presented",
    "presents",
    "denied",
    "denies",
    "endorsed",
    "endorses",
    "expressed",
    "expresses",
    "noted",
    "notes",
    "identified",
    "explored",
    "appeared",
    "appears",
    "said",
    "says",
    "shared",
    "talked",
    "spoke",
    "asked",
    "was",
    "is",
    "felt",
    "feels",
    "completed",
    "arrived",
    "engaged",
    "practiced",
    "reviewed",
    "recounted",
    "explained",
    "acknowledged",
    "cried",
    "continued",
    "continues",
    "rated",
    "began",
    "processed",
    "mentioned",
    "wants",
    "wanted",
    "remained",
];

/// What a sentence says of consent to recording, AI, notes or treatment.
///
/// Rules, not a model: a word of consent near a word of the session's recording, of AI for notes, or of treatment;
/// or one of the set phrases of chart notes. Words of somebody's life make it doubtful or nothing at all, since
/// clients speak of consent too.
#[must_use]
pub fn claim(text: &str) -> Claim {
    let all = words(text);
    if !speaks(&all) {
        return Claim::None;
    }
    // A clause is judged by its own words: what is told beside it may be of somebody's life.
    if let Some(rest) = apart(text) {
        return Claim::Part { rest };
    }
    match judged(&all) {
        Found::No => Claim::None,
        Found::Doubt => Claim::Doubtful,
        Found::Yes if tells_more(&all) => Claim::Mixed,
        Found::Yes => Claim::Whole,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    No,
    Doubt,
    Yes,
}

/// True where a word of consent or of saying yes or no stands at all.
fn speaks(all: &[String]) -> bool {
    let set =
        ["gave permission", "no objection", "no objections", "did not object", "okay with", "ok with", "fine with"];
    any(all, CONSENT) || any(all, AGREE) || phrases(all, &set)
}

fn judged(all: &[String]) -> Found {
    let consent = any(all, CONSENT);
    if !speaks(all) {
        return Found::No;
    }
    let ai = any(all, &["ai", "a.i", "ia"]) || phrases(all, &["artificial intelligence", "inteligencia artificial"]);
    let writing = any_stem(
        all,
        &["note", "document", "transcri", "record", "scrib", "nota", "grab", "session", "sesi", "draft", "audio"],
    );
    let tool = any_stem(all, TOOLS) || (ai && writing);
    // To be recorded, not to record.
    let recorded = phrases(
        all,
        &[
            "be recorded",
            "being recorded",
            "been recorded",
            "was recorded",
            "were recorded",
            "is recorded",
            "session recorded",
            "sessions recorded",
            "recorded session",
            "recorded sessions",
            "session recording",
            "session recordings",
            "recording session",
            "audio recording",
            "audio recorded",
            "audio-recorded",
            "video recording",
            "recording of",
            "recording the session",
            "recording this session",
            "recording today's session",
            "recording sessions",
            "recording the sessions",
            "record the session",
            "record the sessions",
            "record this session",
            "record sessions",
            "record session",
            "record today's session",
            "to recording",
            "to the recording",
            "to audio",
            "for recording",
            "for the recording",
            "for audio",
            "with recording",
            "with the recording",
            "to be audio",
            "use of recording",
            "declined recording",
            "refused recording",
            "recording and transcription",
            "grabar la",
            "grabaci\u{f3}n de",
            "la grabaci\u{f3}n",
            "ser grabada",
            "ser grabado",
            "sea grabada",
            "fuera grabada",
            "se grabe",
            "se grabara",
            "a la grabaci\u{f3}n",
            "sesi\u{f3}n grabada",
        ],
    ) || any(all, &["audiorecording", "audiotaping", "videotaping", "audio-recording"]);
    let treatment = consent
        && (phrases(
            all,
            &[
                "consent to treat",
                "consent to treatment",
                "consented to treatment",
                "consents to treatment",
                "consent for treatment",
                "consent to therapy",
                "consented to therapy",
                "consents to therapy",
                "consent for therapy",
                "consent to services",
                "consented to services",
                "consent for services",
                "consents to services",
                "consent to counseling",
                "consented to counseling",
                "consent for counseling",
                "consent to telehealth",
                "consented to telehealth",
                "consents to telehealth",
                "consent for telehealth",
                "telehealth consent",
                "treatment consent",
                "consent to participate",
                "consented to participate",
                "consent to video",
                "consented to video",
                "consentimiento para el tratamiento",
                "consentimiento para tratamiento",
            ],
        ));
    let set_phrase = consent
        && phrases(
            all,
            &[
                "informed consent",
                "written consent",
                "verbal consent",
                "oral consent",
                "signed consent",
                "consent form",
                "consent forms",
                "consent paperwork",
                "consent documents",
                "consent on file",
                "consent was",
                "consents were",
                "consent obtained",
                "consent given",
                "consent signed",
                "consent reviewed",
                "consent received",
                "consent documented",
                "consent verified",
                "consent confirmed",
                "consent discussed",
                "consent is",
                "consent remains",
                "consent and confidentiality",
                "obtained consent",
                "gave consent",
                "given consent",
                "provided consent",
                "received consent",
                "confirmed consent",
                "reviewed consent",
                "signed the consent",
                "signed consents",
                "withdrew consent",
                "revoked consent",
                "declined consent",
                "consent has been",
                "consent had been",
                "full consent",
                "explicit consent",
                "consentimiento informado",
                "consentimiento verbal",
                "consentimiento escrito",
                "dio su consentimiento",
                "dio consentimiento",
                "otorg\u{f3} su consentimiento",
                "firm\u{f3} el consentimiento",
                "el consentimiento",
            ],
        );
    let without = phrases(
        all,
        &[
            "without consent",
            "without her consent",
            "without his consent",
            "without their consent",
            "without my consent",
            "without permission",
            "without her permission",
            "without his permission",
            "without their permission",
            "age of consent",
            "about consent",
            "around consent",
            "of consent",
            "consent and boundaries",
            "boundaries and consent",
            "sin su consentimiento",
            "sin consentimiento",
            "sin permiso",
            "sin su permiso",
        ],
    );
    let life = any(all, LIFE);
    let release = any(all, RELEASE);
    let told = tool || recorded;
    if !(told || treatment || set_phrase) {
        return Found::No;
    }
    // Agreeing to do something is no consent to be recorded: it needs the session or its tools as its object.
    if !consent && !told {
        return Found::No;
    }
    if without || life {
        // Of the tools themselves nobody speaks by chance.
        return if consent && (told || treatment) && !without { Found::Doubt } else { Found::No };
    }
    // Consent to or for something else than these sessions.
    let object =
        all.windows(2).position(|two| CONSENT.contains(&two[0].as_str()) && matches!(two[1].as_str(), "to" | "for"));
    let of_care =
        |from: usize| any_stem(&all[from..], &["treat", "therap", "telehealth", "counsel", "service", "session"]);
    let elsewhere = object.is_some_and(|at| !of_care(at + 2));
    if !told && !treatment && (release || elsewhere) {
        return Found::Doubt;
    }
    Found::Yes
}

/// The longest sentence that is taken apart, in bytes; a longer one goes or stays whole.
const LONGEST: usize = 600;

/// What stays where the clause on consent can be taken out, so that the rest is a sentence of its own.
fn apart(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    for joint in ["; ", ", and ", " and ", ", but ", " but ", ". "] {
        let mut from = 0;
        while let Some(found) = text[from..].find(joint) {
            let at = from + found;
            let (head, tail) = (&text[..at], &text[at + joint.len()..]);
            from = at + joint.len();
            let (first, second) = (words(head), words(tail));
            match (judged(&first), judged(&second)) {
                // `consented to recording and reported low mood`: the subject is borrowed.
                (Found::Yes, Found::No) if second.first().is_some_and(|word| TELLS.contains(&word.as_str())) => {
                    if let Some(subject) = subject(head) {
                        return Some(ended(&format!("{subject} {tail}")));
                    }
                }
                // `...; client reported low mood`: a clause with its own subject.
                (Found::Yes, Found::No) if second.iter().take(4).skip(1).any(|word| TELLS.contains(&word.as_str())) => {
                    return Some(ended(tail));
                }
                (Found::No, Found::Yes)
                    if first.iter().take(5).any(|word| TELLS.contains(&word.as_str())) && first.len() > 3 =>
                {
                    return Some(ended(head));
                }
                _ => {}
            }
        }
    }
    None
}

/// True where something was told in the same breath, or it is too long to be about consent alone.
fn tells_more(all: &[String]) -> bool {
    // These tell of consent as often as of anything else.
    let of_consent = [
        "was",
        "is",
        "noted",
        "notes",
        "reviewed",
        "discussed",
        "asked",
        "explained",
        "stated",
        "said",
        "acknowledged",
        "completed",
    ];
    let told = all.iter().any(|word| TELLS.contains(&word.as_str()) && !of_consent.contains(&word.as_str()));
    told || all.len() > 30
}

/// The first words up to the verb of consent: who it is about.
fn subject(head: &str) -> Option<String> {
    let verb = |word: &str| {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        CONSENT.contains(&plain.as_str())
            || AGREE.contains(&plain.as_str())
            || ["gave", "gives", "provided", "provides", "signed", "verbally", "has", "had", "reviewed", "dio"]
                .contains(&plain.as_str())
    };
    let before: Vec<&str> = head.split(' ').take_while(|word| !verb(word)).collect();
    let fits = !before.is_empty() && before.len() <= 4 && before.len() < head.split(' ').count();
    fits.then(|| before.join(" "))
}

fn ended(text: &str) -> String {
    let trimmed = text.trim().trim_end_matches([',', ';']);
    let mut chars = trimmed.chars();
    let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if trimmed.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{head}{}{stop}", chars.as_str())
}

#[cfg(test)]
mod tests;
