"""The command line of vs-kafka.sh."""

import argparse
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

from . import java_tools, kafka_jars, machine, payload, report
from .bench import Bench
from .brokers import Kafka, Ringlog
from .floor import Floor
from .loads import Length
from .scenarios import BENCH, FLOOR, JAVA, NONE, NoSuchScenario, scenarios, selected
from .session import Session
from .unloaded import Unloaded

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "vs-kafka"
DRIVERS = {"bench": BENCH, "java": JAVA}


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/vs-kafka.sh", description="Measures Ringlog beside Apache Kafka, in alternating rounds of the same loads.",
        epilog="Kafka comes by Maven (the newest 4.x, or KAFKA_VERSION) unless KAFKA_HOME says where it is, or KAFKA_JARS "
               "where its jars are. All of it takes hours; --rounds 3 --only batch-64k,acks-all --seconds 5 takes minutes.")
    parser.add_argument("--list", action="store_true", help="only tell which scenarios there are")
    parser.add_argument("--only", metavar="NAME,...", type=words, default=[], help="these scenarios")
    parser.add_argument("--rounds", metavar="N", type=positive, default=5, help="how often each broker has its turn [5]")
    parser.add_argument("--seconds", metavar="N", type=positive, default=10, help="how long each load is measured [10]")
    parser.add_argument("--warm-up", metavar="N", type=positive, default=10,
                        help="seconds of saturation before each run, for Kafka's JVM to become warm [10]")
    parser.add_argument("--drivers", metavar="bench,java", type=words, default=list(DRIVERS),
                        help="make loads with ringlog bench, with Kafka's own tools, or with both [both]")
    parser.add_argument("--repeats", metavar="N", type=int, default=3,
                        help="how often a run is repeated because the machine was busy, before it is kept and marked [3]")
    parser.add_argument("--fdatasync-ms", metavar="MS", type=float, default=machine.Limits.fdatasync_ms,
                        help="the machine is busy when a quiet write with fdatasync takes longer in the middle [0.2]")
    parser.add_argument("--cold-gb", metavar="N", type=positive, default=5, help="what the cold consumer drains [5]")
    parser.add_argument("--broker", metavar="FILE", type=Path, help="the ringlog to measure, and to measure with "
                        "[target/release/ringlog, which is built]")
    parser.add_argument("--floor", metavar="FILE", type=Path, help="the benches/floor.rs to measure with [it is built]")
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"where results and data go [{OUT.relative_to(ROOT)}]")
    return parser.parse_args()


def words(text):
    return text.split(",")


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number above 0")
    return number


def main():
    options = arguments()
    everything = scenarios(options.cold_gb)
    try:
        chosen = selected(everything, options.only)
        drivers = [NONE, *(DRIVERS[name] for name in options.drivers)]
    except NoSuchScenario as wrong:
        sys.exit(f"--only {wrong}")
    except KeyError as wrong:
        sys.exit(f"--drivers {wrong}: there are {', '.join(DRIVERS)}")
    if options.list:
        print("\n".join(f"{each.name:18} {each.what}" for each in chosen))
        return
    run(options, chosen, drivers)


def run(options, chosen, drivers):
    # As Ctrl-C does, so that no broker is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    data = options.out / "data"
    data.mkdir(parents=True, exist_ok=True)
    session = prepared(options, data, drivers, chosen)
    told = report.Report(facts(options), {each.name: each.what for each in chosen}, session.runs)
    try:
        for scenario in chosen:
            session.carry_out(scenario)
            report.write(told, options.out)
    except KeyboardInterrupt:
        sys.exit(f"interrupted; what was measured is in {options.out}")
    print((options.out / "table.md").read_text())
    print(f"{options.out}/table.md, index.html and results.json hold the results", file=sys.stderr)


def prepared(options, data, drivers, chosen):
    """Gets both brokers and everything that they need."""
    open_files()
    Ringlog.binary = (options.broker or built()).resolve()
    try:
        Kafka.classpath = kafka_jars.classpath(options.out / "kafka")
    except kafka_jars.NoKafka as reason:
        sys.exit(str(reason))
    records = payload.write(options.out / "payload.txt").resolve()
    tools = {BENCH: Bench(Ringlog.binary, records), JAVA: java_tools.JavaTools(Kafka.classpath, records), NONE: Unloaded()}
    if any(FLOOR in each.contestants for each in chosen):
        tools[FLOOR] = Floor((options.floor or built_floor()).resolve())
    return Session(data, tools, tuple(drivers), options.rounds, Length(1, options.seconds), options.warm_up, options.repeats,
                   machine.Limits(fdatasync_ms=options.fdatasync_ms))


def built():
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "ringlog"


def built_floor():
    """As benches are. Its path has a hash, which only cargo tells."""
    told = subprocess.run(["cargo", "bench", "--bench", "floor", "--profile", "counted", "--no-run", "--quiet",
                           "--message-format", "json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    artifacts = map(json.loads, told.splitlines())
    return next(Path(each["executable"]) for each in artifacts if each.get("target", {}).get("name") == "floor")


def open_files():
    """Brokers inherit as many open files as the system lets them have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def facts(options):
    version = subprocess.run([Ringlog.binary, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    java = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr.splitlines()[0]
    return [machine.description(), f"{version}; Apache Kafka {kafka_jars.version(Kafka.classpath)} on {java}",
            f"{options.rounds} rounds in turns, each broker on an empty directory and after {options.warm_up} s of load, "
            f"{options.seconds} s measured; brokers and loads share the machine",
            "Ringlog answers acks=all after an fdatasync, Kafka without one, unless it says flush.messages=1",
            "Floor is what a process without a broker spends on the same bytes"]


if __name__ == "__main__":
    main()
