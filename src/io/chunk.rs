//! Page-aligned memory that mirrors a range of a file: written once by one writer, read by anybody.
//!
//! A chunk has one `ChunkWriter`, which only ever writes behind what it has already written. The
//! bytes before that point never change again, so [`ChunkSlice`]s of them are plain shared bytes,
//! on any thread, for as long as they are held. Memory goes back to a bounded pool when the last
//! holder lets go, so that a busy shard does not ask the kernel for fresh pages.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;

use crate::base::limits::PAGE_BYTES;

pub(crate) const PAGE: usize = PAGE_BYTES as usize;

/// The sizes that chunks come in, smallest first, and how many idle ones of each a pool keeps.
const CLASSES: [(usize, usize); 4] = [
    (PAGE, 64),
    (16 * 1024, 32),
    (128 * 1024, 16),
    (1024 * 1024, 8),
];

/// Rounds up to a whole number of pages.
pub(crate) const fn page_up(bytes: usize) -> usize {
    bytes.next_multiple_of(PAGE)
}

/// A size class of chunks; larger compares greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ChunkClass(u8);

impl ChunkClass {
    pub(crate) const SMALLEST: ChunkClass = ChunkClass(0);
    const LARGEST: ChunkClass = ChunkClass(CLASSES.len() as u8 - 1);

    /// The smallest class that holds `bytes`, or the largest there is.
    pub(crate) fn holding(bytes: usize) -> ChunkClass {
        let fitting = CLASSES.iter().position(|(size, _)| *size >= bytes);
        fitting.map_or(ChunkClass::LARGEST, |class| ChunkClass(class as u8))
    }

    /// The largest class that `bytes` fill, or the smallest there is.
    pub(crate) fn filled_by(bytes: usize) -> ChunkClass {
        let larger = CLASSES.iter().filter(|(size, _)| *size <= bytes).count();
        ChunkClass(larger.saturating_sub(1) as u8)
    }

    pub(crate) fn next_larger(self) -> ChunkClass {
        ChunkClass(self.0 + 1).min(ChunkClass::LARGEST)
    }

    pub(crate) fn bytes(self) -> usize {
        CLASSES[self.0 as usize].0
    }
}

/// The memory of one shard's chunks: counts what is held and keeps a bounded number for reuse.
pub struct ChunkPool {
    idle: [ArrayQueue<Memory>; CLASSES.len()],
    held_bytes: AtomicUsize,
    held_bytes_max: usize,
    /// Of the chunks that are not full yet, without those of a page.
    open_bytes: AtomicUsize,
}

impl ChunkPool {
    /// A pool whose chunks should not hold more than `held_bytes_max`; see [`Self::is_over`].
    pub fn new(held_bytes_max: usize) -> Arc<ChunkPool> {
        Arc::new(ChunkPool {
            idle: CLASSES.map(|(_, keep)| ArrayQueue::new(keep)),
            held_bytes: AtomicUsize::new(0),
            held_bytes_max,
            open_bytes: AtomicUsize::new(0),
        })
    }

    /// Bytes of chunks in use, by tail buffers and by readers that still send from them.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Whether more is held than should be, so that what is written may be let go.
    pub fn is_over(&self) -> bool {
        self.held_bytes() > self.held_bytes_max
    }

    /// The class of the next chunk of a tail to which `coming` bytes are about to be added: the one that it has grown to, but
    /// nothing that they do not fill once chunks that nobody can let go of, since they are not full, hold half of what
    /// may be held.
    pub(crate) fn class_for(&self, grown: ChunkClass, coming: usize) -> ChunkClass {
        let wanted = grown.max(ChunkClass::holding(coming));
        let open = self.open_bytes.load(Ordering::Relaxed);
        match wanted.bytes() <= (self.held_bytes_max / 2).saturating_sub(open) {
            true => wanted,
            false => ChunkClass::filled_by(coming),
        }
    }

    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.open_bytes.load(Ordering::Relaxed)
    }

    /// A tail's last chunk, which may not be full, has another size than before.
    pub(crate) fn reopen(&self, before: usize, after: usize) {
        let counted = |bytes| if bytes > PAGE { bytes } else { 0 };
        self.open_bytes.fetch_add(counted(after), Ordering::Relaxed);
        self.open_bytes
            .fetch_sub(counted(before), Ordering::Relaxed);
    }

    /// Gives the idle memory back to the system: for a shard that has come to rest.
    pub fn trim(&self) {
        for idle in &self.idle {
            while idle.pop().is_some() {}
        }
    }

    pub(crate) fn take(self: &Arc<Self>, class: ChunkClass) -> ChunkWriter {
        let memory = self.idle[class.0 as usize]
            .pop()
            .unwrap_or_else(|| Memory::new(class));
        self.held_bytes.fetch_add(class.bytes(), Ordering::Relaxed);
        let chunk = Chunk {
            memory: Some(memory),
            home: self.clone(),
        };
        ChunkWriter {
            chunk: Arc::new(chunk),
            end: 0,
            defined: 0,
        }
    }

    fn give_back(&self, memory: Memory) {
        let class = memory.class;
        self.held_bytes.fetch_sub(class.bytes(), Ordering::Relaxed);
        // A full queue hands the memory back, and dropping it frees it.
        drop(self.idle[class.0 as usize].push(memory));
    }
}

impl fmt::Debug for ChunkPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkPool")
            .field("held_bytes", &self.held_bytes())
            .field("held_bytes_max", &self.held_bytes_max)
            .finish()
    }
}

/// One page-aligned allocation of a class's size, contents undefined.
struct Memory {
    start: NonNull<u8>,
    class: ChunkClass,
}

// SAFETY: the allocation is owned by this value alone; moving it to another thread moves ownership.
unsafe impl Send for Memory {}

impl Memory {
    fn layout(class: ChunkClass) -> Layout {
        Layout::from_size_align(class.bytes(), PAGE).expect("a class is a multiple of the page")
    }

    fn new(class: ChunkClass) -> Memory {
        let layout = Memory::layout(class);
        // SAFETY: the layout has a size greater than zero.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start) else {
            handle_alloc_error(layout);
        };
        Memory { start, class }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc` with this very layout and is freed once, here.
        unsafe { dealloc(self.start.as_ptr(), Memory::layout(self.class)) };
    }
}

/// Memory shared by its writer and its readers; returns to its pool when the last one drops it.
struct Chunk {
    memory: Option<Memory>,
    home: Arc<ChunkPool>,
}

// SAFETY: shared references only read. The one writer (`ChunkWriter` is neither Clone nor made
// twice for a chunk) writes only at and behind its `end`, where no `ChunkSlice` reaches.
unsafe impl Sync for Chunk {}

impl Chunk {
    fn start(&self) -> *mut u8 {
        let memory = self
            .memory
            .as_ref()
            .expect("a chunk has its memory until dropped");
        memory.start.as_ptr()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.home.give_back(memory);
        }
    }
}

/// The one writer of a chunk. Appends, and hands out what it has appended.
pub(crate) struct ChunkWriter {
    chunk: Arc<Chunk>,
    /// Appended so far: below it bytes never change.
    end: usize,
    /// Initialised so far: what was appended and zeros up to the end of its last page.
    defined: usize,
}

impl ChunkWriter {
    pub(crate) fn capacity(&self) -> usize {
        self.chunk.memory.as_ref().map_or(0, |m| m.class.bytes())
    }

    pub(crate) fn class(&self) -> ChunkClass {
        ChunkClass::holding(self.capacity())
    }

    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Appends as much of `bytes` as fits and returns how much that was.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.capacity() - self.end);
        let end = self.end + len;
        // SAFETY: `end..end + len` lies inside the allocation, `bytes` cannot overlap it (no
        // reference to memory behind `end` is ever handed out), and no reader sees it yet.
        unsafe {
            let to = self.chunk.start().add(self.end);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, len);
        }
        self.end = end;
        self.define_page();
        len
    }

    /// Zeroes the rest of the last page once, so that whole pages can be written to the file.
    fn define_page(&mut self) {
        let page_end = page_up(self.end);
        if page_end <= self.defined {
            return;
        }
        // SAFETY: `end <= page_end <= capacity` (a capacity is whole pages), behind every reader.
        unsafe { std::ptr::write_bytes(self.chunk.start().add(self.end), 0, page_end - self.end) };
        self.defined = page_end;
    }

    /// The appended bytes `from..to`.
    pub(crate) fn slice(&self, from: usize, to: usize) -> ChunkSlice {
        assert!(from <= to && to <= self.end, "{from}..{to} of {}", self.end);
        ChunkSlice {
            chunk: self.chunk.clone(),
            from,
            to,
        }
    }

    /// The whole pages `from..to`, the last one padded with zeros.
    pub(crate) fn pages(&self, from: usize, to: usize) -> WritePiece {
        assert!(
            from <= to && to <= self.defined,
            "{from}..{to} of {}",
            self.defined
        );
        assert!(from.is_multiple_of(PAGE) && to.is_multiple_of(PAGE));
        WritePiece {
            chunk: self.chunk.clone(),
            from,
            to,
        }
    }
}

impl fmt::Debug for ChunkWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkWriter({} of {})", self.end, self.capacity())
    }
}

/// Bytes of a chunk that never change: cheap to clone, to cut and to send to another thread.
#[derive(Clone)]
pub struct ChunkSlice {
    chunk: Arc<Chunk>,
    from: usize,
    to: usize,
}

impl ChunkSlice {
    /// The bytes `from..to` of this slice.
    ///
    /// # Panics
    /// When the range is not inside the slice.
    pub fn cut(&self, from: usize, to: usize) -> ChunkSlice {
        assert!(
            from <= to && to <= self.len(),
            "{from}..{to} of {}",
            self.len()
        );
        ChunkSlice {
            chunk: self.chunk.clone(),
            from: self.from + from,
            to: self.from + to,
        }
    }
}

impl Deref for ChunkSlice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `from..to` is below the writer's end at the time the slice was made: inside the
        // allocation, initialised, and never written again while the chunk lives.
        unsafe {
            std::slice::from_raw_parts(self.chunk.start().add(self.from), self.to - self.from)
        }
    }
}

impl fmt::Debug for ChunkSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkSlice({} bytes)", self.len())
    }
}

/// Whole pages on their way to a file. Gives no access to its bytes: the writer may still append
/// into the padding of the last page while the kernel reads it. What lands there is rewritten by
/// the next write, before anybody is told that it is on disk.
#[derive(Clone)]
pub struct WritePiece {
    chunk: Arc<Chunk>,
    from: usize,
    to: usize,
}

impl WritePiece {
    pub(super) fn start(&self) -> *const u8 {
        // SAFETY: `from` lies inside the allocation.
        unsafe { self.chunk.start().add(self.from) }
    }

    /// Bytes in the piece, a whole number of pages.
    pub fn len_bytes(&self) -> usize {
        self.to - self.from
    }
}

impl fmt::Debug for WritePiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WritePiece({} bytes)", self.len_bytes())
    }
}
