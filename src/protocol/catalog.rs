//! Every message by name, for code that must treat them all alike: fuzzing, tools and tests.

use super::messages::{self, every_message};
use super::{DecodeError, EncodeError, Message, Reader, Writer};

/// What role a message has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// What a client sends.
    Request,
    /// What a broker answers.
    Response,
    /// Bytes within other messages, or in a log.
    Other,
}

/// A message of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name, as Kafka spells it.
    pub name: &'static str,
    /// Its role.
    pub role: Role,
    /// The API's key, if it has one.
    pub api_key: Option<i16>,
    /// The oldest version.
    pub min_version: i16,
    /// The newest version.
    pub max_version: i16,
    /// The first flexible version, if any.
    pub first_flexible: Option<i16>,
    /// Reads the message in a version and writes it again.
    pub transcode: fn(&mut Reader<'_>, i16) -> Result<Transcoded, DecodeError>,
}

/// A message that was read, and what writing it gives.
#[derive(Debug)]
pub struct Transcoded {
    /// The message, for people.
    pub debug: String,
    /// It, written in the version in which it was read.
    pub bytes: Result<Vec<u8>, EncodeError>,
}

macro_rules! catalog {
    ($($list:ident: [$($name:ident,)*])*) => {
        /// Every message: the requests, the responses, the others.
        pub static CATALOG: &[Entry] = &[$($(
            Entry {
                name: messages::$name::NAME,
                role: catalog!(@role $list),
                api_key: messages::$name::API_KEY,
                min_version: messages::$name::MIN_VERSION,
                max_version: messages::$name::MAX_VERSION,
                first_flexible: messages::$name::FIRST_FLEXIBLE,
                transcode: |r, version| {
                    messages::$name::decode(r, version).map(|message| transcoded(&message, version))
                },
            },
        )*)*];
    };
    (@role requests) => { Role::Request };
    (@role responses) => { Role::Response };
    (@role others) => { Role::Other };
}

every_message!(catalog);

fn transcoded<'a, M: Message<'a> + std::fmt::Debug>(message: &M, version: i16) -> Transcoded {
    let mut w = Writer::new();
    let written = message.encode(&mut w, version);
    Transcoded {
        debug: format!("{message:?}"),
        bytes: written.map(|()| w.into_bytes()),
    }
}
