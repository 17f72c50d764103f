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

/// Starts every future, then waits for one after the other; their outputs come in the order of the futures.
///
/// For futures that ask once and wait. Each is polled when it begins and when its turn has come, not whenever another
/// one is done: a request may bring a hundred thousand of them.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut started: Vec<_> = futures
        .into_iter()
        .map(|future| Started::Waiting(Box::pin(future)))
        .collect();
    poll_fn(|cx| {
        started.iter_mut().for_each(|future| future.poll(cx));
        Poll::Ready(())
    })
    .await;
    let mut outputs = Vec::with_capacity(started.len());
    for future in started {
        outputs.push(match future {
            Started::Done(output) => output,
            Started::Waiting(future) => future.await,
        });
    }
    outputs
}

enum Started<F: Future> {
    Waiting(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future> Started<F> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Started::Waiting(future) = self
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
            *self = Started::Done(output);
        }
    }
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
