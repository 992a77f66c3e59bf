"""The demo phone: what it shows of the texts."""

from pathlib import Path

from idp.demo.phone import texts
from idp.notify.console import ConsoleSender
from idp.notify.text import code_text, request_text


def test_a_code_is_shown_and_a_request_leads_to_its_page(tmp_path: Path) -> None:
    sender = ConsoleSender(tmp_path / "inbox.jsonl", lambda: 1_800_000_000)
    code = code_text("482913", host="localhost", minutes=5)
    sender.send("+84912345678", code, reference="AAAAAAAAAAA")
    sender.send("+84912345678", request_text("Ngân hàng"), reference="ciba-AAAAAAAAAAA")
    request, login = texts(tmp_path / "inbox.jsonl")
    assert (request["asks"], request["code"], request["number"]) == (True, "", "*** 5678")
    assert (login["asks"], login["code"]) == (False, "482913")
