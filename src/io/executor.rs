//! Shard threads: one glommio executor pinned to each core, with the runtime's known faults
//! worked round.
//!
//! - An executor can park with runnable tasks: when something completes on its latency ring that
//!   wakes nobody, between its collecting completions and its running tasks. So the preemption timer
//!   keeps its default, no queue asks for low latency, and time is told by timerfds and not by
//!   glommio's timers, whose late completions do exactly that (see [`alarm`](super::alarm)). What
//!   is left of the fault a heartbeat turns into a blip: 5 ms while the shard works, 250 ms at rest.
//! - The first glommio timer of an executor fires late, so one is thrown away.
//! - Files never go through glommio's own direct I/O (its polled ring would spin): see
//!   [`disk`](super::disk).
//! - The blocking threads are not pinned, or they would compete with their own shard.

use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use glommio::io::BufferedFile;
use glommio::timer::Timer;
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement, PoolPlacement};

use super::alarm::TimerFd;
use super::event::EventWaiter;

/// The heartbeat of a shard that works: bounds what a lost wake-up costs.
const BUSY_BEAT: Duration = Duration::from_millis(5);
/// The heartbeat of a shard at rest: two idle shards stay below half a percent of a core.
const REST_BEAT: Duration = Duration::from_millis(250);
/// Timers that beat in turn.
const HEARTS: u32 = 3;
/// Rounds of busy beats without activity before a shard counts as resting.
const QUIET_ROUNDS: u32 = 7;
/// Submission entries of each of glommio's three rings.
const RING_ENTRIES: usize = 256;
/// Memory that glommio registers for its own reads; doorbells need eight bytes each.
const REGISTERED_BYTES: usize = 64 * 1024;
/// Threads a shard has for work that blocks.
const BLOCKING_THREADS: usize = 2;

/// What a yield waits where there is no device to read from.
const YIELD_WITHOUT_RING: Duration = Duration::from_micros(50);

/// The cores this process may run on, ascending.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: an all-zero cpu_set_t is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills at most the given size of a live local.
    let failed = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    let allowed = |core: &usize| {
        // SAFETY: the core is below CPU_SETSIZE, so the lookup stays inside the set.
        unsafe { libc::CPU_ISSET(*core, &set) }
    };
    Ok((0..libc::CPU_SETSIZE as usize).filter(allowed).collect())
}

/// A running shard thread.
#[derive(Debug)]
pub struct ShardThread<T: Send + 'static>(ExecutorJoinHandle<io::Result<T>>);

impl<T: Send + 'static> ShardThread<T> {
    /// Waits for the shard's future to end. Fails when the executor could not start or panicked.
    pub fn join(self) -> io::Result<T> {
        self.0
            .join()
            .unwrap_or_else(|error| Err(io::Error::other(error.to_string())))
    }
}

/// Starts a thread pinned to `core` that runs the future which `factory` makes there.
///
/// Fails when the core does not exist. A ring that cannot be made (locked memory, seccomp) is
/// reported by [`ShardThread::join`].
pub fn spawn_shard<G, F, T>(core: usize, name: &str, factory: G) -> io::Result<ShardThread<T>>
where
    G: FnOnce() -> F + Send + 'static,
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    LocalExecutorBuilder::new(Placement::Fixed(core))
        .name(name)
        .io_memory(REGISTERED_BYTES)
        .ring_depth(RING_ENTRIES)
        .blocking_thread_pool_placement(PoolPlacement::Unbound(BLOCKING_THREADS))
        .spawn(move || async move {
            let beating = glommio::spawn_local(heartbeat(Hearts::new()?));
            Timer::new(Duration::from_micros(10)).await;
            let result = factory().await;
            drop(beating);
            Ok(result)
        })
        .map(ShardThread)
        .map_err(|error| io::Error::other(error.to_string()))
}

/// Lets the executor submit, collect and run everything else before the current task goes on.
///
/// A task that only wakes itself keeps the executor from its rings until the preemption timer
/// fires, a tenth of a second later; loops over ready work call this every so often. It is a read of
/// one zero byte through the ring, about a microsecond when nothing else is to be done.
pub async fn yield_to_io() {
    let zeros = ZEROS.with(|zeros| zeros.get_or_init(open_zeros).clone());
    let turn = match zeros {
        Some(zeros) => zeros.read_at(0, 1).await.is_ok(),
        None => false,
    };
    if !turn {
        Timer::new(YIELD_WITHOUT_RING).await;
    }
}

thread_local! {
    static ZEROS: OnceCell<Option<Rc<BufferedFile>>> = const { OnceCell::new() };
}

fn open_zeros() -> Option<Rc<BufferedFile>> {
    let zeros = File::open("/dev/zero").ok()?;
    // SAFETY: the descriptor is open and its ownership moves into glommio's file.
    Some(Rc::new(unsafe {
        BufferedFile::from_raw_fd(zeros.into_raw_fd())
    }))
}

thread_local! {
    static PULSE: Pulse = const { Pulse { marks: Cell::new(0), resting: Cell::new(None) } };
}

/// What the heartbeat of this thread knows of its shard.
struct Pulse {
    marks: Cell<u64>,
    resting: Cell<Option<Waker>>,
}

/// Says that this thread's shard is at work. Called by sockets, rings and the mesh.
pub(crate) fn mark_active() {
    PULSE.with(|pulse| {
        pulse.marks.set(pulse.marks.get().wrapping_add(1));
        if let Some(waker) = pulse.resting.take() {
            waker.wake();
        }
    });
}

fn marks() -> u64 {
    PULSE.with(|pulse| pulse.marks.get())
}

/// The timers of the heartbeat. Several, so that one is always armed: a fault that strikes in the
/// very moment at which one of them has fired is mended by the next.
struct Hearts {
    timers: Vec<TimerFd>,
    waiters: Vec<EventWaiter>,
}

impl Hearts {
    fn new() -> io::Result<Hearts> {
        let timers: Vec<_> = (0..HEARTS)
            .map(|_| TimerFd::new())
            .collect::<io::Result<_>>()?;
        let waiters = timers
            .iter()
            .map(EventWaiter::new)
            .collect::<io::Result<_>>()?;
        Ok(Hearts { timers, waiters })
    }

    /// Makes one of the timers fire every `beat`.
    fn beat_every(&self, beat: Duration) {
        for (turn, timer) in (1..=HEARTS).zip(&self.timers) {
            timer.arm(beat * turn, beat * HEARTS);
        }
    }

    /// Waits until each of the timers has had its turn.
    async fn round(&self) {
        if let Some(first) = self.waiters.first() {
            first.rung().await;
        }
    }
}

async fn heartbeat(hearts: Hearts) {
    let mut seen = marks();
    loop {
        hearts.beat_every(BUSY_BEAT);
        let mut quiet = 0;
        while quiet < QUIET_ROUNDS {
            hearts.round().await;
            quiet = if marks() == seen { quiet + 1 } else { 0 };
            seen = marks();
        }
        hearts.beat_every(REST_BEAT);
        while marks() == seen {
            futures_lite::future::or(stirred(seen), hearts.round()).await;
        }
    }
}

/// Waits for activity beyond `seen`.
async fn stirred(seen: u64) {
    std::future::poll_fn(|cx| {
        if marks() != seen {
            return Poll::Ready(());
        }
        PULSE.with(|pulse| pulse.resting.set(Some(cx.waker().clone())));
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
pub(crate) mod tests;
