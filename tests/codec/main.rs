//! The codec against its schema: the generator, and every message in every version.

mod generate;
mod generated;
mod hostile;
mod random;
mod round_trip;
mod schema;
mod table;
mod value;
