//! The schema that every policy is held to: `policies/provenote.cedarschema`, and the names made of it once.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, Schema};
use provenote_schemas::{Class, Role};

use crate::act::{Act, Group};
use crate::resource::ResourceKind;

/// The schema as people read it.
pub const SCHEMA: &str = include_str!("../policies/provenote.cedarschema");

/// The line of the schema after which everything is generated.
const MARK: &str = "// From here on generated from the code's lists (access/src/{act,schema}.rs); a test compares.\n";

/// The roles, the classes and the actions, as the schema writes them.
#[must_use]
pub fn generated() -> String {
    let quoted = |words: Vec<&str>| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let roles = quoted(Role::ALL.iter().map(|role| role.as_str()).collect());
    let classes = quoted(Class::ALL.iter().map(|class| class.as_str()).collect());
    let groups = quoted(Group::ALL.iter().map(|group| group.as_str()).collect());
    let mut out = format!(
        "{MARK}\nentity Role enum [{roles}];\nentity Class enum [\n  {}\n];\n\naction {groups};\n\n",
        classes.replace(", ", ",\n  ")
    );
    for act in Act::ALL {
        let groups = match act.groups() {
            [] => String::new(),
            groups => format!(" in [{}]", quoted(groups.iter().map(|group| group.as_str()).collect())),
        };
        let kinds: Vec<&str> = act.kinds().iter().map(|kind| kind.as_str()).collect();
        out.push_str(&format!(
            "// {}\naction \"{act}\"{groups} appliesTo {{\n  principal: User,\n  resource: [{}],\n  context: Circumstances\n}};\n",
            act.in_words(),
            kinds.join(", ")
        ));
    }
    out
}

/// The schema, parsed, and the names that requests are made of.
pub(crate) struct Vocabulary {
    pub(crate) schema: Schema,
    /// Each action with the groups it is in.
    pub(crate) actions: BTreeMap<Act, (EntityUid, Entity)>,
    pub(crate) kinds: BTreeMap<ResourceKind, EntityTypeName>,
    pub(crate) roles: BTreeMap<Role, EntityUid>,
    pub(crate) classes: BTreeMap<Class, EntityUid>,
}

/// None where the bundled schema cannot be read; then nothing is permitted (a test reads it).
pub(crate) static VOCABULARY: LazyLock<Option<Vocabulary>> = LazyLock::new(Vocabulary::read);

impl Vocabulary {
    fn read() -> Option<Self> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).ok()?;
        let named = |of: &str, id: &str| Some(EntityUid::from_type_name_and_id(of.parse().ok()?, EntityId::new(id)));
        let mut actions = BTreeMap::new();
        for act in Act::ALL {
            let uid = named("Action", act.as_str())?;
            let groups: Option<HashSet<EntityUid>> =
                act.groups().iter().map(|group| named("Action", group.as_str())).collect();
            actions.insert(*act, (uid.clone(), Entity::new_no_attrs(uid, groups?)));
        }
        let kinds: Option<_> =
            ResourceKind::ALL.iter().map(|kind| Some((*kind, kind.as_str().parse().ok()?))).collect();
        let roles: Option<_> = Role::ALL.iter().map(|role| Some((*role, named("Role", role.as_str())?))).collect();
        let classes: Option<_> =
            Class::ALL.iter().map(|class| Some((*class, named("Class", class.as_str())?))).collect();
        Some(Self { schema, actions, kinds: kinds?, roles: roles?, classes: classes? })
    }

    /// The name of a thing.
    pub(crate) fn uid(&self, kind: ResourceKind, id: &str) -> Option<EntityUid> {
        Some(EntityUid::from_type_name_and_id(self.kinds.get(&kind)?.clone(), EntityId::new(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_the_lists_say() {
        let at = SCHEMA.find(MARK).expect("the schema has the mark");
        let wanted = generated();
        assert_eq!(&SCHEMA[at..], wanted, "put this at the end of policies/provenote.cedarschema:\n{wanted}");
    }

    #[test]
    fn the_schema_parses_without_a_warning() {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).expect("the schema parses");
        assert_eq!(warnings.map(|warning| warning.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(schema.actions().count(), Act::ALL.len() + Group::ALL.len());
        assert!(VOCABULARY.is_some());
    }
}
