"""What the tests of crashes and outages share."""

from __future__ import annotations

from tests.support.world import peers

__all__ = ["peers"]
