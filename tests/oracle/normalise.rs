//! Answers as paths and values that two brokers can have in common.
//!
//! A decoded answer prints itself as a tree; the tree becomes one line a field. What must differ
//! between two brokers (ports, random ids, the time) is replaced by what it stands for, and what has
//! a key of its own in a list is told by that key, since Kafka answers many lists in the order of a
//! hash map.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ringlog::protocol::ErrorCode;
use ringlog::protocol::records::{BatchView, Batches};

/// A path such as `topics[a].partitions[0].error_code`, and the value there.
pub type Fields = BTreeMap<String, String>;

/// Lists whose order means something; elements are told by their place.
const ORDERED: &[&str] = &["synonyms", "batches", "record_errors"];

/// Fields that tell an element of a list from the others.
const KEYS: &[&str] = &[
    "resource_type",
    "resource_name",
    "name",
    "topic",
    "topic_id",
    "topic_name",
    "group_id",
    "key",
    "api_key",
    "node_id",
    "broker_id",
    "partition_index",
    "partition",
    "index",
    "member_id",
    "group_instance_id",
];

/// How near to now a timestamp is the broker's own. Those of the tests' records are older.
const NOW_MS: i64 = 10 * 60 * 1000;

/// A decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A number, a string with its quotes, `None`.
    Leaf(String),
    /// An array.
    List(Vec<Tree>),
    /// A struct's fields in their order.
    Struct(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads what `{:?}` printed. `Some(x)` is `x`; record bytes become their batches.
    pub fn parse(debug: &str) -> Tree {
        let mut parser = Parser { rest: debug };
        let tree = parser.value();
        assert!(parser.rest.is_empty(), "left over: {}", parser.rest);
        tree
    }

    /// Adds a field to a struct.
    pub fn add_field(&mut self, name: &str, value: Tree) {
        if let Tree::Struct(fields) = self {
            fields.push((name.to_owned(), value));
        }
    }

    fn field(&self, name: &str) -> Option<&Tree> {
        match self {
            Tree::Struct(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, t)| t),
            Tree::Leaf(_) | Tree::List(_) => None,
        }
    }
}

/// What one broker calls things.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The port where it listens.
    port: u16,
    /// Texts that stand for something, and for what.
    aliases: Vec<(String, String)>,
}

impl Names {
    /// The names of a broker that listens on this port.
    pub fn of_port(port: u16) -> Names {
        Names {
            port,
            aliases: Vec::new(),
        }
    }

    /// From now on `text` is shown as `<meaning>`.
    pub fn alias(&mut self, text: &str, meaning: &str) {
        // Short texts would be found where nobody means them.
        if text.len() >= 8 {
            self.aliases.push((text.to_owned(), format!("<{meaning}>")));
        }
    }

    /// An answer's fields, in common terms.
    pub fn fields(&self, tree: &Tree) -> Fields {
        let mut fields = Fields::new();
        self.walk(tree, "", "", &mut fields);
        fields
    }

    fn walk(&self, tree: &Tree, path: &str, name: &str, out: &mut Fields) {
        match tree {
            Tree::Leaf(value) => drop(out.insert(path.to_owned(), self.common(name, value))),
            Tree::Struct(fields) => {
                for (name, value) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.walk(value, &format!("{path}{dot}{name}"), name, out);
                }
            }
            // An empty list shows by its elements' absence: its kind of element is not known here.
            Tree::List(elements) if elements.is_empty() => {}
            Tree::List(elements) if elements.iter().all(|e| matches!(e, Tree::Leaf(_))) => {
                out.insert(path.to_owned(), format!("{:?}", self.leaves(elements)));
            }
            Tree::List(elements) => {
                for (at, element) in elements.iter().enumerate() {
                    let place = format!("{path}[{}]", self.key(name, at, element));
                    self.element(element, &place, name, out);
                }
            }
        }
    }

    /// An element joins those of the same key, since Kafka lists a topic again when another came
    /// between its partitions; one that says the same once more, or another thing, is numbered.
    fn element(&self, element: &Tree, place: &str, list: &str, out: &mut Fields) {
        let numbered = (2..).map(|times| format!("{place}#{times}"));
        for place in std::iter::once(place.to_owned()).chain(numbered) {
            let mut fields = Fields::new();
            self.walk(element, &place, list, &mut fields);
            let agrees = |(path, value)| out.get(path).is_none_or(|known| known == value);
            let adds = |path| !out.contains_key(path);
            let joins = fields.iter().all(agrees) && fields.keys().any(adds);
            if joins || fields.is_empty() {
                out.append(&mut fields);
                return;
            }
        }
    }

    fn leaves(&self, elements: &[Tree]) -> Vec<String> {
        let leaf = |element: &Tree| match element {
            Tree::Leaf(value) => self.common("", value),
            Tree::List(_) | Tree::Struct(_) => unreachable!("only leaves come here"),
        };
        elements.iter().map(leaf).collect()
    }

    fn key(&self, list: &str, at: usize, element: &Tree) -> String {
        if ORDERED.contains(&list) {
            return at.to_string();
        }
        let keys = KEYS.iter().filter_map(|name| match element.field(name) {
            Some(Tree::Leaf(value)) => Some(self.common(name, value)),
            _ => None,
        });
        let keys: Vec<String> = keys
            .map(|key| key.trim_matches('"').to_owned())
            .filter(|key| !key.is_empty() && key != "None" && key != ZERO_ID)
            .collect();
        if keys.is_empty() {
            at.to_string()
        } else {
            keys.join(" ")
        }
    }

    /// One value: what only this broker can say is replaced by what it means.
    fn common(&self, name: &str, value: &str) -> String {
        let value = self
            .aliases
            .iter()
            .fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
        let number = value.parse::<i64>().ok();
        match (name, number) {
            ("port", Some(port)) if port == i64::from(self.port) => "<port>".to_owned(),
            ("session_id", Some(id)) if id != 0 => "<session>".to_owned(),
            ("producer_id", Some(id)) if id >= 0 => "<producer>".to_owned(),
            ("finalized_features_epoch", Some(epoch)) if epoch >= 0 => "<epoch>".to_owned(),
            (_, Some(time)) if (time - now_ms()).abs() < NOW_MS => "<now>".to_owned(),
            ("error_code" | "topic_config_error_code", Some(code)) => {
                let known = i16::try_from(code).ok().and_then(ErrorCode::from_code);
                format!("{code} {}", known.map_or("unknown", ErrorCode::name))
            }
            ("cluster_id", _) if value.len() > 8 => "<cluster>".to_owned(),
            ("topic_id", _) if value.len() == ZERO_ID.len() && value != ZERO_ID => {
                "<topic id>".to_owned()
            }
            _ => without_moments(&without_ports(&without_uuids(&value))),
        }
    }
}

const ZERO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_millis() as i64
}

/// Replaces random UUIDs in their dashed form, as in member ids.
fn without_uuids(text: &str) -> String {
    const LENGTH: usize = 36;
    let is_uuid = |bytes: &[u8]| {
        bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let found = text.as_bytes().windows(LENGTH).position(is_uuid);
    match found {
        None => text.to_owned(),
        Some(at) => {
            let rest = without_uuids(&text[at + LENGTH..]);
            format!("{}<uuid>{rest}", &text[..at])
        }
    }
}

/// Replaces the ports of the other listeners of a broker.
fn without_ports(text: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut parts = text.split(HOST);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{shown}{HOST}<port>{rest}")
    })
}

/// Replaces the moment in which a record's time was judged.
fn without_moments(text: &str) -> String {
    const OPENING: &str = "should be within [";
    match text.split_once(OPENING) {
        Some((said, _)) => format!("{said}{OPENING}<times>]"),
        None => text.to_owned(),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn value(&mut self) -> Tree {
        match self.rest.as_bytes().first() {
            Some(b'"') => self.string(),
            Some(b'[') => self.list(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Tree {
        let end = self.rest.find([',', ' ', '(', ')', '[', ']', '{', '}']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if self.skip(" {") {
            return self.fields();
        }
        if !self.skip("(") {
            return Tree::Leaf(word.to_owned());
        }
        let inner = self.value();
        assert!(self.skip(")"), "at {}", self.rest);
        match word {
            "Inline" => batches(&bytes_of(&inner)),
            _ => inner,
        }
    }

    fn fields(&mut self) -> Tree {
        let mut fields = Vec::new();
        while !self.skip(" }") {
            assert!(self.skip(" ") || self.skip(", "), "at {}", self.rest);
            let (name, rest) = self.rest.split_once(": ").expect("a field's name");
            self.rest = rest;
            fields.push((name.to_owned(), self.value()));
        }
        Tree::Struct(fields)
    }

    fn list(&mut self) -> Tree {
        let mut elements = Vec::new();
        assert!(self.skip("["));
        while !self.skip("]") {
            self.skip(", ");
            elements.push(self.value());
        }
        Tree::List(elements)
    }

    fn string(&mut self) -> Tree {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let (text, rest) = self.rest.split_at(end.expect("a closing quote").0 + 1);
        self.rest = rest;
        Tree::Leaf(text.to_owned())
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

fn bytes_of(list: &Tree) -> Vec<u8> {
    let Tree::List(elements) = list else {
        panic!("record bytes, not {list:?}")
    };
    let byte = |element: &Tree| match element {
        Tree::Leaf(value) => value.parse().expect("a byte"),
        Tree::List(_) | Tree::Struct(_) => panic!("a byte, not {element:?}"),
    };
    elements.iter().map(byte).collect()
}

/// Record bytes as their batches, and how many bytes of a batch that was cut off follow.
fn batches(bytes: &[u8]) -> Tree {
    let mut walk = Batches::new(bytes);
    let mut batches = Vec::new();
    for batch in walk.by_ref() {
        batches.push(batch.map_or_else(|fault| Tree::Leaf(fault.to_string()), |b| batch_tree(&b)));
    }
    let rest = walk.rest().len().to_string();
    Tree::Struct(vec![
        ("batches".to_owned(), Tree::List(batches)),
        ("cut_bytes".to_owned(), Tree::Leaf(rest)),
    ])
}

fn batch_tree(batch: &BatchView<'_>) -> Tree {
    let sealed = batch.verify_checksum().is_ok();
    let mut header = Tree::parse(&format!("{:?}", batch.header()));
    if let Tree::Struct(fields) = &mut header {
        // The producer id is in it, which each broker chooses for itself.
        fields.retain(|(name, _)| name != "crc");
    }
    header.add_field("sealed", Tree::Leaf(sealed.to_string()));
    let payload = batch.payload();
    let shown = format!(
        "{} bytes, crc {:08x}",
        payload.len(),
        crc32c::crc32c(payload)
    );
    header.add_field("payload", Tree::Leaf(shown));
    header
}

#[test]
fn trees_are_read_back_from_what_they_print() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only printed")]
    struct Element {
        name: Option<&'static str>,
        error_code: i16,
    }
    #[derive(Debug)]
    #[expect(dead_code, reason = "only printed")]
    struct Answer {
        elements: Vec<Element>,
        isr: Vec<i32>,
        member_id: &'static str,
    }
    let element = |name, error_code| Element { name, error_code };
    let answer = Answer {
        elements: vec![
            element(Some("b"), 3),
            element(Some("a\"},"), 0),
            element(None, 0),
        ],
        isr: vec![1, 2],
        member_id: "oracle-01234567-89ab-cdef-0123-456789abcdef",
    };
    let fields = Names::default().fields(&Tree::parse(&format!("{answer:?}")));
    let shown: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let expected = [
        "elements[2].error_code=0 NONE",
        "elements[2].name=None",
        "elements[a\\\"},].error_code=0 NONE",
        "elements[a\\\"},].name=\"a\\\"},\"",
        "elements[b].error_code=3 UNKNOWN_TOPIC_OR_PARTITION",
        "elements[b].name=\"b\"",
        "isr=[\"1\", \"2\"]",
        "member_id=\"oracle-<uuid>\"",
    ];
    assert_eq!(shown, expected);
}
