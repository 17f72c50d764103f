//! The clock: the only place in the process that asks what time it is.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::base::{MonoMs, Now, TimestampMs};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Reads both clocks. The monotonic one counts from the first reading of the process.
pub fn now() -> Now {
    let mono = START.elapsed().as_millis();
    Now {
        wall: TimestampMs(wall_ms()),
        mono: MonoMs(u64::try_from(mono).unwrap_or(u64::MAX)),
    }
}

/// The monotonic clock to the microsecond, since the first reading of the process. For measuring latencies.
pub fn mono_us() -> u64 {
    u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch; negative when the machine believes in an earlier year.
fn wall_ms() -> i64 {
    let whole = |ms: u128| i64::try_from(ms).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_millis()),
        Err(before) => -whole(before.duration().as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_does_not_go_back_and_wall_time_is_of_this_century() {
        let first = now();
        let second = now();
        assert!(second.mono >= first.mono);
        assert!(first.wall.0 > 946_684_800_000, "{first:?}");
    }
}
