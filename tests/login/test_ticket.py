"""Tickets: whose they are is known without any store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.login.ticket import Ticket, TicketRefused, client_tag

KEY = b"k" * 32
NOW = 1_800_000_000


def issue(browser: str = "browser") -> Ticket:
    return Ticket.issue(KEY, browser, client_id="portal", now=NOW)


def test_a_ticket_opens_in_its_own_browser():
    ticket = issue()
    assert Ticket.open(KEY, "browser", ticket.text, now=NOW + 5, ttl=60) == ticket
    assert ticket.client_tag == client_tag("portal")


@pytest.mark.attack("J07")
@pytest.mark.parametrize("browser", ["", "another"])
def test_J07_a_ticket_of_another_browser_is_foreign(browser):
    with pytest.raises(TicketRefused, match="foreign") as refused:
        Ticket.open(KEY, browser, issue().text, now=NOW, ttl=60)
    assert refused.value.ticket is not None
    assert refused.value.ticket.client_tag == client_tag("portal")  # it says so, unproved


def test_an_old_ticket_says_so_and_whose_it_was():
    with pytest.raises(TicketRefused, match="expired") as refused:
        Ticket.open(KEY, "browser", issue().text, now=NOW + 60, ttl=60)
    assert refused.value.ticket is not None


@given(st.integers(0, 45), st.sampled_from("ABCxyz019-_"))
def test_a_changed_ticket_is_foreign(position, character):
    text = issue().text
    changed = text[:position] + character + text[position + 1 :]
    if changed != text:
        with pytest.raises(TicketRefused, match="foreign"):
            Ticket.open(KEY, "browser", changed, now=NOW, ttl=60)


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else_escapes(text):
    with pytest.raises(TicketRefused, match="foreign"):
        Ticket.open(KEY, "browser", text, now=NOW, ttl=60)
