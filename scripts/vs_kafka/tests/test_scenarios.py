import unittest

from vs_kafka.floor import Least, least
from vs_kafka.loads import Produce
from vs_kafka.scenarios import BENCH, FLOOR, JAVA, NONE, SATURATION, NoSuchScenario, scenarios, selected

EVERYTHING = scenarios(5)


class ScenariosTest(unittest.TestCase):
    def names(self, *wanted):
        return [each.name for each in selected(EVERYTHING, wanted)]

    def test_names_are_unique_and_say_which(self):
        self.assertEqual(len({each.name for each in EVERYTHING}), len(EVERYTHING))
        self.assertEqual(len({each.what for each in EVERYTHING}), len(EVERYTHING))

    def test_selection_keeps_the_order(self):
        self.assertEqual(self.names("start", "batch-64k"), ["batch-64k", "start"])
        self.assertEqual(len(self.names()), len(EVERYTHING))
        with self.assertRaises(NoSuchScenario):
            self.names("batch-65k")

    def test_open_loops_bring_the_saturation_before_them(self):
        self.assertEqual(self.names("open-50"), [SATURATION, "open-50"])
        self.assertEqual(self.names("quiet-acks-1"), ["quiet-acks-1"])

    def test_kafka_syncs_only_where_an_acknowledgement_means_as_much(self):
        for each in EVERYTHING:
            acks = getattr(getattr(each.load, "produce", each.load), "acks", None)
            self.assertEqual("kafka-flush" in each.contestants, acks == "all", each.name)

    def test_the_floor_is_there_where_it_does_the_same(self):
        found = {each.name: least(each.load) for each in EVERYTHING if FLOOR in each.contestants}
        self.assertEqual(found, {"batch-1m": Least("write", 1_000_000), "consume-1": Least("sendfile", 1 << 20, "send"),
                                 "consume-cold": Least("sendfile", 1 << 20)})

    def test_kafkas_tools_make_what_they_can(self):
        drivers = {each.name: each.drivers for each in EVERYTHING}
        expected = {"batch-64k": (BENCH, JAVA), "e2e": (BENCH, JAVA), "consume-1": (BENCH, JAVA), "consume-8": (BENCH,),
                    "producers-50": (BENCH,), "small-requests": (BENCH,), "catchup": (BENCH,), "idle": (NONE,)}
        for name, value in expected.items():
            self.assertEqual(drivers[name], value, name)

    def test_what_is_asked_for_is_there(self):
        produced = [each.load for each in EVERYTHING if isinstance(each.load, Produce)]
        self.assertLessEqual({(size, count) for size in (100, 1024) for count in (1, 16, 256)},
                             {(load.size, load.partitions) for load in produced})
        self.assertLessEqual({(acks, codec) for acks in ("1", "all") for codec in ("none", "lz4")},
                             {(load.acks, load.codec) for load in produced})
        self.assertEqual({load.share for load in produced if load.share}, {0.2, 0.5, 0.8})


if __name__ == "__main__":
    unittest.main()
