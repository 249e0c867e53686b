//! What a company's worsened terms mean, in words that clients read: one clause for each type of change that the
//! comparison of terms knows (`vendors/rules/terms/changes.yaml`), to stand behind the company's name.
//!
//! The English clause is what the facts hold ([`TermsWorsened::what`](provenote_schemas::disclosure::TermsWorsened)); a
//! form in Spanish finds its own here. The Spanish is machine-translated by Provenote's makers, not reviewed by a person.

/// What is said where a type is not known here.
const OTHER: (&str, &str) = ("protects words less than before", "protege las palabras menos que antes");

/// Beginnings of types, the topic where it matters, and the clauses.
const CLAUSES: [(&str, &str, &str, &str); 32] = [
    (
        "training_opt_out",
        "",
        "no longer lets people say no to training models with words",
        "ya no deja decir que no a entrenar modelos con las palabras",
    ),
    ("training", "", "may use words to train models", "puede usar las palabras para entrenar modelos"),
    (
        "no_training",
        "",
        "no longer promises never to train models with words",
        "ya no promete que nunca entrena modelos con las palabras",
    ),
    (
        "affiliate_sharing_for_training",
        "",
        "may pass words on to companies of its group to train models",
        "puede pasar las palabras a empresas de su grupo para entrenar modelos",
    ),
    (
        "improvement",
        "",
        "may use words to make its own products better",
        "puede usar las palabras para mejorar sus propios productos",
    ),
    ("sale", "", "may sell what it gets", "puede vender lo que recibe"),
    ("no_sale", "", "no longer promises never to sell what it gets", "ya no promete que nunca vende lo que recibe"),
    (
        "sharing",
        "",
        "may pass words on to others than before",
        "puede pasar las palabras a otros que antes no las recibían",
    ),
    (
        "no_sharing",
        "",
        "no longer promises to pass words on to nobody",
        "ya no promete que no pasa las palabras a nadie",
    ),
    ("advertising", "", "may use what it gets for advertising", "puede usar lo que recibe para publicidad"),
    (
        "deidentified",
        "",
        "may use words without names for its own ends",
        "puede usar las palabras sin nombres para sus propios fines",
    ),
    ("licence", "", "takes wider rights in what it gets", "se da más derechos sobre lo que recibe"),
    (
        "content_access",
        "",
        "may let people read or hear what it gets",
        "puede dejar que personas lean u oigan lo que recibe",
    ),
    ("storing", "", "may keep what it gets", "puede guardar lo que recibe"),
    ("collection", "", "collects more than before", "recoge más datos que antes"),
    ("retention", "", "may keep words for longer than before", "puede guardar las palabras por más tiempo que antes"),
    ("deletion", "", "no longer promises to delete words", "ya no promete borrar las palabras"),
    ("rights", "", "gives people fewer rights over their words", "da a las personas menos derechos sobre sus palabras"),
    (
        "safeguard",
        "",
        "no longer promises a safeguard it promised before",
        "ya no promete una protección que antes prometía",
    ),
    ("visibility", "", "may let more people see what it gets", "puede dejar que más personas vean lo que recibe"),
    ("tracking", "", "uses more tools that watch visitors", "usa más herramientas que observan a los visitantes"),
    (
        "protection",
        "visibility",
        "no longer promises to hide from others what it gets",
        "ya no promete ocultar a otros lo que recibe",
    ),
    (
        "protection",
        "trackers",
        "no longer promises to do without tools that watch visitors",
        "ya no promete prescindir de herramientas que observan a los visitantes",
    ),
    (
        "protection",
        "promise",
        "no longer promises what it promised about what it gets",
        "ya no promete lo que prometía sobre lo que recibe",
    ),
    (
        "protection",
        "improvement",
        "no longer promises not to use words for its own products",
        "ya no promete que no usa las palabras para sus propios productos",
    ),
    (
        "protection",
        "advertising",
        "no longer promises not to use words for advertising",
        "ya no promete que no usa las palabras para publicidad",
    ),
    (
        "protection",
        "deidentified",
        "no longer promises not to use words without names for its own ends",
        "ya no promete que no usa las palabras sin nombres para sus propios fines",
    ),
    (
        "protection",
        "access",
        "no longer promises that nobody there reads or hears words",
        "ya no promete que nadie lee ni oye ahí las palabras",
    ),
    ("protection", "storing", "no longer promises not to keep words", "ya no promete que no guarda las palabras"),
    (
        "protection",
        "collection",
        "no longer promises to collect no more than it needs",
        "ya no promete recoger solo lo que necesita",
    ),
    (
        "protection",
        "sharing",
        "no longer promises to pass words on to nobody",
        "ya no promete que no pasa las palabras a nadie",
    ),
    (
        "protection",
        "training",
        "no longer promises never to train models with words",
        "ya no promete que nunca entrena modelos con las palabras",
    ),
];

/// What a change of terms for the worse means: a clause in English to stand behind the company's name, by the type of
/// the change and its topic.
#[must_use]
pub fn worsened_words(kind: &str, topic: &str) -> &'static str {
    let found =
        CLAUSES.iter().find(|(begin, about, ..)| kind.starts_with(begin) && (about.is_empty() || *about == topic));
    found.map_or(OTHER.0, |(_, _, english, _)| english)
}

/// The clause in a language (ISO 639-1); as it stands where there is no other.
pub(crate) fn worsened_in<'a>(words: &'a str, lang: &str) -> &'a str {
    if lang != "es" {
        return words;
    }
    if words == OTHER.0 {
        return OTHER.1;
    }
    CLAUSES.iter().find(|(_, _, english, _)| *english == words).map_or(words, |(_, _, _, spanish)| spanish)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = include_str!("../../vendors/rules/terms/changes.yaml");

    #[test]
    fn every_type_of_change_for_the_worse_has_words_of_its_own() {
        let mut seen = 0;
        for line in RULES.lines().filter(|line| line.contains("direction: worse")) {
            let after = |name: &str| {
                line.split_once(&format!("{name}: "))
                    .and_then(|(_, rest)| rest.split([',', ' ', '}']).next())
                    .unwrap_or_default()
            };
            let (kind, topic) = (after("type"), after("topic"));
            let words = worsened_words(kind, topic);
            assert_ne!(words, OTHER.0, "{kind} on {topic}");
            assert_ne!(worsened_in(words, "es"), words, "{kind} on {topic}");
            seen += 1;
        }
        assert!(seen > 50, "{seen} rows read");
    }

    #[test]
    fn words_of_another_program_are_told_as_they_are() {
        assert_eq!(worsened_words("something_new", "else"), "protects words less than before");
        assert_eq!(worsened_in("protects words less than before", "es"), "protege las palabras menos que antes");
        assert_eq!(worsened_in("does something", "es"), "does something");
        assert_eq!(worsened_in("may sell what it gets", "en"), "may sell what it gets");
        assert_eq!(worsened_words("training_opt_out_removed", "training"), CLAUSES[0].2);
    }
}
