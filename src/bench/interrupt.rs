//! Ctrl-C during a run: what was measured until then is told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// Notes the first SIGINT; the second ends the process.
#[derive(Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on, until the process ends.
    pub fn listen() -> io::Result<Interrupt> {
        let noted = Arc::new(AtomicBool::new(false));
        // In this order: the first one would else find its own note and end the process.
        flag::register_conditional_default(SIGINT, noted.clone())?;
        flag::register(SIGINT, noted.clone())?;
        Ok(Interrupt(noted))
    }

    /// Whether there was one.
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
