//! Every bundled form in every language, for one adult, a couple and a young person: as text, as a page for a screen,
//! and on paper. All three have the same words, and each is what it says it is.

mod samples;

use std::path::{Path, PathBuf};
use std::process::Command;

use html5ever::driver::ParseOpts;
use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use provenote_consent::samples::{adult, particulars, person};
use provenote_consent::{FormContext, FormError, render_form};
use provenote_reports::{ConsentDocument, Practice, ReportError, consent_form};
use provenote_schemas::Digest;
use provenote_schemas::consent::{ConsentForm, Signature};
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::people::ParticipantRole;
use provenote_templates::{Template, all_bundled, blocks, content_words, html_page, plain_text};

/// One adult, a couple, a young person with a parent; with everything some form asks for besides.
fn contexts(template: &Template) -> Vec<(&'static str, FormContext)> {
    let one = adult("CO").expect("a state");
    let mut couple = adult("OR").expect("a state");
    couple.client.participants.push(person(4, "Sam Lee", ParticipantRole::Partner));
    let mut minor = adult("ME").expect("a state");
    minor.client.born = Some("2011-03-01".to_owned());
    minor.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    let mut all = vec![("adult", one), ("couple", couple), ("minor", minor)];
    for (_, ctx) in &mut all {
        if template.purposes().iter().any(|purpose| purpose == "cloud_processing") {
            ctx.facts.vendors = vec![VendorFact {
                name: "Cloud Scribe, Inc.".to_owned(),
                does: "turns speech into text and drafts the note".to_owned(),
                place: Some("Ohio, United States".to_owned()),
                keeps_days: Some(30),
                trains: None,
                passes_on_to: vec!["Big Cloud Co.".to_owned()],
            }];
        }
        ctx.particulars = particulars(ctx);
    }
    all
}

/// All forms with a name for each. The form for young people is not made where nobody answers for them.
fn forms() -> Vec<(String, FormContext, ConsentForm)> {
    let mut all = Vec::new();
    for template in all_bundled() {
        for (who, ctx) in contexts(template) {
            match render_form(template, &ctx) {
                Ok(form) => all.push((format!("{}.{}-{who}", template.name(), template.lang()), ctx, form)),
                Err(FormError::Needs { .. }) if template.id() == "minor" && who != "minor" => {}
                Err(error) => panic!("{} {} {who}: {error}", template.name(), template.lang()),
            }
        }
    }
    all
}

fn document(ctx: &FormContext, form: &ConsentForm) -> ConsentDocument {
    let practice = Practice {
        name: ctx.practice.clone(),
        clinician: ctx.clinician.clone(),
        license: ctx.license.clone(),
        state: Some(ctx.state.clone()),
    };
    let intent = provenote_consent::intent(&form.lang).to_owned();
    ConsentDocument { practice, form: form.clone(), intent, ..samples::unsigned() }
}

fn folder(test: &str) -> PathBuf {
    let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(test);
    std::fs::create_dir_all(&at).expect("the folder");
    at
}

fn split(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The words of the plain text without its marks of titles, lists and rules.
fn words_of_text(plain: &str) -> Vec<String> {
    let lines = plain.lines().filter(|line| !line.chars().all(|c| matches!(c, '=' | '-')));
    lines.flat_map(|line| split(line.strip_prefix("- ").unwrap_or(line))).collect()
}

fn attribute(attributes: &[Attribute], name: &str) -> Option<String> {
    attributes.iter().find(|one| &*one.name.local == name).map(|one| one.value.to_string())
}

/// Walks a page as a browser built it; `found` sees each element with its attributes and the text inside it.
fn walk(node: &Handle, text: &mut String, found: &mut dyn FnMut(&str, &[Attribute], &str)) {
    match &node.data {
        NodeData::Text { contents } => text.push_str(&contents.borrow()),
        NodeData::Element { name, attrs, .. } => {
            let mut inside = String::new();
            node.children.borrow().iter().for_each(|child| walk(child, &mut inside, found));
            found(&name.local, &attrs.borrow(), &inside);
            // What is set apart on the screen is a word of its own.
            let apart = !matches!(&*name.local, "strong" | "em" | "label");
            if apart {
                text.push(' ');
            }
            // A head has words nobody reads on the page.
            if &*name.local != "head" {
                text.push_str(&inside);
            }
            if apart {
                text.push(' ');
            }
        }
        _ => node.children.borrow().iter().for_each(|child| walk(child, text, found)),
    }
}

/// The words of a page, after a browser's parser found nothing wrong with it.
fn words_of_page(name: &str, lang: &str, page: &str) -> Vec<String> {
    let strict = TreeBuilderOpts { exact_errors: true, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder: strict, ..ParseOpts::default() };
    let dom = parse_document(RcDom::default(), options).one(page);
    assert_eq!(*dom.errors.borrow(), Vec::<std::borrow::Cow<'static, str>>::new(), "{name}");
    let mut text = String::new();
    let (mut language, mut title, mut mains, mut titles, mut level) = (None, String::new(), 0, 0, 0);
    walk(&dom.document, &mut text, &mut |element, attributes, inside| match element {
        "html" => language = attribute(attributes, "lang"),
        "title" => title = inside.to_owned(),
        "main" => mains += 1,
        "h1" => (titles, level) = (titles + 1, 1),
        "h2" | "h3" | "h4" | "h5" | "h6" => {
            let next: i32 = element[1..].parse().expect("a level");
            assert!(next <= level + 1, "{name}: {element} after h{level}");
            level = next;
        }
        "script" | "link" | "img" | "iframe" | "form" | "a" => panic!("{name}: <{element}> has no place in a form"),
        "input" => assert!(attribute(attributes, "disabled").is_some(), "{name}"),
        _ => assert!(attributes.iter().all(|one| !one.name.local.starts_with("on")), "{name}"),
    });
    assert_eq!(language.as_deref(), Some(lang), "{name}");
    assert_eq!((mains, titles), (1, 1), "{name}");
    assert!(!title.trim().is_empty(), "{name}");
    split(&text)
}

fn pdftotext(pdf: &Path) -> String {
    // As they stand in the file, each word with its place: no line is joined and no hyphen taken for a line's end.
    let out = Command::new("pdftotext")
        .args(["-raw", "-bbox"])
        .args([pdf, Path::new("-")])
        .output()
        .unwrap_or_else(|error| panic!("pdftotext cannot run ({error}): install poppler-utils"));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// The words of a PDF in the order of the file, feet of pages left out.
fn words_on_paper(pdf: &Path) -> Vec<String> {
    let mut words = Vec::new();
    let foot = (11.0 - 26.0 / 25.4) * 72.0;
    for line in pdftotext(pdf).lines().map(str::trim).filter(|line| line.starts_with("<word ")) {
        let top = line.split("yMin=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse::<f64>().ok());
        let word = line.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</word>")).expect("a word");
        if top.expect("a place") < foot {
            let plain =
                [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&amp;", "&")];
            words.push(plain.iter().fold(word.to_owned(), |word, (escaped, c)| word.replace(escaped, c)));
        }
    }
    words
}

/// Finds the words of a form on paper, in order and with nothing between them but marks of lists and what stands
/// under the title. A word may go over the end of a line, and is two then.
fn same_on_paper(name: &str, expected: &[String], title: usize, under_title: &[String], paper: &[String]) {
    let begins = |at: usize| consumed(&expected[..title], &paper[at..]).is_some();
    let start = (0..paper.len()).find(|at| begins(*at)).unwrap_or_else(|| panic!("{name}: no title in {paper:?}"));
    let mut at = start + consumed(&expected[..title], &paper[start..]).expect("found");
    assert_eq!(&paper[at..at + under_title.len()], under_title, "{name}");
    at += under_title.len();
    let body = &expected[title..];
    let Some(used) = consumed(body, &paper[at..]) else {
        let reached = (0..body.len()).take_while(|n| consumed(&body[..=*n], &paper[at..]).is_some()).count();
        let before = consumed(&body[..reached], &paper[at..]).unwrap_or_default();
        let near = |words: &[String], at: usize| words[at..(at + 12).min(words.len())].join(" ");
        panic!("{name}: the form says `{}` and the paper `{}`", near(body, reached), near(&paper[at..], before));
    };
    // The form is whole: what follows is where people sign.
    let after = &paper[at + used];
    assert!(
        ["Signing", "Signatures", "Firmas", "Para"].contains(&after.as_str()),
        "{name}: `{after}` follows the form"
    );
}

/// How many words on paper the expected ones are; `None` where they are others.
fn consumed(expected: &[String], paper: &[String]) -> Option<usize> {
    let mut at = 0;
    for word in expected {
        while paper.get(at).is_some_and(|found| found == "•" && word != "•") {
            at += 1;
        }
        let mut found = paper.get(at)?.clone();
        at += 1;
        while found != *word {
            if !word.starts_with(&found) {
                return None;
            }
            found.push_str(paper.get(at)?);
            at += 1;
        }
    }
    Some(at)
}

#[test]
fn every_form_has_the_same_words_as_text_on_screen_and_on_paper() {
    let at = folder("every_form_has_the_same_words");
    let mut count = 0;
    for (name, ctx, form) in forms() {
        let read = blocks(&form.text);
        let words = content_words(&read);
        assert!(words.len() > 150, "{name}: {}", words.len());
        assert_eq!(words_of_text(&plain_text(&read)), words, "{name}");
        assert_eq!(words_of_page(&name, &form.lang, &html_page(&read, &form.lang)), words, "{name}");

        let pdf = consent_form(&document(&ctx, &form)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let path = at.join(format!("{name}.pdf"));
        std::fs::write(&path, pdf).expect("written");
        let title = content_words(&read[..1]).len();
        let under = if form.lang == "es" { "Lea esto antes de firmar" } else { "Please read before you sign" };
        same_on_paper(&name, &words, title, &split(under), &words_on_paper(&path));
        count += 1;
    }
    // The form for young people is made for one of the three alone.
    assert_eq!(count, all_bundled().len() * 3 - 4);
    validate(&at);
}

/// Every PDF of the folder keeps PDF/A-3a and PDF/UA-1.
fn validate(at: &Path) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(at).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let out = Command::new("bash").arg("../scripts/validate-pdf.sh").args(&paths).output().expect("bash");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(said.matches("PDF/A-3a yes, PDF/UA-1 yes").count(), paths.len(), "{said}");
}

/// The words in the order of the file, a name of a thing beside the thing.
fn words(pdf: &Path) -> String {
    let out = Command::new("pdftotext").arg("-raw").args([pdf, Path::new("-")]).output().expect("pdftotext");
    split(&String::from_utf8_lossy(&out.stdout)).join(" ")
}

/// The languages a PDF names for itself and its parts.
fn languages(pdf: &Path) -> Vec<String> {
    let out = Command::new("qpdf").args(["--qdf", "--object-streams=disable"]).args([pdf, Path::new("-")]).output();
    let file = out.unwrap_or_else(|error| panic!("qpdf cannot run ({error}): install qpdf")).stdout;
    let text = String::from_utf8_lossy(&file);
    let named = text.split("/Lang").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('(')?.split(')').next());
    named.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn printed(test: &str, name: &str, pdf: &[u8]) -> PathBuf {
    let path = folder(test).join(format!("{name}.pdf"));
    std::fs::write(&path, pdf).expect("written");
    path
}

/// A young person's form with the parent's signature, in Spanish.
fn spanish() -> ConsentDocument {
    let ctx = contexts(provenote_templates::bundled("minor", "es").expect("bundled")).remove(2).1;
    samples::sign(samples::of_template("minor", "es", &ctx))
}

#[test]
fn a_spanish_form_has_spanish_labels_dates_and_language() {
    let test = "a_spanish_form_has_spanish_labels_dates_and_language";
    let path = printed(test, "signed", &consent_form(&spanish()).expect("a form"));
    let text = words(&path);
    for part in [
        "Copia firmada",
        "Firmas",
        "21 de noviembre de 2026, 20:04:11 UTC",
        "La persona escribió su nombre.",
        "La persona firmó en una pantalla.",
        "Madre, padre o tutor",
        "Firma por Maria Gómez",
        "Dice que sí junto con su madre, padre o tutor",
        "Dispositivo the practice’s tablet",
        "Identidad driver’s license seen",
        "Con qué derecho mother, with sole custody",
        "Sobre este formulario",
        "Comprobante del registro",
        "receipt.json",
        "Página 1 de",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    // No English label is left: those of the English form, but for words both languages share.
    for label in ["Signed", "Signatures", "How", "Made", "Page ", "Ledger checkpoint", "About", "November", "Guardian"]
    {
        assert!(!text.contains(label), "`{label}` stands in: {text}");
    }
    assert_eq!(languages(&path), ["es"]);
    let unsigned = ConsentDocument { grants: Vec::new(), ..spanish() };
    let text = words(&printed(test, "unsigned", &consent_form(&unsigned).expect("a form")));
    assert!(text.contains("Lea esto antes de firmar") && text.contains("Para firmar"), "{text}");
    assert!(text.contains("Firma Fecha"), "{text}");
    validate(&folder(test));
}

#[test]
fn the_record_the_receipt_and_the_checkpoint_travel_with_a_signed_form() {
    let test = "the_record_the_receipt_and_the_checkpoint_travel";
    let document = spanish();
    let path = printed(test, "signed", &consent_form(&document).expect("a form"));
    for (name, expected) in [
        ("record.json", Some(&document.record_json)),
        ("receipt.json", document.receipt_json.as_ref()),
        ("checkpoint.txt", document.checkpoint.as_ref()),
    ] {
        let to = folder(&format!("{test}/attached")).join(name);
        let out =
            Command::new("pdfdetach").args(["-savefile", name, "-o"]).args([&to, &path]).output().expect("pdfdetach");
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(std::fs::read_to_string(&to).expect("read").as_str(), expected.expect("there").as_str());
    }
    let broken = ConsentDocument { receipt_json: Some("{".to_owned()), ..spanish() };
    assert!(matches!(consent_form(&broken), Err(ReportError::Record { .. })));
}

#[test]
fn a_short_form_names_the_form_it_adds_to() {
    let ctx = contexts(provenote_templates::bundled("amendment", "en").expect("bundled")).remove(0).1;
    let document = samples::sign(samples::of_template("amendment", "en", &ctx));
    let path = printed("a_short_form_names_the_form_it_adds_to", "signed", &consent_form(&document).expect("a form"));
    let text = words(&path);
    let amends = document.form.amends.as_ref().expect("it adds to a form");
    assert!(text.contains("What is new since you said yes") && text.contains("Signed copy"), "{text}");
    assert!(text.contains(&format!("Adds to the form {amends}")), "{text}");
}

/// The same form with another text, digest and all.
fn with_text(mut document: ConsentDocument, text: &str) -> ConsentDocument {
    document.form.text = text.to_owned();
    document.form.text_sha256 = Digest::of(text.as_bytes());
    document.grants.iter_mut().for_each(|grant| grant.text_sha256 = document.form.text_sha256);
    document
}

#[test]
fn a_form_with_blanks_is_never_printed_as_signed() {
    for (text, found) in [
        ("# Form\n\nI agree to ____.\n", "`__`"),
        ("# Form\n\nI, {{ client }}, agree.\n", "`{{`"),
        ("# Form\n\n- [ ] Recording\n", "`[ ]`"),
        ("# Form\n\nOn [date] I agree.\n", "`[date`"),
    ] {
        let error = consent_form(&with_text(samples::signed(), text)).expect_err("a blank").to_string();
        assert!(error.contains(found) && error.contains("make a new form"), "{error}");
        // Nobody signed it: it may be printed to be looked at.
        consent_form(&with_text(samples::unsigned(), text)).expect("an unsigned form");
    }
    // A value cannot look like a blank.
    consent_form(&with_text(samples::signed(), "# Form\n\nTODO \\_\\_ \\[ \\] agrees.\n")).expect("no blank");

    let blank = |change: fn(&mut ConsentDocument)| {
        let mut document = samples::signed();
        change(&mut document);
        matches!(consent_form(&document), Err(ReportError::Blank { .. }))
    };
    assert!(blank(|document| document.form.participants[2].name = " \u{a0}".to_owned()));
    assert!(blank(|document| document.grants[0].signature = Signature::Typed { name: " ".to_owned() }));
    assert!(blank(|document| document.intent = "\n".to_owned()));
    assert!(blank(|document| document.grants[1].intent = String::new()));
}

#[test]
fn a_table_in_a_form_is_printed_whole() {
    let text = "# Form\n\n| What | How long |\n|---|---|\n| The recording | 7 days |\n| **The note** | 7 years |\n";
    let path =
        printed("a_table_in_a_form", "table", &consent_form(&with_text(samples::signed(), text)).expect("a form"));
    let text = words(&path);
    assert!(text.contains("What How long The recording 7 days The note 7 years"), "{text}");
    validate(&folder("a_table_in_a_form"));
}

#[test]
fn what_is_written_from_right_to_left_is_refused_and_a_name_in_such_letters_is_not() {
    let mut arabic = samples::unsigned();
    arabic.form.lang = "ar".to_owned();
    assert!(consent_form(&arabic).expect_err("Arabic").to_string().contains("right to left"));
    let hebrew = with_text(samples::unsigned(), "# טופס\n\nאני מסכים להקלטה. AI.\n");
    assert!(matches!(consent_form(&hebrew), Err(ReportError::RightToLeft { .. })));
    let mut unknown = samples::unsigned();
    unknown.form.lang = "xx".to_owned();
    assert!(consent_form(&unknown).expect_err("no language").to_string().contains("`xx` is no language code"));

    let mut ctx = adult("CO").expect("a state");
    ctx.client.participants.push(person(4, "שרה כהן", ParticipantRole::Partner));
    ctx.client.participants.push(person(5, "مريم حداد", ParticipantRole::Family));
    let document = samples::sign(samples::of_template("ai-notes", "en", &ctx));
    printed("names_from_right_to_left", "names", &consent_form(&document).expect("names may be in any letters"));
    validate(&folder("names_from_right_to_left"));
}

#[test]
fn a_form_in_a_language_without_labels_says_that_the_rest_is_english() {
    let mut french = with_text(samples::signed(), "# Enregistrement\n\nJe suis d’accord.\n");
    french.form.lang = "fr".to_owned();
    let path = printed("a_form_in_french", "french", &consent_form(&french).expect("a form"));
    let text = words(&path);
    assert!(text.contains("Je suis d’accord.") && text.contains("Signed copy"), "{text}");
    assert!(text.contains("The form itself is in the language fr"), "{text}");
    assert_eq!(languages(&path), ["en", "fr"]);
    validate(&folder("a_form_in_french"));
}

#[test]
fn a_drawing_with_nothing_on_it_is_no_signature() {
    let mut blank = samples::signed();
    // 4 by 4 white dots.
    let png = [
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 4, 0, 0, 0, 4, 8, 0, 0, 0, 0, 140, 154,
        193, 162, 0, 0, 0, 14, 73, 68, 65, 84, 120, 218, 99, 248, 15, 4, 12, 168, 4, 0, 159, 116, 15, 241, 70, 9, 205,
        201, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
    ];
    blank.grants[1].signature = Signature::Drawn { png_sha256: Digest::of(&png) };
    blank.pictures[0].png = png.to_vec();
    let error = consent_form(&blank).expect_err("nothing on it").to_string();
    assert!(error.contains("nothing is drawn on it"), "{error}");
}
