//! Counts the instructions of what happens to every request, on fixed inputs, under callgrind. What a scenario takes in
//! is made before counting begins. A copy of some kilobytes and more counts an instruction a byte, as `rep movsb` does.
//!
//! `scripts/bench-gate.sh` runs them and compares with `benches/instructions.txt`. To look into one:
//! `cargo bench --profile counted --bench instructions -- produce_decode`, then `callgrind_annotate` on the file under
//! `target/gungraun`.

mod cluster;
mod inputs;
mod partition;
mod wire;

use gungraun::{Callgrind, LibraryBenchmarkConfig, main};

use cluster::cluster_scenarios;
use partition::partition_scenarios;
use wire::wire_scenarios;

/// The broker's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

main!(
    // Caches are not simulated: instructions alone are compared, and they are the same on every run.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [wire_scenarios, partition_scenarios, cluster_scenarios]
);
