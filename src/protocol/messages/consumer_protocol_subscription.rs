//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `ConsumerProtocolSubscription`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerProtocolSubscription<'a> {
    pub topics: Vec<&'a str>,
    pub user_data: Option<&'a [u8]>,
    /// Versions 1+.
    pub owned_partitions: Vec<TopicPartition<'a>>,
    /// Versions 2+.
    pub generation_id: i32,
    /// Versions 3+.
    pub rack_id: Option<&'a str>,
}

impl Default for ConsumerProtocolSubscription<'_> {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            user_data: None,
            owned_partitions: Vec::new(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl<'a> Message<'a> for ConsumerProtocolSubscription<'a> {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const API_KEY: Option<i16> = None;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = None;

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            topics: r.array(false, 2, |r| r.string(false))?,
            user_data: r.nullable_bytes(false)?,
            owned_partitions: if version >= 1 {
                r.array(false, 6, |r| TopicPartition::read(r, version))?
            } else {
                Vec::new()
            },
            generation_id: if version >= 2 { r.i32()? } else { -1 },
            rack_id: if version >= 3 {
                r.nullable_string(false)?
            } else {
                None
            },
        })
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.array(false, &self.topics, |w, it| w.string(false, it))?;
        w.nullable_bytes(false, self.user_data)?;
        if version >= 1 {
            w.array(false, &self.owned_partitions, |w, it| it.write(w, version))?;
        }
        if version >= 2 {
            w.i32(self.generation_id);
        }
        if version >= 3 {
            w.nullable_string(false, self.rack_id)?;
        }
        Ok(())
    }
}

/// Part of [`ConsumerProtocolSubscription`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicPartition<'a> {
    pub topic: &'a str,
    pub partitions: Vec<i32>,
}

impl<'a> TopicPartition<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            topic: r.string(false)?,
            partitions: r.array(false, 4, Reader::i32)?,
        })
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(false, self.topic)?;
        w.array(false, &self.partitions, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        Ok(())
    }
}
