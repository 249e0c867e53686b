//! What a withdrawal does to what is there already: a list that is shown before anything is done, kept with the
//! entry, and then carried out.
//!
//! From the withdrawal on nothing is used any more: a transcription that runs is stopped, and no draft that was
//! not attested becomes a note. Whether records are destroyed at once or when their time is over is the practice's
//! policy or the person's choice. An attested note and the consents themselves stay in the record.

use std::collections::BTreeSet;

use provenote_schemas::{Purpose, Time};
use serde::{Deserialize, Serialize};

use crate::form::date_words;
use crate::policy::AfterWithdrawal;

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A worker that hears or drafts at this moment.
    RunningWork,
    /// A recording.
    Recording,
    /// A transcript.
    Transcript,
    /// What a model was asked, and what it answered.
    PromptsAndOutputs,
    /// A draft that nobody attested.
    Draft,
    /// A note that was attested.
    Note,
    /// A copy that left the practice as a file.
    Export,
    /// A copy in a backup.
    Backup,
    /// A form, a signature, a refusal, a withdrawal.
    ConsentRecord,
    /// The ledger's entries.
    Ledger,
}

/// One thing that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What it is.
    pub thing: Thing,
    /// Its id, such as a session's or a note's.
    pub id: String,
    /// For which purposes it is kept. A thing that is kept for another purpose too stays for that.
    pub purposes: BTreeSet<Purpose>,
    /// When it is destroyed by itself, where that is known.
    pub due: Option<Time>,
    /// A legal hold, an open complaint or an access request keeps it.
    pub held: bool,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// Stopped now; nothing of it is kept.
    Stopped,
    /// Its keys are destroyed now.
    DestroyedNow,
    /// It is not used any more, and destroyed at this time at the latest.
    DestroyedBy {
        /// When its time is over.
        due: Time,
    },
    /// It is not used any more, and kept until the hold is released.
    OnHold,
    /// It stays.
    Kept {
        /// Why.
        why: Why,
    },
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// An attested note is part of the clinical record, which the law of the state keeps.
    ClinicalRecord,
    /// It was withdrawn for other purposes than those it is kept for.
    OtherPurpose,
    /// The proof of what was agreed to and taken back.
    Proof,
    /// It is out of the practice's hands.
    Gone,
    /// The next backup no longer has it; older ones end by themselves.
    EndsByItself,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What.
    pub thing: Thing,
    /// Which.
    pub id: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

impl Effect {
    /// In plain words, in English, without a name.
    #[must_use]
    pub fn words(&self) -> String {
        self.words_in("en")
    }

    /// In plain words, without a name, in a language (ISO 639-1) that has words here; in English otherwise. The
    /// Spanish is machine-translated by Provenote's makers, not reviewed by a person.
    #[must_use]
    pub fn words_in(&self, lang: &str) -> String {
        format!("{} ({}) {}", self.thing.words_in(lang), self.id, self.fate.words_in(lang))
    }
}

impl Thing {
    /// What it is, as a sentence begins with it.
    #[must_use]
    pub fn words_in(self, lang: &str) -> &'static str {
        match (self, lang == "es") {
            (Self::RunningWork, false) => "the work that runs now",
            (Self::RunningWork, true) => "el trabajo en curso",
            (Self::Recording, false) => "the recording",
            (Self::Recording, true) => "la grabación",
            (Self::Transcript, false) => "the transcript",
            (Self::Transcript, true) => "el texto de la grabación",
            (Self::PromptsAndOutputs, false) => "what the model was asked and answered",
            (Self::PromptsAndOutputs, true) => "lo que se preguntó al modelo y lo que respondió",
            (Self::Draft, false) => "the draft",
            (Self::Draft, true) => "el borrador",
            (Self::Note, false) => "the signed note",
            (Self::Note, true) => "la nota firmada",
            (Self::Export, false) => "the copy that was handed out",
            (Self::Export, true) => "la copia que se entregó",
            (Self::Backup, false) => "the copy in the backup",
            (Self::Backup, true) => "la copia de seguridad",
            (Self::ConsentRecord, false) => "the form and what was signed",
            (Self::ConsentRecord, true) => "el formulario y lo que se firmó",
            (Self::Ledger, false) => "the log of what was done",
            (Self::Ledger, true) => "el registro de lo que se hizo",
        }
    }
}

impl Fate {
    /// What becomes of it, as a sentence ends with it. The Spanish fits things of every gender.
    #[must_use]
    pub fn words_in(&self, lang: &str) -> String {
        let words = match (self, lang == "es") {
            (Self::Stopped, false) => "is stopped, and nothing of it is kept",
            (Self::Stopped, true) => "se detiene y no se guarda nada de ello",
            (Self::DestroyedNow, false) => "is destroyed now",
            (Self::DestroyedNow, true) => "se destruye ahora",
            (Self::DestroyedBy { due }, false) => {
                return format!("is not used any more and is destroyed by {}", date_words(*due, "en"));
            }
            (Self::DestroyedBy { due }, true) => {
                return format!("ya no se usa y se destruye a más tardar el {}", date_words(*due, "es"));
            }
            (Self::OnHold, false) => "is not used any more; a hold keeps it until it is released",
            (Self::OnHold, true) => "ya no se usa; una retención legal lo conserva hasta que termine",
            (Self::Kept { why: Why::ClinicalRecord }, false) => "stays in the record, as it was signed before",
            (Self::Kept { why: Why::ClinicalRecord }, true) => "se queda en el expediente, porque se firmó antes",
            (Self::Kept { why: Why::OtherPurpose }, false) => "stays for the other purpose that was agreed to",
            (Self::Kept { why: Why::OtherPurpose }, true) => "se queda para el otro fin que se aceptó",
            (Self::Kept { why: Why::Proof }, false) => "stays as the proof of what was agreed to and taken back",
            (Self::Kept { why: Why::Proof }, true) => "se queda como prueba de lo que se aceptó y se retiró",
            (Self::Kept { why: Why::Gone }, false) => "is no longer in the practice's hands: ask whoever has it",
            (Self::Kept { why: Why::Gone }, true) => "ya no está en manos del consultorio: pregunte a quien la tiene",
            (Self::Kept { why: Why::EndsByItself }, false) => {
                "ends with the backup it is in; the next one no longer has it"
            }
            (Self::Kept { why: Why::EndsByItself }, true) => {
                "termina con la copia de seguridad en que está; la siguiente ya no lo tiene"
            }
        };
        words.to_owned()
    }
}

/// What a withdrawal does, a line for each thing, in the order given. `purposes` are those taken back; none means
/// all. `choice` is the person's where they were asked, and otherwise the practice's policy. Something without a time of
/// its own is not kept for ever: it is destroyed now.
#[must_use]
pub fn effects(held: &[Held], purposes: &BTreeSet<Purpose>, choice: AfterWithdrawal) -> Vec<Effect> {
    held.iter()
        .map(|one| {
            let still_agreed = !purposes.is_empty() && one.purposes.iter().any(|purpose| !purposes.contains(purpose));
            let fate = match one.thing {
                Thing::ConsentRecord | Thing::Ledger => Fate::Kept { why: Why::Proof },
                Thing::Note => Fate::Kept { why: Why::ClinicalRecord },
                Thing::Export => Fate::Kept { why: Why::Gone },
                _ if still_agreed && !one.purposes.iter().any(|purpose| purposes.contains(purpose)) => {
                    Fate::Kept { why: Why::OtherPurpose }
                }
                Thing::RunningWork => Fate::Stopped,
                _ if still_agreed => Fate::Kept { why: Why::OtherPurpose },
                _ if one.held => Fate::OnHold,
                Thing::Backup => Fate::Kept { why: Why::EndsByItself },
                Thing::Recording | Thing::Transcript | Thing::PromptsAndOutputs | Thing::Draft => {
                    match (choice, one.due) {
                        (AfterWithdrawal::KeepUntilDue, Some(due)) => Fate::DestroyedBy { due },
                        (AfterWithdrawal::KeepUntilDue, None) | (AfterWithdrawal::DestroyNow, _) => Fate::DestroyedNow,
                    }
                }
            };
            Effect { thing: one.thing, id: one.id.clone(), fate }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::MADE;

    const ALL: [Thing; 10] = [
        Thing::RunningWork,
        Thing::Recording,
        Thing::Transcript,
        Thing::PromptsAndOutputs,
        Thing::Draft,
        Thing::Note,
        Thing::Export,
        Thing::Backup,
        Thing::ConsentRecord,
        Thing::Ledger,
    ];

    fn held(thing: Thing, purposes: &[Purpose]) -> Held {
        Held {
            thing,
            id: "ses-0123456789abcdef".to_owned(),
            purposes: purposes.iter().copied().collect(),
            due: Some(MADE.plus_days(7)),
            held: false,
        }
    }

    fn fates(choice: AfterWithdrawal, change: impl Fn(&mut Held), taken_back: &[Purpose]) -> Vec<Fate> {
        let list: Vec<Held> = ALL
            .iter()
            .map(|thing| {
                let mut one = held(*thing, &[Purpose::AiNotes]);
                change(&mut one);
                one
            })
            .collect();
        effects(&list, &taken_back.iter().copied().collect(), choice).into_iter().map(|effect| effect.fate).collect()
    }

    fn kept(why: Why) -> Fate {
        Fate::Kept { why }
    }

    #[test]
    fn nothing_is_used_any_more_and_what_the_record_needs_stays() {
        let due = MADE.plus_days(7);
        let later = Fate::DestroyedBy { due };
        let after =
            [kept(Why::ClinicalRecord), kept(Why::Gone), kept(Why::EndsByItself), kept(Why::Proof), kept(Why::Proof)];
        let policy = fates(AfterWithdrawal::KeepUntilDue, |_| (), &[]);
        assert_eq!(policy[0], Fate::Stopped);
        assert!(policy[1..5].iter().all(|fate| *fate == later), "{policy:?}");
        assert_eq!(policy[5..], after);
        let chosen = fates(AfterWithdrawal::DestroyNow, |_| (), &[]);
        assert!(chosen[1..5].iter().all(|fate| *fate == Fate::DestroyedNow), "{chosen:?}");
        assert_eq!(chosen[5..], after);
        // What has no time of its own is not kept for ever.
        let timeless = fates(AfterWithdrawal::KeepUntilDue, |one| one.due = None, &[]);
        assert!(timeless[1..5].iter().all(|fate| *fate == Fate::DestroyedNow), "{timeless:?}");
    }

    #[test]
    fn a_hold_is_stronger_than_a_choice() {
        let fates = fates(AfterWithdrawal::DestroyNow, |one| one.held = true, &[]);
        assert_eq!(fates[0], Fate::Stopped);
        assert!(fates[1..5].iter().all(|fate| *fate == Fate::OnHold), "{fates:?}");
    }

    #[test]
    fn a_withdrawal_of_one_purpose_leaves_what_is_kept_for_another() {
        let other = fates(AfterWithdrawal::DestroyNow, |_| (), &[Purpose::Training]);
        assert!(other[..5].iter().all(|fate| *fate == kept(Why::OtherPurpose)), "{other:?}");
        let both = fates(
            AfterWithdrawal::DestroyNow,
            |one| {
                one.purposes.insert(Purpose::Training);
            },
            &[Purpose::AiNotes],
        );
        assert_eq!(both[0], Fate::Stopped);
        assert!(both[1..5].iter().all(|fate| *fate == kept(Why::OtherPurpose)), "{both:?}");
        let same = fates(AfterWithdrawal::DestroyNow, |_| (), &[Purpose::AiNotes, Purpose::Training]);
        assert_eq!(same[1], Fate::DestroyedNow);
    }

    #[test]
    fn the_day_of_destruction_is_written_as_people_write_it() {
        let fate = Fate::DestroyedBy { due: MADE.plus_days(7) };
        assert_eq!(fate.words_in("en"), "is not used any more and is destroyed by November 28, 2026");
        assert_eq!(fate.words_in("es"), "ya no se usa y se destruye a más tardar el 28 de noviembre de 2026");
    }

    #[test]
    fn every_line_is_told_in_words() {
        for choice in [AfterWithdrawal::KeepUntilDue, AfterWithdrawal::DestroyNow] {
            let list: Vec<Held> = ALL.iter().map(|thing| held(*thing, &[Purpose::AiNotes])).collect();
            for effect in effects(&list, &BTreeSet::new(), choice) {
                let (english, spanish) = (effect.words(), effect.words_in("es"));
                assert_eq!(effect.words_in("fr"), english, "English where there are no other words");
                for words in [&english, &spanish] {
                    assert!(words.contains("ses-0123456789abcdef") && !words.ends_with('.'), "{words}");
                }
                assert_ne!(english, spanish);
                let text = serde_json::to_string(&effect).expect("JSON");
                assert_eq!(serde_json::from_str::<Effect>(&text).expect("and back"), effect);
            }
        }
    }
}
