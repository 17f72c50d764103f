//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `ConsumerProtocolAssignment`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ConsumerProtocolAssignment<'a> {
    pub assigned_partitions: Vec<TopicPartition<'a>>,
    pub user_data: Option<&'a [u8]>,
}

impl<'a> Message<'a> for ConsumerProtocolAssignment<'a> {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const API_KEY: Option<i16> = None;
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = None;

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        Ok(Self {
            assigned_partitions: r.array(false, 6, |r| TopicPartition::read(r, version))?,
            user_data: r.nullable_bytes(false)?,
        })
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.array(false, &self.assigned_partitions, |w, it| {
            it.write(w, version)
        })?;
        w.nullable_bytes(false, self.user_data)?;
        Ok(())
    }
}

/// Part of [`ConsumerProtocolAssignment`].
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
