"""Ringlog beside Apache Kafka on one machine: alternating rounds of the same loads, and what came of them.

    to see                                          look at
    the command line, and the order of it all       __main__
    which loads there are                           scenarios
    how a load is made, and its figures read        loads, bench, java_tools
    how a broker is started and stopped             brokers, kafka_jars
    what the machine spends without a broker        floor
    whether the machine was quiet                   machine
    what is thrown away, repeated or marked         rounds
    medians, spreads, ratios, targets               summary, targets
    the Markdown table and the page                 markdown, page

Only Python's standard library is used.
"""
