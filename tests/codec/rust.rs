//! How the schema's versions, types and defaults look in Rust.

use crate::schema::{Field, Struct, Type, Versions};

/// The condition on `version` under which a part of `around` is there; none if it always is.
pub fn condition(part: Versions, around: Versions) -> Option<String> {
    let Versions { first, last } = part;
    match (first > around.first, last < around.last) {
        (false, false) => None,
        (true, false) => Some(format!("version >= {first}")),
        (false, true) => Some(format!("version <= {last}")),
        (true, true) if first == last => Some(format!("version == {first}")),
        (true, true) => Some(format!("({first}..={last}).contains(&version)")),
    }
}

/// The opposite of [`condition`].
pub fn lacking(part: Versions, around: Versions) -> Option<String> {
    match (part.first > around.first, part.last < around.last) {
        (false, false) => None,
        (true, false) => Some(format!("version < {}", part.first)),
        (false, true) => Some(format!("version > {}", part.last)),
        (true, true) => Some(format!(
            "!({}..={}).contains(&version)",
            part.first, part.last
        )),
    }
}

pub fn label(part: Versions, around: Versions) -> String {
    let Versions { first, last } = part;
    if last == around.last {
        format!("Versions {first}+")
    } else if first == last {
        format!("Version {first}")
    } else {
        format!("Versions {first}-{last}")
    }
}

pub fn struct_of(kind: &Type) -> Option<&Struct> {
    match kind {
        Type::Struct(it) => Some(it),
        Type::Array(element) => struct_of(element),
        _ => None,
    }
}

pub fn borrows(it: &Struct) -> bool {
    it.fields.iter().any(|field| type_borrows(&field.kind))
}

fn type_borrows(kind: &Type) -> bool {
    match kind {
        Type::String | Type::Bytes | Type::Records => true,
        Type::Array(element) => type_borrows(element),
        Type::Struct(it) => borrows(it),
        _ => false,
    }
}

pub fn type_name(it: &Struct) -> String {
    format!("{}{}", it.name, if borrows(it) { "<'a>" } else { "" })
}

fn rust_type(kind: &Type) -> String {
    match kind {
        Type::Bool => "bool".to_owned(),
        Type::Uuid => "TopicId".to_owned(),
        Type::String => "&'a str".to_owned(),
        Type::Bytes => "&'a [u8]".to_owned(),
        Type::Records => "Records<'a>".to_owned(),
        Type::Array(element) => format!("Vec<{}>", rust_type(element)),
        Type::Struct(it) => type_name(it),
        integer => method(integer).to_owned(),
    }
}

pub fn field_type(field: &Field) -> String {
    let kind = rust_type(&field.kind);
    if is_option(field) {
        format!("Option<{kind}>")
    } else {
        kind
    }
}

/// Records can be null on the wire wherever they occur.
fn is_option(field: &Field) -> bool {
    field.nullable.is_some() || matches!(field.kind, Type::Records)
}

/// The reader's and writer's method for a type of fixed size, which for integers is Rust's type too.
pub fn method(kind: &Type) -> &'static str {
    match kind {
        Type::Bool => "bool",
        Type::Int8 => "i8",
        Type::Int16 => "i16",
        Type::Int32 => "i32",
        Type::Int64 => "i64",
        Type::Uuid => "uuid",
        _ => panic!("a type of variable size"),
    }
}

/// The field's default, as Kafka has it, as an expression.
pub fn default(field: &Field) -> String {
    if field.default.as_deref() == Some("null") || matches!(field.kind, Type::Records) {
        return "None".to_owned();
    }
    let value = match &field.kind {
        Type::Bool => field.default.as_deref().unwrap_or("false").to_owned(),
        Type::Uuid => "TopicId::ZERO".to_owned(),
        Type::String => "\"\"".to_owned(),
        Type::Bytes => "&[]".to_owned(),
        Type::Array(_) => "Vec::new()".to_owned(),
        Type::Struct(it) => format!("{}::default()", it.name),
        Type::Records => unreachable!("records are null by default"),
        integer => match field.default.as_deref() {
            None => "0".to_owned(),
            Some("min") => format!("{}::MIN", method(integer)),
            Some("max") => format!("{}::MAX", method(integer)),
            Some(value) => value.to_owned(),
        },
    };
    if is_option(field) {
        format!("Some({value})")
    } else {
        value
    }
}

/// What `derive(Default)` would make of the field.
pub fn rust_default(field: &Field) -> String {
    if is_option(field) {
        return "None".to_owned();
    }
    let kind = &field.kind;
    match kind {
        Type::Bool => "false".to_owned(),
        Type::Uuid | Type::String | Type::Bytes | Type::Array(_) | Type::Struct(_) => {
            default(field)
        }
        _ => "0".to_owned(),
    }
}

/// The condition that the field is not at its default.
pub fn differs(field: &Field) -> String {
    let name = &field.name;
    match (&*default(field), &field.kind) {
        ("None", _) => format!("self.{name}.is_some()"),
        ("false", _) => format!("self.{name}"),
        ("true", _) => format!("!self.{name}"),
        (_, Type::String | Type::Bytes | Type::Array(_)) if is_option(field) => {
            format!("self.{name}.as_ref().is_none_or(|it| !it.is_empty())")
        }
        (_, Type::String | Type::Bytes | Type::Array(_)) => format!("!self.{name}.is_empty()"),
        (value, _) => format!("self.{name} != {value}"),
    }
}
