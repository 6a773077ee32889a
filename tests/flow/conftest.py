"""What the tests of the whole flow share."""

from __future__ import annotations

from tests.support.world import peers

__all__ = ["peers"]
