//! Ctrl-C during a run: what was measured until then is told.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::{SigId, flag, low_level};

/// Notes the first SIGINT for as long as it lives; the second ends the process.
#[derive(Debug)]
pub struct Interrupt {
    noted: Arc<AtomicBool>,
    actions: [SigId; 2],
}

impl Interrupt {
    /// From now on.
    pub fn listen() -> io::Result<Interrupt> {
        let noted = Arc::new(AtomicBool::new(false));
        // In this order: the first one would else find its own note and end the process.
        let actions = [
            flag::register_conditional_default(SIGINT, noted.clone())?,
            flag::register(SIGINT, noted.clone())?,
        ];
        Ok(Interrupt { noted, actions })
    }

    /// Whether there was one.
    pub fn is_noted(&self) -> bool {
        self.noted.load(Ordering::Relaxed)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for action in self.actions {
            low_level::unregister(action);
        }
    }
}
