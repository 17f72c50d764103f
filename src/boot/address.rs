//! Where the broker listens, and where clients are told to reach it.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::io::listener::{BoundListener, ListenOptions, bind_group};
use crate::metadata::Broker;
use crate::metadata::config::{BrokerConfig, Listener};

/// How long a taken address is tried again.
const TAKEN_PATIENCE: Duration = Duration::from_secs(1);

/// The pause between two tries.
const TAKEN_PAUSE: Duration = Duration::from_millis(20);

/// Why an address cannot be used.
#[derive(Debug, Error)]
pub enum AddressError {
    /// More listeners than are served.
    #[error(
        "listeners names {0} addresses: Ringlog serves one yet, so keep the one that clients use"
    )]
    Several(usize),
    /// A name that means nothing, or not an address at all.
    #[error("cannot understand the address {address} of {place}: {why}")]
    Unresolved {
        /// The address.
        address: String,
        /// Where it was given.
        place: &'static str,
        /// Why.
        why: io::Error,
    },
    /// The port is taken, or may not be used.
    #[error("{0}: stop what uses it, or choose another with --listen (port 0 is any free one)")]
    Bind(io::Error),
    /// The same for the admin server.
    #[error(
        "cannot listen on {address} for the admin server: {why}: choose another with --admin (port 0 is any free one)"
    )]
    BindAdmin {
        /// The address.
        address: SocketAddr,
        /// Why.
        why: io::Error,
    },
    /// The ports of cores follow the listener's.
    #[error(
        "--advertise per-core needs the ports from {first} to {last}, one for each core: choose a lower one with --listen (port 0 takes free ones)"
    )]
    NoPorts {
        /// The first core's.
        first: u32,
        /// The last core's.
        last: u32,
    },
    /// Clients cannot be sent to "any address".
    #[error(
        "clients cannot be told the address {0}: say where they reach this broker with --advertise HOST:PORT"
    )]
    Unroutable(String),
}

/// The addresses that were asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// Where clients connect.
    pub kafka: SocketAddr,
    /// Where the admin server listens.
    pub admin: SocketAddr,
    listener: Listener,
}

impl Addresses {
    /// Looks names up.
    pub fn resolve(config: &BrokerConfig, admin: &str) -> Result<Addresses, AddressError> {
        let [listener] = config.listeners.as_slice() else {
            return Err(AddressError::Several(config.listeners.len()));
        };
        let host = match listener.host.as_str() {
            "" => "0.0.0.0",
            host => host,
        };
        Ok(Addresses {
            kafka: look_up((host, listener.port), "listeners")?,
            admin: look_up(admin, "--admin")?,
            listener: listener.clone(),
        })
    }

    /// Binds a socket for each shard, all to the same port.
    pub fn bind_kafka(
        &self,
        shards: usize,
        options: ListenOptions,
    ) -> Result<Vec<BoundListener>, AddressError> {
        patiently(|| bind_group(self.kafka, shards, options)).map_err(AddressError::Bind)
    }

    /// Binds a socket for each shard, each to a port of its own: those behind the shared one, or free ones if that was
    /// to be any.
    pub fn bind_cores(
        &self,
        shards: usize,
        options: ListenOptions,
    ) -> Result<Vec<BoundListener>, AddressError> {
        let ports = match self.kafka.port() {
            0 => vec![0; shards],
            shared => ports_behind(shared, shards)?,
        };
        let bind = |port| {
            let address = SocketAddr::new(self.kafka.ip(), port);
            let mut bound = patiently(|| bind_group(address, 1, options))?;
            bound.pop().ok_or(io::ErrorKind::InvalidInput.into())
        };
        let bound: io::Result<Vec<BoundListener>> = ports.into_iter().map(bind).collect();
        bound.map_err(AddressError::Bind)
    }

    /// Binds the admin server's socket.
    pub fn bind_admin(&self) -> Result<TcpListener, AddressError> {
        patiently(|| TcpListener::bind(self.admin)).map_err(|why| AddressError::BindAdmin {
            address: self.admin,
            why,
        })
    }

    /// This node as clients are told of it: where it listens, unless it is advertised elsewhere. A port 0 is the one
    /// that was picked. Behind an advertised port follow those of the cores, if there are any.
    pub fn advertised(
        &self,
        config: &BrokerConfig,
        port: u16,
        core_ports: Vec<u16>,
    ) -> Result<Broker, AddressError> {
        let name = &self.listener.name;
        let told = config
            .advertised_listeners
            .iter()
            .find(|told| told.name == *name);
        let told = told.unwrap_or(&self.listener);
        let host = match told.host.as_str() {
            "" => host_name(),
            "0.0.0.0" | "::" => return Err(AddressError::Unroutable(told.host.clone())),
            host => host.to_owned(),
        };
        let core_ports = match told.port {
            0 => core_ports,
            same if same == self.kafka.port() => core_ports,
            other => ports_behind(other, core_ports.len())?,
        };
        Ok(Broker {
            id: config.node_id,
            host,
            port: if told.port == 0 { port } else { told.port },
            rack: config.broker_rack.clone(),
            core_ports,
        })
    }
}

/// The ports of so many cores behind the one that they share.
fn ports_behind(shared: u16, cores: usize) -> Result<Vec<u16>, AddressError> {
    let first = u32::from(shared) + 1;
    let last = u32::from(shared) + u32::try_from(cores).unwrap_or(u32::MAX >> 1);
    let ports = (first..=last).map(u16::try_from).collect::<Result<_, _>>();
    ports.map_err(|_| AddressError::NoPorts { first, last })
}

/// Binds, and tries again for a while if the address is taken: the kernel takes the rings of a killed process apart
/// some time after its end, and until then they keep its sockets open.
fn patiently<T>(bind: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let deadline = Instant::now() + TAKEN_PATIENCE;
    loop {
        match bind() {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(TAKEN_PAUSE);
            }
            bound => return bound,
        }
    }
}

fn look_up(
    address: impl ToSocketAddrs + ToText,
    place: &'static str,
) -> Result<SocketAddr, AddressError> {
    let found = address.to_socket_addrs().and_then(|mut found| {
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        found.next().ok_or_else(none)
    });
    found.map_err(|why| AddressError::Unresolved {
        address: address.to_text(),
        place,
        why,
    })
}

/// An address as it was written.
trait ToText {
    fn to_text(&self) -> String;
}

impl ToText for &str {
    fn to_text(&self) -> String {
        (*self).to_owned()
    }
}

impl ToText for (&str, u16) {
    fn to_text(&self) -> String {
        format!("{}:{}", self.0, self.1)
    }
}

/// What the machine calls itself, as Kafka tells clients when a listener has no host.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> BrokerConfig {
        BrokerConfig::parse(pairs).unwrap().0
    }

    #[test]
    fn clients_are_told_where_the_broker_listens_or_is_advertised() {
        for (listeners, advertised, expected) in [
            ("A://127.0.0.1:9", None, Some(("127.0.0.1", 9))),
            ("A://localhost:0", None, Some(("localhost", 77))),
            ("A://0.0.0.0:9", None, None),
            ("A://0.0.0.0:9", Some("A://box:10"), Some(("box", 10))),
            ("A://:9", Some("A://box:0"), Some(("box", 77))),
        ] {
            let map = ("listener.security.protocol.map", "A:PLAINTEXT");
            let mut pairs = vec![("listeners", listeners), map];
            pairs.extend(advertised.map(|told| ("advertised.listeners", told)));
            let config = config(&pairs);
            let addresses = Addresses::resolve(&config, "127.0.0.1:0").unwrap();
            let broker = addresses.advertised(&config, 77, Vec::new());
            let told = broker
                .as_ref()
                .ok()
                .map(|broker| (broker.host.as_str(), broker.port));
            assert_eq!(told, expected, "{listeners} {advertised:?}");
        }
    }

    #[test]
    fn the_ports_of_cores_follow_the_one_that_is_advertised() {
        for (listener, advertised, expected) in [
            ("127.0.0.1:9", None, &[31, 32][..]),
            ("127.0.0.1:0", None, &[31, 32]),
            ("127.0.0.1:9", Some("box:0"), &[31, 32]),
            ("127.0.0.1:9", Some("box:9"), &[31, 32]),
            ("127.0.0.1:9", Some("box:40"), &[41, 42]),
            ("127.0.0.1:0", Some("box:40"), &[41, 42]),
        ] {
            let listener = format!("PLAINTEXT://{listener}");
            let advertised = advertised.map(|told| format!("PLAINTEXT://{told}"));
            let mut pairs = vec![("listeners", listener.as_str())];
            pairs.extend(
                advertised
                    .as_deref()
                    .map(|told| ("advertised.listeners", told)),
            );
            let config = config(&pairs);
            let addresses = Addresses::resolve(&config, "127.0.0.1:0").unwrap();
            let broker = addresses.advertised(&config, 77, vec![31, 32]).unwrap();
            assert_eq!(broker.core_ports, expected, "{pairs:?}");
        }
        assert_eq!(ports_behind(65_533, 2).unwrap(), [65_534, 65_535]);
        let error = ports_behind(65_533, 3).unwrap_err().to_string();
        assert!(error.contains("from 65534 to 65536"), "{error}");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_told_with_its_place() {
        let two = config(&[
            ("listeners", "A://:1,B://:2"),
            ("listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT"),
        ]);
        let one = config(&[]);
        for (config, admin, part) in [
            (&two, "127.0.0.1:0", "names 2 addresses"),
            (&one, "nonsense", "address nonsense of --admin"),
        ] {
            let error = Addresses::resolve(config, admin).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_taken_admin_port_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let addresses = Addresses::resolve(&config(&[]), &address).unwrap();
        let error = addresses.bind_admin().unwrap_err().to_string();
        assert!(error.contains("--admin"), "{error}");
    }
}
