//! Doc comments → the titles and descriptions of a form.

use serde_json::{Value, json};
use wit_parser::{Docs, Resolve, Type, TypeDefKind};

/// `title` and `description`: each from the docs of the place, else from those of its type;
/// a title that neither gives is made from the name.
pub(super) fn label(resolve: &Resolve, name: &str, docs: &Docs, ty: Option<&Type>) -> Value {
    let (mut title, mut description) = paragraphs(docs);
    let mut ty = ty;
    while let Some(Type::Id(id)) = ty {
        let def = &resolve.types[*id];
        let (inherited_title, inherited_description) = paragraphs(&def.docs);
        title = title.or(inherited_title);
        description = description.or(inherited_description);
        ty = match &def.kind {
            TypeDefKind::Option(ty) => Some(ty),
            kind => aliased(kind),
        };
    }
    let mut label = json!({ "title": title.unwrap_or_else(|| title_case(name)) });
    if let Some(description) = description {
        label["description"] = description.into();
    }
    label
}

/// The type that another one is an alias of.
pub(super) fn aliased(kind: &TypeDefKind) -> Option<&Type> {
    match kind {
        TypeDefKind::Type(ty) => Some(ty),
        _ => None,
    }
}

/// The first paragraph, and all others; the lines of a paragraph are joined, since a form breaks
/// them anew.
fn paragraphs(docs: &Docs) -> (Option<String>, Option<String>) {
    let mut paragraphs = docs
        .contents
        .as_deref()
        .unwrap_or_default()
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty());
    let first = paragraphs.next();
    let others: Vec<_> = paragraphs.collect();
    (first, (!others.is_empty()).then(|| others.join("\n\n")))
}

/// `first-name` → `First Name`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect::<Vec<_>>().join(" ")
}
