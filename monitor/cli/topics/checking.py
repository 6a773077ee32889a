"""`monitor topics check`: are the queries right, and do they mean what their authors meant?"""

from __future__ import annotations
