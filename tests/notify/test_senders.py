"""How texts reach phones: a file, a gateway, and behind the answer's back."""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from idp.core.errors import Unavailable
from idp.notify.background import BackgroundSender
from idp.notify.console import KEPT, MAX_BYTES, ConsoleSender, Message, inbox
from idp.notify.settings import SmsSettings
from idp.notify.sms import SmsGateway, idempotency_key
from idp.outbound.breaker import Breaker
from tests.service import LocalService, serve

PHONE = "+84530000001"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.jsonl"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    with serve(tmp_path, lambda asked: (202, {})) as service:
        yield service


@pytest.fixture
def gateway(local: LocalService) -> Iterator[SmsGateway]:
    found = SmsGateway(SmsSettings(local.settings(), "t0ken", "DINHDANH"))
    yield found
    found.close()


# The demo's inbox


def test_a_text_is_in_the_inbox_the_last_first(path):
    sender = ConsoleSender(path, clock=lambda: 5)
    sender.check()
    sender.send(PHONE, "một\ndòng", reference="f1")
    sender.send("+84530000002", "hai", reference="f2")
    sender.close()
    one, two = Message(5, PHONE, "một\ndòng", "f1"), Message(5, "+84530000002", "hai", "f2")
    assert inbox(path) == (two, one)
    assert inbox(path, phone=PHONE) == (one,)


def test_an_inbox_nobody_wrote_to_is_empty(path):
    assert inbox(path) == ()


def test_only_its_owner_reads_an_inbox(path):
    old = os.umask(0)
    try:
        ConsoleSender(path).send(PHONE, "x", reference="")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_inbox_stays_small_and_keeps_the_last(path):
    sender = ConsoleSender(path)
    for number in range(3 * MAX_BYTES // 1_100):
        sender.send(PHONE, "x" * 1_000 + str(number), reference="")
    assert path.stat().st_size < 2 * MAX_BYTES
    found = inbox(path)
    assert found[0].text.endswith(str(3 * MAX_BYTES // 1_100 - 1))
    assert len(found) <= KEPT + MAX_BYTES // 1_000


def test_many_writers_lose_nothing(path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ConsoleSender(path).send(PHONE, str(n), reference=""), range(200)))
    assert {int(each.text) for each in inbox(path)} == set(range(200))


def test_an_inbox_that_cannot_be_written_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        ConsoleSender(tmp_path / "absent" / "inbox").send(PHONE, "x", reference="")


# The gateway


def test_a_text_is_posted_once_with_what_the_gateway_needs(gateway, local):
    gateway.send(PHONE, "ma 123456", reference="flow")
    (asked,) = local.asked
    assert asked.value == {"from": "DINHDANH", "to": PHONE, "text": "ma 123456"}
    assert asked.headers["Authorization"] == "Bearer t0ken"
    assert asked.headers["Idempotency-Key"] == idempotency_key(PHONE, "ma 123456", "flow")
    assert asked.path == "/ask"


def test_the_key_is_of_one_text_to_one_phone_in_one_login():
    keys = {
        idempotency_key(phone, text, flow)
        for phone in (PHONE, "+84530000002")
        for text in ("a", "b")
        for flow in ("f", "g")
    }
    assert len(keys) == 8
    assert idempotency_key(PHONE, "a", "f") in keys


@pytest.mark.attack("L13")
def test_L13_a_gateway_that_answers_too_late_is_not_asked_again(local):
    local.delay = 1.0
    gateway = SmsGateway(SmsSettings(local.settings(timeout=0.2), "t", "S"))
    with pytest.raises(Unavailable) as refused:
        gateway.send(PHONE, "x", reference="f")
    gateway.close()
    assert refused.value.dependency == "sms"
    time.sleep(0.3)
    assert len(local.asked) == 1


def test_five_failures_open_the_breaker_and_say_so_before_any_text(gateway, local):
    local.answer = lambda asked: (500, {})
    for _ in range(5):
        gateway.check()
        with pytest.raises(Unavailable):
            gateway.send(PHONE, "x", reference="f")
    with pytest.raises(Unavailable):
        gateway.check()
    with pytest.raises(Unavailable):
        gateway.send(PHONE, "x", reference="f")
    assert len(local.asked) == 5


def test_phones_the_gateway_refuses_do_not_close_it_to_others(gateway, local):
    local.answer = lambda asked: (422, {})
    for _ in range(8):
        with pytest.raises(Unavailable):
            gateway.send(PHONE, "x", reference="f")
    gateway.check()


def test_settings_do_not_show_the_token(local):
    assert "t0ken" not in repr(SmsSettings(local.settings(), "t0ken", "S"))


# Behind the answer's back


@pytest.mark.attack("L10")
def test_L10_handing_over_a_text_takes_no_time_however_slow_the_gateway(local):
    local.delay = 1.0
    sender = BackgroundSender(SmsGateway(SmsSettings(local.settings(), "t", "S")))
    began = time.monotonic()
    for number in range(4):
        sender.send(PHONE, str(number), reference="f")
    assert time.monotonic() - began < local.delay
    sender.close()
    assert {each.value["text"] for each in local.asked} == {"0", "1", "2", "3"}


class Gate:
    """A sender that waits until it is let: a gateway that hangs."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def send(self, phone: str, text: str, *, reference: str) -> None:
        assert self.open.wait(10)

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_full_queue_takes_no_more_and_says_so_to_everybody():
    gate = Gate()
    sender = BackgroundSender(gate, waiting=3, threads=1)
    for _ in range(3):
        sender.check()
        sender.send(PHONE, "x", reference="f")
    with pytest.raises(Unavailable):
        sender.check()
    with pytest.raises(Unavailable):
        sender.send(PHONE, "x", reference="f")
    gate.open.set()
    _wait_until(lambda: not _refuses(sender))
    sender.send(PHONE, "x", reference="f")
    sender.close()


@pytest.mark.attack("Q06")
def test_Q06_a_text_not_sent_is_logged_without_phone_code_or_words(local):
    local.answer = lambda asked: (500, {})
    with structlog.testing.capture_logs() as logs:
        sender = BackgroundSender(SmsGateway(SmsSettings(local.settings(), "t", "S")))
        sender.send(PHONE, "ma 123456", reference="flow")
        sender.close()
    assert logs == [
        {"event": "text_not_sent", "log_level": "warning", "dependency": "sms", "flow": "flow"}
    ]


def test_a_gateway_behind_an_open_breaker_is_known_to_be_down(local):
    breaker = Breaker("sms", failures=1)
    sender = BackgroundSender(SmsGateway(SmsSettings(local.settings(), "t", "S"), breaker))
    local.answer = lambda asked: (500, {})
    sender.check()
    sender.send(PHONE, "x", reference="f")
    _wait_until(lambda: _refuses(sender))
    sender.close()


def _refuses(sender: BackgroundSender) -> bool:
    try:
        sender.check()
    except Unavailable:
        return True
    return False


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
