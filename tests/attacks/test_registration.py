"""Groups N and A over HTTP: who registers a client, where an operator did not open it."""

import json

import pytest

from tests.attacks.live import Live

CLIENT = {"client_name": "Evil", "redirect_uris": ["https://evil.example/cb"]}


@pytest.mark.attack("N06")
@pytest.mark.parametrize("token", ["", "guessed", "a" * 10_000])
def test_N06_nobody_registers_where_it_is_closed(live: Live, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with live.http() as http:
        discovered = http.get("/.well-known/openid-configuration").json()
        assert "registration_endpoint" not in discovered
        answers = [
            http.post("/register", json=CLIENT, headers=headers),
            *(
                http.request(method, f"/register/{client_id}", json=CLIENT, headers=headers)
                for method in ("GET", "PUT", "DELETE")
                for client_id in ("nobody", live.request()["client_id"], "%00", "a" * 300)
            ),
        ]
    for answer in answers:
        assert answer.status_code == 401, answer.request.url
        assert answer.headers["www-authenticate"].startswith('Bearer realm="register"')
        assert answer.json()["error"] == "invalid_token"


@pytest.mark.attack("N09")
def test_N09_a_refusal_is_data_and_not_a_page(live: Live) -> None:
    script = "<svg onload=alert(1)>"  # without a slash: one segment of a path
    with live.http() as http:
        answers = [
            http.post("/register", content=json.dumps({script: script})),
            http.post("/register", json={"client_name": script}, headers={"accept": "text/html"}),
            http.get(f"/register/{script}", headers={"accept": "text/html"}),
            http.put(f"/register/{script}", content=script),
        ]
    for answer in answers:
        assert script not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "application/json"
