"""What a load is, apart from the tool that makes it."""

from dataclasses import dataclass

KB = 1000


@dataclass(frozen=True)
class Produce:
    """Records sent to a topic."""
    size: int = 1024
    partitions: int = 6
    batch: int = 64 * 1024
    linger_ms: int = 5
    acks: str = "1"
    codec: str = "none"
    producers: int = 1
    keyed: bool = False
    in_flight: int = 5
    # Records a second; nothing is at saturation.
    rate: float = 0.0
    # Instead of `rate`: that part of what Kafka took at saturation, with the same tool.
    share: float = 0.0


@dataclass(frozen=True)
class Consume:
    """A topic read over and over by consumers that each read everything."""
    size: int = 1024
    partitions: int = 6
    consumers: int = 1
    # Whether the page cache is emptied of the topic first.
    cold: bool = False


@dataclass(frozen=True)
class EndToEnd:
    """Records sent and received at once."""
    produce: Produce


@dataclass(frozen=True)
class CatchUp:
    """The same, while another consumer reads a backlog from its beginning, which no cache holds."""
    produce: Produce
    backlog_bytes: int


@dataclass(frozen=True)
class Connections:
    """Many connections, mostly idle."""
    connections: int


@dataclass(frozen=True)
class Partitions:
    """Many partitions made, sent to, and there again after a restart."""
    partitions: int


@dataclass(frozen=True)
class Start:
    """A start on an empty directory."""


@dataclass(frozen=True)
class Idle:
    """Nothing at all."""


@dataclass(frozen=True)
class Length:
    """How long a load is made: what does not count, and what does."""
    warm_up: int
    seconds: int


class LoadFailed(Exception):
    """A tool failed, or did not tell what it should."""


def failure(told, command):
    """What a tool said last, in the first line; then the command, and more of what it said."""
    last = (told.strip() or "it said nothing").splitlines()[-1]
    return LoadFailed(f"{last}\n{' '.join(map(str, command))}\n{told[-2000:]}")
