"""Who may change a row."""

from __future__ import annotations

from enum import StrEnum


class Owner(StrEnum):
    """Who may change a row: the operator in a file, or a user at run time."""

    CONFIG = "config"
    USER = "user"
