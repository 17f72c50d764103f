//! Readings of the clocks, taken at the edge and handed to the machines.

/// Wall-clock milliseconds since the Unix epoch: what records and files carry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TimestampMs(pub i64);

/// Monotonic milliseconds since the process began: what timeouts and deadlines are made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MonoMs(pub u64);

impl MonoMs {
    /// The moment `ms` later; a negative or huge wait saturates.
    pub fn plus_ms(self, ms: i64) -> MonoMs {
        MonoMs(self.0.saturating_add_signed(ms))
    }
}

/// One reading of both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The wall clock.
    pub wall: TimestampMs,
    /// The monotonic clock.
    pub mono: MonoMs,
}
