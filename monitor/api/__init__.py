"""The JSON API, the stream of server-sent events, health and metrics: one router per resource."""

from __future__ import annotations

from monitor.api.app import create_app
from monitor.api.security import hosts_for

__all__ = ["create_app", "hosts_for"]
