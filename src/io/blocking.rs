//! Work that blocks, run off the shard's core.
//!
//! Each shard has a few threads of its own, which may run on any core. A job that is done puts itself on a list
//! and rings the shard's doorbell.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use super::event::{EventFd, EventWaiter};
use super::executor::{self, run_on_any_core};
use crate::base::limits::BLOCKING_JOBS_MAX;

/// Threads that a shard has for work that blocks.
const THREADS: usize = 2;

thread_local! {
    static POOL: RefCell<Option<Rc<Pool>>> = const { RefCell::new(None) };
}

type Job = Box<dyn FnOnce() + Send>;

/// The shard's side.
struct Pool {
    jobs: Sender<(u64, Job)>,
    next: Cell<u64>,
    /// Jobs that have not ended, whether or not anybody still waits for them.
    open: Cell<usize>,
    waiting: RefCell<HashMap<u64, Waker>>,
    turns: RefCell<Vec<Waker>>,
}

/// What the threads share with the shard.
struct Ended {
    jobs: Mutex<Vec<u64>>,
    doorbell: EventFd,
}

/// Starts the threads of the current shard, on whichever of `cores` is free.
pub(super) fn start(name: &str, cores: &[usize]) -> io::Result<()> {
    let ended = Arc::new(Ended {
        jobs: Mutex::default(),
        doorbell: EventFd::new()?,
    });
    let (jobs, queue) = channel();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..THREADS {
        let (queue, ended, cores) = (queue.clone(), ended.clone(), cores.to_vec());
        std::thread::Builder::new()
            .name(format!("{name}-io"))
            .spawn(move || {
                run_on_any_core(&cores);
                work(&queue, &ended);
            })?;
    }
    let pool = Rc::new(Pool {
        jobs,
        next: Cell::new(0),
        open: Cell::new(0),
        waiting: RefCell::default(),
        turns: RefCell::default(),
    });
    let waiter = EventWaiter::new(&ended.doorbell)?;
    POOL.set(Some(pool.clone()));
    executor::spawn(collect(pool, ended, waiter)).detach();
    Ok(())
}

/// Lets the threads end when they have done what they were given.
pub(super) fn stop() {
    POOL.set(None);
}

fn work(queue: &Mutex<Receiver<(u64, Job)>>, ended: &Ended) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, job)) = next else { return };
        job();
        let mut jobs = ended.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push(id);
        ended.doorbell.ring();
    }
}

async fn collect(pool: Rc<Pool>, ended: Arc<Ended>, waiter: EventWaiter) {
    loop {
        waiter.rung().await;
        let jobs = std::mem::take(&mut *ended.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        pool.open.set(pool.open.get() - jobs.len());
        for id in jobs {
            let waiting = pool.waiting.borrow_mut().remove(&id);
            waiting.into_iter().for_each(Waker::wake);
        }
        pool.turns.borrow_mut().drain(..).for_each(Waker::wake);
    }
}

impl Pool {
    /// Waits until there are few enough jobs for another one.
    async fn turn(&self) {
        poll_fn(|cx| {
            if self.open.get() < BLOCKING_JOBS_MAX {
                self.open.set(self.open.get() + 1);
                return Poll::Ready(());
            }
            self.turns.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Runs `job` on one of the shard's blocking threads and hands back what it returns.
///
/// At most [`BLOCKING_JOBS_MAX`] jobs of a shard are under way; more wait for their turn. A job whose
/// caller goes away still runs. A job that panics is an error to its caller only.
pub async fn run<F, R>(job: F) -> io::Result<R>
where
    F: FnOnce() -> io::Result<R> + Send + 'static,
    R: Send + 'static,
{
    let pool = POOL.with_borrow(Option::clone);
    let pool = pool.ok_or_else(|| io::Error::other("the shard has ended"))?;
    pool.turn().await;
    let slot = Arc::new(Mutex::new(None));
    let result = slot.clone();
    let job: Job = Box::new(move || {
        let returned = catch_unwind(AssertUnwindSafe(job))
            .unwrap_or_else(|_| Err(io::Error::other("a blocking job panicked")));
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
    });
    let id = pool.next.replace(pool.next.get() + 1);
    pool.jobs
        .send((id, job))
        .map_err(|_| io::Error::other("the shard's blocking threads are gone"))?;
    let result = poll_fn(|cx| {
        let returned = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(returned) = returned {
            return Poll::Ready(returned);
        }
        pool.waiting.borrow_mut().insert(id, cx.waker().clone());
        Poll::Pending
    });
    result.await
}
