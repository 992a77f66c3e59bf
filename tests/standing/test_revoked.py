"""The compact table of revocations: it says what a dictionary would say."""

from hypothesis import given
from hypothesis import strategies as st

from idp.core.clock import FixedClock
from idp.standing.revoked import SMALLEST, Revoked, Row

NOW = 1_800_000_000
ROWS = st.tuples(
    st.just(0),
    st.sampled_from(("session", "card")),
    st.integers(0, 3 * SMALLEST).map(str),
    st.integers(NOW - 100, NOW + 100),
    st.integers(NOW - 100, NOW + 100),
)


@given(st.lists(st.lists(ROWS, max_size=30), max_size=10), st.integers(0, 200))
def test_it_keeps_the_latest_date_and_end_of_each(pages: list[list[Row]], later: int) -> None:
    clock = FixedClock(NOW)
    table, known = Revoked(clock), dict[tuple[str, str], tuple[int, int]]()
    for page in pages:
        table.add(page)
        for _, kind, subject, at, end in page:
            known_at, known_end = known.get((kind, subject), (0, 0))
            known[kind, subject] = max(at, known_at), max(end, known_end)
    assert len(table) == len(known)
    clock.advance(later)
    for (kind, subject), (at, end) in known.items():
        assert table.at(kind, subject) == (at if end > clock() else None)
        assert table.at(kind, subject + "x") is None


def test_it_grows_for_those_that_live_and_forgets_the_others() -> None:
    clock = FixedClock(NOW)
    table = Revoked(clock)
    table.add((0, "session", f"short{each}", NOW, NOW + 10) for each in range(SMALLEST // 2))
    clock.advance(10)
    table.add((0, "session", f"long{each}", NOW, NOW + 100) for each in range(5 * SMALLEST))
    assert len(table) == 5 * SMALLEST
    assert all(table.at("session", f"long{each}") == NOW for each in range(5 * SMALLEST))
    assert table.at("session", "short1") is None
    assert len(table.slots[0]) <= 16 * SMALLEST


def test_it_makes_room_at_once() -> None:
    table = Revoked(FixedClock(NOW))
    table.reserve(10_000)
    before = table.slots
    table.add((0, "session", str(each), NOW, NOW + 10) for each in range(10_000))
    assert table.slots is before


def test_dates_that_do_not_fit_are_the_latest_that_do() -> None:
    table = Revoked(FixedClock(NOW))
    table.add([(0, "card", "c", 2**40, 2**40)])
    assert table.at("card", "c") == 2**32 - 1
