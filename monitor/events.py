"""Events: CloudEvents 1.0, and how they become records of the log and lines of a recording.

On the log an event is in binary mode: `ce_*` headers, the data alone in the value
(CloudEvents Kafka protocol binding, section 3.2). In a recording it is one structured JSON line.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from monitor.errors import Rejected

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"

T = TypeVar("T")


class NotAnEvent(Rejected):
    """A record or line that is no CloudEvent of a version that is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. `data` is the JSON of the domain type that `type` names; `key` orders events."""

    id: str
    type: str
    source: str
    time: datetime
    key: str
    data: bytes
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """What is appended to a channel: order is kept among records of the same key."""

    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was appended, with its place in the log. `appended` is the broker's time stamp."""

    channel: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]
    appended: datetime


def encode(event: Event) -> NewRecord:
    """Return the record that carries an event in binary mode."""
    headers = {
        "ce_specversion": SPEC_VERSION.encode(),
        "ce_id": event.id.encode(),
        "ce_type": event.type.encode(),
        "ce_source": event.source.encode(),
        "ce_time": event.time.isoformat().encode(),
        "content-type": CONTENT_TYPE.encode(),
    }
    if event.traceparent:
        headers["traceparent"] = event.traceparent.encode()
    return NewRecord(key=event.key.encode(), value=event.data, headers=headers)


def decode(record: Record) -> Event:
    """Return the event that a record carries.

    Raises NotAnEvent where a header is missing, the major version is unknown, or text is not UTF-8.
    """
    headers = record.headers
    try:
        version = headers["ce_specversion"].decode()
        event = Event(
            id=headers["ce_id"].decode(),
            type=headers["ce_type"].decode(),
            source=headers["ce_source"].decode(),
            time=datetime.fromisoformat(headers["ce_time"].decode()),
            key=record.key.decode(),
            data=record.value,
            traceparent=headers.get("traceparent", b"").decode(),
        )
    except KeyError as error:
        raise NotAnEvent(f"not a CloudEvent: header {error} is missing") from error
    except ValueError as error:
        raise NotAnEvent(f"not a CloudEvent: {error}") from error
    if version.partition(".")[0] != SPEC_VERSION.partition(".")[0]:
        raise Rejected(
            f"CloudEvents version {version!r} is unknown here; this reads {SPEC_VERSION}"
        )
    return event


def dump(value: object) -> bytes:
    """Return a domain value as JSON."""
    return msgspec.json.encode(value)


def load(kind: type[T], data: bytes) -> T:
    """Return the domain value that JSON holds; unknown fields are ignored.

    Raises Rejected where the data does not fit the type.
    """
    try:
        value: T = _decoder(cast("Hashable", kind)).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"not {kind.__name__} data: {error}") from error
    return value


def dump_line(event: Event) -> bytes:
    """Return an event as one structured JSON line, without the line's end."""
    envelope: dict[str, Any] = {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "time": event.time,
        "datacontenttype": CONTENT_TYPE,
        "partitionkey": event.key,
        "data": msgspec.Raw(event.data),
    }
    if event.traceparent:
        envelope["traceparent"] = event.traceparent
    return msgspec.json.encode(envelope)


class _Envelope(msgspec.Struct, kw_only=True):
    """The structured form of an event, as CloudEvents names its attributes."""

    specversion: str
    id: str
    type: str
    source: str
    time: datetime
    data: msgspec.Raw
    partitionkey: str = ""
    traceparent: str = ""


def load_line(line: bytes) -> Event:
    """Return the event of one structured JSON line; raises NotAnEvent where it is none."""
    try:
        envelope = load(_Envelope, line)
    except Rejected as error:
        raise NotAnEvent(f"not a CloudEvent: {error}") from error
    if envelope.specversion.partition(".")[0] != SPEC_VERSION.partition(".")[0]:
        raise NotAnEvent(f"CloudEvents version {envelope.specversion!r} is unknown here")
    return Event(
        id=envelope.id,
        type=envelope.type,
        source=envelope.source,
        time=envelope.time,
        key=envelope.partitionkey,
        data=bytes(envelope.data),
        traceparent=envelope.traceparent,
    )


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
