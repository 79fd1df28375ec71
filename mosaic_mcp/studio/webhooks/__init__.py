"""Webhooks out of the studio: an outbox in the database, and a sender that empties it.

An event is written in the transaction that it tells of (`outbox`), so none is lost and none is
told that did not happen. Any process that shares the database may send (`sender`): at least once,
a run's events in their order.
"""
