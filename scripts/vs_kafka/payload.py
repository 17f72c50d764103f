"""Records that compress as real ones do."""

import json
import random

LINES = 2000
LINE_BYTES = 1024


def write(path):
    """A file of lines of 1 KiB, the line feed included, that look like an application's events; always the same ones."""
    chance = random.Random(1)
    with open(path, "w", encoding="ascii") as file:
        for number in range(LINES):
            file.write(line(chance, number) + "\n")
    return path


def line(chance, number):
    items = [{"sku": f"{chance.randrange(16 ** 8):08x}", "count": chance.randrange(1, 9), "price": chance.randrange(100, 99999)}
             for _ in range(20)]
    event = {"id": f"{chance.getrandbits(128):032x}", "at": 1_700_000_000_000 + number * 37, "kind": "order-placed",
             "customer": chance.randrange(10 ** 6), "country": chance.choice(["de", "fr", "in", "us"]), "items": items}
    text = json.dumps(event, separators=(",", ":"))
    return text[:LINE_BYTES - 1].ljust(LINE_BYTES - 1)
