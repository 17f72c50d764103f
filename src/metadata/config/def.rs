//! What a setting is: its name, type, default, check and documentation, and how text becomes a value.

use std::fmt;

/// The type of a setting; the numbers are those of DescribeConfigs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean = 1,
    /// Any text.
    String = 2,
    /// A 32-bit number.
    Int = 3,
    /// A 16-bit number.
    Short = 4,
    /// A 64-bit number.
    Long = 5,
    /// A floating-point number.
    Double = 6,
    /// Texts separated by commas.
    List = 7,
    /// The name of a Java class: kept, never loaded.
    Class = 8,
    /// A secret: never described.
    Password = 9,
}

impl ConfigType {
    /// The number that DescribeConfigs carries.
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// Kafka's own name of the type, as its error messages say it.
    pub const fn name(self) -> &'static str {
        match self {
            ConfigType::Boolean => "BOOLEAN",
            ConfigType::String => "STRING",
            ConfigType::Int => "INT",
            ConfigType::Short => "SHORT",
            ConfigType::Long => "LONG",
            ConfigType::Double => "DOUBLE",
            ConfigType::List => "LIST",
            ConfigType::Class => "CLASS",
            ConfigType::Password => "PASSWORD",
        }
    }
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Check {
    /// Nothing more.
    Any,
    /// A number no smaller than this.
    AtLeast(i64),
    /// A number within these, both included.
    Between(i64, i64),
    /// A floating-point number within these, both included.
    Fraction(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of distinct, non-empty texts; of these only, unless there are none.
    Distinct {
        /// What the list may hold; empty for anything.
        of: &'static [&'static str],
        /// Whether the list itself may be empty.
        empty: bool,
    },
    /// Text that is not empty.
    NonEmpty,
    /// A compression level within these, or -1 for the codec's own default.
    Level(i64, i64),
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

/// Whether a setting does anything here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It takes effect.
    InEffect,
    /// A valid name of Kafka's whose feature is not there yet: accepted, with one warning.
    NotYet,
}

/// One setting of a topic or of the broker.
#[derive(Clone, Copy, Debug)]
pub struct ConfigDef {
    /// The name in server.properties and in requests.
    pub name: &'static str,
    /// The type.
    pub kind: ConfigType,
    /// The default as text; none when the setting is unset by default.
    pub default: Option<&'static str>,
    /// What values must satisfy.
    pub check: Check,
    /// Whether it takes effect.
    pub status: Status,
    /// Whether Kafka can change it at run time: the opposite of read-only.
    pub dynamic: bool,
    /// Whether Kafka keeps it out of its documentation and of DescribeConfigs.
    pub internal: bool,
    /// One line for people.
    pub doc: &'static str,
}

macro_rules! constructors {
    ($($name:ident => $kind:ident,)*) => {
        $(pub(super) const fn $name(name: &'static str) -> ConfigDef {
            ConfigDef::new(name, ConfigType::$kind)
        })*
    };
}

constructors! {
    boolean => Boolean,
    string => String,
    int => Int,
    short => Short,
    long => Long,
    double => Double,
    list => List,
    class => Class,
    password => Password,
}

impl ConfigDef {
    const fn new(name: &'static str, kind: ConfigType) -> ConfigDef {
        ConfigDef {
            name,
            kind,
            default: None,
            check: Check::Any,
            status: Status::NotYet,
            dynamic: false,
            internal: false,
            doc: "",
        }
    }

    pub(super) const fn default(mut self, text: &'static str) -> ConfigDef {
        self.default = Some(text);
        self
    }

    pub(super) const fn check(mut self, check: Check) -> ConfigDef {
        self.check = check;
        self
    }

    pub(super) const fn at_least(self, min: i64) -> ConfigDef {
        self.check(Check::AtLeast(min))
    }

    pub(super) const fn between(self, min: i64, max: i64) -> ConfigDef {
        self.check(Check::Between(min, max))
    }

    pub(super) const fn one_of(self, texts: &'static [&'static str]) -> ConfigDef {
        self.check(Check::OneOf(texts))
    }

    /// A list without duplicates, which may be empty.
    pub(super) const fn distinct(self) -> ConfigDef {
        self.check(Check::Distinct {
            of: &[],
            empty: true,
        })
    }

    /// A list without duplicates, which may not be empty.
    pub(super) const fn distinct_some(self) -> ConfigDef {
        self.check(Check::Distinct {
            of: &[],
            empty: false,
        })
    }

    pub(super) const fn dynamic(mut self) -> ConfigDef {
        self.dynamic = true;
        self
    }

    pub(super) const fn internal(mut self) -> ConfigDef {
        self.internal = true;
        self
    }

    pub(super) const fn in_effect(mut self, doc: &'static str) -> ConfigDef {
        self.status = Status::InEffect;
        self.doc = doc;
        self
    }

    pub(super) const fn not_yet(mut self, doc: &'static str) -> ConfigDef {
        self.doc = doc;
        self
    }

    /// Whether DescribeConfigs must keep the value to itself.
    pub const fn is_sensitive(&self) -> bool {
        matches!(self.kind, ConfigType::Password)
    }

    /// The documentation line, which says so when the setting has no effect yet.
    pub fn documentation(&self) -> String {
        match (self.status, self.doc) {
            (Status::InEffect, doc) => doc.to_owned(),
            (Status::NotYet, "") => "Known to Kafka; without effect in Ringlog yet.".to_owned(),
            (Status::NotYet, doc) => format!("{doc} Without effect in Ringlog yet."),
        }
    }

    /// Reads `text` as a value of this setting.
    ///
    /// The errors are those of Kafka's ConfigDef, word for word, because tools show them to people.
    pub fn parse(&self, text: &str) -> Result<Value, InvalidValue> {
        let value = self.read(text)?;
        self.ensure(&value)?;
        Ok(value)
    }

    /// The default as a value, if there is one.
    pub fn default_value(&self) -> Option<Value> {
        let text = self.default?;
        Some(
            self.read(text)
                .expect("a default of the table has its own type"),
        )
    }

    fn read(&self, text: &str) -> Result<Value, InvalidValue> {
        let trimmed = text.trim_matches(|c: char| c <= ' ');
        let number = |parsed: Option<i64>| match parsed {
            Some(n) => Ok(Value::Number(n)),
            None => Err(self.not_a_number(text)),
        };
        match self.kind {
            ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => {
                Ok(Value::Boolean(false))
            }
            ConfigType::Boolean => {
                Err(self.invalid(text, "Expected value to be either true or false"))
            }
            ConfigType::Int => number(trimmed.parse::<i32>().ok().map(i64::from)),
            ConfigType::Short => number(trimmed.parse::<i16>().ok().map(i64::from)),
            ConfigType::Long => number(trimmed.parse::<i64>().ok()),
            ConfigType::Double => match trimmed.parse() {
                Ok(n) => Ok(Value::Double(n)),
                Err(_) => Err(self.not_a_number(text)),
            },
            ConfigType::List => Ok(Value::List(self.read_list(trimmed))),
            ConfigType::String | ConfigType::Class | ConfigType::Password => {
                Ok(Value::Text(trimmed.to_owned()))
            }
        }
    }

    fn read_list(&self, trimmed: &str) -> Vec<String> {
        if trimmed.is_empty() {
            return Vec::new();
        }
        let mut items: Vec<String> = Vec::new();
        for item in trimmed.split(',').map(str::trim) {
            // Kafka drops repeated entries of the lists that it checks, and keeps them elsewhere.
            let drop =
                matches!(self.check, Check::Distinct { .. }) && items.iter().any(|i| i == item);
            if !drop {
                items.push(item.to_owned());
            }
        }
        items
    }

    fn ensure(&self, value: &Value) -> Result<(), InvalidValue> {
        match (self.check, value) {
            (Check::AtLeast(min), Value::Number(n)) if *n < min => {
                Err(self.invalid(value, &format!("Value must be at least {min}")))
            }
            (Check::Between(min, _), Value::Number(n)) if *n < min => {
                Err(self.invalid(value, &format!("Value must be at least {min}")))
            }
            (Check::Between(_, max), Value::Number(n)) if *n > max => {
                Err(self.invalid(value, &format!("Value must be no more than {max}")))
            }
            (Check::Fraction(min, _), Value::Double(n)) if *n < min => {
                Err(self.invalid(value, &format!("Value must be at least {min}")))
            }
            (Check::Fraction(_, max), Value::Double(n)) if *n > max => {
                Err(self.invalid(value, &format!("Value must be no more than {max}")))
            }
            (Check::Level(min, max), Value::Number(n)) if *n != -1 && !(min..=max).contains(n) => {
                let why = format!("Value must be between {min} and {max} or equal to -1");
                Err(self.invalid(value, &why))
            }
            (Check::OneOf(texts), Value::Text(text)) => self.ensure_one_of(text, texts),
            (Check::OneOfAnyCase(texts), Value::Text(text)) => {
                if texts.iter().any(|t| t.eq_ignore_ascii_case(text)) {
                    return Ok(());
                }
                let why = format!(
                    "String must be one of (case insensitive): {}",
                    texts.join(", ")
                );
                Err(self.invalid(text, &why))
            }
            (Check::NonEmpty, Value::Text(text)) if text.is_empty() => {
                Err(self.invalid(text, "String must be non-empty"))
            }
            (Check::Distinct { of, empty }, Value::List(items)) => {
                self.ensure_distinct(items, of, empty)
            }
            (Check::ThrottledReplicas, Value::List(items)) => self.ensure_throttled(items),
            _ => Ok(()),
        }
    }

    fn ensure_one_of(&self, text: &str, texts: &[&str]) -> Result<(), InvalidValue> {
        if texts.contains(&text) {
            return Ok(());
        }
        Err(self.invalid(
            text,
            &format!("String must be one of: {}", texts.join(", ")),
        ))
    }

    fn ensure_distinct(
        &self,
        items: &[String],
        of: &[&str],
        empty: bool,
    ) -> Result<(), InvalidValue> {
        let name = self.name;
        if items.is_empty() && !empty {
            let valid = match of {
                [] => "any non-empty value".to_owned(),
                texts => format!("[{}]", texts.join(", ")),
            };
            return Err(InvalidValue(format!(
                "Configuration '{name}' must not be empty. Valid values include: {valid}"
            )));
        }
        if items.iter().any(String::is_empty) {
            return Err(InvalidValue(format!(
                "Configuration '{name}' values must not be empty."
            )));
        }
        match of {
            [] => Ok(()),
            texts => items
                .iter()
                .try_for_each(|item| self.ensure_one_of(item, texts)),
        }
    }

    fn ensure_throttled(&self, items: &[String]) -> Result<(), InvalidValue> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_pair = |item: &String| {
            item.is_empty()
                || item
                    .split_once(':')
                    .is_some_and(|(a, b)| is_number(a) && is_number(b))
        };
        if items.iter().all(is_pair) || items.concat() == "*" {
            return Ok(());
        }
        let why = format!(
            "{} must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            self.name
        );
        Err(self.invalid(format!("[{}]", items.join(", ")), &why))
    }

    fn not_a_number(&self, text: &str) -> InvalidValue {
        self.invalid(text, &format!("Not a number of type {}", self.kind.name()))
    }

    fn invalid(&self, value: impl fmt::Display, why: &str) -> InvalidValue {
        let shown = if self.is_sensitive() {
            "[hidden]".to_owned()
        } else {
            value.to_string()
        };
        InvalidValue(format!(
            "Invalid value {shown} for configuration {}: {why}",
            self.name
        ))
    }
}

/// Why a value was refused, in Kafka's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub String);

/// A value of a setting; prints as Kafka prints it.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// BOOLEAN.
    Boolean(bool),
    /// STRING, CLASS or PASSWORD.
    Text(String),
    /// INT, SHORT or LONG.
    Number(i64),
    /// DOUBLE.
    Double(f64),
    /// LIST.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(value) => value.fmt(f),
            Value::Text(text) => text.fmt(f),
            Value::Number(n) => n.fmt(f),
            Value::Double(n) => f.write_str(&java_double(*n)),
            Value::List(items) => items.join(",").fmt(f),
        }
    }
}

/// The digits that Java prints for a double: plain between a thousandth and ten millions, else
/// with an exponent, and always with a point.
fn java_double(n: f64) -> String {
    let size = n.abs();
    if n == 0.0 || !n.is_finite() || (1e-3..1e7).contains(&size) {
        return format!("{n:?}");
    }
    let text = format!("{n:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

/// A table of settings: `type "name" = "default", check, flag;` with the default and the rest optional.
macro_rules! defs {
    ($($kind:ident $name:literal $(= $default:literal)?
        $(, $method:ident $(($($arg:expr),* $(,)?))?)* ;)*) => {
        &[$($kind($name)$(.default($default))?$(.$method($($($arg),*)?))*),*]
    };
}
pub(super) use defs;
