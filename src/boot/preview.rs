//! What a start would come upon, found out by the start's own checks and without leaving a trace.

use std::path::PathBuf;

use super::address::{AddressError, Addresses};
use super::checks::{self, HostError};
use super::data_dir::DataDir;
use super::{BootConfig, BootError, Place, listen_options, ports};

/// What was found.
#[derive(Debug, Default)]
pub struct Preview {
    /// Why the broker would not start; none if it would.
    pub obstacles: Vec<BootError>,
    /// Whether the data directory takes direct writes, if it can be used.
    pub direct: Option<bool>,
    /// How many files may be open.
    pub nofile: Option<u64>,
}

/// Looks at everything that [`run`](super::run) asks for before it makes anything.
pub fn preview(config: &BootConfig) -> Preview {
    let mut found = Preview {
        nofile: checks::nofile(config.cores.len()).ok(),
        ..Preview::default()
    };
    let faults = checks::host_faults(config.cores.len()).into_iter();
    found.obstacles.extend(faults.map(HostError::into));
    if let Err(error) = listen(config) {
        found.obstacles.push(error.into());
    }
    let path = PathBuf::from(&config.broker.log_dir);
    match DataDir::probe(&path, config.broker.node_id) {
        Ok(direct) => found.direct = Some(direct),
        Err(error) => found.obstacles.push(error.into()),
    }
    found
}

/// Takes the addresses and lets them go again.
fn listen(config: &BootConfig) -> Result<(), AddressError> {
    let shards = config.cores.len();
    let options = listen_options(&config.broker);
    let addresses = Addresses::resolve(&config.broker, &config.admin)?;
    let listeners = addresses.bind_kafka(shards, options)?;
    let cores = match config.broker.advertise_per_core {
        true => addresses.bind_cores(shards, options)?,
        false => Vec::new(),
    };
    let admin = addresses.bind_admin()?;
    let place = Place::of(&listeners, &admin, shards)?;
    addresses.advertised(&config.broker, place.kafka.port(), ports(&cores)?)?;
    Ok(())
}
