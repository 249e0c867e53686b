//! A grammar from a JSON schema, in GBNF (llama.cpp, `grammars/README.md`), so that the model cannot
//! answer anything else.
//!
//! Only what our schemas use is read; a keyword that would constrain and is not known is an error,
//! never passed over. Every property is written, in the schema's order, and between two values
//! stands at most one space. A string without a pattern keeps to Latin letters: a small model
//! otherwise falls into another script in the middle of a sentence.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A schema that has no grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A keyword, or a value of one, that is not understood.
    #[error("the schema's `{0}` is not understood")]
    Unknown(String),
    /// A `$ref` to nothing.
    #[error("the schema refers to `{0}`, which is not there")]
    NoSuchDefinition(String),
    /// A pattern outside the part of regular expressions that is understood.
    #[error("the schema's pattern is not understood at its character {0}")]
    Pattern(usize),
    /// Schemas inside schemas, too deep.
    #[error("the schema is nested deeper than {DEEPEST} levels")]
    TooDeep,
}

/// How deep schemas and groups in patterns may be nested.
const DEEPEST: usize = 32;

/// One character of a free string, or an escape: printable ASCII, Latin letters with marks, typographic marks, the euro.
const CHARACTER: &str = r#"[ !#-\[\]-~\u00A0-\u024F\u2010-\u2027\u20AC] | "\\" ["\\/n]"#;

/// The grammar of a schema; its root rule is `root`.
///
/// # Errors
/// [`SchemaError`].
pub fn grammar(schema: &Value) -> Result<String, SchemaError> {
    let root = expression(schema, 0)?;
    let mut text = format!("root ::= {root}\n");
    for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        let _ = writeln!(text, "{} ::= {}", rule(name)?, expression(definition, 0)?);
    }
    // A rule that refers to a definition that is not there would be found by the engine only.
    references(schema, schema)?;
    let _ = write!(text, "space ::= \" \"?\nchar ::= {CHARACTER}\n");
    Ok(text)
}

fn references(node: &Value, root: &Value) -> Result<(), SchemaError> {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get("$ref") {
                let name = target.strip_prefix("#/$defs/").ok_or_else(|| SchemaError::Unknown("$ref".to_owned()))?;
                root.get("$defs")
                    .and_then(|defs| defs.get(name))
                    .ok_or_else(|| SchemaError::NoSuchDefinition(target.clone()))?;
            }
            map.values().try_for_each(|value| references(value, root))
        }
        Value::Array(values) => values.iter().try_for_each(|value| references(value, root)),
        _ => Ok(()),
    }
}

/// A definition's rule; the prefix keeps it apart from our own.
fn rule(name: &str) -> Result<String, SchemaError> {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(format!("def-{name}"))
    } else {
        Err(SchemaError::Unknown(format!("$defs/{name}")))
    }
}

fn expression(schema: &Value, depth: usize) -> Result<String, SchemaError> {
    if depth > DEEPEST {
        return Err(SchemaError::TooDeep);
    }
    let Value::Object(map) = schema else {
        return Err(SchemaError::Unknown(schema.to_string()));
    };
    if let Some(target) = map.get("$ref") {
        known(map, &["$ref"])?;
        let name = target
            .as_str()
            .and_then(|target| target.strip_prefix("#/$defs/"))
            .ok_or_else(|| SchemaError::Unknown("$ref".to_owned()))?;
        return rule(name);
    }
    if let Some(value) = map.get("const") {
        return Ok(literal(&value.to_string()));
    }
    if let Some(values) = map.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(|value| literal(&value.to_string())).collect();
        return if values.is_empty() {
            Err(SchemaError::Unknown("enum".to_owned()))
        } else {
            Ok(format!("({})", values.join(" | ")))
        };
    }
    if let Some(choices) = map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Value::as_array) {
        known(map, &["anyOf", "oneOf"])?;
        let choices: Vec<String> =
            choices.iter().map(|choice| expression(choice, depth + 1)).collect::<Result<_, _>>()?;
        return if choices.is_empty() {
            Err(SchemaError::Unknown("anyOf".to_owned()))
        } else {
            Ok(format!("({})", choices.join(" | ")))
        };
    }
    match map.get("type").and_then(Value::as_str) {
        Some("object") => object(map, depth),
        Some("array") => array(map, depth),
        Some("string") => string(map),
        Some("integer") => integer(map),
        Some("number") => known(map, &[]).map(|()| r#"("-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})?)"#.to_owned()),
        Some("boolean") => known(map, &[]).map(|()| r#"("true" | "false")"#.to_owned()),
        Some("null") => known(map, &[]).map(|()| r#""null""#.to_owned()),
        _ => Err(SchemaError::Unknown("type".to_owned())),
    }
}

/// Refuses keywords other than those named and those that constrain nothing.
fn known(map: &Map<String, Value>, keywords: &[&str]) -> Result<(), SchemaError> {
    const FREE: [&str; 8] = ["type", "title", "description", "$schema", "$id", "$defs", "examples", "default"];
    match map.keys().find(|key| !FREE.contains(&key.as_str()) && !keywords.contains(&key.as_str())) {
        Some(key) => Err(SchemaError::Unknown(key.clone())),
        None => Ok(()),
    }
}

fn count(map: &Map<String, Value>, key: &str) -> Result<Option<u64>, SchemaError> {
    match map.get(key) {
        None => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or_else(|| SchemaError::Unknown(key.to_owned())),
    }
}

fn object(map: &Map<String, Value>, depth: usize) -> Result<String, SchemaError> {
    known(map, &["properties", "required", "additionalProperties"])?;
    if map.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false)) {
        return Err(SchemaError::Unknown("additionalProperties".to_owned()));
    }
    let mut text = literal("{");
    for (index, (name, schema)) in map.get("properties").and_then(Value::as_object).into_iter().flatten().enumerate() {
        let key = Value::from(name.as_str()).to_string();
        let before = if index == 0 { String::new() } else { format!(" {}", literal(",")) };
        let _ = write!(text, "{before} space {} space {}", literal(&format!("{key}:")), expression(schema, depth + 1)?);
    }
    Ok(format!("({text} space {})", literal("}")))
}

fn array(map: &Map<String, Value>, depth: usize) -> Result<String, SchemaError> {
    known(map, &["items", "minItems", "maxItems"])?;
    let item = expression(map.get("items").ok_or_else(|| SchemaError::Unknown("items".to_owned()))?, depth + 1)?;
    let least = count(map, "minItems")?.unwrap_or(0);
    let most = count(map, "maxItems")?;
    if most == Some(0) {
        return Ok(literal("[]"));
    }
    let more = repeated(least.saturating_sub(1), most.map(|most| most - 1));
    let filled = format!("space {item} ({} space {item}){more} space", literal(","));
    Ok(match least {
        0 => format!("({} ({filled})? {})", literal("["), literal("]")),
        _ => format!("({} {filled} {})", literal("["), literal("]")),
    })
}

fn string(map: &Map<String, Value>) -> Result<String, SchemaError> {
    known(map, &["pattern", "minLength", "maxLength"])?;
    let (least, most) = (count(map, "minLength")?, count(map, "maxLength")?);
    let inside = match map.get("pattern") {
        None => format!("char{}", repeated(least.unwrap_or(0), most)),
        Some(Value::String(pattern)) if least.is_none() && most.is_none() => {
            let pattern = pattern
                .strip_prefix('^')
                .and_then(|pattern| pattern.strip_suffix('$'))
                .ok_or(SchemaError::Pattern(0))?;
            let characters: Vec<char> = pattern.chars().collect();
            let mut reader = Pattern { characters: &characters, at: 0 };
            let text = reader.choice(0)?;
            if reader.at < characters.len() {
                return Err(SchemaError::Pattern(reader.at));
            }
            text
        }
        Some(_) => return Err(SchemaError::Unknown("pattern".to_owned())),
    };
    Ok(format!("({quote} {inside} {quote})", quote = literal("\"")))
}

fn integer(map: &Map<String, Value>) -> Result<String, SchemaError> {
    known(map, &["minimum", "maximum"])?;
    let bounds = (map.get("minimum"), map.get("maximum"));
    match bounds {
        (None, None) => Ok(r#"("-"? ("0" | [1-9] [0-9]{0,15}))"#.to_owned()),
        _ => {
            let low = count(map, "minimum")?.ok_or_else(|| SchemaError::Unknown("minimum".to_owned()))?;
            let high = count(map, "maximum")?
                .filter(|high| *high >= low)
                .ok_or_else(|| SchemaError::Unknown("maximum".to_owned()))?;
            Ok(format!("({})", between(low, high)))
        }
    }
}

/// The decimal numbers from `low` to `high`, digit by digit.
fn between(low: u64, high: u64) -> String {
    let mut choices = Vec::new();
    let mut from = low;
    loop {
        let digits = from.to_string().len();
        let last = u32::try_from(digits)
            .ok()
            .and_then(|digits| 10_u64.checked_pow(digits))
            .map_or(u64::MAX, |next| next - 1)
            .min(high);
        choices.push(same_length(from.to_string().as_bytes(), last.to_string().as_bytes()));
        if last == high {
            return choices.join(" | ");
        }
        from = last + 1;
    }
}

fn same_length(low: &[u8], high: &[u8]) -> String {
    let (Some((l, low)), Some((h, high))) = (low.split_first(), high.split_first()) else {
        return String::new();
    };
    if low.is_empty() {
        return format!("[{}-{}]", char::from(*l), char::from(*h));
    }
    if l == h {
        return format!("\"{}\" ({})", char::from(*l), same_length(low, high));
    }
    let any = format!("[0-9]{{{}}}", low.len());
    let all = |digit: u8, digits: &[u8]| digits.iter().all(|d| *d == digit);
    let mut choices = Vec::new();
    let (mut first, mut last) = (*l, *h);
    if !all(b'0', low) {
        choices.push(format!("\"{}\" ({})", char::from(*l), same_length(low, &vec![b'9'; low.len()])));
        first += 1;
    }
    if !all(b'9', high) {
        choices.push(format!("\"{}\" ({})", char::from(*h), same_length(&vec![b'0'; high.len()], high)));
        last -= 1;
    }
    if first <= last {
        choices.push(format!("[{}-{}] {any}", char::from(first), char::from(last)));
    }
    choices.join(" | ")
}

fn repeated(least: u64, most: Option<u64>) -> String {
    match most {
        None if least == 0 => "*".to_owned(),
        None => format!("{{{least},}}"),
        Some(most) => format!("{{{least},{}}}", most.max(least)),
    }
}

fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A reader of the part of regular expressions that means the same in JSON Schema and here:
/// characters, classes, groups, choices and counts.
struct Pattern<'a> {
    characters: &'a [char],
    at: usize,
}

impl Pattern<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn choice(&mut self, depth: usize) -> Result<String, SchemaError> {
        if depth > DEEPEST {
            return Err(SchemaError::TooDeep);
        }
        let mut choices = vec![self.sequence(depth)?];
        while self.peek() == Some('|') {
            self.at += 1;
            choices.push(self.sequence(depth)?);
        }
        Ok(if choices.len() == 1 { choices.remove(0) } else { format!("({})", choices.join(" | ")) })
    }

    fn sequence(&mut self, depth: usize) -> Result<String, SchemaError> {
        let mut parts = Vec::new();
        while let Some(character) = self.peek().filter(|character| !matches!(character, '|' | ')')) {
            let part = match character {
                '(' => {
                    self.at += 1;
                    let inside = self.choice(depth + 1)?;
                    if self.peek() != Some(')') {
                        return Err(SchemaError::Pattern(self.at));
                    }
                    self.at += 1;
                    format!("({inside})")
                }
                '[' => self.class()?,
                '.' => {
                    self.at += 1;
                    "char".to_owned()
                }
                _ => literal(&self.character(r"^$*+?{}[]()")?.to_string()),
            };
            let counted = self.counted()?;
            parts.push(part + &counted);
        }
        Ok(if parts.is_empty() { "\"\"".to_owned() } else { parts.join(" ") })
    }

    /// One character that stands for itself. What a JSON string writes with an escape is refused.
    fn character(&mut self, special: &str) -> Result<char, SchemaError> {
        let start = self.at;
        let mut character = self.peek().ok_or(SchemaError::Pattern(start))?;
        self.at += 1;
        if character == '\\' {
            character = self.peek().filter(|next| !next.is_alphanumeric()).ok_or(SchemaError::Pattern(start))?;
            self.at += 1;
        } else if special.contains(character) {
            return Err(SchemaError::Pattern(start));
        }
        if character == '"' || character == '\\' || character.is_control() {
            Err(SchemaError::Pattern(start))
        } else {
            Ok(character)
        }
    }

    fn class(&mut self) -> Result<String, SchemaError> {
        let start = self.at;
        self.at += 1;
        if self.peek() == Some('^') {
            return Err(SchemaError::Pattern(start));
        }
        let mut out = String::from("[");
        while self.peek().ok_or(SchemaError::Pattern(start))? != ']' {
            let low = self.character("[")?;
            out.push_str(&escaped(low));
            let ranged = self.peek() == Some('-') && self.characters.get(self.at + 1).is_some_and(|next| *next != ']');
            if ranged {
                self.at += 1;
                let high = self.character("[")?;
                // A range across a character that JSON escapes would let it in raw.
                if high < low || ['"', '\\'].iter().any(|inside| (low..=high).contains(inside)) {
                    return Err(SchemaError::Pattern(self.at));
                }
                out.push('-');
                out.push_str(&escaped(high));
            }
        }
        self.at += 1;
        if out.len() == 1 {
            return Err(SchemaError::Pattern(start));
        }
        out.push(']');
        Ok(out)
    }

    fn counted(&mut self) -> Result<String, SchemaError> {
        let start = self.at;
        match self.peek() {
            Some(mark @ ('*' | '+' | '?')) => {
                self.at += 1;
                Ok(mark.to_string())
            }
            Some('{') => {
                let length =
                    self.characters[start..].iter().position(|c| *c == '}').ok_or(SchemaError::Pattern(start))?;
                let inside: String = self.characters[start + 1..start + length].iter().collect();
                self.at += length + 1;
                let number = |text: &str| text.parse::<u32>().map_err(|_| SchemaError::Pattern(start));
                let (least, most) = match inside.split_once(',') {
                    None => (number(&inside)?, Some(number(&inside)?)),
                    Some((least, "")) => (number(least)?, None),
                    Some((least, most)) => (number(least)?, Some(number(most)?)),
                };
                if most.is_some_and(|most| most < least) {
                    return Err(SchemaError::Pattern(start));
                }
                Ok(repeated(least.into(), most.map(u64::from)))
            }
            _ => Ok(String::new()),
        }
    }
}

/// A character inside a class of the grammar.
fn escaped(character: char) -> String {
    match u32::from(character) {
        _ if character.is_ascii_alphanumeric() => character.to_string(),
        code @ 0..=0xff => format!("\\x{code:02X}"),
        code @ 0x100..=0xffff => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn root(schema: &Value) -> String {
        let grammar = grammar(schema).expect("a grammar");
        grammar.lines().next().expect("a root").trim_start_matches("root ::= ").to_owned()
    }

    #[test]
    fn objects_keep_the_order_of_their_properties() {
        let schema = json!({ "type": "object", "properties": { "b": { "type": "null" }, "a": { "type": "boolean" } }, "required": ["a"], "additionalProperties": false });
        assert_eq!(
            root(&schema),
            r#"("{" space "\"b\":" space "null" "," space "\"a\":" space ("true" | "false") space "}")"#
        );
    }

    #[test]
    fn arrays_keep_their_bounds() {
        let schema = |least: u32, most: u32| json!({ "type": "array", "items": { "type": "null" }, "minItems": least, "maxItems": most });
        assert_eq!(root(&schema(0, 3)), r#"("[" (space "null" ("," space "null"){0,2} space)? "]")"#);
        assert_eq!(root(&schema(2, 2)), r#"("[" space "null" ("," space "null"){1,1} space "]")"#);
        assert_eq!(root(&schema(0, 0)), r#""[]""#);
    }

    #[test]
    fn patterns_become_rules() {
        let schema = json!({ "type": "string", "pattern": "^The (client|clinician) [A-z, ]{8,240}[.]$" });
        assert!(grammar(&schema).is_err(), "A-z holds the backslash");
        let schema = json!({ "type": "string", "pattern": "^a(b|c) [A-Zž,-]{8,240}\\.?$" });
        assert_eq!(
            root(&schema),
            r#"("\"" "a" ("b" | "c") " " [A-Z\u017E\x2C\x2D]{8,240} "."? "\"")"#
                .replace("(\"b\" | \"c\")", "((\"b\" | \"c\"))")
        );
    }

    #[test]
    fn patterns_that_are_not_understood_are_refused() {
        for pattern in [
            "abc", "^a", "^(a$", "^[a$", "^[^a]$", "^\\d$", "^a{2,1}$", "^a{x}$", "^*$", "^[]$", "^a)$", "^\"$",
            "^[!-#]$",
        ] {
            assert!(grammar(&json!({ "type": "string", "pattern": pattern })).is_err(), "{pattern}");
        }
    }

    #[test]
    fn keywords_that_constrain_are_never_passed_over() {
        for schema in [
            json!({ "type": "string", "format": "date" }),
            json!({ "type": "integer", "multipleOf": 2 }),
            json!({ "type": "integer", "minimum": 4, "maximum": 3 }),
            json!({ "type": "array" }),
            json!({ "type": ["string", "null"] }),
            json!({ "$ref": "#/$defs/nothing" }),
            json!({ "type": "object", "additionalProperties": true }),
            json!(true),
        ] {
            assert!(grammar(&schema).is_err(), "{schema}");
        }
        let mut deep = json!({ "type": "null" });
        for _ in 0..100 {
            deep = json!({ "type": "array", "items": deep });
        }
        assert_eq!(grammar(&deep), Err(SchemaError::TooDeep));
    }

    /// The rule as a regular expression: quotes and spaces of GBNF fall away.
    fn matches_numbers(low: u64, high: u64, upto: u64) {
        let rule: String = between(low, high).chars().filter(|c| !matches!(c, '"' | ' ')).collect();
        let expression = regex::Regex::new(&format!("^({rule})$")).expect("an expression");
        for number in 0..upto {
            assert_eq!(
                expression.is_match(&number.to_string()),
                (low..=high).contains(&number),
                "{number} in {low}..={high}: {rule}"
            );
        }
    }

    #[test]
    fn ranges_hold_exactly_their_numbers() {
        for (low, high) in
            [(1, 1), (1, 9), (1, 37), (0, 100), (7, 123), (95, 1204), (100, 199), (10, 99), (999, 1000), (340, 349)]
        {
            matches_numbers(low, high, 2_500);
        }
    }

    #[test]
    fn definitions_become_rules_of_their_own() {
        let schema = json!({ "type": "array", "items": { "$ref": "#/$defs/sentence" }, "$defs": { "sentence": { "type": "string", "maxLength": 9 } } });
        let grammar = grammar(&schema).expect("a grammar");
        assert!(grammar.contains(r#"def-sentence ::= ("\"" char{0,9} "\"")"#), "{grammar}");
    }
}
