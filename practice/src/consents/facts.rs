//! The facts a form tells today: read from settings, catalogue and the practice's own records, never typed.

use provenote_consent::{Policy, note_retention};
use provenote_schemas::disclosure::{
    BackupFact, DisclosureFacts, Isolation, ModelFact, Place, RetentionFacts, VendorFact,
};

use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::ports::Models;
use crate::settings::Settings;
use crate::setup::PracticeRecord;

/// Where a backup lies, as the form names it: `backup create` makes sealed ones and nothing else.
const BACKUP: &str = "a sealed backup copy of the practice";

/// What the practice is today, read once however many clients are looked at.
pub(crate) struct Configured<'a> {
    pub(crate) settings: Settings,
    pub(crate) policy: Policy,
    pub(crate) practice: PracticeRecord,
    vendors: Vec<VendorFact>,
    models: &'a dyn Models,
}

impl Configured<'_> {
    /// The facts for clients of a state: the law of the state says how long notes are kept.
    pub(crate) fn facts(&self, state: &str) -> Result<DisclosureFacts, PracticeError> {
        facts(&self.settings, self.models, self.vendors.clone(), state)
    }
}

impl Practice {
    /// The facts a form tells today, read from settings, catalogue and the companies on record.
    ///
    /// # Errors
    /// [`PracticeError::Form`] where a model chosen is not in the catalogue.
    pub fn disclosure_facts(
        &self,
        actor: &Actor,
        settings: &Settings,
        models: &dyn Models,
        state: &str,
    ) -> Result<DisclosureFacts, PracticeError> {
        facts(settings, models, self.vendor_facts(actor)?, state)
    }

    pub(crate) fn configured<'a>(
        &self,
        actor: &Actor,
        models: &'a dyn Models,
    ) -> Result<Configured<'a>, PracticeError> {
        let settings = self.settings()?;
        Ok(Configured {
            policy: settings.policy(),
            settings,
            practice: self.record(actor)?,
            vendors: self.vendor_facts(actor)?,
            models,
        })
    }

    fn vendor_facts(&self, actor: &Actor) -> Result<Vec<VendorFact>, PracticeError> {
        Ok(self.vendors(actor)?.into_iter().map(|(_, fact)| fact).collect())
    }
}

fn facts(
    settings: &Settings,
    models: &dyn Models,
    vendors: Vec<VendorFact>,
    state: &str,
) -> Result<DisclosureFacts, PracticeError> {
    let fact = |id: &str| -> Result<ModelFact, PracticeError> {
        models.fact(id).ok_or_else(|| {
            PracticeError::Form(format!(
                "the settings name the model {id}, which the catalogue does not know: `provenote model list`"
            ))
        })
    };
    let (note_years, note_basis) = note_retention(state);
    let backup = BackupFact { place: BACKUP.to_owned(), sealed: true, days: settings.backup_days };
    Ok(DisclosureFacts {
        speech: fact(&settings.speech)?,
        voice_activity: Some(fact(&settings.voice_activity)?),
        drafting: settings.drafting.iter().map(|id| fact(id)).collect::<Result<_, _>>()?,
        place: Place::ThisComputer,
        isolation: if settings.allow_no_sandbox { Isolation::Overridden } else { Isolation::Enforced },
        processors: Vec::new(),
        vendors,
        backups: if settings.backup_days == 0 { Vec::new() } else { vec![backup] },
        gateways: Vec::new(),
        retention: RetentionFacts {
            audio_days: settings.audio_days,
            transcript_days: settings.working_days,
            prompts_days: settings.working_days,
            drafts_days: settings.working_days,
            note_years,
            note_basis,
        },
    })
}
