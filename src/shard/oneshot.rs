//! A one-value channel between two tasks of one shard.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Makes a channel for one value.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Rc::new(Slot {
        value: RefCell::new(None),
        waker: RefCell::new(None),
        closed: Cell::new(false),
    });
    (Sender { slot: slot.clone() }, Receiver { slot })
}

struct Slot<T> {
    value: RefCell<Option<T>>,
    waker: RefCell<Option<Waker>>,
    closed: Cell<bool>,
}

/// The end that gives the value; dropped without one, the receiver learns it.
pub struct Sender<T> {
    slot: Rc<Slot<T>>,
}

impl<T> Sender<T> {
    /// Hands the value over.
    pub fn send(self, value: T) {
        *self.slot.value.borrow_mut() = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.slot.closed.set(true);
        if let Some(waker) = self.slot.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// The end that waits: `None` when the sender went away without a value.
pub struct Receiver<T> {
    slot: Rc<Slot<T>>,
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(value) = self.slot.value.borrow_mut().take() {
            return Poll::Ready(Some(value));
        }
        if self.slot.closed.get() {
            return Poll::Ready(None);
        }
        let mut waker = self.slot.waker.borrow_mut();
        match waker.as_ref() {
            Some(known) if known.will_wake(cx.waker()) => {}
            _ => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// Runs futures side by side; their outputs come in the order of the futures.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures
        .into_iter()
        .map(|future| (Some(Box::pin(future)), None))
        .collect();
    poll_fn(|cx| {
        let mut all_done = true;
        for (future, output) in &mut running {
            let Some(running) = future else { continue };
            match running.as_mut().poll(cx) {
                Poll::Ready(value) => {
                    *output = Some(value);
                    *future = None;
                }
                Poll::Pending => all_done = false,
            }
        }
        if all_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn poll_once<T>(receiver: &mut Receiver<T>) -> Poll<Option<T>> {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(receiver).poll(&mut cx)
    }

    #[test]
    fn a_value_arrives_once() {
        let (sender, mut receiver) = oneshot();
        assert!(poll_once(&mut receiver).is_pending());
        sender.send(7);
        assert_eq!(poll_once(&mut receiver), Poll::Ready(Some(7)));
    }

    #[test]
    fn a_value_that_cannot_come_any_more_is_not_waited_for() {
        let (sender, mut receiver) = oneshot::<u8>();
        drop(sender);
        assert_eq!(poll_once(&mut receiver), Poll::Ready(None));
    }
}
