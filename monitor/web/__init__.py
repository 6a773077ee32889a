"""The pages that people read: server-rendered, with a little JavaScript for what is new."""

from __future__ import annotations

from monitor.web.pages import Pages

__all__ = ["Pages"]
