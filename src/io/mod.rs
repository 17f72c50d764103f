//! The edge: executors, sockets, files, buffers and the clock. Knows nothing of Kafka.
//!
//! | to do this | look here |
//! | --- | --- |
//! | start a shard's thread, run tasks on it | [`executor`] |
//! | hand work to the kernel, and sleep | [`ring`], `readiness` |
//! | read the clock, wait for a time | [`clock`], [`alarm`] |
//! | read how much processor time a process has used | [`cpu_clock`] |
//! | wait for another thread | [`event`] |
//! | accept and use connections | [`listener`], [`socket`], [`recv_buffer`], [`send_queue`] |
//! | hold the tail of a segment in memory | [`chunk`], [`tail_buffer`] |
//! | write and sync a segment | [`disk`] |
//! | open, read, warm and remove files | [`segment_file`], [`residency`], [`files`] |
//! | run what blocks | [`blocking`] |
//!
//! Every `unsafe` of the process but one of the mesh's lives here, and all zero-copy sending in `sendfile`.

pub mod alarm;
pub mod blocking;
pub mod chunk;
pub mod clock;
pub mod cpu_clock;
pub mod disk;
pub mod event;
pub mod executor;
pub mod files;
pub mod listener;
mod readiness;
pub mod recv_buffer;
pub mod residency;
pub mod ring;
pub mod segment_file;
pub mod send_queue;
mod sendfile;
pub mod socket;
pub mod tail_buffer;
mod timer_fd;
