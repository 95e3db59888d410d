//! JSON values → the interface's records.

use serde_json::value::RawValue;

use super::node::{Kind, Members, Node};
use super::number;
use crate::records::{DynamicField, Input, InvalidField, Profile, Properties, PropertyValue};

/// A list of a million numbers is one mistake, not a million.
const MAX_INVALID_FIELDS: usize = 100;

/// Reads values, and collects what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) invalid: Vec<InvalidField>,
}

impl Reader {
    pub(super) fn refuse(&mut self, path: &str, reason: impl Into<String>) {
        if self.invalid.len() < MAX_INVALID_FIELDS {
            self.invalid.push(InvalidField {
                field: path.to_owned(),
                reason: reason.into(),
            });
        }
    }

    pub(super) fn input(&mut self, root: &Node<'_>) -> Input {
        if root.kind() == Kind::Array {
            self.refuse("", "is an array: give one object, or one object a line");
            return Input::default();
        }
        let Some([profile, properties]) = self.object(root, ["profile", "properties"]) else {
            return Input::default();
        };
        let profile = self.required(root, "profile", profile);
        Input {
            profile: profile.map(|node| self.profile(&node)).unwrap_or_default(),
            properties: properties
                .map(|node| self.properties(&node))
                .unwrap_or_default(),
        }
    }

    fn profile(&mut self, node: &Node<'_>) -> Profile {
        let Some([id, ip, time]) = self.object(node, ["profile-id", "ip-address", "time"]) else {
            return Profile::default();
        };
        let id = self.required(node, "profile-id", id);
        Profile {
            profile_id: id.map(|node| self.string(&node)).unwrap_or_default(),
            ip_address: ip.map(|node| self.string(&node)),
            time: time.map(|node| self.string(&node)),
        }
    }

    fn properties(&mut self, node: &Node<'_>) -> Properties {
        let fields = [
            "avatar",
            "name",
            "first-name",
            "last-name",
            "created",
            "email",
            "phone",
            "custom-properties",
            "dynamic-fields",
        ];
        let Some(
            [
                avatar,
                name,
                first,
                last,
                created,
                email,
                phone,
                custom,
                dynamic,
            ],
        ) = self.object(node, fields)
        else {
            return Properties::default();
        };
        let mut string = |node: Option<Node<'_>>| node.map(|node| self.string(&node));
        Properties {
            avatar: string(avatar),
            name: string(name),
            first_name: string(first),
            last_name: string(last),
            created: string(created),
            email: string(email),
            phone: string(phone),
            custom_properties: custom.map(|node| self.custom_properties(&node)),
            dynamic_fields: self.list(dynamic, "an array of dynamic fields", Self::dynamic_field),
        }
    }

    fn custom_properties(&mut self, node: &Node<'_>) -> String {
        if node.kind() == Kind::Object {
            self.refuse(
                &node.path(),
                r#"is an object: give it as a string that holds JSON, such as "{\"plan\":\"free\"}""#,
            );
            return String::new();
        }
        self.string(node)
    }

    fn dynamic_field(&mut self, node: &Node<'_>) -> DynamicField {
        let empty = DynamicField {
            name: String::new(),
            value: PropertyValue::Boolean(false),
        };
        let Some([name, value]) = self.object(node, ["name", "value"]) else {
            return empty;
        };
        let name = self.required(node, "name", name);
        let value = self.required(node, "value", value);
        DynamicField {
            name: name.map_or(empty.name, |node| self.string(&node)),
            value: value.map_or(empty.value, |node| self.property_value(&node)),
        }
    }

    fn property_value(&mut self, node: &Node<'_>) -> PropertyValue {
        let none = PropertyValue::Boolean(false);
        let wrapped = match node.kind() {
            Kind::String => r#"{"text": "…"} or {"date-time": "…"}"#,
            Kind::Number => r#"{"number": …}"#,
            Kind::Boolean => r#"{"boolean": …}"#,
            Kind::Array => r#"{"text-list": […]}"#,
            _ => "",
        };
        if !wrapped.is_empty() {
            self.refuse(&node.path(), format!("{}: write {wrapped}", node.kind()));
            return none;
        }
        let types = ["text", "number", "boolean", "date-time", "text-list"];
        let Some(Members(members)) = self.members(node, &types) else {
            return none;
        };
        let [(name, value)] = &members[..] else {
            let count = if members.is_empty() {
                "no"
            } else {
                "more than one"
            };
            let reason = format!("has {count} value: give one of {}", types.join(", "));
            self.refuse(&node.path(), reason);
            return none;
        };
        let value = node.member(name, value.get());
        match name.as_ref() {
            "text" => PropertyValue::Text(self.string(&value)),
            "number" => PropertyValue::Number(self.number(&value)),
            "boolean" => PropertyValue::Boolean(self.boolean(&value)),
            "date-time" => PropertyValue::DateTime(self.string(&value)),
            "text-list" => {
                let list = (value.kind() != Kind::Null).then_some(value);
                PropertyValue::TextList(self.list(list, "an array of strings", Self::string))
            }
            // It was refused as unknown.
            _ => none,
        }
    }

    fn string(&mut self, node: &Node<'_>) -> String {
        let reason = match node.kind() {
            Kind::String => match serde_json::from_str(node.json) {
                Ok(string) => return string,
                Err(_) => r"has half a character (\ud800 to \udfff): write both halves".to_owned(),
            },
            kind @ (Kind::Number | Kind::Boolean) => format!("{kind}: put it in quotes"),
            kind => format!("{kind}: give a string"),
        };
        self.refuse(&node.path(), reason);
        String::new()
    }

    fn number(&mut self, node: &Node<'_>) -> f64 {
        let reason = match node.kind() {
            Kind::Number => match number::exact(node.json) {
                Some(number) => return number,
                None => "cannot be carried exactly as a number: give it as a text".to_owned(),
            },
            Kind::String => "is a string: write the number without quotes".to_owned(),
            kind => format!("{kind}: give a number"),
        };
        self.refuse(&node.path(), reason);
        0.0
    }

    fn boolean(&mut self, node: &Node<'_>) -> bool {
        match node.json {
            "true" => return true,
            "false" => return false,
            _ => {}
        }
        let how = match node.kind() {
            Kind::String => "write true or false without quotes",
            _ => "write true or false",
        };
        self.refuse(&node.path(), format!("{}: {how}", node.kind()));
        false
    }

    /// Each item as `read` has it; none where the list was left out.
    fn list<T>(
        &mut self,
        node: Option<Node<'_>>,
        wanted: &str,
        read: impl Fn(&mut Self, &Node<'_>) -> T,
    ) -> Vec<T> {
        let Some(node) = node else { return vec![] };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(node.json) else {
            self.refuse(&node.path(), format!("{}: give {wanted}", node.kind()));
            return vec![];
        };
        let item = |(index, json): (usize, &RawValue)| read(self, &node.item(index, json.get()));
        items.into_iter().enumerate().map(item).collect()
    }

    /// What must be there.
    fn required<'a>(
        &mut self,
        node: &Node<'_>,
        name: &str,
        member: Option<Node<'a>>,
    ) -> Option<Node<'a>> {
        if member.is_none() {
            self.refuse(&node.path_of(name), "is missing");
        }
        member
    }

    /// The members of these names; those that are null count as left out.
    fn object<'a, const N: usize>(
        &mut self,
        node: &'a Node<'a>,
        names: [&'a str; N],
    ) -> Option<[Option<Node<'a>>; N]> {
        let Members(members) = self.members(node, &names)?;
        Some(names.map(|name| {
            let (_, json) = members.iter().find(|(member, _)| member == name)?;
            let member = node.member(name, json.get());
            (member.kind() != Kind::Null).then_some(member)
        }))
    }

    /// The members of an object, of which others than these names are refused.
    fn members<'a>(&mut self, node: &Node<'a>, names: &[&str]) -> Option<Members<'a>> {
        let Ok(Members(members)) = serde_json::from_str(node.json) else {
            let reason = match node.kind() {
                Kind::Object => r"has a name with half a character (\ud800 to \udfff)".to_owned(),
                kind => format!("{kind}: give an object"),
            };
            self.refuse(&node.path(), reason);
            return None;
        };
        for (index, (name, _)) in members.iter().enumerate() {
            let path = || node.path_of(name);
            if !names.contains(&name.as_ref()) {
                let names = names.join(", ");
                self.refuse(&path(), format!("is not known: use one of {names}"));
            } else if members[..index].iter().any(|(other, _)| other == name) {
                self.refuse(&path(), "is there twice: give it once");
            }
        }
        Some(Members(members))
    }
}
