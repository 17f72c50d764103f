//! The schema's text form (`schema/README.md`), read into a tree. A mistake in it is a panic that names
//! the line.

use std::path::Path;

/// One file of the schema.
pub struct File {
    /// The file's name without its ending: the name of the generated module.
    pub module: String,
    pub messages: Vec<Message>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
    Plain,
}

pub struct Message {
    pub kind: Kind,
    /// The API's key.
    pub key: Option<i16>,
    /// The first flexible version.
    pub flexible: Option<i16>,
    pub root: Struct,
}

#[derive(PartialEq, Eq)]
pub struct Struct {
    pub name: String,
    /// The versions in which it can occur.
    pub versions: Versions,
    pub fields: Vec<Field>,
}

#[derive(PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Type,
    pub versions: Versions,
    pub nullable: Option<Versions>,
    pub default: Option<String>,
    pub tag: Option<u32>,
    pub ignorable: bool,
}

#[derive(PartialEq, Eq)]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uuid,
    String,
    Bytes,
    Records,
    Array(Box<Type>),
    Struct(Struct),
}

/// An inclusive range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub first: i16,
    pub last: i16,
}

impl Versions {
    pub fn contains(self, version: i16) -> bool {
        (self.first..=self.last).contains(&version)
    }

    pub fn all(self) -> impl Iterator<Item = i16> {
        self.first..=self.last
    }

    /// Reads `3-12`, `13+` or `1`, within the versions of what is around it.
    fn parse(text: &str, around: Versions) -> Option<Versions> {
        let number = |text: &str| text.parse::<i16>().ok();
        let (first, last) = match (text.strip_suffix('+'), text.split_once('-')) {
            (Some(first), _) => (number(first)?, around.last),
            (None, Some((first, last))) => (number(first)?, number(last)?),
            (None, None) => (number(text)?, number(text)?),
        };
        let within = around.contains(first) && around.contains(last) && first <= last;
        within.then_some(Versions { first, last })
    }
}

impl Message {
    pub fn is_flexible(&self, version: i16) -> bool {
        self.flexible.is_some_and(|first| version >= first)
    }
}

/// Every file of the schema, by name.
pub fn load() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the schema's folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "kfk"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(path).expect("a readable schema");
            parse_file(module, &text)
        })
        .collect()
}

struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
}

impl Line<'_> {
    fn fail(&self, why: &str) -> ! {
        panic!("line {}: {why}: {}", self.number, self.words.join(" "))
    }
}

fn parse_file(module: String, text: &str) -> File {
    let lines: Vec<Line> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let line = line.split('#').next().unwrap_or_default();
            let indent = line.len() - line.trim_start().len();
            Line {
                number: index + 1,
                depth: indent / 2,
                words: line.split_whitespace().collect(),
            }
        })
        .filter(|line| !line.words.is_empty())
        .collect();
    let mut rest = &lines[..];
    let mut api = None;
    let mut messages = Vec::new();
    while let [head, after @ ..] = rest {
        rest = after;
        match head.words[..] {
            ["api", name, key] => api = Some((name, key.parse().expect("a key"))),
            _ => messages.push(parse_message(head, api, &mut rest)),
        }
    }
    File { module, messages }
}

fn parse_message(head: &Line, api: Option<(&str, i16)>, rest: &mut &[Line]) -> Message {
    let (kind, name, words) = match (&head.words[..], api) {
        (["request", words @ ..], Some((api, _))) => {
            (Kind::Request, format!("{api}Request"), words)
        }
        (["response", words @ ..], Some((api, _))) => {
            (Kind::Response, format!("{api}Response"), words)
        }
        (["message", name, words @ ..], None) => (Kind::Plain, (*name).to_owned(), words),
        _ => head.fail("no message"),
    };
    let any = Versions {
        first: 0,
        last: i16::MAX,
    };
    let parse = |text| Versions::parse(text, any).unwrap_or_else(|| head.fail("no versions"));
    let (versions, flexible) = match *words {
        [versions] => (parse(versions), None),
        [versions, "flexible", first] => (parse(versions), Some(parse(first).first)),
        _ => head.fail("no versions"),
    };
    let fields = parse_fields(1, versions, rest);
    Message {
        kind,
        key: api.map(|(_, key)| key),
        flexible,
        root: Struct {
            name,
            versions,
            fields,
        },
    }
}

fn parse_fields(depth: usize, around: Versions, rest: &mut &[Line]) -> Vec<Field> {
    let mut fields = Vec::new();
    while let [line, after @ ..] = *rest {
        if line.depth < depth {
            break;
        }
        if line.depth > depth {
            line.fail("indented too far");
        }
        *rest = after;
        fields.push(parse_field(line, around, rest));
    }
    fields
}

fn parse_field(line: &Line, around: Versions, rest: &mut &[Line]) -> Field {
    let [name, kind, words @ ..] = &line.words[..] else {
        line.fail("no field");
    };
    let Some(name) = name.strip_suffix(':') else {
        line.fail("no colon");
    };
    let (kind, null) = match kind.split_once('?') {
        Some((kind, null)) => (kind, Some(null)),
        None => (*kind, None),
    };
    let mut words = words;
    let mut versions = around;
    if let [text, after @ ..] = words
        && text.starts_with(|first: char| first.is_ascii_digit())
    {
        words = after;
        versions = Versions::parse(text, around).unwrap_or_else(|| line.fail("bad versions"));
    }
    let nullable = null.map(|text| match text {
        "" => versions,
        text => Versions::parse(text, versions).unwrap_or_else(|| line.fail("bad null")),
    });
    let mut field = Field {
        name: name.to_owned(),
        kind: parse_type(kind, line, versions, rest),
        versions,
        nullable,
        default: None,
        tag: None,
        ignorable: false,
    };
    loop {
        words = match words {
            [] => return field,
            ["=", value, after @ ..] => {
                field.default = Some((*value).to_owned());
                after
            }
            ["tag", tag, after @ ..] => {
                field.tag = Some(tag.parse().unwrap_or_else(|_| line.fail("bad tag")));
                after
            }
            ["ignorable", after @ ..] => {
                field.ignorable = true;
                after
            }
            _ => line.fail("unknown word"),
        }
    }
}

fn parse_type(text: &str, line: &Line, versions: Versions, rest: &mut &[Line]) -> Type {
    if let Some(element) = text.strip_prefix("[]") {
        return Type::Array(Box::new(parse_type(element, line, versions, rest)));
    }
    match text {
        "bool" => Type::Bool,
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "uuid" => Type::Uuid,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        name if name.starts_with(|first: char| first.is_ascii_uppercase()) => {
            let fields = parse_fields(line.depth + 1, versions, rest);
            if fields.is_empty() {
                line.fail("a struct without fields");
            }
            Type::Struct(Struct {
                name: name.to_owned(),
                versions,
                fields,
            })
        }
        _ => line.fail("unknown type"),
    }
}
