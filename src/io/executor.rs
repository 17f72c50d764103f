//! Shard threads: one glommio executor pinned to each core, which sleeps in the shard's own ring.
//!
//! glommio runs the tasks. Its own rings are not used: what completes on them costs several system calls a
//! wake-up, and can put an executor to sleep that has tasks to run. Instead one task of each shard, the driver,
//! is always ready to run. When all others have run as far as they can, it enters the shard's
//! [ring], which submits what they asked for and waits for the next thing to happen.
//!
//! The driver knows that nothing else is ready when it is polled twice with no other task in between: tasks run
//! in the order in which they were woken. So every task must be [spawned](spawn) here, where its runs are counted.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use glommio::io::BufferedFile;
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};

use super::ring::{Ring, Wait};
use super::timer_fd::TimerFd;
use super::{alarm, blocking, ring};

/// Submission entries of each of glommio's rings, which the shard's own makes idle.
const GLOMMIO_RING_ENTRIES: usize = 4;
/// Memory that glommio registers for its own reads.
const GLOMMIO_REGISTERED_BYTES: usize = 4096;
/// glommio leaves its tasks this often to look at its own rings.
const GLOMMIO_TURN: Duration = Duration::from_secs(3600);
/// How soon an executor that has gone to sleep in glommio's rings wakes up again.
const GUARD_PERIOD: Duration = Duration::from_millis(100);
/// Rounds of the tasks, all of them busy, before the ring is entered nonetheless.
const BUSY_ROUNDS_MAX: u32 = 8;

thread_local! {
    /// How often tasks have run.
    static RUNS: Cell<u64> = const { Cell::new(0) };
    /// A task wants the ring to be entered before it goes on.
    static TURN_WANTED: Cell<bool> = const { Cell::new(false) };
}

pub use glommio::Task;

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

/// Lets the current thread run on any of these cores. A shard's helpers would else compete with it.
pub(super) fn run_on_any_core(cores: &[usize]) {
    // SAFETY: an all-zero cpu_set_t is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for core in cores
        .iter()
        .filter(|core| **core < libc::CPU_SETSIZE as usize)
    {
        // SAFETY: the core is below CPU_SETSIZE, so the bit is inside the set.
        unsafe { libc::CPU_SET(*core, &mut set) };
    }
    // Where this fails the thread stays on the shard's core, which is slower and no error.
    // SAFETY: the kernel reads the given size of a live local.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
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
    let (thread, cores) = (name.to_owned(), allowed_cores()?);
    LocalExecutorBuilder::new(Placement::Fixed(core))
        .name(name)
        .io_memory(GLOMMIO_REGISTERED_BYTES)
        .ring_depth(GLOMMIO_RING_ENTRIES)
        .preempt_timer(GLOMMIO_TURN)
        .spawn(move || async move {
            let running = Running::start(&thread, &cores)?;
            let result = spawn(async move { factory().await }).await;
            drop(running);
            Ok(result)
        })
        .map(ShardThread)
        .map_err(|error| io::Error::other(error.to_string()))
}

/// Runs a future as a task of the current shard. Dropping the handle cancels it.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    glommio::spawn_local(async move {
        let mut future = pin!(future);
        poll_fn(|cx| {
            RUNS.set(RUNS.get() + 1);
            future.as_mut().poll(cx)
        })
        .await
    })
}

/// Lets everything else run, and I/O happen, before the current task goes on.
pub async fn yield_to_io() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        give_way(cx);
        Poll::Pending
    })
    .await;
}

/// The same for a poll, which then returns [`Poll::Pending`]: its task is polled again when all others, and the ring,
/// have had their turn.
pub fn give_way(cx: &Context<'_>) {
    TURN_WANTED.set(true);
    cx.waker().wake_by_ref();
}

/// Keeps a shard going until it is dropped.
struct Running {
    ended: Rc<Cell<bool>>,
    _guard: Task<()>,
}

impl Running {
    fn start(name: &str, cores: &[usize]) -> io::Result<Running> {
        let ring = ring::install()?;
        let ended = Rc::new(Cell::new(false));
        let guard = glommio::spawn_local(guard(TimerFd::every(GUARD_PERIOD)?));
        glommio::spawn_local(drive(ring, ended.clone())).detach();
        blocking::start(name, cores)?;
        Ok(Running {
            ended,
            _guard: guard,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        blocking::stop();
        self.ended.set(true);
    }
}

/// The driver of a shard: see the [module](self).
async fn drive(ring: Rc<Ring>, ended: Rc<Cell<bool>>) {
    let mut runs = None;
    let mut busy_rounds = 0;
    poll_fn(|cx| {
        if ended.get() {
            return Poll::Ready(());
        }
        let is_idle = runs.replace(RUNS.get()) == Some(RUNS.get());
        busy_rounds += 1;
        if is_idle || TURN_WANTED.take() || busy_rounds > BUSY_ROUNDS_MAX {
            busy_rounds = 0;
            enter(&ring, is_idle);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn enter(ring: &Ring, is_idle: bool) {
    let wait = match alarm::next_due() {
        _ if !is_idle => Wait::No,
        Some(due) => Wait::Until(due),
        None => Wait::ForOne,
    };
    if let Err(error) = ring.turn(wait) {
        tracing::error!(%error, "the shard's ring cannot be entered");
        // What cannot be waited for is tried again, but not at full speed.
        std::thread::sleep(Duration::from_millis(1));
    }
    alarm::ring_due();
}

/// An executor that has tasks to run can still be sent to sleep in glommio's own rings, if something happens
/// there between two looks at them. Nothing should, but if it does, this wakes it. Costs nothing until then: what
/// has fired once stays there unseen.
async fn guard(timer: TimerFd) {
    // SAFETY: the descriptor is open and its ownership moves into glommio's file.
    let file = unsafe { BufferedFile::from_raw_fd(timer.into_fd().into_raw_fd()) };
    while file.read_at(0, 8).await.is_ok() {}
}

#[cfg(test)]
pub(crate) mod tests;
