"""Expectations as JUnit XML."""

from __future__ import annotations

from lxml.etree import fromstring

from monitor.topics.expectations import Outcome
from monitor.topics.junit import junit

OUTCOMES = [
    Outcome("sco", True, "fixtures/a.txt"),
    Outcome("sco", False, 'A "text" & <more>\x00', "must not match and does", ("matched by sco",)),
    Outcome("nato", True, "b.txt", "b.txt: no such file", unreadable=True),
]


def test_a_suite_for_each_topic_with_its_counts() -> None:
    root = fromstring(junit(OUTCOMES))
    assert (root.tag, root.attrib["tests"]) == ("testsuites", "3")
    assert (root.attrib["failures"], root.attrib["errors"]) == ("1", "1")
    counts = [
        tuple(suite.attrib[key] for key in ("name", "tests", "failures", "errors"))
        for suite in root
    ]
    assert counts == [("sco", "2", "1", "0"), ("nato", "1", "0", "1")]


def test_a_failure_says_why_and_text_cannot_break_the_document() -> None:
    passed, failed = fromstring(junit(OUTCOMES)).findall("testsuite[@name='sco']/testcase")
    assert list(passed) == []
    assert passed.attrib == {"classname": "sco", "name": "match: fixtures/a.txt"}
    assert failed.attrib["name"] == 'no_match: A "text" & <more>\ufffd'
    (failure,) = failed
    assert failure.tag == "failure"
    assert failure.attrib["message"] == "must not match and does"
    assert failure.text == "must not match and does\nmatched by sco"


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    (error,) = fromstring(junit(OUTCOMES)).findall("testsuite[@name='nato']/testcase/*")
    assert (error.tag, error.attrib["message"]) == ("error", "b.txt: no such file")


def test_no_expectations_are_an_empty_document() -> None:
    assert fromstring(junit([])).attrib["tests"] == "0"
