//! The mesh: bounded queues between every two shards, and between each shard and the control thread.
//!
//! Every ordered pair of ends has a single-producer ring. A receiver that has nothing to do sleeps on
//! a doorbell, which a sender rings only then, so a burst costs one wake-up. A message for a full ring
//! is parked with its sender, up to a bound, and moves on as soon as the receiver has made room;
//! beyond the bound the sender is told to hold back ([`Full`]).
//!
//! Nothing here waits for a peer while it holds something that the peer waits for: receivers always
//! drain, and a [reply](Sender::reply) is never refused, because its number is bounded by the requests
//! that its receiver was allowed to send. So no cycle of full rings can come to a standstill.

mod bell;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::base::ShardId;
use bell::Bell;

pub use receiver::Receiver;
pub use sender::{Full, Sender};

/// An end of the mesh.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// A shard.
    Shard(ShardId),
    /// The control thread.
    Control,
}

/// How much the mesh holds.
#[derive(Clone, Copy, Debug)]
pub struct MeshBounds {
    /// Messages in the ring of each ordered pair.
    pub ring_messages: usize,
    /// Requests parked by each sender for each full ring, beyond which it must hold back.
    pub parked_messages: usize,
}

impl MeshBounds {
    /// Bounds for a number of shards: rings shrink as the number of pairs grows, so that all of them
    /// together stay within a few megabytes.
    pub fn for_shards(shards: usize) -> MeshBounds {
        let ends = shards + 1;
        MeshBounds {
            ring_messages: (64 * 1024 / (ends * ends)).clamp(16, 1024),
            parked_messages: 1024,
        }
    }
}

/// One end before its thread has taken it.
#[derive(Debug)]
pub struct Endpoint<M> {
    address: Address,
    place: usize,
    bells: Arc<[Bell]>,
    /// By place of the other end; none to oneself.
    to: Vec<Option<Producer<M>>>,
    from: Vec<Option<Consumer<M>>>,
    parked_max: usize,
}

/// The ends of a new mesh: the shards' in their order, and the control thread's.
#[derive(Debug)]
pub struct Ends<M> {
    /// One for each shard, by index.
    pub shards: Vec<Endpoint<M>>,
    /// The control thread's.
    pub control: Endpoint<M>,
}

/// Builds a mesh between `shards` shards and the control thread.
pub fn connect<M: Send>(shards: usize, bounds: MeshBounds) -> io::Result<Ends<M>> {
    let count = shards + 1;
    let bells = (0..count)
        .map(|_| Bell::new(count))
        .collect::<io::Result<Arc<[Bell]>>>()?;
    let end = |place: usize| Endpoint {
        address: address_of(place, shards),
        place,
        bells: bells.clone(),
        to: Vec::with_capacity(count),
        from: Vec::with_capacity(count),
        parked_max: bounds.parked_messages,
    };
    let mut ends: Vec<Endpoint<M>> = (0..count).map(end).collect();
    for from in 0..count {
        for to in 0..count {
            let (producer, consumer) = match from == to {
                true => (None, None),
                false => {
                    let (producer, consumer) = RingBuffer::new(bounds.ring_messages);
                    (Some(producer), Some(consumer))
                }
            };
            ends[from].to.push(producer);
            ends[to].from.push(consumer);
        }
    }
    let control = ends.pop().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(Ends {
        shards: ends,
        control,
    })
}

fn address_of(place: usize, shards: usize) -> Address {
    match u16::try_from(place) {
        Ok(index) if place < shards => Address::Shard(ShardId(index)),
        _ => Address::Control,
    }
}

impl<M: Send> Endpoint<M> {
    /// Whose end this is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Opens a shard's end on its executor.
    pub fn open_on_shard(self) -> io::Result<(Sender<M>, Receiver<M>)> {
        let waiter = self.bells[self.place].wait_on_executor()?;
        Ok(self.open(waiter))
    }

    /// Opens the control thread's end on the current tokio runtime.
    pub fn open_on_tokio(self) -> io::Result<(Sender<M>, Receiver<M>)> {
        let waiter = bell::Waiter::on_tokio(self.bells.clone(), self.place)?;
        Ok(self.open(waiter))
    }

    fn open(self, waiter: bell::Waiter) -> (Sender<M>, Receiver<M>) {
        let sender = Sender::new(self.place, self.bells.clone(), self.to, self.parked_max);
        let receiver = Receiver::new(self.place, self.bells, self.from, waiter, sender.clone());
        (sender, receiver)
    }
}
