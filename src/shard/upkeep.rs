//! What a shard does from time to time: retention, flushes by time, idle connections, group sessions.

use std::rc::Rc;
use std::time::Duration;

use crate::base::MonoMs;
use crate::base::limits::UPKEEP_INTERVAL_MS;
use crate::partition::Effects;
use crate::shard::Shard;
use crate::shard::partitions::Hosted;
use crate::shard::timer::sleep;

/// Looks after connections and partitions at a fixed pace.
pub async fn run_periodic(shard: Rc<Shard>) {
    let start = shard.now().mono;
    let config = &shard.config;
    let mut retention = Pace {
        due: start.plus_ms(config.log_initial_task_delay_ms),
        interval_ms: config.log_retention_check_interval_ms,
    };
    let mut producers = Pace {
        due: start.plus_ms(config.producer_id_expiration_check_interval_ms),
        interval_ms: config.producer_id_expiration_check_interval_ms,
    };
    loop {
        sleep(Duration::from_millis(UPKEEP_INTERVAL_MS)).await;
        let now = shard.now();
        if let Some(idle_max_ms) = shard.config.connections_max_idle_ms {
            shard.connections.close_idle(now.mono, idle_max_ms);
        }
        if shard.arrivals.is_high() {
            shard.connections.wake_all();
        }
        let tasks = Tasks {
            retention: retention.is_due(now.mono),
            expire_producers: producers.is_due(now.mono),
        };
        look_after_partitions(&shard, tasks).await;
    }
}

/// When something rare is to be done next.
struct Pace {
    due: MonoMs,
    interval_ms: i64,
}

impl Pace {
    /// True once in each interval.
    fn is_due(&mut self, now: MonoMs) -> bool {
        let due = now >= self.due;
        if due {
            self.due = now.plus_ms(self.interval_ms);
        }
        due
    }
}

/// What a pass over the partitions does besides what every pass does.
#[derive(Clone, Copy)]
struct Tasks {
    retention: bool,
    expire_producers: bool,
}

/// One pass over the partitions, in steps that leave the core to others in between.
async fn look_after_partitions(shard: &Rc<Shard>, tasks: Tasks) {
    const STEP: usize = 64;
    let all: Vec<Rc<Hosted>> = shard.partitions.borrow().values().cloned().collect();
    let mut tail_bytes = 0;
    let mut poisoned = 0;
    for step in all.chunks(STEP) {
        for hosted in step {
            look_after(shard, hosted, tasks);
            tail_bytes += hosted.tail_bytes();
            poisoned += u64::from(hosted.state.borrow().writes().is_poisoned());
        }
        crate::io::executor::yield_to_io().await;
    }
    shard.apply_acks();
    shard.metrics.tail_bytes.set(tail_bytes as u64);
    shard.metrics.poisoned_partitions.set(poisoned);
}

fn look_after(shard: &Rc<Shard>, hosted: &Rc<Hosted>, tasks: Tasks) {
    let mut effects = Effects::new();
    let now = shard.now();
    hosted.state.borrow_mut().tick(now, &mut effects);
    if tasks.expire_producers {
        hosted.state.borrow_mut().expire_producers(now);
    }
    if tasks.retention {
        hosted.state.borrow_mut().retention(now, &mut effects);
    }
    shard.apply(hosted, &mut effects);
    if hosted.is_quiet(now.mono) {
        hosted.shrink();
    }
}

/// Wakes the coordinators when something of theirs is due.
pub async fn run_group_timers(shard: Rc<Shard>) {
    loop {
        let hosts: Vec<_> = shard.groups.borrow().values().cloned().collect();
        let next: Option<MonoMs> = hosts.iter().filter_map(|host| host.next_deadline()).min();
        let now = shard.now().mono;
        // Even what is due already waits for a moment: others on this core have their turn.
        let wait = next.map(|next| Duration::from_millis(next.0.saturating_sub(now.0).max(1)));
        shard.timer_bell.rung_within(wait).await;
        for host in hosts {
            host.on_timer(&shard);
        }
    }
}
