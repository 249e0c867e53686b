//! Everything somebody may be allowed to do: the one list from which the schema's actions, the policies' tests and the
//! table of representative requests are made.

use serde::{Deserialize, Serialize};

use crate::resource::ResourceKind;

/// What an act has to do with payloads and with the practice itself. Each is a group of actions in the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Opens a payload of the resource's class.
    Reading,
    /// Seals a payload of the resource's class.
    Writing,
    /// Text leaves the practice's records.
    Leaving,
    /// Decides who may do what, or over the keys. The owner's alone, whatever a practice's own policies say.
    Ruling,
}

impl Group {
    /// Every group.
    pub const ALL: &'static [Self] = &[Self::Reading, Self::Writing, Self::Leaving, Self::Ruling];

    /// The word of the policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Writing => "writing",
            Self::Leaving => "leaving",
            Self::Ruling => "ruling",
        }
    }
}

macro_rules! acts {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, on [$($kind:ident),+], in [$($group:ident),*], $says:literal;)+) => {
        /// Something a user may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Act { $($(#[$doc])* $variant),+ }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the policies and of records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The act in a sentence that begins "may not".
            #[must_use]
            pub const fn in_words(self) -> &'static str {
                match self { $(Self::$variant => $says),+ }
            }

            /// What it is done to.
            #[must_use]
            pub const fn kinds(self) -> &'static [ResourceKind] {
                match self { $(Self::$variant => &[$(ResourceKind::$kind),+]),+ }
            }

            /// The groups of the policies it belongs to.
            #[must_use]
            pub const fn groups(self) -> &'static [Group] {
                match self { $(Self::$variant => &[$(Group::$group),*]),+ }
            }
        }
    };
}

acts! {
    /// Open a client's file or change who takes part.
    AddClient = "add_client", on [Practice, Client], in [Writing], "add or change clients";
    /// See who the clients are.
    ViewClient = "view_client", on [Client], in [Reading], "see the list of clients";
    /// Say who treats a client, and who supervises whom.
    AssignClients = "assign_clients", on [Client, User], in [Ruling], "say who treats or supervises";
    /// Make a consent form.
    MakeForm = "make_form", on [Client], in [Writing], "make a consent form";
    /// Record a signature, a refusal, a withdrawal or a spoken discussion.
    TakeSignature = "take_signature", on [Client], in [Writing], "record what a client decided";
    /// See which consents are in force.
    ViewConsent = "view_consent", on [Client], in [Reading], "see which consents are in force";
    /// Add a recording or a dictation.
    AddSession = "add_session", on [Session], in [Writing], "add a session";
    /// See which sessions there are: pseudonyms, dates and times.
    ViewSession = "view_session", on [Session], in [], "see the sessions";
    /// Listen to a recording.
    ViewRecording = "view_recording", on [Session], in [Reading], "listen to a recording";
    /// Read a transcript.
    ViewTranscript = "view_transcript", on [Session], in [Reading], "read a transcript";
    /// Have a note drafted.
    DraftNote = "draft_note", on [Session], in [Writing], "have a note drafted";
    /// Read a draft or a note.
    ViewNote = "view_note", on [Note], in [Reading], "read a note";
    /// Change a draft, or add to a note.
    EditNote = "edit_note", on [Note], in [Writing], "change a note";
    /// Make a draft a note.
    AttestNote = "attest_note", on [Note], in [Writing], "attest a note";
    /// Let a note leave as a file.
    ExportNote = "export_note", on [Note], in [Reading, Leaving], "export a note";
    /// Print a note.
    PrintNote = "print_note", on [Note], in [Reading, Leaving], "print a note";
    /// Send a note to somebody else.
    ForwardNote = "forward_note", on [Note], in [Reading, Leaving], "forward a note";
    /// Make a text without identifiers of a note, and confirm it.
    MakeRelease = "make_release", on [Note], in [Reading, Leaving], "release a text without identifiers";
    /// Read a text without identifiers.
    ViewRelease = "view_release", on [Release], in [Reading], "read a text without identifiers";
    /// See codes, dates, times and identities: the biller's view of a note.
    ViewClaim = "view_claim", on [Claim], in [Reading], "see what a claim needs";
    /// Enter or change codes, dates, times and sums.
    EditClaim = "edit_claim", on [Claim], in [Writing], "change what a claim needs";
    /// Search the records; what is found is asked for one by one.
    Search = "search", on [Practice], in [], "search the records";
    /// Look at entries, and at the payloads one is entitled to.
    ViewLedger = "view_ledger", on [Ledger], in [], "look at the ledger";
    /// Open an entry's payload.
    ViewEntry = "view_entry", on [Entry], in [Reading], "open an entry's payload";
    /// Verify the ledger; it opens no payload.
    VerifyLedger = "verify_ledger", on [Ledger], in [], "verify the ledger";
    /// Let the trail of entries leave as a file.
    ExportTrail = "export_trail", on [Ledger], in [Leaving], "export the audit trail";
    /// Seal off the oldest part of the trail.
    SealTrail = "seal_trail", on [Ledger], in [Ruling], "seal off a part of the ledger";
    /// Sign off a periodic review of who read what.
    ReviewAccess = "review_access", on [Ledger], in [], "sign off a review of access";
    /// See everybody who opened a client's file.
    ViewOpenings = "view_openings", on [Client], in [], "see who opened a client's file";
    /// See what was disclosed of a client, to whom and why.
    ViewAccounting = "view_accounting", on [Client], in [], "see the accounting of disclosures";
    /// Record a disclosure.
    RecordDisclosure = "record_disclosure", on [Client], in [], "record a disclosure";
    /// Hold a client's records back from destruction.
    PlaceHold = "place_hold", on [Client], in [], "hold records back from destruction";
    /// Destroy what is due, with receipts.
    RunRetention = "run_retention", on [Practice], in [], "destroy records";
    /// Destroy everything of one client.
    DestroyClient = "destroy_client", on [Client], in [Ruling], "destroy everything of a client";
    /// Make a report.
    MakeReport = "make_report", on [Practice], in [], "make a report";
    /// Make an evidence bundle: texts leave the practice.
    MakeBundle = "make_bundle", on [Practice], in [Leaving], "make an evidence bundle";
    /// Add or fetch models.
    ManageModels = "manage_models", on [Practice], in [], "add models";
    /// See who the users are.
    ViewUsers = "view_users", on [Practice], in [], "see who the users are";
    /// Add or remove users, or change what they are.
    ManageUsers = "manage_users", on [Practice, User], in [Ruling], "add or remove users";
    /// Change the practice's settings.
    Configure = "configure", on [Practice], in [Ruling], "change the practice's settings";
    /// Print the recovery kit.
    PrintRecovery = "print_recovery", on [Practice], in [Ruling], "print the recovery kit";
    /// Give the ledger a new key.
    RotateLogKey = "rotate_log_key", on [Practice], in [Ruling], "give the ledger a new key";
    /// Make or check a backup.
    MakeBackup = "make_backup", on [Practice], in [], "make or check a backup";
    /// Accept that the practice was restored from a backup.
    RestoreBackup = "restore_backup", on [Practice], in [Ruling], "accept a restored backup";
    /// Have a decision explained.
    ExplainAccess = "explain_access", on [User], in [], "have this user's access explained";
    /// See what a change of policies would do.
    CheckPolicy = "check_policy", on [Practice], in [], "check policies";
    /// Put policies of the practice in force.
    ChangePolicy = "change_policy", on [Practice], in [Ruling], "change policies";
    /// Ask for access for a limited time.
    RequestGrant = "request_grant", on [Grant], in [], "ask for access for a limited time";
    /// Approve or deny a request: the approver's keys open what is given.
    ApproveGrant = "approve_grant", on [Grant], in [Reading], "approve or deny access";
    /// Read why access is asked for, or was taken.
    ViewGrant = "view_grant", on [Grant], in [], "read why access was asked for";
    /// Take access back before its end.
    RevokeGrant = "revoke_grant", on [Grant], in [], "take access back";
    /// Take access at once in an emergency.
    BreakGlass = "break_glass", on [Grant], in [], "take emergency access";
    /// Review emergency access afterwards.
    ReviewEmergency = "review_emergency", on [Grant], in [], "review emergency access";
    /// Give oneself a second factor.
    EnrolFactor = "enrol_factor", on [User], in [], "enrol this second factor";
    /// Take another's second factor away.
    ResetFactor = "reset_factor", on [User], in [Ruling], "reset a second factor";
    /// Ask that a device be known.
    EnrolDevice = "enrol_device", on [Device], in [], "enrol this device";
    /// Approve or revoke a device.
    ApproveDevice = "approve_device", on [Device], in [Ruling], "approve or revoke a device";
}

impl Act {
    /// The act a word stands for, if it is one of ours.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == word)
    }

    /// True where the act belongs to a group.
    #[must_use]
    pub fn is(self, group: Group) -> bool {
        self.groups().contains(&group)
    }

    /// True where nobody does it whose keys do not open the resource's class.
    #[must_use]
    pub fn needs_keys(self) -> bool {
        self.is(Group::Reading) || self.is(Group::Writing)
    }
}

impl std::fmt::Display for Act {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_an_acts_own_and_the_one_serde_writes() {
        for act in Act::ALL {
            assert_eq!(Act::from_word(act.as_str()), Some(*act));
            assert_eq!(serde_saphyr::from_str::<Act>(act.as_str()).ok(), Some(*act), "{act}");
            assert!(!act.kinds().is_empty());
        }
        assert_eq!(Act::from_word("do_anything"), None);
    }

    #[test]
    fn what_opens_or_seals_a_payload_is_done_to_something_with_a_class() {
        for act in Act::ALL.iter().filter(|act| act.needs_keys()) {
            assert!(act.kinds().iter().any(|kind| !kind.classes().is_empty()), "{act}");
        }
    }
}
