"""A configured service: every way of not answering is Unavailable, in time."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.errors import Unavailable
from idp.outbound.breaker import Breaker
from idp.outbound.service import MAX_ANSWER, Service, ServiceSettings
from tests.service import LocalService, serve


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    with serve(tmp_path, lambda asked: (200, asked.value)) as service:
        yield service


def call(local: LocalService, value=None, *, breaker: Breaker | None = None, **settings):
    service = Service("registry", local.settings(**settings), breaker or Breaker("registry"))
    try:
        return service.post(value or {"a": 1}, {"X-Key": "k"})
    finally:
        service.close()


def test_a_json_object_goes_there_and_the_answer_comes_back(local):
    assert call(local, {"tên": "Hĕn"}) == (200, b'{"t\\u00ean": "H\\u0115n"}')
    (asked,) = local.asked
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["X-Key"] == "k"


def test_a_refusal_is_an_answer(local):
    local.answer = lambda asked: (422, b"no")
    assert call(local) == (422, b"no")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_cannot_now_is_unavailable_and_asked_once(local, status):
    local.answer = lambda asked: (status, b"")
    with pytest.raises(Unavailable) as refused:
        call(local)
    assert refused.value.dependency == "registry"
    assert len(local.asked) == 1


def test_a_redirect_is_not_followed(local):
    local.answer = lambda asked: (307, b"")
    assert call(local)[0] == 307
    assert len(local.asked) == 1


def test_an_answer_that_comes_too_late_is_none(local):
    local.delay = 3.0
    began = time.monotonic()
    with pytest.raises(Unavailable):
        call(local, timeout=0.2)
    assert time.monotonic() - began < local.delay


def test_an_endless_answer_is_not_read(local):
    local.answer = lambda asked: (200, b"x" * (MAX_ANSWER + 1))
    with pytest.raises(Unavailable):
        call(local)


def test_another_authoritys_certificate_is_refused(local):
    with pytest.raises(Unavailable):
        call(local, ca_file=None)
    assert not local.asked


def test_nobody_listening_opens_the_breaker_and_nobody_waits_any_more():
    breaker = Breaker("registry", failures=2)
    service = Service("registry", ServiceSettings("https://127.0.0.1:9"), breaker)
    for _ in range(2):
        with pytest.raises(Unavailable):
            service.post({})
    with pytest.raises(Unavailable):
        service.check()
    service.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "", "ftp://x/"])
def test_a_service_without_tls_cannot_be_configured(url):
    with pytest.raises(ValueError, match="https"):
        ServiceSettings(url)


def test_no_proxy_is_taken_from_the_environment(local, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert call(local)[0] == 200
