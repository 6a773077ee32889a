"""Results of expectations as JUnit XML, which every CI shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from monitor.topics.expectations import Outcome

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(outcomes: Sequence[Outcome]) -> bytes:
    """Return a document with a suite for each topic and a case for each expectation.

    An expectation that is not met is a failure; one whose file cannot be read is an error.
    """
    root = Element("testsuites", {"name": "monitor topics test", **_counts(outcomes)})
    for topic in dict.fromkeys(outcome.topic for outcome in outcomes):
        of_topic = [outcome for outcome in outcomes if outcome.topic == topic]
        suite = SubElement(root, "testsuite", {"name": topic, **_counts(of_topic)})
        for outcome in of_topic:
            _add_case(suite, outcome)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(suite: Element, outcome: Outcome) -> None:
    wanted = "match" if outcome.wanted else "no_match"
    name = _clean(f"{wanted}: {outcome.label}")
    case = SubElement(suite, "testcase", classname=outcome.topic, name=name)
    if outcome.passed:
        return
    kind = "error" if outcome.unreadable else "failure"
    found = SubElement(case, kind, message=_clean(outcome.reason))
    found.text = _clean("\n".join((outcome.reason, *outcome.details)))


def _counts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    errors = sum(bool(outcome.unreadable) for outcome in outcomes)
    failed = sum(not outcome.passed for outcome in outcomes)
    return {
        "tests": str(len(outcomes)),
        "failures": str(failed - errors),
        "errors": str(errors),
    }


def _clean(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
