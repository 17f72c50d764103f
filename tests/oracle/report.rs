//! The verdict: differences grouped, so that one cause is one paragraph.

use std::collections::BTreeMap;

use crate::common::announce;
use crate::common::broker::Kind;
use crate::differences::NAMED;
use crate::pair::Difference;

/// How much of a request or value a report shows.
const SHOWN_CHARS: usize = 400;

/// Fails with every difference that has no name, and, after a complete run, with every name that
/// no difference needs any more.
pub fn judge(differences: &[Difference], subject: Kind, complete: bool) {
    let mut needed = vec![0; NAMED.len()];
    let mut unnamed = Vec::new();
    for difference in differences {
        let named = match subject {
            Kind::Ringlog => NAMED.iter().position(|named| (named.covers)(difference)),
            // Kafka beside Kafka has no excuse.
            Kind::Kafka => None,
        };
        match named {
            Some(at) => needed[at] += 1,
            None => unnamed.push(difference),
        }
    }
    let mut faults = grouped(&unnamed);
    for (named, times) in NAMED.iter().zip(&needed) {
        if *times > 0 {
            announce(&format!(
                "oracle: {} ({times}): {}",
                named.name, named.reason
            ));
        } else if complete && subject == Kind::Ringlog {
            faults.push(format!(
                "{:?} is no difference any more: remove its name",
                named.name
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} differences without a name:\n\n{}\n",
        faults.len(),
        faults.join("\n\n")
    );
}

/// One paragraph for the same difference in all versions of a request.
fn grouped(differences: &[&Difference]) -> Vec<String> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<_, Vec<&Difference>> = BTreeMap::new();
    for difference in differences {
        let Difference {
            api,
            what,
            path,
            values,
            ..
        } = difference;
        let api = api.map(|api| api.spec().name).unwrap_or("bytes");
        let key = (api, what, path, values);
        if !groups.contains_key(&key) {
            order.push(key);
        }
        groups.entry(key).or_default().push(difference);
    }
    order
        .iter()
        .map(|key| paragraph(key.0, &groups[key]))
        .collect()
}

fn paragraph(api: &str, group: &[&Difference]) -> String {
    let first = group[0];
    let mut versions: Vec<String> = group.iter().map(|d| d.version.to_string()).collect();
    versions.dedup();
    let [ours, theirs] = first.values.each_ref().map(|value| match value {
        Some(value) => cut(value),
        None => "absent".to_owned(),
    });
    format!(
        "{}\n  {api} v{}: {}\n  {}\n    subject: {ours}\n    kafka:   {theirs}",
        first.what,
        versions.join(","),
        cut(&first.request),
        first.path,
    )
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
