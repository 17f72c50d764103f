//! Memory and disk as bytes, with operations that complete later, or never.

use std::collections::BTreeMap;

use super::Stored;
use crate::base::Offset;
use crate::log::write_plan::{ReserveOp, SealOp, SyncOp, WriteOp};

type Files = BTreeMap<Offset, Vec<u8>>;

/// What the driver holds in its tail buffers, what it has written, and what would survive a power cut.
#[derive(Default)]
pub(super) struct Disk {
    memory: Files,
    written: Files,
    durable: Files,
    write: Option<WriteOp>,
    /// A sync, and the bytes that it makes durable: those written when it began.
    sync: Option<(SyncOp, Vec<u8>)>,
    seal: Option<SealOp>,
    reserve: Option<ReserveOp>,
}

impl Disk {
    /// A batch's bytes, each telling which batch it belongs to; never zero.
    pub fn fill(&mut self, segment: Offset, position: u32, size: u32, base_offset: Offset) {
        let file = self.memory.entry(segment).or_default();
        assert_eq!(
            file.len(),
            position as usize,
            "batches lie one behind the other"
        );
        file.resize((position + size) as usize, tag(base_offset));
    }

    pub fn is_written(&self, batch: &Stored) -> bool {
        holds(&self.written, batch)
    }

    pub fn is_durable(&self, batch: &Stored) -> bool {
        holds(&self.durable, batch)
    }

    pub fn is_idle(&self) -> bool {
        self.write.is_none() && self.sync.is_none() && self.seal.is_none() && self.reserve.is_none()
    }

    pub fn start_write(&mut self, op: WriteOp) {
        assert!(self.write.replace(op).is_none(), "one write at a time");
    }

    pub fn start_sync(&mut self, op: SyncOp) {
        let bytes = self.written.get(&op.segment).cloned().unwrap_or_default();
        assert!(
            self.sync.replace((op, bytes)).is_none(),
            "one sync at a time"
        );
    }

    /// The sync is submitted only now: what was written since it was asked for is in it.
    pub fn sync_begins(&mut self) {
        if let Some((op, bytes)) = &mut self.sync {
            *bytes = self.written.get(&op.segment).cloned().unwrap_or_default();
        }
    }

    pub fn start_seal(&mut self, op: SealOp) {
        assert!(self.is_idle(), "a segment is sealed at rest");
        self.seal = Some(op);
    }

    pub fn start_reserve(&mut self, op: ReserveOp) {
        assert!(op.from < op.to);
        assert!(
            self.reserve.replace(op).is_none(),
            "one reservation at a time"
        );
    }

    pub fn finish_write(&mut self) -> bool {
        let Some(op) = self.write.take() else {
            return false;
        };
        let memory = &self.memory[&op.segment];
        let file = self.written.entry(op.segment).or_default();
        let (from, data, to) = (
            op.file_from as usize,
            op.data_end as usize,
            op.file_to as usize,
        );
        assert!(from <= file.len(), "a write leaves no hole");
        file.resize(file.len().max(to), 0);
        file[from..data].copy_from_slice(&memory[from..data]);
        file[data..to].fill(0);
        true
    }

    pub fn finish_sync(&mut self) -> bool {
        let Some((op, bytes)) = self.sync.take() else {
            return false;
        };
        self.durable.insert(op.segment, bytes);
        true
    }

    pub fn finish_seal(&mut self) -> bool {
        let Some(op) = self.seal.take() else {
            return false;
        };
        let file = self.written.entry(op.segment).or_default();
        assert!(file.len() >= op.size_bytes as usize);
        file.truncate(op.size_bytes as usize);
        self.durable.insert(op.segment, file.clone());
        true
    }

    pub fn finish_reserve(&mut self) -> bool {
        self.reserve.take().is_some()
    }

    pub fn lose_write(&mut self) -> bool {
        self.write.take().is_some()
    }

    pub fn lose_sync(&mut self) -> bool {
        self.sync.take().is_some()
    }

    pub fn lose_seal(&mut self) -> bool {
        self.seal.take().is_some()
    }

    pub fn lose_reserve(&mut self) -> bool {
        self.reserve.take().is_some()
    }

    pub fn delete(&mut self, segment: Offset) {
        assert!(self.write.is_none_or(|op| op.segment != segment));
        assert!(self.seal.is_none_or(|op| op.segment != segment));
        for files in [&mut self.memory, &mut self.written, &mut self.durable] {
            files.remove(&segment);
        }
    }

    pub fn truncate(&mut self, segment: Offset, size_bytes: u32) {
        for files in [&mut self.memory, &mut self.written, &mut self.durable] {
            files
                .entry(segment)
                .or_default()
                .truncate(size_bytes as usize);
        }
    }

    /// Operations in flight are lost; with the power, everything that was not synced too.
    pub fn crash(&mut self, power: bool) {
        (self.write, self.sync, self.seal, self.reserve) = (None, None, None, None);
        if power {
            self.written = self.durable.clone();
        }
    }

    /// Recovery has found the log to end at `size_bytes` of `active` and made that durable. Returns what is allocated.
    pub fn recovered(&mut self, active: Offset, size_bytes: u32) -> u64 {
        self.written.retain(|&segment, _| segment <= active);
        let file = self.written.entry(active).or_default();
        file.truncate(size_bytes as usize);
        self.memory = self.written.clone();
        self.durable = self.written.clone();
        0
    }
}

fn tag(base_offset: Offset) -> u8 {
    (base_offset.0 % 255) as u8 + 1
}

fn holds(files: &Files, batch: &Stored) -> bool {
    let (from, len) = (batch.position as usize, batch.info.size_bytes as usize);
    let bytes = files
        .get(&batch.segment)
        .and_then(|f| f.get(from..from + len));
    bytes.is_some_and(|bytes| bytes.iter().all(|&b| b == tag(batch.base_offset)))
}
