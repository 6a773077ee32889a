"""What is known of items, asked of the database for many polls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.model import Known
from monitor.protocols import Clock, Turns

LINGER = 0.02
"""Seconds for which a poll waits for others that may ask, too."""

Asker = tuple[Sequence[str], asyncio.Future[Mapping[str, Known]]]


@dataclass(slots=True)
class Gathered:
    """Asks once for all polls that ask within a moment: a transaction costs more than an item.

    `polling` counts the polls under way; one that is alone does not wait.
    """

    store: Turns
    clock: Clock
    polling: int = 0
    _asking: list[Asker] = field(default_factory=list)
    _turn: asyncio.Task[None] | None = None

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        """Return what is remembered of these items at least. Raises as the store."""
        if not article_ids:
            return {}
        answer: asyncio.Future[Mapping[str, Known]] = asyncio.get_running_loop().create_future()
        self._asking.append((article_ids, answer))
        if self._turn is None or self._turn.done():
            self._turn = asyncio.ensure_future(self._ask())
        return await answer

    async def _ask(self) -> None:
        while self._asking:
            if self.polling > len(self._asking):
                await self.clock.sleep(LINGER)
            askers = self._asking
            self._asking = []
            wanted = {article_id for ids, _ in askers for article_id in ids}
            asked = asyncio.ensure_future(self.store.known(sorted(wanted)))
            await asyncio.wait({asked})
            error = asked.exception()
            for _, answer in askers:
                if answer.done():  # its visit was given up
                    continue
                if error is None:
                    answer.set_result(asked.result())
                else:
                    answer.set_exception(error)
