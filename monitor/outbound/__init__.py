"""The one door for requests to the outside: feeds, pages, robots.txt, hubs and webhooks."""

from __future__ import annotations

from monitor.outbound.addresses import Network, refusal
from monitor.outbound.answers import Answer, failure, http_date, retry_after
from monitor.outbound.client import Outbound

__all__ = ["Answer", "Network", "Outbound", "failure", "http_date", "refusal", "retry_after"]
