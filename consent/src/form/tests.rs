use super::*;
use crate::samples::{MADE, adult, all, person};
use crate::states::note_retention;
use provenote_templates::{all_bundled, blocks, bundled, plain_text, reading};

/// The reading grade no section of a bundled form may exceed.
const GRADE: f64 = 8.0;

fn template() -> &'static Template {
    bundled("ai-notes", "en").expect("bundled")
}

fn shown(ctx: &FormContext) -> String {
    plain_text(&blocks(&render_form(template(), ctx).expect("renders").text))
}

#[test]
fn every_bundled_template_renders_for_every_sample() {
    for template in all_bundled() {
        for (what, ctx) in all().expect("states") {
            let form =
                render_form(template, &ctx).unwrap_or_else(|error| panic!("{}, {what}: {error}", template.name()));
            assert_eq!(form.text_sha256, Digest::of(form.text.as_bytes()));
            assert_eq!(form.disclosure_digest, disclosure_digest(&ctx.facts));
            assert!(!form.text.contains("<!--") && !form.text.contains("\n\n\n"), "{what}");
            let text = plain_text(&blocks(&form.text));
            for name in [&ctx.practice, &ctx.clinician, &ctx.client.name]
                .into_iter()
                .chain(ctx.client.participants.iter().map(|p| &p.name))
            {
                assert!(text.contains(name.as_str()), "{what}: {name} is missing in\n{text}");
            }
            for model in std::iter::once(&ctx.facts.speech).chain(&ctx.facts.voice_activity).chain(&ctx.facts.drafting)
            {
                assert!(
                    text.contains(&model.name)
                        && text.contains(&model.maker)
                        && text.contains(&model.sha256.to_string()[..12]),
                    "{what}"
                );
            }
            assert!(text.contains(&ctx.facts.retention.note_basis), "{what}");
            let again = render_form(template, &ctx).expect("renders again");
            assert_eq!(again, form, "the same facts give the same bytes");
        }
    }
}

#[test]
fn every_section_reads_at_grade_eight_or_below() {
    for template in all_bundled().iter().filter(|template| template.lang() == "en") {
        for (what, ctx) in all().expect("states") {
            let (values, _) = form_context(template, &ctx).expect("values");
            let sections = template.own_words(&values).expect("renders");
            assert!(sections.len() > 10);
            for (title, text) in &sections {
                let grade = reading::grade(text).expect("there are words");
                assert!(grade <= GRADE, "{} for {what}: `{title}` reads at grade {grade}\n{text}", template.name());
            }
        }
    }
}

#[test]
fn markup_in_names_prints_as_typed() {
    let (_, ctx) = all().expect("states").into_iter().find(|(what, _)| *what == "markup in names").expect("a sample");
    let text = shown(&ctx);
    assert!(text.contains("- Client: **Bob** [x](y) # <b>\n"), "{text}");
    assert!(text.contains("- Practice: 1. _Practice_ & `Sons` {{ x }} __\n"), "{text}");
}

#[test]
fn the_form_says_what_is_so_for_this_client_and_nothing_else() {
    let samples = all().expect("states");
    let text = |what: &str| shown(&samples.iter().find(|(sample, _)| sample.starts_with(what)).expect("a sample").1);
    let plain = text("an adult");
    assert!(plain.contains("No sound and no text is sent to anyone else"));
    assert!(plain.contains("This is tested each time the AI starts"));
    assert!(
        plain
            .contains("Your yes starts when you have all signed. It ends on November 21, 2027. Then we ask you again.")
    );
    assert!(
        plain.contains("license: LCSW 123456")
            && plain.contains("22 Tex. Admin. Code 681.36(b)")
            && plain.contains("mark: verified from ret-tx")
    );
    assert!(
        !plain.contains("guardian to say yes")
            && !plain.contains("a couple, a family")
            && !plain.contains("The law in")
    );

    let open = text("without isolation");
    assert!(open.contains("On this computer that guard is not in force"));
    assert!(!open.contains("No sound and no text is sent") && !open.contains("If the test fails"));
    assert!(
        open.contains("But others get your words too. They are:\n\n- Cloud Scribe, Inc., Ohio\n- Second & Sons\n"),
        "{open}"
    );
    assert!(open.contains("until your clinician signs the note, and 1 day at most"));
    assert!(
        open.contains("The law in Illinois")
            && open.contains("225 ILCS 155/1")
            && open.contains("verified from il-pa104-0054")
    );
    assert!(open.contains("we use one of them each time"));

    assert!(text("a couple").contains("one \"no\" stops the recording for all"));
    let minor = text("a minor");
    assert!(minor.contains("Maria Gómez is under 18. We ask a parent or guardian"));
    assert!(minor.contains("It ends on March 1, 2027. That is when Maria Gómez turns 18."));
    assert!(minor.contains("For a client under age it may be longer: full record until 3 years after majority"));
    let guarded = text("an adult with a guardian");
    assert!(guarded.contains("We ask a parent or guardian") && !guarded.contains("is under 18"));
    let bare = text("no license");
    assert!(
        bare.contains("- Clinician: Dr. Ada Stone\n")
            && bare.contains("product default, not law")
            && !bare.contains("Finding where")
    );
}

#[test]
fn nothing_promises_compliance() {
    for (what, ctx) in all().expect("states") {
        let text = shown(&ctx).to_lowercase();
        assert!(text.contains("not legal advice"), "{what}");
        for never in ["compliant", "guarantee", "completely safe", "100%", "cannot be hacked"] {
            assert!(!text.contains(never), "{what}: {never}");
        }
    }
}

#[test]
fn a_form_with_a_blank_is_refused() {
    let blank = |change: fn(&mut FormContext)| {
        let mut ctx = adult("TX").expect("a state");
        change(&mut ctx);
        render_form(template(), &ctx)
    };
    for change in [
        (|ctx| ctx.practice.clear()) as fn(&mut FormContext),
        |ctx| ctx.clinician = " \t".to_owned(),
        |ctx| ctx.client.name.clear(),
        |ctx| ctx.client.participants[0].name = "\u{7}".to_owned(),
        |ctx| ctx.facts.speech.maker.clear(),
        |ctx| ctx.facts.drafting.clear(),
        |ctx| ctx.facts.retention.note_basis.clear(),
        |ctx| ctx.facts.processors.push(String::new()),
    ] {
        assert!(matches!(blank(change), Err(FormError::Blank { .. })));
    }
    assert!(blank(|ctx| ctx.license = Some(" ".to_owned())).is_ok(), "no license is no blank");
    assert_eq!(blank(|ctx| ctx.client.participants.clear()), Err(FormError::NoClient));
    assert_eq!(blank(|ctx| ctx.client.participants[0].role = ParticipantRole::Guardian), Err(FormError::NoClient));
    assert_eq!(blank(|ctx| ctx.expires = ctx.made), Err(FormError::Ends));
    assert!(matches!(blank(|ctx| ctx.state = "XX".to_owned()), Err(FormError::State(_))));
    assert_eq!(
        blank(|ctx| ctx.client.participants.push(person(9, "maria GÓMEZ", ParticipantRole::Participant))),
        Err(FormError::SameName)
    );
    // What nobody can see is no name either, wherever it gets in.
    assert!(blank(|ctx| ctx.client.name = "\u{202E}".to_owned()).is_err());
}

#[test]
fn a_child_needs_a_guardian_until_eighteen() {
    let mut ctx = adult("CA").expect("a state");
    for (born, result) in [
        ("2008-11-22", Err(FormError::NoGuardian)),
        ("2008-11-21", Ok(())),
        ("2026-11-22", Err(FormError::Born)),
        ("1700-01-01", Err(FormError::Born)),
        ("21.11.1990", Err(FormError::Born)),
        ("2009-02-30", Err(FormError::Born)),
    ] {
        ctx.client.born = Some(born.to_owned());
        assert_eq!(render_form(template(), &ctx).map(|_| ()), result, "{born}");
    }
    ctx.client.born = Some("2008-11-22".to_owned());
    ctx.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    let form = render_form(template(), &ctx).expect("with a guardian");
    assert_eq!(form.expires.date(), "2026-11-22", "the consent ends when the client comes of age");
    ctx.client.born = Some("2010-02-28".to_owned());
    assert_eq!(render_form(template(), &ctx).expect("renders").expires, MADE.plus_days(365));
}

fn changed(change: impl Fn(&str) -> String) -> Result<ConsentForm, FormError> {
    let source = include_str!("../../../templates/consent/ai-notes@1.en.md");
    let changed = change(source);
    assert_ne!(changed, source);
    render_form(&Template::parse_file("own.md", &changed).expect("parses"), &adult("TX").expect("a state"))
}

#[test]
fn a_template_that_leaves_something_out_or_open_is_refused() {
    assert_eq!(
        changed(|source| source
            .replace("You may say no. Your care will not change if you do. You do not have to say why.\n", "")),
        Err(FormError::Uncovered { template: "ai-notes@1".to_owned(), elements: vec!["CON-09"] })
    );
    for blank in ["____", "[ ] I agree", "[name]", "TODO"] {
        let found = changed(|source| source.replace("Ask any question", &format!("{blank} Ask any question")));
        assert!(matches!(found, Err(FormError::Unfilled { .. })), "{blank}: {found:?}");
    }
    assert!(matches!(
        changed(|source| source.replace("- Client: {{ client }}", "- Client: {{ patient }}")),
        Err(FormError::Template(_))
    ));
    assert!(matches!(
        changed(|source| source.replace("purposes: [ai_notes]", "purposes: [training]")),
        Err(FormError::Purpose { .. })
    ));
    assert!(matches!(
        changed(|source| source.replace("jurisdictions: [US]", "jurisdictions: [CA, WA]")),
        Err(FormError::Jurisdiction { .. })
    ));
    assert!(changed(|source| source.replace("jurisdictions: [US]", "jurisdictions: [CA, TX]")).is_ok());
}

#[test]
fn the_digest_is_of_the_canonical_bytes_and_sees_every_field() {
    let ctx = adult("TX").expect("a state");
    let before = disclosure_digest(&ctx.facts);
    let bytes = provenote_schemas::canonical(&ctx.facts).expect("canonical");
    assert_eq!(before, Digest::of(&bytes));
    assert!(bytes.starts_with(b"{\"drafting\":[{\"id\":"), "keys are in RFC 8785 order");
    let mut after = ctx.facts.clone();
    after.retention.drafts_days += 1;
    assert_ne!(disclosure_digest(&after), before);
    assert_eq!(note_retention("TX").0, ctx.facts.retention.note_years);
}

/// SHA-256 of every template file that came with a version of the program. People have signed
/// what these render: a line here is never changed, a changed template is a new version with a
/// line of its own.
const FROZEN: &[(&str, &str, &str, &str)] = &[(
    "ai-notes@1",
    "en",
    include_str!("../../../templates/consent/ai-notes@1.en.md"),
    "185c258c7170e22c35591684390a6f5f0f06d21e36df3e14ef9dcefa14797995",
)];

#[test]
fn a_template_that_was_shown_is_frozen() {
    for (name, lang, source, sha256) in FROZEN {
        assert_eq!(
            Digest::of(source.as_bytes()).to_string(),
            *sha256,
            "{name} ({lang}) was changed: make it a new version"
        );
    }
    let listed: Vec<(String, &str)> = FROZEN.iter().map(|(name, lang, ..)| ((*name).to_owned(), *lang)).collect();
    let bundled: Vec<(String, &str)> =
        all_bundled().iter().map(|template| (template.name(), template.lang())).collect();
    assert_eq!(listed, bundled, "every bundled template is listed here");
}
