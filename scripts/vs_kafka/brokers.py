"""The brokers that are compared: each starts on an empty directory, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 120
POLL_SECONDS = 0.002
ANSWER_SECONDS_MAX = 1

# ApiVersions version 0, correlation id 1, client id "vs": what every client asks first.
API_VERSIONS = struct.pack(">hhih2s", 18, 0, 1, 2, b"vs")

# What Kafka's own kafka-server-start.sh gives the JVM.
KAFKA_JVM = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]

LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m%n
"""


class BrokerFailed(Exception):
    """A broker did not start or stop."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """Whether a broker answers ApiVersions on this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX) as connection:
            connection.sendall(struct.pack(">i", len(API_VERSIONS)) + API_VERSIONS)
            return len(connection.recv(4)) > 0
    except OSError:
        return False


class Broker:
    """One broker process with a directory of its own. Enter it to start it."""
    title = ""

    def __init__(self, folder):
        self.home = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-", dir=folder)).resolve()
        self.data = self.home / "data"
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        # From the start of the process to its first answer.
        self.start_s = None

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    @property
    def pid(self):
        return self.process.pid

    def prepare(self):
        """What has to be done once before the first start."""

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.home / "log", "a") as log:
            begin = time.perf_counter()
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.home)
        while not answers(self.port):
            if self.process.poll() is not None or time.perf_counter() - begin > START_SECONDS_MAX:
                raise BrokerFailed(f"{self.title} did not start:\n{self.last_words()}")
            time.sleep(POLL_SECONDS)
        self.start_s = time.perf_counter() - begin

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise BrokerFailed(f"{self.title} did not stop within {STOP_SECONDS_MAX} s") from None

    def renew(self):
        """Starts it again as if it had never been."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.prepare()
        self.start()

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def settle(self):
        """Brings what the broker left in the page cache to the disk, so that neither a probe nor the next run pays for it.
        Tells how long it took."""
        begin = time.perf_counter()
        os.sync()
        return time.perf_counter() - begin

    def evict(self):
        """Drops the broker's files out of the page cache; what is in its own memory stays there."""
        self.settle()
        for path in self.data.rglob("*"):
            if path.is_file():
                file = os.open(path, os.O_RDONLY)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)

    def last_words(self):
        return (self.home / "log").read_text(errors="replace")[-2000:]


class Ringlog(Broker):
    """Ringlog with its defaults: acks=all is answered after an fdatasync."""
    title = "Ringlog"
    binary = None

    def command(self):
        return [self.binary, "serve", "--data-dir", self.data, "--listen", self.address, "--admin", "127.0.0.1:0",
                "--log-level", "warn"]


class Kafka(Broker):
    """Apache Kafka with its defaults, one node that is controller and broker: acks=all is answered without an fsync."""
    title = "Kafka"
    classpath = None
    settings = ()

    def prepare(self):
        controller = f"127.0.0.1:{free_port()}"
        self.properties = self.home / "server.properties"
        self.properties.write_text("\n".join([
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.bootstrap.servers={controller}",
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://{controller}",
            f"advertised.listeners=PLAINTEXT://{self.address}",
            "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            f"log.dirs={self.data}",
            # One node cannot hold the three replicas that these have by default.
            "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1", "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1", *self.settings, ""]))
        (self.home / "log4j2.properties").write_text(LOG4J)
        cluster = self.storage_tool("random-uuid").strip()
        self.storage_tool("format", "--standalone", "-t", cluster, "-c", str(self.properties))

    def storage_tool(self, *words):
        command = ["java", "-cp", self.classpath, "kafka.tools.StorageTool", *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BrokerFailed(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def command(self):
        return ["java", *KAFKA_JVM, f"-Dlog4j2.configurationFile={self.home}/log4j2.properties", "-cp", self.classpath,
                "kafka.Kafka", self.properties]


class KafkaFlush(Kafka):
    """Apache Kafka that syncs every append before it answers, which is what Ringlog's acks=all means."""
    title = "Kafka, flush.messages=1"
    # The broker's name for the default of the topics' flush.messages.
    settings = ("log.flush.interval.messages=1",)


class NoBroker(Broker):
    """Only the directory: what the machine spends on the same bytes without a broker is measured there."""
    title = "Floor"

    def start(self):
        """There is nothing to start."""


# In the order of their turns.
CONTESTANTS = {"ringlog": Ringlog, "kafka": Kafka, "kafka-flush": KafkaFlush, "floor": NoBroker}
