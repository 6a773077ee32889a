"""What all tests share."""

from __future__ import annotations

import signal

import pytest

pytest_plugins = [
    "tests.support.kafka",
    "tests.support.brokers",
    "tests.support.postgres",
    "tests.support.stores",
    "tests.support.imap",
]


def pytest_configure(config: pytest.Config) -> None:
    """End as by Ctrl-C when we are told to: else the servers that we have started would go on."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts jobs so
        signal.signal(signal.SIGINT, signal.default_int_handler)
