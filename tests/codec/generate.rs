//! Writes `src/protocol/messages/` from the schema.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::rust::{
    borrows, condition, default, differs, field_type, label, lacking, method, rust_default,
    struct_of, type_name,
};
use crate::schema::{Field, File, Kind, Message, Struct, Type, Versions};

const ORIGIN: &str = "Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.";

/// The generated files, by name.
pub fn files(schema: &[File]) -> Vec<(String, String)> {
    let mut files: Vec<_> = schema
        .iter()
        .map(|file| (format!("{}.rs", file.module), rustfmt(&module(file))))
        .collect();
    files.push(("mod.rs".to_owned(), rustfmt(&index(schema))));
    files
}

/// The formatting is rustfmt's, so that `cargo fmt` finds nothing to change.
fn rustfmt(source: &str) -> String {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(source.as_bytes()).expect("rustfmt reads");
    drop(stdin);
    let output = child.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "rustfmt refuses:\n{source}");
    String::from_utf8(output.stdout).expect("source is UTF-8")
}

fn index(schema: &[File]) -> String {
    let mut out = format!(
        "//! Every message of the protocol, one module per API; the names are Kafka's. {ORIGIN}\n\
         #![allow(missing_docs)] // Kafka's protocol guide tells what a field means.\n\n"
    );
    for file in schema {
        let _ = writeln!(out, "pub mod {};", file.module);
    }
    out.push('\n');
    for file in schema {
        let names: Vec<_> = file.messages.iter().map(|it| &*it.root.name).collect();
        let _ = writeln!(out, "pub use {}::{{{}}};", file.module, names.join(", "));
    }
    out.push_str(
        "\n/// Calls `$with!` with the type of every request, of every response and of every other message.\n\
         macro_rules! every_message { ($with:ident) => { $with! {\n",
    );
    for (list, kind) in [
        ("requests", Kind::Request),
        ("responses", Kind::Response),
        ("others", Kind::Plain),
    ] {
        let _ = writeln!(out, "{list}: [");
        for message in schema.iter().flat_map(|file| &file.messages) {
            if message.kind == kind {
                let _ = writeln!(out, "{},", message.root.name);
            }
        }
        out.push_str("]\n");
    }
    out.push_str("} }; }\npub(super) use every_message;\n");
    out
}

fn module(file: &File) -> String {
    let mut body = String::new();
    let mut seen = Vec::new();
    for message in &file.messages {
        Emitter { message }.structs(&message.root, &mut seen, &mut body);
    }
    let mut names = vec!["DecodeError", "EncodeError", "Message", "Reader", "Writer"];
    if body.contains("Records<") {
        names.push("Records");
    }
    names.sort_unstable();
    let mut out = format!("//! {ORIGIN}\n\n");
    if body.contains("TopicId") {
        out.push_str("use crate::base::TopicId;\n");
    }
    let _ = writeln!(out, "use crate::protocol::{{{}}};\n", names.join(", "));
    out.push_str(&body);
    out
}

struct Emitter<'s> {
    message: &'s Message,
}

impl Emitter<'_> {
    /// A struct, then the structs within it. One that request and response share comes once.
    fn structs<'s>(&self, it: &'s Struct, seen: &mut Vec<&'s Struct>, out: &mut String) {
        if let Some(same) = seen.iter().find(|known| known.name == it.name) {
            assert!(*same == it, "two different structs are called {}", it.name);
            return;
        }
        seen.push(it);
        self.declaration(it, out);
        let (read, write) = (self.read_body(it), self.write_body(it));
        let is_message = self.is_message(it);
        let lifetime = if is_message || borrows(it) {
            "'a"
        } else {
            "'_"
        };
        let used = |body: &str| {
            if mentions(body, "version") {
                "version"
            } else {
                "_version"
            }
        };
        let read = format!(
            "fn read(r: &mut Reader<{lifetime}>, {}: i16) -> Result<Self, DecodeError> {{ {read} }}",
            used(&read)
        );
        let write = format!(
            "fn write(&self, w: &mut Writer, {}: i16) -> Result<(), EncodeError> {{ {write} }}",
            used(&write)
        );
        if is_message {
            let _ = writeln!(
                out,
                "impl<'a> Message<'a> for {} {{ {}\n\n{read}\n\n{write} }}\n",
                type_name(it),
                self.constants()
            );
        } else {
            let generics = if borrows(it) { "<'a>" } else { "" };
            let _ = writeln!(
                out,
                "impl{generics} {} {{ {read}\n\n{write} }}\n",
                type_name(it)
            );
        }
        for field in &it.fields {
            if let Some(inner) = struct_of(&field.kind) {
                self.structs(inner, seen, out);
            }
        }
    }

    fn is_message(&self, it: &Struct) -> bool {
        std::ptr::eq(it, &self.message.root)
    }

    fn constants(&self) -> String {
        let Struct { name, versions, .. } = &self.message.root;
        format!(
            "const NAME: &'static str = \"{name}\";
             const API_KEY: Option<i16> = {:?};
             const MIN_VERSION: i16 = {};
             const MAX_VERSION: i16 = {};
             const FIRST_FLEXIBLE: Option<i16> = {:?};",
            self.message.key, versions.first, versions.last, self.message.flexible
        )
    }

    fn declaration(&self, it: &Struct, out: &mut String) {
        let plain = it
            .fields
            .iter()
            .all(|field| default(field) == rust_default(field));
        let derived = if plain { ", Default" } else { "" };
        let doc = match it.versions {
            _ if !self.is_message(it) => format!("Part of [`{}`].", self.message.root.name),
            Versions { first, last } if first == last => format!("`{}`, version {first}.", it.name),
            Versions { first, last } => format!("`{}`, versions {first}-{last}.", it.name),
        };
        let _ = writeln!(
            out,
            "/// {doc}\n#[derive(Clone, Debug, PartialEq, Eq{derived})]"
        );
        let _ = writeln!(out, "pub struct {} {{", type_name(it));
        for field in &it.fields {
            let mut docs = Vec::new();
            if field.versions != it.versions {
                docs.push(format!("{}.", label(field.versions, it.versions)));
            }
            if let Some(null) = field.nullable.filter(|null| *null != field.versions) {
                let versions = label(null, it.versions).to_lowercase();
                docs.push(format!("Null in {versions}."));
            }
            if !docs.is_empty() {
                let _ = writeln!(out, "/// {}", docs.join(" "));
            }
            let _ = writeln!(out, "pub {}: {},", field.name, field_type(field));
        }
        out.push_str("}\n\n");
        if !plain {
            let generics = if borrows(it) { "<'_>" } else { "" };
            let _ = writeln!(
                out,
                "impl Default for {}{generics} {{ fn default() -> Self {{ Self {{",
                it.name
            );
            for field in &it.fields {
                let _ = writeln!(out, "{}: {},", field.name, default(field));
            }
            out.push_str("} } }\n\n");
        }
    }

    /// The expression that says whether lengths are compact: constant where the struct's versions
    /// allow, else the local variable `flexible`.
    fn flexible(&self, it: &Struct) -> &'static str {
        match self.message.flexible {
            None => "false",
            Some(first) if first <= it.versions.first => "true",
            Some(first) if first > it.versions.last => "false",
            Some(_) => "flexible",
        }
    }

    /// Declares the variable `flexible` if `body` needs it.
    fn with_flexible(&self, body: String) -> String {
        match self.message.flexible {
            Some(first) if mentions(&body, "flexible") => {
                format!("let flexible = version >= {first};\n{body}")
            }
            _ => body,
        }
    }

    fn read_body(&self, it: &Struct) -> String {
        let flexible = self.flexible(it);
        let mut fields = String::new();
        for field in &it.fields {
            let value = match (condition(field.versions, it.versions), field.tag) {
                (_, Some(_)) => default(field),
                (None, None) => self.read_field(field, flexible),
                (Some(has), None) => {
                    let value = self.read_field(field, flexible);
                    format!("if {has} {{ {value} }} else {{ {} }}", default(field))
                }
            };
            let _ = writeln!(fields, "{}: {value},", field.name);
        }
        let tags = self.read_tags(it);
        let body = match (flexible, &*tags) {
            ("false", _) => format!("Ok(Self {{ {fields} }})"),
            ("true", tags) => self.read_end("", &fields, tags),
            (_, tags) => self.read_end("if flexible", &fields, tags),
        };
        self.with_flexible(body)
    }

    fn read_end(&self, when: &str, fields: &str, tags: &str) -> String {
        let (mutable, tags) = match tags {
            "" => ("", "r.skip_tagged_fields()?;"),
            tags => ("mut ", tags),
        };
        let tags = match when {
            "" => tags.to_owned(),
            when => format!("{when} {{ {tags} }}"),
        };
        format!("let {mutable}it = Self {{ {fields} }};\n{tags}\nOk(it)")
    }

    fn read_tags(&self, it: &Struct) -> String {
        let mut arms = String::new();
        for (tag, field) in tagged(it) {
            // A tag beyond the versions that have it is one we do not know there.
            let first = self.message.flexible.expect("tags need a flexible version");
            let around = Versions {
                first: first.max(it.versions.first),
                ..it.versions
            };
            let guard = match condition(field.versions, around) {
                Some(has) => format!(" if {has}"),
                None => String::new(),
            };
            let value = self.read_field(field, "true");
            let _ = writeln!(arms, "{tag}{guard} => it.{} = {value},", field.name);
        }
        if arms.is_empty() {
            return arms;
        }
        format!(
            "r.tagged_fields(|tag, r| {{ match tag {{ {arms} _ => return Ok(false), }} Ok(true) }})?;"
        )
    }

    fn read_field(&self, field: &Field, flexible: &str) -> String {
        let Some(null) = field.nullable else {
            return self.read_value(&field.kind, "", flexible);
        };
        let nullable = self.read_value(&field.kind, "nullable_", flexible);
        match condition(null, field.versions) {
            None => nullable,
            Some(null) => {
                let value = self.read_value(&field.kind, "", flexible);
                format!("if {null} {{ {nullable} }} else {{ Some({value}) }}")
            }
        }
    }

    fn read_value(&self, kind: &Type, nullable: &str, flexible: &str) -> String {
        match kind {
            Type::String => format!("r.{nullable}string({flexible})?"),
            Type::Bytes => format!("r.{nullable}bytes({flexible})?"),
            Type::Records => format!("r.records({flexible})?"),
            Type::Struct(it) if nullable.is_empty() => format!("{}::read(r, version)?", it.name),
            Type::Struct(it) => {
                format!(
                    "if r.is_present()? {{ Some({}::read(r, version)?) }} else {{ None }}",
                    it.name
                )
            }
            Type::Array(element) => {
                let least = self.wire_bytes_min(element);
                let read = match &**element {
                    Type::String => format!("|r| r.string({flexible})"),
                    Type::Struct(it) => format!("|r| {}::read(r, version)", it.name),
                    scalar => format!("Reader::{}", method(scalar)),
                };
                format!("r.{nullable}array({flexible}, {least}, {read})?")
            }
            scalar => format!("r.{}()?", method(scalar)),
        }
    }

    /// The fewest bytes that an element takes in any version: what bounds a claimed array length.
    fn wire_bytes_min(&self, kind: &Type) -> usize {
        let versions = match kind {
            Type::Struct(it) => it.versions,
            _ => self.message.root.versions,
        };
        let least = versions
            .all()
            .map(|version| self.wire_bytes(kind, false, version))
            .min();
        least
            .filter(|least| *least > 0)
            .expect("elements take bytes")
    }

    fn wire_bytes(&self, kind: &Type, nullable: bool, version: i16) -> usize {
        let flexible = self.message.is_flexible(version);
        match kind {
            Type::Bool | Type::Int8 => 1,
            Type::Int16 => 2,
            Type::Int32 => 4,
            Type::Int64 => 8,
            Type::Uuid => 16,
            Type::Struct(_) if nullable => 1,
            Type::String | Type::Bytes | Type::Records | Type::Array(_) if flexible => 1,
            Type::String => 2,
            Type::Bytes | Type::Records | Type::Array(_) => 4,
            Type::Struct(it) => {
                let present =
                    |field: &&Field| field.tag.is_none() && field.versions.contains(version);
                let fields = it.fields.iter().filter(present);
                let bytes: usize = fields
                    .map(|field| self.wire_bytes(&field.kind, field.nullable.is_some(), version))
                    .sum();
                bytes + usize::from(flexible)
            }
        }
    }

    fn write_body(&self, it: &Struct) -> String {
        let flexible = self.flexible(it);
        let mut out = String::new();
        let mut fields = it
            .fields
            .iter()
            .filter(|field| field.tag.is_none())
            .peekable();
        while let Some(field) = fields.next() {
            let write = self.write_field(it, field, flexible);
            let Some(has) = condition(field.versions, it.versions) else {
                out.push_str(&write);
                continue;
            };
            let _ = write!(out, "if {has} {{ {write}");
            if field.ignorable {
                // Neighbours that come and go together share one condition.
                let alike = |next: &&Field| next.ignorable && next.versions == field.versions;
                while let Some(next) = fields.next_if(alike) {
                    out.push_str(&self.write_field(it, next, flexible));
                }
                out.push_str("}\n");
            } else {
                let absent = absent(it, field);
                let _ = writeln!(out, "}} else if {} {{ {absent} }}", differs(field));
            }
        }
        for (_, field) in tagged(it).filter(|(_, field)| !field.ignorable) {
            if let Some(lacks) = lacking(field.versions, it.versions) {
                let _ = writeln!(
                    out,
                    "if {lacks} && {} {{ {} }}",
                    differs(field),
                    absent(it, field)
                );
            }
        }
        let tags = self.write_tags(it);
        match flexible {
            "false" => {}
            "true" => out.push_str(&tags),
            when => {
                let _ = writeln!(out, "if {when} {{ {tags} }}");
            }
        }
        out.push_str("Ok(())");
        self.with_flexible(out)
    }

    fn write_tags(&self, it: &Struct) -> String {
        let mut out = String::new();
        let mut count = Vec::new();
        let mut writes = String::new();
        for (tag, field) in tagged(it) {
            let around = Versions {
                first: it.versions.first.max(self.message.flexible.unwrap_or(0)),
                ..it.versions
            };
            let has = match condition(field.versions, around) {
                None => differs(field),
                Some(has) => format!("{has} && {}", differs(field)),
            };
            let name = &field.name;
            let _ = writeln!(out, "let has_{name} = {has};");
            count.push(format!("u32::from(has_{name})"));
            let write = self.write_field(it, field, "true");
            let write = match write.strip_suffix("?;\n") {
                Some(fallible) if !fallible.contains(';') => fallible.to_owned(),
                _ => format!("{{ {write} Ok(()) }}"),
            };
            let _ = writeln!(
                writes,
                "if has_{name} {{ w.tagged_field({tag}, |w| {write})?; }}"
            );
        }
        if count.is_empty() {
            return "w.uvarint(0);".to_owned();
        }
        let _ = writeln!(out, "w.uvarint({});\n{writes}", count.join(" + "));
        out
    }

    fn write_field(&self, it: &Struct, field: &Field, flexible: &str) -> String {
        let name = &field.name;
        let mut out = String::new();
        if let Some(not_null) = field
            .nullable
            .and_then(|null| lacking(null, field.versions))
        {
            let _ = writeln!(
                out,
                "if {not_null} && self.{name}.is_none() {{ return Err(EncodeError::null(\"{}.{name}\", version)); }}",
                it.name
            );
        }
        let nullable = if field.nullable.is_some() {
            "nullable_"
        } else {
            ""
        };
        let value = match &field.kind {
            Type::String => format!("w.{nullable}string({flexible}, self.{name})?;"),
            Type::Bytes => format!("w.{nullable}bytes({flexible}, self.{name})?;"),
            Type::Records => format!("w.records({flexible}, self.{name})?;"),
            Type::Struct(_) if nullable.is_empty() => format!("self.{name}.write(w, version)?;"),
            Type::Struct(_) => format!(
                "w.is_present(self.{name}.is_some()); if let Some(it) = &self.{name} {{ it.write(w, version)?; }}"
            ),
            Type::Array(element) => {
                let element = match &**element {
                    Type::String => format!("|w, it| w.string({flexible}, it)"),
                    Type::Struct(_) => "|w, it| it.write(w, version)".to_owned(),
                    scalar => format!("|w, it| {{ w.{}(*it); Ok(()) }}", method(scalar)),
                };
                let value = if nullable.is_empty() {
                    format!("&self.{name}")
                } else {
                    format!("self.{name}.as_deref()")
                };
                format!("w.{nullable}array({flexible}, {value}, {element})?;")
            }
            scalar => format!("w.{}(self.{name});", method(scalar)),
        };
        let _ = writeln!(out, "{value}");
        out
    }
}

/// Whether the source has this identifier.
fn mentions(source: &str, identifier: &str) -> bool {
    source
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == identifier)
}

fn absent(it: &Struct, field: &Field) -> String {
    format!(
        "return Err(EncodeError::absent(\"{}.{}\", version));",
        it.name, field.name
    )
}

fn tagged(it: &Struct) -> impl Iterator<Item = (u32, &Field)> {
    let mut fields: Vec<_> = it
        .fields
        .iter()
        .filter_map(|field| Some((field.tag?, field)))
        .collect();
    fields.sort_by_key(|(tag, _)| *tag);
    fields.into_iter()
}
