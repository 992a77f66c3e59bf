"""``idp serve`` as a process: alone and with workers, health, refusals, and its end."""

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from idp.cli.serve import STOP_SECONDS
from idp.core.clock import system_clock
from idp.keystore.file import rotate
from idp.keystore.rotation import Policy
from tests.e2e.programs import PATIENCE, Program, alive, answers, until


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program.under(tmp_path)


@pytest.fixture(params=[1, 2])
def served(request: pytest.FixtureRequest, program: Program) -> Iterator[Program]:
    """In this many processes: one is the program itself."""
    bind = f"127.0.0.1:{program.port}"
    with program.running("serve", "--bind", bind, "--workers", str(request.param)):
        yield program


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def test_it_serves_counts_logs_and_ends(served: Program, request: pytest.FixtureRequest) -> None:
    for _ in range(20):
        assert json.loads(fetch(f"{served.url}/jwks"))["keys"]
    with urllib.request.urlopen(f"{served.url}/jwks", timeout=10) as answer:
        assert not answer.headers["Server"], "what runs here is nobody's business"
    ready = json.loads(fetch(f"http://127.0.0.1:{served.management}/readyz"))
    assert {each["name"] for each in ready["checks"]} == {"database", "redis", "keys", "provider"}
    metrics = fetch(f"http://127.0.0.1:{served.management}/metrics").decode()
    row = next(each for each in metrics.splitlines() if each.startswith("idp_requests_total{"))
    assert 'endpoint="/jwks"' in row
    assert float(row.rpartition(" ")[2]) >= 20  # over all processes
    lines = [json.loads(each) for each in served.log.splitlines()]
    assert sum(each.get("endpoint") == "/jwks" for each in lines) >= 20
    assert not answers(f"{served.url}/readyz"), "management is not public"
    assert not answers(f"{served.url}/metrics")
    assert served.process is not None
    children = served.descendants()
    workers = request.node.callspec.params["served"]
    assert len(children) == 1 + (workers if workers > 1 else 0)  # and the embedded Valkey
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 0
    until(lambda: not any(map(alive, children)), served)


def exchange(program: Program, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """What is answered to these bytes: the status, and everything until the connection ends."""
    with socket.create_connection(("127.0.0.1", program.port), timeout=30) as connection:
        connection.sendall(f"{head}Host: localhost\r\nConnection: close\r\n".encode("latin-1"))
        connection.sendall(b"\r\n" + body)
        with connection.makefile("rb") as answer:
            whole = answer.read()
    return int(whole.split(b" ", 2)[1]), whole


def test_the_edge_as_a_client_meets_it(served: Program) -> None:
    """Headers over the budget, cookies of others that are not ASCII, bodies in chunks."""
    status, _ = exchange(served, f"GET /jwks HTTP/1.1\r\nX-A: {'a' * 100_000}\r\n")
    assert status == 431
    many = "".join(f"X-{n}: {'a' * 7_000}\r\n" for n in range(10))
    assert exchange(served, f"GET /jwks HTTP/1.1\r\n{many}")[0] == 431
    english = (
        "GET /nowhere HTTP/1.1\r\nAccept: text/html\r\nCookie: theirs=\xc4\x91; eid_lang=en\r\n"
    )
    assert b'<html lang="en"' in exchange(served, english)[1]
    token = (
        "POST /token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Transfer-Encoding: chunked\r\n"
    )
    body = b"5\r\ngrant\r\nd\r\n_type=unknown\r\n0\r\n\r\n"
    status, answer = exchange(served, token, body)
    assert (status, b'"invalid_client"' in answer) == (401, True)  # it was read: nobody is named
    status, answer = exchange(served, token, b"11170\r\n" + b"a" * 70_000 + b"\r\n0\r\n\r\n")
    assert (status, b'"invalid_request"' in answer) == (413, True)


def test_it_ends_in_time_however_often_it_is_told(served: Program) -> None:
    """A service manager signals every process of a unit, and the parent tells its own again."""
    assert served.process is not None
    children = served.descendants()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
        for each in (*children, served.process.pid):
            with suppress(ProcessLookupError):
                os.kill(each, number)
    assert served.process.wait(STOP_SECONDS + 5) == 0
    until(lambda: not any(map(alive, children)), served)


def test_killed_it_leaves_nothing_behind(served: Program) -> None:
    assert served.process is not None
    children = served.descendants()
    served.process.kill()
    served.process.wait()
    until(lambda: not any(map(alive, children)), served)


def test_a_port_in_use_is_one_sentence(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", program.port))
        taken.listen()
        done = program.idp("serve", "--bind", f"127.0.0.1:{program.port}")
    assert done.returncode == 1
    assert done.stderr == (
        f"127.0.0.1:{program.port} cannot be used (address already in use);"
        " choose another with --bind.\n"
    )


def test_a_management_port_in_use_is_one_sentence(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", program.management))
        taken.listen()
        done = program.idp("serve", "--bind", f"127.0.0.1:{program.port}")
    assert done.returncode == 1
    assert "IDP_MANAGEMENT__BIND" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "--certificate"),
        ((*("--certificate", "a.pem"), *("--private-key", "a.pem")), "IDP_MTLS__CA_FILE"),
    ],
)
def test_client_certificates_need_tls_and_authorities(
    program: Program, options: tuple[str, ...], missing: str
) -> None:
    (program.directory / "a.pem").touch()
    bind = f"127.0.0.1:{program.port}"
    done = program.idp("serve", "--bind", bind, "--client-certificates", *options)
    assert done.returncode == 2
    assert missing in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_programs_are_told_when_it_is_ready(program: Program, workers: str) -> None:
    bind = f"127.0.0.1:{program.port}"
    options = ("--workers", workers, "--format", "json")
    with program.running("serve", "--bind", bind, *options):
        until(lambda: '"ready"' in program.log, program)
        assert {"ready": f"http://{bind}"} in map(json.loads, program.log.splitlines())


@pytest.mark.parametrize("content", ["", "not a certificate", "binary"])
def test_a_certificate_that_is_none_is_one_sentence(program: Program, content: str) -> None:
    (program.directory / "a.pem").write_bytes(
        b"\xff\x00" if content == "binary" else content.encode()
    )
    tls = ("--certificate", "a.pem", "--private-key", "a.pem")
    done = program.idp("serve", "--bind", f"127.0.0.1:{program.port}", *tls)
    assert done.returncode == 1
    assert "a.pem" in done.stderr
    assert "--certificate" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.attack("U12")
def test_U12_bad_settings_refuse_to_start_with_every_problem(tmp_path: Path) -> None:
    program = Program.under(tmp_path, IDP_ISSUER="https://id.example.vn", IDP_DEBUG="1")
    done = program.idp("serve")
    assert done.returncode == 1
    for name in ("IDP_DEBUG", "IDP_DATABASE__URL", "IDP_REDIS__URL", "IDP_SMS__URL"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.attack("U11")
def test_U11_keys_that_others_can_read_refuse_to_start(program: Program) -> None:
    keys = program.directory / "keys"
    rotate(keys, system_clock(), Policy())
    keys.chmod(0o755)
    done = program.idp("serve", "--bind", f"127.0.0.1:{program.port}")
    assert done.returncode == 1
    assert "open to others" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sandbox_with_a_real_person_refuses_to_start(tmp_path: Path) -> None:
    program = Program.under(tmp_path, IDP_SANDBOX="true")
    person = {"number": "001099000001", "name": "Nguyễn Văn A", "birth_date": "1999-01-01"}
    (tmp_path / "people.jsonl").write_text(json.dumps({**person, "sex": "male"}) + "\n")
    imported = program.idp("registry", "import", "people.jsonl")
    assert imported.returncode == 0, imported.stdout + imported.stderr
    done = program.idp("serve", "--bind", f"127.0.0.1:{program.port}")
    assert done.returncode == 1
    assert "real province code" in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_over_tls(tmp_path: Path, workers: str) -> None:
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        " -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        command.split(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    program = Program.under(tmp_path)
    program.environment["IDP_ISSUER"] = f"https://localhost:{program.port}"
    tls = ("--certificate", "cert.pem", "--private-key", "key.pem")
    bind = ("--bind", f"127.0.0.1:{program.port}", "--workers", workers)
    with program.running("serve", *bind, *tls):
        done = subprocess.run(
            ["curl", "-sS", "-i", "--cacert", "cert.pem", f"{program.url}/jwks"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    assert "200" in done.stdout.splitlines()[0]
    assert "strict-transport-security" in done.stdout.lower()


def test_a_renewal_of_the_processes_loses_no_request(program: Program) -> None:
    bind = f"127.0.0.1:{program.port}"
    with program.running("serve", "--bind", bind, "--workers", "2") as process:
        before = program.descendants()
        process.send_signal(signal.SIGHUP)
        answered = 0
        while len(program.descendants() & before) > 3 or answered < 50:
            assert json.loads(fetch(f"{program.url}/jwks"))["keys"]
            answered += 1
            assert answered < 20_000, "the processes were not renewed"
