//! Random bytes of any message in any version, written straight from the schema: an interpreter that
//! shares nothing with the generated code.

use crate::schema::{Field, Message, Struct, Type};

/// A small deterministic generator (xorshift64*).
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// An integer of `bytes` bytes, the interesting ones often.
    fn integer(&mut self, bytes: u32) -> i64 {
        let wide = self.next() as i64;
        let shift = 64 - 8 * bytes;
        match self.below(6) {
            0 => 0,
            1 => -1,
            2 => i64::MIN >> shift,
            3 => i64::MAX >> shift,
            _ => wide >> shift,
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 6] = ['a', 'Z', '0', '-', 'é', '魚'];
        let length = if self.one_in(8) { 200 } else { self.below(9) };
        (0..length)
            .map(|_| LETTERS[self.below(6) as usize])
            .collect()
    }

    fn blob(&mut self) -> Vec<u8> {
        let length = if self.one_in(8) { 300 } else { self.below(20) };
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A random message. With `unknown_tags`, each flexible struct ends with a tagged field that no version
/// knows; the rest is the same for the same seed.
pub fn message(message: &Message, version: i16, seed: u64, unknown_tags: bool) -> Vec<u8> {
    let mut sampler = Sampler {
        version,
        flexible: message.is_flexible(version),
        unknown_tags,
        rng: Rng::new(seed),
    };
    let mut out = Vec::new();
    sampler.structure(&message.root, &mut out);
    out
}

struct Sampler {
    version: i16,
    flexible: bool,
    unknown_tags: bool,
    rng: Rng,
}

impl Sampler {
    fn structure(&mut self, it: &Struct, out: &mut Vec<u8>) {
        let version = self.version;
        let present = || {
            it.fields
                .iter()
                .filter(|field| field.versions.contains(version))
        };
        for field in present().filter(|field| field.tag.is_none()) {
            self.field(field, out);
        }
        if !self.flexible {
            return;
        }
        let mut tagged = Vec::new();
        for field in present() {
            if let Some(tag) = field.tag
                && self.rng.one_in(2)
            {
                tagged.push((tag, self.other_than_default(field)));
            }
        }
        tagged.sort();
        if self.unknown_tags {
            tagged.push((10_000, b"of another time".to_vec()));
        }
        uvarint(tagged.len() as u32, out);
        for (tag, value) in tagged {
            uvarint(tag, out);
            uvarint(value.len() as u32, out);
            out.extend(value);
        }
    }

    /// A tagged field at its default is not written, so a sample never has one.
    fn other_than_default(&mut self, field: &Field) -> Vec<u8> {
        let mut default = Vec::new();
        self.default(field, &mut default);
        loop {
            let mut value = Vec::new();
            let unknown_tags = std::mem::replace(&mut self.unknown_tags, false);
            let rng = self.rng.0;
            self.field(field, &mut value);
            self.unknown_tags = unknown_tags;
            if value == default {
                continue;
            }
            if unknown_tags {
                let after = std::mem::replace(&mut self.rng.0, rng);
                value.clear();
                self.field(field, &mut value);
                self.rng.0 = after;
            }
            return value;
        }
    }

    fn field(&mut self, field: &Field, out: &mut Vec<u8>) {
        let nullable = field
            .nullable
            .is_some_and(|null| null.contains(self.version));
        let null = nullable && self.rng.one_in(4);
        self.value(&field.kind, nullable, null, out);
    }

    fn value(&mut self, kind: &Type, nullable: bool, null: bool, out: &mut Vec<u8>) {
        match kind {
            Type::Bool => out.push(self.rng.below(2) as u8),
            Type::Int8 => out.extend((self.rng.integer(1) as i8).to_be_bytes()),
            Type::Int16 => out.extend((self.rng.integer(2) as i16).to_be_bytes()),
            Type::Int32 => out.extend((self.rng.integer(4) as i32).to_be_bytes()),
            Type::Int64 => out.extend(self.rng.integer(8).to_be_bytes()),
            Type::Uuid => {
                out.extend(self.rng.next().to_be_bytes());
                out.extend(self.rng.next().to_be_bytes());
            }
            Type::String => {
                let text = self.rng.text();
                self.length(true, (!null).then_some(text.len()), out);
                out.extend(text.bytes().take(if null { 0 } else { usize::MAX }));
            }
            Type::Bytes | Type::Records => {
                let blob = self.rng.blob();
                self.length(false, (!null).then_some(blob.len()), out);
                out.extend(blob.iter().take(if null { 0 } else { usize::MAX }));
            }
            Type::Array(element) => {
                let length = self.rng.below(4) as usize;
                self.length(false, (!null).then_some(length), out);
                for _ in 0..if null { 0 } else { length } {
                    self.value(element, false, false, out);
                }
            }
            Type::Struct(it) => {
                if nullable {
                    out.push(if null { 0xff } else { 1 });
                }
                if !null {
                    self.structure(it, out);
                }
            }
        }
    }

    /// The field's default as it would be written.
    fn default(&self, field: &Field, out: &mut Vec<u8>) {
        let null = field.default.as_deref() == Some("null");
        let integer = || match field.default.as_deref() {
            None => 0,
            Some("max") => i64::MAX,
            Some("min") => i64::MIN,
            Some(text) => text.parse().expect("an integer"),
        };
        match &field.kind {
            Type::Bool => out.push(u8::from(field.default.as_deref() == Some("true"))),
            Type::Int8 => out.extend((integer() as i8).to_be_bytes()),
            Type::Int16 => out.extend((integer() as i16).to_be_bytes()),
            Type::Int32 => out.extend((integer() as i32).to_be_bytes()),
            Type::Int64 => out.extend(integer().to_be_bytes()),
            Type::Uuid => out.extend([0; 16]),
            Type::String => self.length(true, (!null).then_some(0), out),
            Type::Bytes | Type::Array(_) => self.length(false, (!null).then_some(0), out),
            Type::Records => self.length(false, None, out),
            Type::Struct(_) if null => out.push(0xff),
            Type::Struct(it) => {
                for inner in it.fields.iter().filter(|inner| inner.tag.is_none()) {
                    self.default(inner, out);
                }
                out.push(0);
            }
        }
    }

    fn length(&self, short: bool, length: Option<usize>, out: &mut Vec<u8>) {
        let value = length.map_or(-1, |length| length as i64);
        match (self.flexible, short) {
            (true, _) => uvarint((value + 1) as u32, out),
            (false, true) => out.extend((value as i16).to_be_bytes()),
            (false, false) => out.extend((value as i32).to_be_bytes()),
        }
    }
}

fn uvarint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
