"""Everything that a poll decides, pure: time comes in, values go out, nobody is asked."""

from __future__ import annotations

from monitor.decide.articles import Found, changes, replayed_changes
from monitor.decide.conclude import Conclusion, after_push, conclude
from monitor.decide.health import condition_of, rhythm_of, words_of
from monitor.decide.hosts import HostPlan, host_after
from monitor.decide.moves import asked_location
from monitor.decide.pages import apart, page_again, pending, wants_page, with_page
from monitor.decide.remember import Happened, forgotten, outcome_of
from monitor.decide.schedule import outside_skips, usual_interval

__all__ = [
    "Conclusion",
    "Found",
    "Happened",
    "HostPlan",
    "after_push",
    "apart",
    "asked_location",
    "changes",
    "conclude",
    "condition_of",
    "forgotten",
    "host_after",
    "outcome_of",
    "outside_skips",
    "page_again",
    "pending",
    "replayed_changes",
    "rhythm_of",
    "usual_interval",
    "wants_page",
    "with_page",
    "words_of",
]
