"""`monitor dlq`: dead letters, and what becomes of them.

A dead-letter channel has one group, the operator's: listing reads without committing, and
replaying or dropping commits. Those that were not chosen are appended again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer

from monitor.channels import Channel, dead_letter_channels, group_of
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, Json, err, execute, fail, load_config, opened_broker, out
from monitor.config import Config
from monitor.events import NewRecord, Record
from monitor.protocols import Broker, Subscription

commands = typer.Typer(
    help="Dead letters: records that a consumer gave up on.", no_args_is_help=True
)

GROUP = group_of("dlq")
WAIT = 5.0
BATCH = 500
MOST_REPLAYS = 3

Consumer = Annotated[str, typer.Option(help="Only those of this consumer.")]
Reason = Annotated[str, typer.Option(help="Only those whose reason contains this.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids that `dlq list` shows; all without.")]


@commands.command("list")
def list_letters(consumer: Consumer = "", reason: Reason = "", json: Json = False) -> None:
    """List the dead letters that nobody has replayed or dropped."""
    letters = execute(_all(load_config(), consumer, reason))
    if json:
        print_json([_shown(letter) for letter in letters])
        return
    print_table(
        ("id", "time", "stage", "reason"),
        [
            (
                _id(item),
                _header(item, "dlq_time")[:19],
                _header(item, "dlq_stage"),
                _header(item, "dlq_reason"),
            )
            for item in letters
        ],
        "No dead letters.",
    )


@commands.command("show")
def show(letter: Annotated[str, typer.Argument(help="An id that `dlq list` shows.")]) -> None:
    """Show one dead letter whole."""
    letters = execute(_all(load_config(), "", ""))
    _refuse_unknown([letter], letters)
    found = [item for item in letters if _id(item) == letter]
    print_json(_shown(found[0]) | {"value": found[0].value.decode(errors="replace")})


@commands.command("replay")
def replay(ids: Ids = None, consumer: Consumer = "", reason: Reason = "") -> None:
    """Send dead letters to where they came from, once more."""
    config = load_config()
    _refuse_unknown(ids or [], execute(_all(config, "", "")) if ids else [])
    done, parked = execute(_settle(config, ids or [], consumer, reason, send=True))
    out.print(f"{done} replayed")
    if parked:
        err.print(f"{parked} were replayed {MOST_REPLAYS} times already: drop them", style="red")
        raise typer.Exit(FAILED)


@commands.command("drop")
def drop(ids: Ids = None, consumer: Consumer = "", reason: Reason = "") -> None:
    """Forget dead letters."""
    config = load_config()
    _refuse_unknown(ids or [], execute(_all(config, "", "")) if ids else [])
    done, _ = execute(_settle(config, ids or [], consumer, reason, send=False))
    out.print(f"{done} dropped")


def _refuse_unknown(ids: Sequence[str], letters: Sequence[Record]) -> None:
    """Exit with 2, before anything is done, where one of the ids is none."""
    if unknown := sorted(set(ids) - set(map(_id, letters))):
        fail("no dead letter " + ", ".join(f"'{name}'" for name in unknown))


async def _waiting(broker: Broker) -> AsyncIterator[tuple[Channel, Subscription, Sequence[Record]]]:
    """Yield what nobody has replayed or dropped, batch by batch, up to what is there now."""
    for channel in dead_letter_channels():
        left = await broker.lag(channel, GROUP)
        if not left:
            continue
        async with broker.subscribe(channel, GROUP) as subscription:
            while left > 0 and (batch := await subscription.receive(min(left, BATCH), WAIT)):
                yield channel, subscription, batch
                left -= len(batch)


async def _all(config: Config, consumer: str, reason: str) -> list[Record]:
    letters: list[Record] = []
    async with opened_broker(config) as broker:
        async for _, _, batch in _waiting(broker):
            letters += [item for item in batch if _chosen(item, [], consumer, reason)]
    return letters


async def _settle(
    config: Config, ids: Sequence[str], consumer: str, reason: str, *, send: bool
) -> tuple[int, int]:
    """Replay or drop the chosen ones; return how many, and how many were replayed too often."""
    done = parked = 0
    async with opened_broker(config) as broker:
        async for channel, subscription, batch in _waiting(broker):
            chosen = [item for item in batch if _chosen(item, ids, consumer, reason)]
            worn = [item for item in chosen if send and _replays(item) >= MOST_REPLAYS]
            kept = [item for item in batch if item not in chosen or item in worn]
            if send:
                await _send_back(broker, [item for item in chosen if item not in worn])
            await broker.send(channel, [_again(item) for item in kept])
            await subscription.commit(batch)
            done, parked = done + len(chosen) - len(worn), parked + len(worn)
    return done, parked


async def _send_back(broker: Broker, letters: Sequence[Record]) -> None:
    for item in letters:
        count = str(_replays(item) + 1).encode()
        headers = {key: value for key, value in item.headers.items() if not key.startswith("dlq_")}
        record = NewRecord(
            key=item.key, value=item.value, headers={**headers, "dlq_replays": count}
        )
        await broker.send(Channel(_header(item, "dlq_channel")), [record])


def _again(item: Record) -> NewRecord:
    return NewRecord(key=item.key, value=item.value, headers=item.headers)


def _chosen(item: Record, ids: Sequence[str], consumer: str, reason: str) -> bool:
    return (
        (not ids or _id(item) in ids)
        and (not consumer or _header(item, "dlq_consumer") == consumer)
        and reason.lower() in _header(item, "dlq_reason").lower()
    )


def _id(item: Record) -> str:
    """Return where the record came from, which stays the same however often it is appended."""
    return ":".join(_header(item, f"dlq_{key}") for key in ("consumer", "partition", "offset"))


def _replays(item: Record) -> int:
    return int(_header(item, "dlq_replays") or 0)


def _header(item: Record, name: str) -> str:
    return item.headers.get(name, b"").decode(errors="replace")


def _shown(item: Record) -> dict[str, str]:
    headers = {key: value.decode(errors="replace") for key, value in item.headers.items()}
    return {"id": _id(item), "key": item.key.decode(errors="replace"), **headers}
