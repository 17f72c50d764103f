//! Work that blocks, run off the shard's core.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use glommio::sync::Semaphore;

use crate::base::limits::BLOCKING_JOBS_MAX;

thread_local! {
    /// Keeps glommio's own queue of jobs from filling: it would wake the shard as a foreign runtime.
    static JOBS: Rc<Semaphore> = Rc::new(Semaphore::new(BLOCKING_JOBS_MAX));
}

/// Runs `job` on one of the shard's blocking threads and hands back what it returns.
///
/// At most [`BLOCKING_JOBS_MAX`] callers of a shard wait for a job; more wait for their turn. A job
/// whose caller goes away still runs. A job that panics is an error to its caller only.
pub async fn run<F, R>(job: F) -> io::Result<R>
where
    F: FnOnce() -> io::Result<R> + Send + 'static,
    R: Send + 'static,
{
    let jobs = JOBS.with(Rc::clone);
    let _turn = jobs
        .acquire_static_permit(1)
        .await
        .map_err(|error| io::Error::other(error.to_string()))?;
    glommio::executor()
        .spawn_blocking(move || {
            catch_unwind(AssertUnwindSafe(job))
                .unwrap_or_else(|_| Err(io::Error::other("a blocking job panicked")))
        })
        .await
}
