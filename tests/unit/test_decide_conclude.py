"""What is remembered of a poll, and the long stories: gone, missing, moved, flapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decide import Found, Happened, after_push, conclude
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import (
    Condition,
    Document,
    Hints,
    Memory,
    Owner,
    Parsed,
    SourceState,
    Turn,
)
from tests.support.clock import START
from tests.support.follower import (
    FEED,
    Follower,
    a_document,
    a_source,
    a_turn,
    bad,
    good,
    unchanged,
)

MOVED = "https://new.example/feed"
GONE = Unavailable("answered 410", None, 410)
MISSING = Unavailable("answered 404", None, 404)


def test_a_good_poll_leaves_validators_hints_and_what_the_parser_remembers() -> None:
    parsed = Parsed(
        known=3, rejected=1, hints=Hints(ttl=900), digests=b"d", reader="fast", agreed=2
    )
    happened = good(new=2, known=1, parsed=parsed, etag='W/"1"', last_modified="then", size=99)
    memory = conclude(a_turn(a_source(), Memory(failures=2.5)), happened).memory
    assert (memory.etag, memory.last_modified, memory.imported) == ('W/"1"', "then", True)
    assert (memory.digests, memory.reader, memory.agreed) == (b"d", "fast", 2)
    assert (memory.hints.ttl, memory.failures, memory.last_error) == (900, 0, "")
    (note,) = memory.notes
    assert (note.new, note.known, note.rejected, note.size, note.status) == (2, 4, 1, 99, 200)
    assert (note.seconds, note.error) == (1.0, "")


def test_an_import_goes_on_until_there_is_no_more() -> None:
    part = conclude(a_turn(a_source(), Memory()), good(new=2, more=True))
    assert part.memory.imported is False
    assert part.next_poll_at == START + timedelta(minutes=1, seconds=1)
    rest = conclude(a_turn(a_source(), part.memory), good(new=2))
    assert rest.memory.imported is True
    ill = Parsed(rejected=1, refused=a_document())
    slow = conclude(a_turn(a_source(), part.memory), good(new=2, more=True, parsed=ill))
    assert slow.memory.imported is False
    assert slow.next_poll_at > START + timedelta(minutes=30)
    assert rest.next_poll_at > START + timedelta(minutes=30)
    later = conclude(a_turn(a_source(), rest.memory), good(new=2, more=True))
    assert later.memory.imported is True


def test_a_failed_poll_leaves_the_validators_as_they_were() -> None:
    before = Memory(etag='"1"', body_hash="h", digests=b"d", imported=True)
    happened = bad(START, Rejected("is a page"), a_document(etag='"2"', size=7))
    memory = conclude(a_turn(a_source(), before), happened).memory
    assert (memory.etag, memory.body_hash, memory.digests) == ('"1"', "h", b"d")
    assert (memory.failures, memory.last_outcome, memory.last_error) == (1, "refused", "is a page")
    assert (memory.notes[0].status, memory.notes[0].size) == (200, 7)


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (good(known=1), "unchanged"),
        (unchanged(), "unchanged"),
        (bad(START, Unreachable("no")), "unreachable"),
        (bad(START, Unavailable("x", None, 500)), "failed"),
        (bad(START, Rejected("too large")), "failed"),
        (bad(START, Rejected("no feed"), a_document()), "refused"),
    ],
)
def test_outcomes(happened: Happened, expected: str) -> None:
    assert conclude(a_turn(a_source(), Memory()), happened).memory.last_outcome == expected


@pytest.mark.parametrize(
    ("error", "weight"),
    [
        (Rejected("no feed"), 1),
        (Unavailable("x", None, 403), 1),
        (Unavailable("x", None, 404), 0.5),
        (Unavailable("x", None, 429), 0.5),
        (Unavailable("x", None, 502), 0.5),
        (Unavailable("took longer than 30 s"), 0.5),
        (Unreachable("no such name"), 0.25),
    ],
)
def test_failures_weigh_what_they_say_of_the_source(error: MonitorError, weight: float) -> None:
    follower = Follower()
    assert follower.poll(bad(START, error)).memory.failures == weight
    assert follower.poll(bad(START, error)).memory.failures == 2 * weight
    assert follower.poll(good()).memory.failures == 0


def test_what_a_parser_noticed_is_remembered_with_its_poll_and_bounded() -> None:
    notes = ("2 items are dated in the future", "x" * 900, "x" * 900, "third", "fourth", "fifth")
    memory = conclude(a_turn(a_source(), Memory()), good(parsed=Parsed(notes=notes))).memory
    assert memory.notes[0].noticed == (notes[0], "x" * 200, "third", "and 2 more")
    memory = conclude(a_turn(a_source(), memory), unchanged()).memory
    assert [note.noticed for note in memory.notes[1:]] == [()]


def test_a_history_of_before_there_was_anything_noticed_is_readable() -> None:
    old = msgspec.msgpack.encode([START, "changed", 200, 9, 2, 1, 0, 0, 0.5, ""])
    (note,) = Memory(polls=(old,)).notes
    assert (note.new, note.seconds, note.noticed) == (2, 0.5, ())


def test_a_turn_without_a_source_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no source"):
        conclude(Turn(host="wire.example"), good())


def test_a_source_that_is_gone_twice_a_day_apart_is_retired() -> None:
    follower = Follower(memory=Memory(imported=True, condition=Condition.WORKING))
    follower.poll(bad(START, GONE))
    assert follower.days >= 1
    last = follower.poll(bad(START, GONE))
    assert follower.changes == [("working", "retired")]
    assert last.change is not None
    assert last.change.reason.startswith("has been gone (410) since")
    assert follower.days > 3_000
    # Somebody polls it by hand, and it is there again.
    follower.due = START + timedelta(days=9)
    follower.poll(good(known=1))
    assert follower.changes[-1] == ("retired", "working")
    assert follower.days < 10


def test_a_source_that_is_gone_twice_within_a_day_or_with_an_answer_between_is_not() -> None:
    follower = Follower(memory=Memory(imported=True, condition=Condition.WORKING))
    follower.poll(bad(START, GONE))
    follower.due = START + timedelta(hours=5)
    assert follower.poll(bad(START, GONE)).memory.condition is Condition.WORKING
    follower.poll(unchanged())
    assert follower.poll(bad(START, GONE)).memory.condition is Condition.WORKING
    assert follower.changes == []


def test_a_missing_source_is_slowed_to_a_poll_in_30_days_and_never_given_up() -> None:
    follower = Follower(memory=Memory(imported=True, condition=Condition.WORKING))
    polls = 0
    while follower.days < 31:
        follower.poll(bad(START, MISSING))
        polls += 1
    assert polls < 45
    before = follower.due
    follower.poll(bad(START, MISSING))
    assert follower.due - before >= timedelta(days=30)
    assert follower.changes == [("working", "failing")]
    follower.poll(good())
    assert follower.changes[-1] == ("failing", "working")
    assert follower.memory.missing_since is None


def test_a_month_of_404_counts_from_the_first_one_without_another_answer() -> None:
    follower = Follower()
    first = follower.poll(bad(START, MISSING)).memory.missing_since
    follower.poll(bad(START, Unavailable("x", None, 503)))
    assert follower.poll(bad(START, MISSING)).memory.missing_since == first
    follower.poll(bad(START, Unavailable("x", None, 403)))
    assert follower.memory.missing_since is None


def moves(follower: Follower, days: float, to: str = MOVED) -> None:
    """Poll for so many days; every answer came by a permanent redirect."""
    until = follower.days + days
    while follower.days < until and follower.source.location == FEED:
        follower.poll(good(known=1, moved_to=to))


def test_an_address_that_moved_once_is_not_rewritten() -> None:
    follower = Follower(a_source(owner=Owner.USER))
    follower.poll(good(moved_to=MOVED))
    for _ in range(200):
        follower.poll(good())
    assert follower.days > 7
    assert follower.source.location == FEED
    assert follower.memory.moved_times == 0


def test_an_address_that_moved_for_a_week_is_rewritten_and_the_old_one_kept() -> None:
    follower = Follower(a_source(owner=Owner.USER))
    moves(follower, 6.5)
    assert follower.source.location == FEED
    moves(follower, 2)
    assert follower.source.location == MOVED
    assert follower.days < 9
    assert (follower.memory.moved_from, follower.memory.moved_to) == (FEED, "")
    assert follower.memory.chosen_location == ""


def test_three_moves_are_needed_however_long_they_take() -> None:
    follower = Follower(a_source(owner=Owner.USER, interval=5 * 86_400))
    for expected in (FEED, FEED, MOVED):
        follower.poll(good(moved_to=MOVED))
        assert follower.source.location == expected


def test_an_unchanged_document_counts_once_it_was_read_from_there() -> None:
    source = a_source(owner=Owner.USER, interval=5 * 86_400)
    follower = Follower(source)
    for _ in range(4):
        follower.poll(unchanged(moved_to=MOVED))
    assert follower.memory.moved_times == 0
    follower.poll(good(moved_to=MOVED))
    follower.poll(unchanged(moved_to=MOVED))
    follower.poll(unchanged(moved_to=MOVED))
    assert follower.source.location == MOVED


@pytest.mark.parametrize("target", ["http://wire.example/feed", "//[", "ftp://wire.example/feed"])
def test_https_is_never_left(target: str) -> None:
    follower = Follower(a_source(owner=Owner.USER))
    moves(follower, 20, target)
    assert follower.source.location == FEED


def test_an_address_that_is_longer_than_any_is_not_kept() -> None:
    follower = Follower(a_source())
    for _ in range(9):
        memory = follower.poll(good(START, moved_to=f"{MOVED}?{'x' * 3_000}")).memory
        assert memory.moved_to == ""


def test_two_targets_in_turn_are_no_move() -> None:
    follower = Follower(a_source(owner=Owner.USER))
    while follower.days < 20:
        for target in (MOVED, "https://other.example/feed"):
            follower.poll(good(moved_to=target))
    assert follower.source.location == FEED


def test_a_portal_that_redirects_everything_to_its_page_rewrites_nothing() -> None:
    follower = Follower(a_source(owner=Owner.USER))
    portal = a_document(moved_to="https://hotel.example/login")
    follower.poll(good(moved_to="https://hotel.example/login"))
    while follower.days < 20:
        follower.poll(bad(START, Rejected("no feed: a page"), portal))
    assert follower.memory.moved_times == 0
    assert (follower.source.location, follower.memory.chosen_location) == (FEED, "")


def test_a_list_of_links_is_followed_but_never_rewritten() -> None:
    follower = Follower(a_source(owner=Owner.USER, type="page"))
    moves(follower, 20)
    assert follower.source.location == FEED


def test_the_operators_file_is_left_alone_and_the_memory_says_where_to_ask() -> None:
    follower = Follower(a_source())
    while not follower.memory.chosen_location:
        follower.poll(good(moved_to=MOVED))
    memory = follower.memory
    assert (memory.chosen_type, memory.chosen_location) == ("feed", MOVED)
    assert memory.chosen_why == f"moved for good to {MOVED}: change it in config/sources.yaml"
    assert (follower.source.location, memory.moved_from) == (FEED, FEED)
    assert 7 <= follower.days < 9


def test_what_discovery_chose_moves_in_the_memory_too() -> None:
    memory = Memory(
        chosen_type="feed", chosen_location="https://www.example/rss", chosen_why="its feed"
    )
    follower = Follower(a_source(type="site", owner=Owner.USER), memory)
    moves(follower, 9)
    assert follower.source.location == FEED
    assert follower.memory.chosen_location == MOVED
    assert follower.memory.moved_from == "https://www.example/rss"
    assert follower.memory.chosen_why == "its feed"


CHOSEN = Memory(imported=True, etag='"1"', digests=b"d", chosen_type="feed", chosen_location=MOVED)


def test_what_discovery_chose_is_forgotten_when_it_failed_five_times_in_a_row() -> None:
    follower = Follower(a_source(type="site"), CHOSEN)
    for _ in range(4):
        assert follower.poll(bad(START, MISSING)).memory.chosen_location == MOVED
    memory = follower.poll(bad(START, MISSING)).memory
    assert (memory.chosen_type, memory.chosen_location, memory.etag) == ("", "", "")
    assert (memory.digests, memory.imported, memory.moved_from) == (b"", True, MOVED)


def test_a_success_between_keeps_what_discovery_chose() -> None:
    follower = Follower(a_source(type="site"), CHOSEN)
    for _ in range(5):
        for _ in range(4):
            follower.poll(bad(START, MISSING))
        follower.poll(unchanged())
    assert follower.memory.chosen_location == MOVED


def test_our_own_network_says_nothing_of_what_discovery_chose_for_a_day() -> None:
    follower = Follower(a_source(type="site"), CHOSEN)
    while follower.days < 0.9:
        assert follower.poll(bad(START, Unreachable("no"))).memory.chosen_location == MOVED
    while follower.days < 2:
        follower.poll(bad(START, Unreachable("no")))
    assert follower.memory.chosen_location == ""


def test_a_server_that_ignores_its_validators_twice_is_asked_without_until_a_change() -> None:
    follower = Follower(memory=Memory(imported=True, etag='"1"'))
    same = unchanged(status=200, etag='"1"')
    assert follower.poll(same).memory.etag == '"1"'
    memory = follower.poll(same).memory
    assert (memory.etag, memory.ignores_validators) == ("", True)
    memory = follower.poll(same).memory
    assert (memory.etag, memory.ignores_validators) == ("", True)
    memory = follower.poll(good(new=1, etag='"2"')).memory
    assert (memory.etag, memory.ignores_validators) == ('"2"', False)


def test_a_server_that_mostly_answers_304_keeps_its_validators() -> None:
    follower = Follower(memory=Memory(imported=True, etag='"1"'))
    for _ in range(5):
        follower.poll(unchanged(status=200))
        assert follower.poll(unchanged()).memory.etag == '"1"'


def test_a_source_that_fails_every_other_time_is_no_news() -> None:
    follower = Follower(memory=Memory(imported=True, condition=Condition.WORKING))
    for _ in range(50):
        follower.poll(bad(START, Rejected("no feed"), a_document()))
        follower.poll(bad(START, Rejected("no feed"), a_document()))
        follower.poll(good(known=3))
    assert follower.changes == []


def test_a_source_breaks_once_and_recovers_once() -> None:
    follower = Follower()
    follower.poll(good(new=3))
    assert follower.changes == []
    for _ in range(10):
        follower.poll(bad(START, Unavailable("answered 403", None, 403)))
    last = follower.poll(good(known=3))
    assert follower.changes == [("working", "failing"), ("failing", "working")]
    assert last.change is not None
    assert last.change.reason.startswith("answers again after ")


def test_a_new_source_that_never_worked_is_told_of() -> None:
    follower = Follower()
    for _ in range(3):
        follower.poll(bad(START, Rejected("is a page"), a_document()))
    assert follower.changes == [("new", "failing")]


def test_a_push_is_remembered_and_leaves_the_validators() -> None:
    state = SourceState(
        source=a_source(),
        next_poll_at=START,
        memory=Memory(imported=True, etag='"1"', condition=Condition.WORKING),
    )
    memory, change = after_push(state, Found(new=2), START)
    assert (memory.pushed_at, memory.last_new_at, memory.etag) == (START, START, '"1"')
    assert memory.days == {START.date().isoformat(): 2}
    assert change is None


OUTCOMES = st.lists(
    st.one_of(
        st.builds(good, new=st.integers(0, 3), known=st.integers(0, 30)),
        st.builds(good, moved_to=st.sampled_from([MOVED, "http://x/", "//["])),
        st.builds(unchanged, status=st.sampled_from([200, 304])),
        st.builds(
            bad,
            st.just(START),
            st.sampled_from([GONE, MISSING, Unreachable("no"), Rejected("x" * 9_000)]),
            st.sampled_from([None, Document(url=FEED, body=b"", fetched=START)]),
        ),
    ),
    max_size=60,
)


@given(OUTCOMES, st.sampled_from(["feed", "site", "page"]), st.sampled_from(list(Owner)))
def test_the_memory_is_bounded_whatever_happens(
    outcomes: list[Happened], kind: str, owner: Owner
) -> None:
    follower = Follower(a_source(type=kind, owner=owner))
    for happened in outcomes:
        follower.poll(happened)
        follower.due = min(follower.due, START + timedelta(days=7_000))
        memory = follower.memory
        assert len(memory.polls) <= 30
        assert len(memory.days) <= 29
        assert len(memory.last_error) <= 500
        assert memory.failures >= 0
        assert not memory.pace or 900 <= memory.pace <= 86_400
    assert all(before != after for before, after in follower.changes)
    told = [before for before, _ in follower.changes[1:]]
    assert told == [after for _, after in follower.changes[:-1]]


def test_the_state_is_not_changed_by_concluding() -> None:
    turn = a_turn(a_source(), replace(Memory(), days={"2026-01-01": 3}))
    conclude(turn, good(new=5))
    assert turn.state is not None
    assert turn.state.memory.days == {"2026-01-01": 3}
