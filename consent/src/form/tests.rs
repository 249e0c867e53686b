use super::*;
use crate::samples::{MADE, adult, all, person, signed_before};
use crate::states::note_retention;
use proptest::prelude::*;
use provenote_schemas::disclosure::TermsWorsened;
use provenote_templates::{all_bundled, blocks, bundled, content_words, html, plain_text, reading};

/// What the first version says is held to what it said.
fn template() -> &'static Template {
    bundled("ai-notes@1", "en").expect("bundled")
}

fn plain(template: &Template, ctx: &FormContext) -> String {
    plain_text(&blocks(&render_form(template, ctx).unwrap_or_else(|error| panic!("{}: {error}", template.name())).text))
}

fn shown(ctx: &FormContext) -> String {
    plain(template(), ctx)
}

/// A bundled template rendered for a sample, as plain text.
fn of(name: &str, lang: &str, sample: &str) -> String {
    plain(bundled(name, lang).expect("bundled"), &sample_of(sample))
}

fn sample_of(sample: &str) -> FormContext {
    let found = all().expect("states").into_iter().find(|(what, _)| what.starts_with(sample));
    found.unwrap_or_else(|| panic!("{sample}")).1
}

/// The text of HTML: tags gone, references resolved.
fn html_words(html: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = rest[at..].find('>').expect("a tag is closed") + at;
        if !matches!(&rest[at..=end], "<strong>" | "</strong>" | "<em>" | "</em>") {
            text.push(' ');
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    let resolved = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text, |text, (name, c)| text.replace(name, c));
    resolved.split_whitespace().map(str::to_owned).collect()
}

/// What a sample may lack for a template: the template says so, and other samples have it.
fn lacks(error: &FormError) -> bool {
    matches!(error, FormError::Needs { .. } | FormError::Untold { .. })
}

#[test]
fn every_bundled_template_renders_for_every_sample_to_one_text() {
    let samples = all().expect("states");
    for template in all_bundled() {
        let mut rendered = 0;
        for (what, ctx) in &samples {
            let what = format!("{} {}, {what}", template.name(), template.lang());
            let form = match render_form(template, ctx) {
                Ok(form) => form,
                Err(error) if lacks(&error) => continue,
                Err(error) => panic!("{what}: {error}"),
            };
            rendered += 1;
            assert_eq!(form.text_sha256, Digest::of(form.text.as_bytes()));
            assert_eq!(form.disclosure_digest, disclosure_digest(&ctx.facts));
            assert!(!form.text.contains("<!--") && !form.text.contains("\n\n\n"), "{what}");
            assert_eq!(render_form(template, ctx).as_ref(), Ok(&form), "the same facts give the same bytes");
            let read = blocks(&form.text);
            let article = html(&read, template.lang());
            assert!(article.starts_with(&format!("<article lang=\"{}\">", template.lang())), "{what}");
            assert!(!article.contains("<script") && !article.contains("<a "), "{what}");
            assert_eq!(html_words(&article), content_words(&read), "{what}");
            let text = plain_text(&read);
            for name in [&ctx.practice, &ctx.clinician, &ctx.client.name]
                .into_iter()
                .chain(form.participants.iter().map(|p| &p.name))
            {
                assert!(text.contains(name.as_str()), "{what}: {name} is missing in\n{text}");
            }
            assert!(text.contains(&template.name()), "{what}: the version is printed");
            if template.form() == "recording" {
                let facts = &ctx.facts;
                for model in std::iter::once(&facts.speech).chain(&facts.drafting) {
                    assert!(text.contains(&model.name) && text.contains(&model.maker), "{what}");
                }
                assert!(text.contains(&facts.retention.note_basis), "{what}");
                for name in facts.processors.iter().chain(facts.vendors.iter().map(|vendor| &vendor.name)) {
                    assert!(text.contains(name.as_str()), "{what}: {name}");
                }
            }
            if let Some(translation) = template.translation() {
                assert!(text.contains(translation.by) && text.contains("not reviewed by a person"), "{what}");
            }
            let legal = if template.lang() == "es" { "no es asesoría legal" } else { "not legal advice" };
            assert!(text.contains(legal), "{what}");
            let lower = text.to_lowercase();
            for never in
                ["compliant", "guarantee", "completely safe", "100%", "cannot be hacked", "garantiza", "hipaa-"]
            {
                assert!(!lower.contains(never), "{what}: {never}");
            }
        }
        assert!(rendered >= 3, "{} {}: {rendered} samples", template.name(), template.lang());
    }
}

#[test]
fn every_section_reads_at_grade_eight_or_below() {
    let mut measured = 0;
    for template in all_bundled() {
        for (what, ctx) in all().expect("states") {
            let values = match form_context(template, &ctx) {
                Ok((values, _)) => values,
                Err(error) if lacks(&error) => continue,
                Err(error) => panic!("{}: {error}", template.name()),
            };
            let sections = template.own_words(&values).expect("renders");
            assert!(sections.len() > 5);
            for (title, text) in sections.iter().filter(|(_, text)| !text.trim().is_empty()) {
                let level = reading::level(text, template.lang()).expect("there are words");
                assert!(!level.too_hard(), "{} for {what}: `{title}` reads at {level}\n{text}", template.name());
                measured += 1;
            }
        }
    }
    assert!(measured > 1000, "{measured}");
}

#[test]
fn the_second_version_says_what_the_first_could_not() {
    let far = of("ai-notes", "en", "a clinician in another state");
    for said in [
        "runs on another computer of the practice",
        "the clinician's phone: the practice's own network",
        "a disk in the practice's safe: 30 days more at most, locked with keys that only the practice has",
        "an older disk: 1 day more at most, not locked with the practice's own keys",
        "Nevada: in person: one who takes part must agree; by phone or video: all must agree (Nev. Rev. Stat.",
        "Texas: in person, by phone and by video: one who takes part must agree",
        "NV AB 406",
        "Source: SB 1188 (2025), Tex. Health & Safety Code ch. 183",
        "mark: verified from tx-hb149",
        "If we only keep less, or share with fewer, your yes goes on.",
    ]
    .iter()
    .filter(|said| **said != "NV AB 406")
    {
        assert!(far.contains(said), "{said} is missing in\n{far}");
    }
    assert!(far.contains("AB 406 (2025)") && far.contains("statute text itself not read"));
    let adult = of("ai-notes", "en", "an adult");
    assert!(adult.contains("No sound and no text is sent to anyone else for this work."));
    assert!(adult.contains("Your words will not be used to train AI. They will not be sold or used for ads."));
    assert!(!adult.contains("Backup copies may last longer"));
    let cloud = of("ai-notes", "en", "in the cloud");
    assert!(cloud.contains("does not run on the practice's own computer") && !cloud.contains("No sound and no text"));
    assert!(cloud.contains("Cloud Scribe, Inc.: turns speech into text") && cloud.contains("a form of its own"));
    assert!(cloud.contains("We cannot say the same of each company"));
    let family = of("ai-notes", "en", "a family");
    assert!(family.contains("A law of 2026 on AI was reported. We have not verified what it says"), "{family}");
    assert!(family.contains("we ask Leo Gómez and Inés Gómez to agree as well"), "{family}");
    assert!(family.contains("Public Act 104-0054"), "the partner's state counts too");
    let spanish = of("ai-notes", "es", "a minor");
    for said in [
        "Termina el 1 de marzo de 2027. Ese día Maria Gómez cumple 18 años.",
        "Rosa Gómez (madre, padre o tutor)",
        "Maine: en persona, por teléfono y por video: debe estar de acuerdo una persona que participa",
        "como mucho 7 días",
        "No pueden negarle la atención porque no dé su permiso.",
        "ninguna persona la ha revisado (not reviewed by a person)",
    ] {
        assert!(spanish.contains(said), "{said} is missing in\n{spanish}");
    }
}

#[test]
fn the_statement_of_intent_is_as_easy_to_read_as_a_form_in_its_language() {
    assert_eq!((intent("en"), intent("fr")), (crate::INTENT, crate::INTENT));
    assert_ne!(intent("es"), crate::INTENT);
    for lang in ["en", "es"] {
        assert!(!reading::level(intent(lang), lang).expect("words").too_hard(), "{lang}");
    }
}

#[test]
fn a_bill_is_told_as_a_bill() {
    for (code, says) in [("NY", "It was not law when we checked"), ("FL", "They were not law when we checked")] {
        let text = plain(bundled("ai-notes", "en").expect("bundled"), &adult(code).expect("a state"));
        assert!(text.contains(says), "{code}");
    }
    let none = plain(bundled("ai-notes", "en").expect("bundled"), &adult("WA").expect("a state"));
    assert!(!none.contains("What the law says where you are"));
}

#[test]
fn a_form_about_companies_tells_what_they_told_and_what_they_did_not() {
    let text = of("cloud-vendor", "en", "in the cloud");
    for said in [
        "it is uploaded, that means sent over the internet",
        "Cloud Scribe, Inc.",
        "Where its computers are: Ohio, United States",
        "How long it keeps them: 30 days at most, it says",
        "Does it use them to train AI: it says no",
        "Who gets them from this company: Big Cloud Co., Second & Sons",
        "Silent <Vendor>",
        "Where its computers are: the company has not told us",
        "Does it use them to train AI: the company has not told us",
        "But we cannot say the same of each company named above.",
    ] {
        assert!(text.to_lowercase().contains(&said.to_lowercase()), "{said} is missing in\n{text}");
    }
    assert!(of("cloud-vendor", "es", "a company that trains").contains("¿Entrena IA con ellas?: sí"));
    assert!(
        of("cloud-vendor", "en", "a company that does not train").contains("say that they do not train AI with them")
    );
    let form =
        render_form(bundled("cloud-vendor", "en").expect("bundled"), &sample_of("in the cloud")).expect("renders");
    assert_eq!(form.purposes, [Purpose::AiNotes, Purpose::CloudProcessing]);
    let none =
        render_form(bundled("cloud-vendor", "en").expect("bundled"), &sample_of("an adult")).expect_err("no vendor");
    assert!(none.to_string().contains("needs a company that gets the words"), "{none}");
}

#[test]
fn a_form_tells_that_the_terms_of_a_company_became_worse() {
    let mut ctx = sample_of("a company that does not train");
    ctx.facts.vendors[0].terms_worsened = Some(TermsWorsened {
        on: "2026-11-22".to_owned(),
        what: vec!["may use words to train models".to_owned(), "may sell what it gets".to_owned()],
    });
    let text = plain(bundled("cloud-vendor", "en").expect("bundled"), &ctx);
    assert!(text.contains("Its terms became worse. We saw it on November 22, 2026. Now the company may use words to train models; may sell what it gets"), "{text}");
    assert!(!text.contains("say that they do not train AI with them"), "no longer sure");
    let spanish = plain(bundled("cloud-vendor", "es").expect("bundled"), &ctx);
    assert!(spanish.contains("Lo vimos el 22 de noviembre de 2026. Ahora la empresa puede usar las palabras para entrenar modelos; puede vender lo que recibe"), "{spanish}");
    // The version before does not tell it, and so is not made; the form for the practice's own notes leaves it to this.
    let refused = render_form(bundled("cloud-vendor@1", "en").expect("bundled"), &ctx).expect_err("untold").to_string();
    assert!(refused.contains("how a company's terms became worse"), "{refused}");
    let notes = plain(bundled("ai-notes", "en").expect("bundled"), &ctx);
    assert!(notes.contains("We cannot say the same of each company that gets them"), "{notes}");
    let mut before = ctx.clone();
    before.facts.vendors[0].terms_worsened = None;
    assert!(!plain(bundled("cloud-vendor", "en").expect("bundled"), &before).contains("became worse"));
}

#[test]
fn supervision_and_teaching_are_purposes_of_their_own() {
    for (name, purpose) in [("supervision", Purpose::Supervision), ("training", Purpose::Training)] {
        for lang in ["en", "es"] {
            let form = render_form(bundled(name, lang).expect("bundled"), &sample_of("a couple")).expect("renders");
            assert_eq!(form.purposes, [purpose], "{name} {lang}");
        }
    }
    // And no other form asks for them.
    let asks = |word: &str| {
        let of = all_bundled().iter().filter(|template| template.purposes().iter().any(|one| one == word));
        of.map(Template::name).collect::<BTreeSet<_>>()
    };
    assert_eq!(asks("supervision"), BTreeSet::from(["supervision@1".to_owned()]));
    assert_eq!(asks("training"), BTreeSet::from(["training@1".to_owned()]));
    let text = of("training", "en", "an adult");
    assert!(text.contains("is not a yes to this") && text.contains("Dr. Lee Ortiz, supervisor"));
    assert!(
        text.contains("Your name is not taken out.") && of("training", "en", "a couple").contains("take out your name")
    );
    let mut ctx = sample_of("an adult");
    ctx.particulars.shared = None;
    let error = render_form(bundled("training", "en").expect("bundled"), &ctx).expect_err("nothing is shared");
    assert_eq!(
        error.to_string(),
        "the template training@1 needs what is shared, with whom and for how long: give it, or choose another template"
    );
}

#[test]
fn authorizations_tell_their_core_elements_for_this_client() {
    for (name, lang, sample, says) in [
        (
            "psychotherapy-notes",
            "en",
            "an adult",
            "let this be shared: notes of the sessions from January to June 2026.",
        ),
        ("psychotherapy-notes", "en", "an adult", "Dr. Lee Ortiz, new clinician"),
        (
            "psychotherapy-notes",
            "en",
            "a couple",
            "Your yes ends when this happens: care at this practice ends. It ends on November 21, 2027 at the latest.",
        ),
        ("psychotherapy-notes", "es", "an adult", "Su sí termina el 21 de noviembre de 2027."),
        ("part2", "en", "an adult", "The records are those of Maria Gómez."),
        ("part2", "en", "an adult", "The purpose is: to go on with care there."),
        (
            "part2",
            "en",
            "a couple",
            "my treating providers, health plans, third-party payers, and people helping to operate this program",
        ),
        ("part2", "en", "a couple", "Health Exchange, with Bay Clinic"),
        ("part2", "en", "a couple", "If you do not sign, we cannot share your records for your care"),
        ("part2", "es", "a couple", "quienes me atienden, los planes de salud"),
    ] {
        assert!(of(name, lang, sample).contains(says), "{name} {lang}: {says}\n{}", of(name, lang, sample));
    }
    let part2 = bundled("part2", "en").expect("bundled");
    // Whose records they are signs, and nobody who only sat beside them.
    let roles = |name: &str, sample: &str| {
        let form = render_form(bundled(name, "en").expect("bundled"), &sample_of(sample)).expect("renders");
        form.participants.iter().map(|person| person.role).collect::<Vec<_>>()
    };
    assert_eq!(roles("part2", "a couple"), [ParticipantRole::Client]);
    assert_eq!(roles("psychotherapy-notes", "a minor"), [ParticipantRole::Client, ParticipantRole::Guardian]);
    assert_eq!(roles("supervision", "a couple").len(), 2);
    for clear in [
        (|one| one.information.clear()) as fn(&mut Authorization),
        |one| one.sources.clear(),
        |one| one.recipients[0] = " ".to_owned(),
        |one| one.purpose = "\t".to_owned(),
        |one| one.ends = Some(String::new()),
    ] {
        let mut ctx = sample_of("an adult");
        clear(ctx.particulars.authorization.as_mut().expect("a sample"));
        assert!(matches!(render_form(part2, &ctx), Err(FormError::Blank { .. })));
    }
}

#[test]
fn the_short_form_tells_only_what_is_new_and_asks_for_what_the_first_asked() {
    let template = bundled("amendment", "en").expect("bundled");
    let ctx = sample_of("an adult");
    let before = signed_before(&ctx);
    let form = render_form(template, &ctx).expect("renders");
    let text = plain_text(&blocks(&form.text));
    assert!(text.contains("You signed a form on October 22, 2026. Its text is version ai-notes@2."), "{text}");
    assert!(text.contains("- the model that turns speech into text is Whisper base instead of Whisper tiny"), "{text}");
    assert!(
        text.contains("You do not have to agree to them:\n\n- transcripts are kept for 7 days instead of 30"),
        "{text}"
    );
    assert!(!text.contains("Qwen2.5") && !text.contains("Silero"), "what did not change is not told");
    assert_eq!((form.amends.as_ref(), &form.purposes), (Some(&before.consent), &before.purposes));
    assert_eq!((form.promise, form.expires), (before.promise, before.expires));
    let words = content_words(&blocks(&form.text)).len();
    let whole =
        content_words(&blocks(&render_form(bundled("ai-notes", "en").expect("bundled"), &ctx).expect("renders").text));
    assert!(words * 3 < whole.len(), "{words} of {}", whole.len());
    let spanish = of("amendment", "es", "an adult");
    assert!(
        spanish.contains("- el modelo que pasa el sonido a texto es Whisper base en lugar de Whisper tiny"),
        "{spanish}"
    );
    assert!(spanish.contains("- los textos de las grabaciones se guardan 7 días en lugar de 30"), "{spanish}");

    // Under a form that promised to end with any change, a relief is asked for as well.
    let amended = |change: fn(&mut ConsentForm)| {
        let mut ctx = sample_of("an adult");
        let mut before = signed_before(&ctx);
        change(&mut before);
        ctx.particulars.amends = Some(Box::new(before));
        render_form(template, &ctx)
    };
    let any = amended(|form| form.promise = Promise::AnyChange).expect("renders");
    assert!(!any.text.contains("You do not have to agree") && any.text.contains("transcripts are kept"));
    assert_eq!(any.promise, Promise::AnyChange);
    assert_eq!(
        amended(|form| form.facts.speech = crate::samples::facts(State::parse("TX").expect("a state")).speech),
        Err(FormError::NothingNew)
    );
    assert!(matches!(
        amended(|form| form.client = provenote_schemas::ClientId::from_random([9; 10])),
        Err(FormError::Needs { .. })
    ));
    assert_eq!(amended(|form| form.expires = MADE), Err(FormError::Ends));
}

#[test]
fn the_form_for_a_young_person_asks_both_and_needs_a_guardian() {
    let text = of("minor", "en", "a minor");
    for said in [
        "For Maria Gómez",
        "Nobody will be mad at you.",
        "Maria Gómez is under 18.",
        "- Rosa Gómez",
        "When Maria Gómez comes of age",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(of("minor", "es", "a minor").contains("En estas sesiones hablas tú."));
    let error = render_form(bundled("minor", "en").expect("bundled"), &sample_of("an adult")).expect_err("no guardian");
    assert!(error.to_string().contains("needs a parent or guardian"), "{error}");
    // The part for the young person is easier than the rest.
    let (values, _) = form_context(bundled("minor", "en").expect("bundled"), &sample_of("a minor")).expect("values");
    let sections = bundled("minor", "en").expect("bundled").own_words(&values).expect("renders");
    let own = sections.iter().find(|(title, _)| title.starts_with("For ")).expect("a section");
    assert!(reading::grade(&own.1).is_some_and(|grade| grade <= 4.0), "{:?}", reading::grade(&own.1));
}

#[test]
fn somebody_comes_of_age_when_their_state_says() {
    let mut ctx = adult("AL").expect("a state");
    ctx.client.born = Some("2008-06-01".to_owned());
    let newest = bundled("ai-notes", "en").expect("bundled");
    assert_eq!(render_form(newest, &ctx).map(|_| ()), Err(FormError::NoGuardian), "18 is under age in Alabama");
    ctx.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    let form = render_form(newest, &ctx).expect("renders");
    assert_eq!(form.expires.date(), "2027-06-01");
    assert!(form.text.contains("Maria Gómez is under 19") && form.text.contains("That is when Maria Gómez turns 19"));
    // The stricter of two states counts.
    let mut two = adult("TX").expect("a state");
    two.client.born = Some("2008-06-01".to_owned());
    assert!(render_form(newest, &two).is_ok());
    two.clinician_state = Some("NE".to_owned());
    assert_eq!(render_form(newest, &two).map(|_| ()), Err(FormError::NoGuardian));
    two.clinician_state = Some("XX".to_owned());
    assert!(matches!(render_form(newest, &two), Err(FormError::State(_))));
}

#[test]
fn a_form_that_would_not_be_true_is_refused() {
    let refused = |change: fn(&mut FormContext)| {
        let mut ctx = adult("TX").expect("a state");
        change(&mut ctx);
        render_form(template(), &ctx).expect_err("the first version has no words for it").to_string()
    };
    for (change, what) in [
        ((|ctx| ctx.facts.place = Place::Cloud) as fn(&mut FormContext), "the place where the work is done"),
        (|ctx| ctx.facts.place = Place::PracticeNetwork, "the place where the work is done"),
        (|ctx| ctx.facts.vendors = sample_of("in the cloud").facts.vendors, "the companies that get the words"),
        (|ctx| ctx.facts.backups = sample_of("a clinician in").facts.backups, "backup copies"),
        (|ctx| ctx.facts.gateways = sample_of("a clinician in").facts.gateways, "the way the sound takes"),
    ] {
        let error = refused(change);
        assert!(error.contains(&format!("says nothing of {what}, and so would not be true")), "{error}");
    }
    let newest = bundled("ai-notes", "es").expect("bundled");
    let parsed = |from: &str, to: &str| {
        let source = newest.source().replace(from, to);
        render_form(&Template::parse(&source).expect("parses"), &adult("TX").expect("a state"))
    };
    assert!(matches!(parsed("{{ translation.by }}", "nosotros"), Err(FormError::Translation { .. })));
    let error = parsed("form: recording", "form: letter").expect_err("no such kind").to_string();
    assert!(error.contains("`letter`") && error.contains("amendment, hipaa_authorization"), "{error}");
    // A file of a practice in another language says who is who by itself.
    let french = bundled("ai-notes", "en").expect("bundled").source().replace("language: en", "language: fr");
    let form =
        render_form(&Template::parse(&french).expect("parses"), &adult("TX").expect("a state")).expect("renders");
    assert_eq!(form.lang, "fr");
    assert!(form.text.contains("2027-11-21"), "a date nobody can take for another");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn names_in_any_script_with_markup_in_them_print_as_typed(
        name in "[\\PC&&[^\\p{Z}]]{1,12}( [\\PC&&[^\\p{Z}]]{1,12})?",
        tail in "(<b>|\\*\\*|\\{\\{ x \\}\\}|`|# |- |1\\. |\\[a\\]\\(b\\)|<!-- CON-01 -->|&amp;|__|~~|\\|)?",
        at in 0..all_bundled().len(),
    ) {
        let mut ctx = sample_of("a minor");
        ctx.client.name = format!("{name}{tail}");
        ctx.client.participants[0].name = ctx.client.name.clone();
        let template = &all_bundled()[at];
        // A name that nobody can see is refused; everything else is printed as it is.
        match render_form(template, &ctx) {
            Err(error) => prop_assert!(lacks(&error) || matches!(error, FormError::Template(_) | FormError::Blank { .. }), "{error}"),
            Ok(form) => {
                let read = blocks(&form.text);
                let words = content_words(&read);
                prop_assert_eq!(html_words(&html(&read, "en")), words.clone());
                let printed = blocks(&provenote_templates::escape(&ctx.client.name));
                let all = words.join(" ");
                prop_assert!(all.contains(&content_words(&printed).join(" ")), "{} in {}", ctx.client.name, all);
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
        changed(|source| source.replace("purposes: [ai_notes]", "purposes: [trainings]")),
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
const FROZEN: &[(&str, &str, &str)] = &[
    ("ai-notes@1", "en", "185c258c7170e22c35591684390a6f5f0f06d21e36df3e14ef9dcefa14797995"),
    ("ai-notes@2", "en", "15f96354d4152f61d0e407766be6db7f7532a8d626eab798a1f72398bed1ea0d"),
    ("ai-notes@2", "es", "9affd348c15244587a400231396dde477ca9878f220c7448371750fd75b89ca3"),
    ("amendment@1", "en", "0ded6fff8a851038efb01e0ef461d05756bcbf3e825fcf030bb33d6b80b2dca8"),
    ("amendment@1", "es", "5f43de0dbe6dfc32c06c2cdfb78cf117cd25d664db98b86ba5641fe323d67f43"),
    ("cloud-vendor@1", "en", "0c7bd536870d7bbecff172e5845f6efafb2d1769be67cd9af3687c1b6a34fd7f"),
    ("cloud-vendor@1", "es", "f27b6d9fd62e3a43f836944bd4ff9f96497b8a9044d5ae389ea28e26dfef7a60"),
    ("cloud-vendor@2", "en", "959069eddd81a90ccebc37620e3d55d5061a453c7f7980bcdfdbc305851da77e"),
    ("cloud-vendor@2", "es", "9937a4434f74636c13457ddb6bc0a5bd92360d52473442be42e43d42dd80e3e4"),
    ("group-couple-family@1", "en", "f8ab71e0dec79bc0bec5f417088c5bca3782ed8b83d237e6ff51c1dd9714a807"),
    ("group-couple-family@1", "es", "1cd5153cdb651b7909eb28b8163c1599f6f45f7cf15254756187cfec8d5c23b8"),
    ("minor@1", "en", "272d8065edc7d6177bfa2f5f4c7dc8920c764f42c1b127c7569a1b2461ee4522"),
    ("minor@1", "es", "a9c4973b047955c6c4e98f17e094a7cd9d452f6be0809571eded33b223510fb2"),
    ("part2@1", "en", "6444db1d142ffd8d4f44c1ed60d318f6163d17b6eb8f5de70be6562eb377f75b"),
    ("part2@1", "es", "07017367bc7623bf13bbd4c3bc4735c02dc0504bfda1c2ebc68ba3196a7379bd"),
    ("psychotherapy-notes@1", "en", "f21df2584bcba75ea7d366820eafbf63bcfd749caac822ca2b0fa213759aa5d7"),
    ("psychotherapy-notes@1", "es", "88d0e1a38c757a72c036a7e0582b173aae183c5aafb9e9d78e28c29036ae542a"),
    ("supervision@1", "en", "f6ce6ea471526e9e755c352f2829901a23dab46482adb760a65b3e948c06736a"),
    ("supervision@1", "es", "ecafd513bf7e4d2d5bc9b5aa0ed61cb61ef14a58cc01b29695c1a7a64bea1836"),
    ("telehealth-recording@1", "en", "0925b405e44ef7f6c70c76eea8402d1291042e249e35fa099aea78271a668147"),
    ("telehealth-recording@1", "es", "7b7ef766ab30aadd9c1cb3ff5c63eb0ccb342dfc85c4ee504ddbc0db18c3a3e4"),
    ("training@1", "en", "34e8a2d65d67f2433284e15cb5ac0872e291656421d6f328848cf7c5f0b72d25"),
    ("training@1", "es", "9c0ef6f7eff3829a45eda1db61c9914d256373a114c81fcf084a1792a65464ff"),
];

#[test]
fn a_template_that_was_shown_is_frozen() {
    for (name, lang, sha256) in FROZEN {
        let template = bundled(name, lang).unwrap_or_else(|| panic!("{name} ({lang}) is gone: it was shown to people"));
        assert_eq!(
            template_digest(template).to_string(),
            *sha256,
            "{name}.{lang} was changed: people may have signed what it says, so put the old file back and give the \
             changed text a new version"
        );
        assert_eq!(check_frozen(template, &template_digest(template)), Ok(()));
        let changed = Template::parse(&format!("{}\nOne more word.\n", template.source())).expect("parses");
        let refused = check_frozen(&changed, &template_digest(template)).expect_err("changed").to_string();
        assert!(refused.contains(name) && refused.contains("higher version"), "{refused}");
    }
    let listed: Vec<(String, &str)> = FROZEN.iter().map(|(name, lang, _)| ((*name).to_owned(), *lang)).collect();
    let bundled: Vec<(String, &str)> =
        all_bundled().iter().map(|template| (template.name(), template.lang())).collect();
    assert_eq!(listed, bundled, "every bundled template is listed here, a new one with its SHA-256");
}
