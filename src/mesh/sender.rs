//! The sending side of an end.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rtrb::{Producer, PushError};

use super::Address;
use super::bell::Bell;

/// The message comes back: its ring is full and enough is parked for it already.
#[derive(PartialEq, Eq, Debug)]
pub struct Full<M>(pub M);

/// Sends to every other end. Cheap to clone, and stays on its thread.
pub struct Sender<M> {
    shared: Rc<Shared<M>>,
}

struct Shared<M> {
    place: usize,
    bells: Arc<[Bell]>,
    lanes: RefCell<Vec<Option<Lane<M>>>>,
    parked_max: usize,
}

/// The way to one receiver.
struct Lane<M> {
    ring: Producer<M>,
    parked: VecDeque<M>,
    waiting: Vec<Waker>,
}

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Sender {
            shared: self.shared.clone(),
        }
    }
}

impl<M> fmt::Debug for Sender<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender(of place {})", self.shared.place)
    }
}

impl<M: Send> Sender<M> {
    pub(super) fn new(
        place: usize,
        bells: Arc<[Bell]>,
        rings: Vec<Option<Producer<M>>>,
        parked_max: usize,
    ) -> Sender<M> {
        let lane = |ring: Option<Producer<M>>| {
            ring.map(|ring| Lane {
                ring,
                parked: VecDeque::new(),
                waiting: Vec::new(),
            })
        };
        Sender {
            shared: Rc::new(Shared {
                place,
                bells,
                lanes: RefCell::new(rings.into_iter().map(lane).collect()),
                parked_max,
            }),
        }
    }

    /// Sends a request, or gives it back when the receiver is too far behind: then stop reading
    /// from whoever causes it until [`Self::poll_room`] is ready.
    ///
    /// # Panics
    /// When the address is the sender's own or not in the mesh.
    pub fn try_send(&self, to: Address, message: M) -> Result<(), Full<M>> {
        let place = self.place_of(to);
        let mut lanes = self.shared.lanes.borrow_mut();
        let lane = lane_to(&mut lanes, place);
        if lane.parked.len() >= self.shared.parked_max {
            return Err(Full(message));
        }
        self.put(lane, place, message);
        Ok(())
    }

    /// Sends the answer to a request of `to`. Never refused: those requests are bounded.
    ///
    /// # Panics
    /// As [`Self::try_send`].
    pub fn reply(&self, to: Address, message: M) {
        let place = self.place_of(to);
        let mut lanes = self.shared.lanes.borrow_mut();
        self.put(lane_to(&mut lanes, place), place, message);
    }

    /// Sends a request as soon as there is room for it.
    pub async fn send(&self, to: Address, message: M) {
        let mut message = Some(message);
        std::future::poll_fn(|cx| {
            while let Some(taken) = message.take() {
                match self.try_send(to, taken) {
                    Ok(()) => return Poll::Ready(()),
                    Err(Full(back)) => message = Some(back),
                }
                if self.poll_room(cx, to).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Ready when a request to `to` would be taken.
    pub fn poll_room(&self, cx: &mut Context<'_>, to: Address) -> Poll<()> {
        let place = self.place_of(to);
        let mut lanes = self.shared.lanes.borrow_mut();
        let lane = lane_to(&mut lanes, place);
        if lane.parked.len() < self.shared.parked_max {
            return Poll::Ready(());
        }
        if !lane.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            lane.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Messages that wait for room in rings.
    pub fn parked(&self) -> usize {
        let lanes = self.shared.lanes.borrow();
        lanes.iter().flatten().map(|lane| lane.parked.len()).sum()
    }

    fn place_of(&self, address: Address) -> usize {
        let control = self.shared.bells.len() - 1;
        match address {
            Address::Shard(shard) if shard.index() < control => shard.index(),
            Address::Control => control,
            Address::Shard(shard) => panic!("shard {shard} is not in the mesh"),
        }
    }

    fn put(&self, lane: &mut Lane<M>, to: usize, message: M) {
        if !lane.parked.is_empty() {
            lane.parked.push_back(message);
            return;
        }
        match lane.ring.push(message) {
            Ok(()) => self.shared.bells[to].ring_if_asleep(),
            Err(PushError::Full(message)) => {
                lane.parked.push_back(message);
                self.refill(lane, to);
            }
        }
    }

    /// Moves parked messages on where there is room. Called by the receiver of this end whenever it
    /// is polled, and always before it sleeps.
    pub(super) fn refill_all(&self) {
        let mut lanes = self.shared.lanes.borrow_mut();
        for (place, lane) in lanes.iter_mut().enumerate() {
            if let Some(lane) = lane
                && !lane.parked.is_empty()
            {
                self.refill(lane, place);
            }
        }
    }

    fn refill(&self, lane: &mut Lane<M>, to: usize) {
        if lane.push_parked() {
            self.shared.bells[to].ring_if_asleep();
        }
        if !lane.parked.is_empty() {
            self.shared.bells[self.shared.place].starve(to);
            if lane.push_parked() {
                self.shared.bells[to].ring_if_asleep();
            }
        }
        if lane.parked.len() < self.shared.parked_max {
            lane.waiting.drain(..).for_each(Waker::wake);
        }
    }
}

impl<M> Lane<M> {
    /// Moves what fits from the parked messages to the ring. Tells whether anything moved.
    fn push_parked(&mut self) -> bool {
        let mut moved = false;
        while let Some(message) = self.parked.pop_front() {
            if let Err(PushError::Full(message)) = self.ring.push(message) {
                self.parked.push_front(message);
                break;
            }
            moved = true;
        }
        moved
    }
}

fn lane_to<M>(lanes: &mut [Option<Lane<M>>], place: usize) -> &mut Lane<M> {
    match &mut lanes[place] {
        Some(lane) => lane,
        None => panic!("an end does not send to itself"),
    }
}
