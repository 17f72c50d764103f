//! The codec against its schema: the generator, and every message in every version.

mod generate;
mod generated;
mod schema;
