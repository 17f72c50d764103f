//! The page at /metrics, read as Prometheus would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One reading of the page.
#[derive(Clone, Debug)]
pub struct Page(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    shard: Option<usize>,
    value: u64,
}

impl Page {
    /// Reads the page now.
    pub fn read(admin: SocketAddr) -> Page {
        let text = get(admin, "/metrics");
        Page(text.lines().filter_map(sample).collect())
    }

    /// The sum over all shards and other labels. A name that is not on the page fails the test.
    pub fn total(&self, name: &str) -> u64 {
        self.samples(name).map(|sample| sample.value).sum()
    }

    /// The sum over one shard's other labels.
    pub fn of_shard(&self, shard: usize, name: &str) -> u64 {
        let own = self
            .samples(name)
            .filter(|sample| sample.shard == Some(shard));
        own.map(|sample| sample.value).sum()
    }

    fn samples(&self, name: &str) -> impl Iterator<Item = &Sample> {
        let mut found = self.0.iter().filter(move |sample| sample.name == name);
        let first = found.next();
        assert!(first.is_some(), "{name} is not on the page at /metrics");
        first.into_iter().chain(found)
    }
}

/// A line such as `name{shard="0",api="Fetch"} 12`; comments give none.
fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let shard = labels
        .split_once("shard=\"")
        .and_then(|(_, rest)| rest.split('"').next()?.parse().ok());
    Some(Sample {
        name: name.to_owned(),
        shard,
        value: value.parse::<f64>().ok()? as u64,
    })
}

fn get(admin: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).expect("the admin port listens");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {admin}\r\n\r\n").expect("the admin port reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    assert!(
        head.split_whitespace().nth(1) == Some("200"),
        "{path}: {head}"
    );
    body.to_owned()
}
