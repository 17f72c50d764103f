//! Ids, offsets and epochs that differ by type.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $repr);

        impl $name {
            /// The bare number, as the wire and the files carry it.
            pub const fn get(self) -> $repr {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A broker's node id.
    NodeId(i32)
);
number!(
    /// The index of a partition within its topic.
    PartitionIndex(i32)
);
number!(
    /// A record's offset within its partition.
    Offset(i64)
);
number!(
    /// The epoch of a partition's leader.
    LeaderEpoch(i32)
);
number!(
    /// The id of an idempotent or transactional producer.
    ProducerId(i64)
);
number!(
    /// The epoch of a producer id.
    ProducerEpoch(i16)
);
number!(
    /// A classic group's generation.
    GenerationId(i32)
);
number!(
    /// A shard: one executor pinned to one core.
    ShardId(u16)
);

impl Offset {
    /// The first offset of a log.
    pub const ZERO: Offset = Offset(0);

    /// The offset `n` further on.
    pub const fn plus(self, n: i64) -> Offset {
        Offset(self.0 + n)
    }

    /// The offset after this one.
    pub const fn next(self) -> Offset {
        self.plus(1)
    }
}

impl ProducerId {
    /// What a batch of a producer without idempotence carries.
    pub const NONE: ProducerId = ProducerId(-1);
}

impl ShardId {
    /// The shard's place in per-shard arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A topic's id (KIP-516): 16 bytes, written by tools in unpadded URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// The id that stands for "no id" on the wire.
    pub const ZERO: TopicId = TopicId([0; 16]);

    /// Whether this is the wire's "no id".
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let value = u128::from_be_bytes(self.0);
        // 128 bits are 21 groups of six and one of two, which is padded on the right.
        for group in 0..22 {
            let six = if group < 21 {
                value >> (122 - 6 * group)
            } else {
                value << 4
            };
            write!(f, "{}", ALPHABET[(six & 63) as usize] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A partition anywhere in the cluster, by topic id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicId,
    /// The partition within it.
    pub partition: PartitionIndex,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_ids_print_as_kafka_prints_them() {
        assert_eq!(TopicId::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(TopicId([0xff; 16]).to_string(), "_____________________w");
        let counted: [u8; 16] = std::array::from_fn(|i| i as u8);
        assert_eq!(TopicId(counted).to_string(), "AAECAwQFBgcICQoLDA0ODw");
    }
}
