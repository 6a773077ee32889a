"""What all tests share."""

from __future__ import annotations

pytest_plugins = [
    "tests.support.kafka",
    "tests.support.brokers",
    "tests.support.postgres",
    "tests.support.stores",
    "tests.support.imap",
]
