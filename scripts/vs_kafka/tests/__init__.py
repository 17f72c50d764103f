"""Tests of what can be tested without a broker: python3 -m unittest discover -s vs_kafka/tests -t . (in scripts)"""
