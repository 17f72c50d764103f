//! The receiving side of an end.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use rtrb::Consumer;

use super::bell::{Bell, Waiter};
use super::sender::Sender;

/// The most that one batch takes from one sender, so that none of them waits long.
const BATCH_PER_SENDER: usize = 256;

/// Receives from every other end. Also moves on what this end has parked, so it must be polled
/// for as long as the end is in use.
pub struct Receiver<M> {
    place: usize,
    bells: Arc<[Bell]>,
    rings: Vec<Option<Consumer<M>>>,
    waiter: Waiter,
    sender: Sender<M>,
}

impl<M> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver(of place {})", self.place)
    }
}

impl<M: Send> Receiver<M> {
    pub(super) fn new(
        place: usize,
        bells: Arc<[Bell]>,
        rings: Vec<Option<Consumer<M>>>,
        waiter: Waiter,
        sender: Sender<M>,
    ) -> Receiver<M> {
        Receiver {
            place,
            bells,
            rings,
            waiter,
            sender,
        }
    }

    /// Waits for messages and adds a batch of them to `out`, in order for each sender.
    ///
    /// A dropped wait loses nothing.
    pub async fn recv_batch(&mut self, out: &mut Vec<M>) {
        std::future::poll_fn(|cx| self.poll_recv_batch(cx, out)).await;
    }

    /// Ready when `out` has received at least one message.
    pub fn poll_recv_batch(&mut self, cx: &mut Context<'_>, out: &mut Vec<M>) -> Poll<()> {
        loop {
            self.sender.refill_all();
            if self.drain(out) {
                self.bell().wake_up();
                return Poll::Ready(());
            }
            self.bell().fall_asleep();
            self.sender.refill_all();
            if self.has_messages() {
                self.bell().wake_up();
                continue;
            }
            if self.waiter.poll_rung(cx).is_pending() {
                return Poll::Pending;
            }
            self.bell().wake_up();
        }
    }

    fn bell(&self) -> &Bell {
        &self.bells[self.place]
    }

    fn has_messages(&self) -> bool {
        self.rings.iter().flatten().any(|ring| ring.slots() > 0)
    }

    fn drain(&mut self, out: &mut Vec<M>) -> bool {
        let mut any = false;
        for (from, ring) in self.rings.iter_mut().enumerate() {
            let Some(ring) = ring else { continue };
            let count = ring.slots().min(BATCH_PER_SENDER);
            if count == 0 {
                continue;
            }
            if let Ok(chunk) = ring.read_chunk(count) {
                out.extend(chunk);
                any = true;
                self.bells[from].feed_if_starved(self.place);
            }
        }
        any
    }
}
