//! What `{:?}` prints of a message, read back into a tree, so that two codecs' structs can be compared
//! field by field although their types differ.

use std::collections::BTreeMap;

use ringlog::base::TopicId;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    None,
    /// A number, a truth value, a string or a topic id.
    Leaf(String),
    List(Vec<Value>),
    Struct(BTreeMap<String, Value>),
}

impl Value {
    pub fn parse(debug: &str) -> Value {
        let mut parser = Parser { rest: debug };
        let value = parser.value();
        assert!(parser.rest.is_empty(), "left over: {}", parser.rest);
        value
    }

    /// The fields of `self` that `other` lacks, anywhere, after asserting that all others are equal.
    pub fn compare(&self, other: &Value, path: &str, extra: &mut Vec<String>) {
        match (self, other) {
            (Value::Struct(ours), Value::Struct(theirs)) => {
                for (name, theirs) in theirs {
                    let ours = ours
                        .get(name)
                        .unwrap_or_else(|| panic!("{path} lacks {name}"));
                    ours.compare(theirs, &format!("{path}.{name}"), extra);
                }
                let more = ours.keys().filter(|name| !theirs.contains_key(*name));
                extra.extend(more.map(|name| format!("{path}.{name}")));
            }
            (Value::List(ours), Value::List(theirs)) => {
                assert_eq!(ours.len(), theirs.len(), "{path}");
                for (ours, theirs) in ours.iter().zip(theirs) {
                    ours.compare(theirs, path, extra);
                }
            }
            (ours, theirs) => assert_eq!(ours, theirs, "{path}"),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Value {
        self.space();
        if self.skip("b\"") {
            return self.byte_string();
        }
        if self.skip("\"") {
            let (text, rest) = self.rest.split_once('"').expect("an end of the string");
            assert!(!text.contains('\\'), "samples need no escapes");
            self.rest = rest;
            return Value::Leaf(text.to_owned());
        }
        if self.skip("[") {
            return Value::List(self.list("]"));
        }
        if self.skip("{") {
            return self.fields();
        }
        let word = self.word();
        self.space();
        if self.skip("(") {
            return self.list(")").pop().expect("a wrapped value");
        }
        if self.skip("{") {
            return self.fields();
        }
        match word {
            "None" => Value::None,
            word => Value::Leaf(topic_id(word).unwrap_or_else(|| word.to_owned())),
        }
    }

    fn list(&mut self, end: &str) -> Vec<Value> {
        let mut values = Vec::new();
        while !self.skip(end) {
            values.push(self.value());
            self.skip(",");
            self.space();
        }
        values
    }

    fn fields(&mut self) -> Value {
        let mut fields = BTreeMap::new();
        self.space();
        while !self.skip("}") {
            let name = self.word().to_owned();
            assert!(self.skip(":"), "a colon before {}", self.rest);
            fields.insert(name, self.value());
            self.skip(",");
            self.space();
        }
        // The other codec keeps tagged fields that it does not know.
        fields.remove("unknown_tagged_fields");
        Value::Struct(fields)
    }

    fn byte_string(&mut self) -> Value {
        let mut bytes = Vec::new();
        loop {
            let first = self.take(1);
            let byte = match first {
                "\"" => return Value::List(bytes),
                "\\" => match self.take(1) {
                    "n" => b'\n',
                    "r" => b'\r',
                    "t" => b'\t',
                    "0" => 0,
                    "x" => u8::from_str_radix(self.take(2), 16).expect("two digits"),
                    plain => plain.as_bytes()[0],
                },
                plain => plain.as_bytes()[0],
            };
            bytes.push(Value::Leaf(byte.to_string()));
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find([',', ':', '(', ')', '[', ']', '{', '}', ' ']);
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
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

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// The other codec prints ids in hexadecimal; we print them as Kafka does.
fn topic_id(word: &str) -> Option<String> {
    if word.len() != 36 || word.matches('-').count() != 4 {
        return None;
    }
    let number = u128::from_str_radix(&word.replace('-', ""), 16).ok()?;
    Some(TopicId(number.to_be_bytes()).to_string())
}
