//! `ringlog bench consume`: reads what topics hold, once or again and again.

use std::sync::Arc;

use crate::bench::crew::{Crew, Length, deal};
use crate::bench::error::BenchError;
use crate::bench::fetch::{Counting, Reading, Span};
use crate::bench::options::What;
use crate::bench::options::{ConsumeArgs, seconds};
use crate::bench::outcome::{Kind, Outcome, Watch};
use crate::bench::site::Site;

/// Runs it.
pub fn run(args: &ConsumeArgs, watch: &mut Watch<'_>) -> Result<Outcome, BenchError> {
    let mut site = Site::open(&args.common, &args.topics, false, watch)?;
    let span = Span::Whole {
        repeat: args.repeat,
    };
    let counting = &Counting::plain(Kind::Consume);
    let reading = Arc::new(Reading::default());
    let lanes = site.consumers(
        &args.reading,
        args.reading.consumers,
        &span,
        counting,
        &reading,
    );
    let mut what = args.reading.describe();
    what.push(("repeat", args.repeat.to_string()));
    let length = match args.repeat {
        true => {
            what.extend(seconds(args.warm_up, args.duration));
            Length::Seconds {
                warm_up: args.warm_up,
                measured: args.duration,
            }
        }
        false => Length::Count,
    };
    let crew = Crew {
        threads: deal(&site.cores, lanes),
        kinds: vec![Kind::Consume],
        length,
        patience: site.timeout,
    };
    let measured = site.run(crew, watch)?;
    site.close("consume", what, measured, What::new())
}
