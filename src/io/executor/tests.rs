use super::*;
use crate::base::limits::BLOCKING_JOBS_MAX;

/// Runs a future on a shard thread of its own and returns what it returns.
pub(crate) fn run_on_shard<G, F, T>(factory: G) -> T
where
    G: FnOnce() -> F + Send + 'static,
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    on_core(0, factory).join().unwrap()
}

/// Starts a shard thread on the n-th allowed core, going round when there are fewer.
pub(crate) fn on_core<G, F, T>(index: usize, factory: G) -> ShardThread<T>
where
    G: FnOnce() -> F + Send + 'static,
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    let cores = allowed_cores().unwrap();
    spawn_shard(cores[index % cores.len()], "test", factory).unwrap()
}

#[test]
fn a_shard_runs_on_its_core_and_returns_its_result() {
    let cores = allowed_cores().unwrap();
    assert!(!cores.is_empty());
    for core in cores {
        let shard = spawn_shard(core, "test", || async { allowed_cores().unwrap() }).unwrap();
        assert_eq!(shard.join().unwrap(), [core]);
    }
}

#[test]
fn a_core_that_does_not_exist_is_an_error() {
    assert!(spawn_shard(100_000, "test", || async {}).is_err());
}

#[test]
fn yielding_lets_other_io_happen() {
    let turns = run_on_shard(|| async {
        let event = crate::io::event::EventFd::new().unwrap();
        let waiter = crate::io::event::EventWaiter::new(&event).unwrap();
        event.ring();
        let mut turns = 0u32;
        let mut rung = std::pin::pin!(waiter.rung());
        while futures_lite::future::poll_once(rung.as_mut())
            .await
            .is_none()
        {
            turns += 1;
            yield_to_io().await;
        }
        turns
    });
    assert!(turns < 10_000, "{turns}");
}

#[test]
fn a_blocking_job_runs_elsewhere_and_its_panic_stays_there() {
    let (here, there, panicked) = run_on_shard(|| async {
        let id = || Ok(std::thread::current().id());
        let there = crate::io::blocking::run(id).await.unwrap();
        let panicked = crate::io::blocking::run::<_, ()>(|| panic!("on purpose")).await;
        (id().unwrap(), there, panicked.is_err())
    });
    assert_ne!(here, there);
    assert!(panicked);
}

#[test]
fn more_blocking_jobs_than_are_allowed_all_run() {
    let done = run_on_shard(|| async {
        let jobs: Vec<_> = (0..BLOCKING_JOBS_MAX * 3)
            .map(|n| spawn(crate::io::blocking::run(move || Ok(n))))
            .collect();
        let mut sum = 0;
        for job in jobs {
            sum += job.await.unwrap();
        }
        sum
    });
    let count = BLOCKING_JOBS_MAX * 3;
    assert_eq!(done, count * (count - 1) / 2);
}

#[test]
fn tasks_that_are_always_ready_do_not_starve_what_waits() {
    run_on_shard(|| async {
        let busy = spawn(async {
            loop {
                let mut polled = false;
                poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    match std::mem::replace(&mut polled, true) {
                        true => Poll::Ready(()),
                        false => Poll::Pending,
                    }
                })
                .await;
            }
        });
        crate::io::alarm::sleep(Duration::from_millis(1)).await;
        crate::io::blocking::run(|| Ok(())).await.unwrap();
        drop(busy);
    });
}
