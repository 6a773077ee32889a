"""What to tell the operator where a channel of the broker differs from its declaration."""

from __future__ import annotations

from monitor.channels import Channel


def differences(declared: Channel, found: Channel, place: str) -> list[str]:
    """Return a sentence, with its cure, for each setting that differs; `place` names the broker."""
    sentences = []
    if found.partitions != declared.partitions:
        sentences.append(
            f"Channel {declared.name!r} has {found.partitions} partitions in {place} where "
            f"{declared.partitions} are declared: declare {found.partitions}, or delete the "
            "channel when all its consumers have a lag of 0 and let it be created anew."
        )
    for setting, unit in (("retention", "seconds"), ("max_bytes", "bytes")):
        has, wants = getattr(found, setting), getattr(declared, setting)
        if has != wants:
            sentences.append(
                f"Channel {declared.name!r} has a {setting} of {has} {unit} in {place} where "
                f"{wants} {unit} are declared: declare {has}, or alter the channel there."
            )
    return sentences
