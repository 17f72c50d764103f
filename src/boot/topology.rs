//! Which cores the process may use, and which of them get a shard.

use std::io;

use thiserror::Error;

use crate::base::limits::SHARDS_MAX;
use crate::io::executor::allowed_cores;

/// What `--cores` asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CoreChoice {
    /// All that the process may use.
    All,
    /// So many of them.
    Count(usize),
    /// These.
    These(Vec<usize>),
}

/// Why no shard can be placed as asked.
#[derive(Debug, Error)]
pub enum TopologyError {
    /// The text is neither a number nor a list.
    #[error(
        "--cores {0}: give a number of cores (2) or a list of them (0,2-3; a single core is 3-3)"
    )]
    Syntax(String),
    /// More cores than there are.
    #[error(
        "--cores {wanted}: this process may use {allowed} (see taskset, cpuset and CPU limits)"
    )]
    TooMany {
        /// How many were asked for.
        wanted: usize,
        /// How many there are.
        allowed: usize,
    },
    /// A core that the process may not use.
    #[error("--cores names core {core}, which this process may not use: it may use {allowed}")]
    NotAllowed {
        /// The core.
        core: usize,
        /// The others, as a list.
        allowed: String,
    },
    /// More shards than the mesh is made for.
    #[error("--cores asks for {0} shards: at most {SHARDS_MAX} are possible")]
    TooManyShards(usize),
    /// The kernel would not say.
    #[error("cannot tell which cores this process may use: {0}")]
    Io(#[from] io::Error),
}

impl CoreChoice {
    /// Reads `--cores`: a plain number is a count, anything with a comma or a dash a list.
    pub fn parse(text: &str) -> Result<CoreChoice, TopologyError> {
        let wrong = || TopologyError::Syntax(text.to_owned());
        if let Ok(count) = text.trim().parse() {
            return match count {
                0 => Err(wrong()),
                count => Ok(CoreChoice::Count(count)),
            };
        }
        let mut cores = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: usize = first.trim().parse().map_err(|_| wrong())?;
            let last: usize = last.trim().parse().map_err(|_| wrong())?;
            if last < first || last - first >= SHARDS_MAX {
                return Err(wrong());
            }
            cores.extend(first..=last);
        }
        cores.sort_unstable();
        cores.dedup();
        Ok(CoreChoice::These(cores))
    }
}

/// The core of each shard, in the order of the shards.
pub fn choose(choice: &CoreChoice) -> Result<Vec<usize>, TopologyError> {
    choose_among(choice, allowed_cores()?)
}

fn choose_among(choice: &CoreChoice, mut allowed: Vec<usize>) -> Result<Vec<usize>, TopologyError> {
    let chosen = match choice {
        CoreChoice::All => {
            allowed.truncate(SHARDS_MAX);
            allowed
        }
        CoreChoice::Count(wanted) if *wanted > allowed.len() => {
            return Err(TopologyError::TooMany {
                wanted: *wanted,
                allowed: allowed.len(),
            });
        }
        CoreChoice::Count(wanted) => {
            allowed.truncate(*wanted);
            allowed
        }
        CoreChoice::These(cores) => match cores.iter().find(|core| !allowed.contains(core)) {
            Some(core) => {
                let allowed: Vec<String> = allowed.iter().map(usize::to_string).collect();
                return Err(TopologyError::NotAllowed {
                    core: *core,
                    allowed: allowed.join(","),
                });
            }
            None => cores.clone(),
        },
    };
    match chosen.len() {
        0..=SHARDS_MAX => Ok(chosen),
        more => Err(TopologyError::TooManyShards(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_counts_and_a_list_names() {
        for (text, expected) in [
            ("1", CoreChoice::Count(1)),
            ("16", CoreChoice::Count(16)),
            ("0,1", CoreChoice::These(vec![0, 1])),
            ("3-3", CoreChoice::These(vec![3])),
            ("4-6, 1,5", CoreChoice::These(vec![1, 4, 5, 6])),
        ] {
            assert_eq!(CoreChoice::parse(text).unwrap(), expected, "{text}");
        }
        for text in ["", "0", "-1", "a", "1,", "3-1", "0-99999999", "1,,2"] {
            assert!(CoreChoice::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cores_are_chosen_among_those_that_are_allowed() {
        let allowed = || vec![0, 2, 3];
        for (choice, expected) in [
            (CoreChoice::All, Ok(vec![0, 2, 3])),
            (CoreChoice::Count(2), Ok(vec![0, 2])),
            (CoreChoice::Count(4), Err("may use 3")),
            (CoreChoice::These(vec![2, 3]), Ok(vec![2, 3])),
            (CoreChoice::These(vec![1]), Err("it may use 0,2,3")),
        ] {
            match (choose_among(&choice, allowed()), expected) {
                (Ok(cores), Ok(expected)) => assert_eq!(cores, expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, expected) => panic!("{choice:?}: {found:?} instead of {expected:?}"),
            }
        }
    }
}
