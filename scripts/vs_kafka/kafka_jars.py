"""Where Apache Kafka is, or how it comes here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

NEWEST_BELOW = "5.0.0-alpha"
# A release that is being published has gaps; then the one before it is the newest.
TRIES = 3
LOG4J = "2.24.3"

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ringlog</groupId><artifactId>vs-kafka</artifactId><version>1</version>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = "    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
MISSING = re.compile(r"org\.apache\.kafka:[\w.-]+:(?:jar|pom):(\d[\w.]*)")


class NoKafka(Exception):
    """Apache Kafka cannot be had; the text says what to do."""


def classpath(folder):
    """The class path of Apache Kafka: of KAFKA_HOME, or of the jars in KAFKA_JARS, or of those that Maven brings into
    `folder` and leaves there for the next time."""
    home, jars = os.environ.get("KAFKA_HOME"), os.environ.get("KAFKA_JARS")
    if home:
        return checked(Path(home, "libs"), "KAFKA_HOME")
    if jars:
        return checked(Path(jars), "KAFKA_JARS")
    if not list(Path(folder).glob("kafka_2.13-*.jar")):
        download(Path(folder))
    return checked(Path(folder), "Maven")


def checked(folder, source):
    if not list(folder.glob("kafka_2.13-*.jar")):
        raise NoKafka(f"{source}: no kafka_2.13-*.jar in {folder}")
    return f"{folder.resolve()}/*"


def version(path):
    """The version that a class path is of, by the name of its server's jar."""
    jar = next(Path(path).parent.glob("kafka_2.13-*.jar"))
    return jar.stem.removeprefix("kafka_2.13-")


def pom(versions):
    wanted = [("org.apache.kafka", "kafka_2.13", versions), ("org.apache.kafka", "kafka-tools", versions),
              ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J), ("org.apache.logging.log4j", "log4j-core", LOG4J)]
    return POM.format(dependencies="\n".join(DEPENDENCY.format(*words) for words in wanted))


def missing_version(output):
    """The version of Kafka of which Maven says that something is missing."""
    found = MISSING.search(output)
    return found[1] if found else None


def download(folder):
    """Brings the newest 4.x of which everything is there, or KAFKA_VERSION."""
    if shutil.which("mvn") is None:
        raise NoKafka("Apache Kafka comes by Maven: install mvn, or set KAFKA_HOME or KAFKA_JARS")
    folder.mkdir(parents=True, exist_ok=True)
    exact = os.environ.get("KAFKA_VERSION")
    below = NEWEST_BELOW
    for _ in range(TRIES):
        versions = f"[{exact}]" if exact else f"[4.0.0,{below})"
        output = maven(folder, versions)
        if output is None:
            return
        below = missing_version(output)
        if exact or below is None:
            break
    raise NoKafka(f"Maven could not bring Apache Kafka {versions}:\n{output[-2000:]}")


def maven(folder, versions):
    """Copies the jars; returns what Maven said if it failed."""
    (folder / "pom.xml").write_text(pom(versions))
    done = subprocess.run(["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime",
                           f"-DoutputDirectory={folder.resolve()}"],
                          cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if done.returncode == 0 else done.stdout
