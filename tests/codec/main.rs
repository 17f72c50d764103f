//! The codec against its schema: the generator, and every message in every version.

mod generate;
mod generated;
mod group_records;
mod hostile;
mod random;
mod round_trip;
mod rust;
mod schema;
mod table;
mod value;
