//! Listeners as `listeners` and `advertised.listeners` write them: `NAME://host:port`.

use std::fmt;

/// One address to listen on, or to tell clients of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listener {
    /// The listener's name, in capitals.
    pub name: String,
    /// The host; empty for every address of the machine.
    pub host: String,
    /// The port; 0 for a free one.
    pub port: u16,
}

impl Listener {
    /// Reads `NAME://host:port`; an IPv6 host stands in brackets.
    pub(super) fn parse(text: &str) -> Result<Listener, String> {
        let wrong = || format!("Unable to parse '{text}': a listener is written NAME://host:port");
        let (name, address) = text.split_once("://").ok_or_else(wrong)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
            None if host.contains([':', '/']) => return Err(wrong()),
            None => host,
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(legal) {
            return Err(wrong());
        }
        Ok(Listener {
            name: name.to_ascii_uppercase(),
            host: host.to_owned(),
            port: port.parse().map_err(|_| wrong())?,
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listener { name, host, port } = self;
        match host.contains(':') {
            true => write!(f, "{name}://[{host}]:{port}"),
            false => write!(f, "{name}://{host}:{port}"),
        }
    }
}

/// The listeners of a list whose entries must differ in name and, unless a port is free, in address.
pub(super) fn parse_all(texts: &[String]) -> Result<Vec<Listener>, String> {
    let listeners = texts
        .iter()
        .map(|text| Listener::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    for (i, one) in listeners.iter().enumerate() {
        for other in &listeners[..i] {
            if one.name == other.name {
                return Err(format!(
                    "Each listener must have a different name: {}",
                    one.name
                ));
            }
            if one.port != 0 && one.port == other.port && one.host == other.host {
                return Err(format!(
                    "Each listener must have a different port: {}",
                    one.port
                ));
            }
        }
    }
    Ok(listeners)
}

/// The security protocol that `map` (`NAME:PROTOCOL,…`) gives to a listener; an unmapped name is its own.
pub(super) fn security_protocol<'a>(map: &'a str, name: &'a str) -> &'a str {
    let mapped = map
        .split(',')
        .filter_map(|entry| entry.trim().split_once(':'));
    let mut found = mapped.filter(|(from, _)| from.trim().eq_ignore_ascii_case(name));
    found.next_back().map_or(name, |(_, to)| to.trim())
}
