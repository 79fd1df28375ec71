"""Runs: made from requests, moved by transitions, executed by the engine."""
