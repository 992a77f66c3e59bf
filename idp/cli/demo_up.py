"""``idp demo up``: what ``make run`` starts."""

import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import click

from idp.cli import demo_steps
from idp.cli.context import Context
from idp.cli.demo_steps import HERE, PORTAL, HopRecorder, pass_obj
from idp.cli.output import announce, fail, format_option
from idp.cli.serve import address
from idp.demo.citizens import CITIZENS, PASSCODE
from idp.demo.login import LoginFailed
from idp.demo.up import Program, Stopped, Together, end_with_parent, taken
from idp.jose.jwt import InvalidToken

READER_PORT = 24730
CODES = {"max_sends": 100, "max_sends_a_day": 1_000}
"""Codes to one citizen: a trial needs more than production allows."""
LOGINS = (("otp", "000099000002"), ("card", "000199000001"))


@click.command()
@click.option("--portal", default=PORTAL, show_default=True, help="host:port of portal and phone.")
@click.option(
    "--reader-port",
    type=click.IntRange(1, 65_535),
    default=READER_PORT,
    show_default=True,
    help="Port of the card reader.",
)
@format_option
@pass_obj
def up(obj: Context, portal: str, reader_port: int, form: str) -> None:
    """Start provider, portal, phone and card reader; log in by code and by card; keep serving."""
    began = time.monotonic()
    end_with_parent()
    provider = f"127.0.0.1:{urlsplit(obj.settings.issuer).port or 80}"
    binds = (provider, portal, obj.settings.management.bind)
    ports = [*(address(each, "the address")[1] for each in binds), reader_port]
    if busy := taken(ports):
        are = "are" if len(busy) > 1 else "is"
        fail(f"Port {', '.join(map(str, busy))} {are} in use: stop those programs, then try again.")
    obj.record("demo.up")  # also makes the keys and the schema for every process
    try:
        with Together(obj.settings.state_directory / "log") as programs:
            programs.start(_provider(obj, provider))
            demo_steps.seed(obj)
            server = demo_steps.portal_server(obj, portal)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            programs.start(_reader(obj, reader_port))
            programs.wait_ready()
            took = round(time.monotonic() - began, 1)
            announce(
                {"ready": obj.settings.issuer, "seconds": took}, form, f"Ready after {took} s."
            )
            _show_logins(obj, form)
            _welcome(obj, demo_steps.portal_url(portal), form)
            programs.wait()
    except KeyboardInterrupt:
        announce({"stopped": True}, form, "\nStopped.")
    except Stopped as error:
        fail(str(error))
    except (LoginFailed, InvalidToken) as error:
        fail(f"The login failed: {error}")


def _show_logins(obj: Context, form: str) -> None:
    for method, number in LOGINS:
        if form == "text":
            click.echo(f"\n{number} logs in by {method}:")
        record = HopRecorder(form == "text")
        claims = demo_steps.log_in(obj, record, method, number)
        said = {"login": method, "number": number, "hops": record.hops, "claims": claims}
        token = json.dumps(claims, ensure_ascii=False)
        announce(said, form, f"  verified ID token: {token}")


def _provider(obj: Context, bind: str) -> Program:
    ready = f"http://{obj.settings.management.bind}/readyz"
    given = obj.settings.otp.model_fields_set
    relaxed = {name: str(most) for name, most in CODES.items() if name not in given}
    environment = {f"IDP_OTP__{name.upper()}": most for name, most in relaxed.items()}
    if _is_sandbox(obj):
        environment |= {"IDP_SANDBOX": "true", "IDP_OTP__SEND_FIXED_CODE": "true"}
        if obj.settings.loopback and "allow_loopback" not in obj.settings.outbound.model_fields_set:
            environment["IDP_OUTBOUND__ALLOW_LOOPBACK"] = "true"  # portals run on this machine too
    return Program(
        "provider", (HERE / "idp", "serve", "--bind", bind, "--workers", "1"), ready, environment
    )


def _is_sandbox(obj: Context) -> bool:
    """Whether to run as a sandbox: portals' developers test here unless the settings forbid it."""
    settings = obj.settings
    return settings.sandbox or (settings.loopback and "sandbox" not in settings.model_fields_set)


def _reader(obj: Context, port: int) -> Program:
    """The simulated card reader of this machine, with every demo citizen's card."""
    cards, origin = obj.settings.simulated_cards, obj.settings.issuer
    said = ("--simulate", cards, "--origin", origin, "--port", str(port))
    return Program("reader", (HERE / "idp-agent", *said), f"http://127.0.0.1:{port}/")


def _welcome(obj: Context, url: str, form: str) -> None:
    settings = obj.settings
    said: dict[str, Any] = {
        "provider": settings.issuer,
        "portal": url,
        "phone": f"{url}/phone",
        "metrics": f"http://{settings.management.bind}/metrics",
        "sandbox": f"{settings.issuer}/sandbox" if _is_sandbox(obj) else "",
        "logs": str(settings.state_directory / "log"),
        "passcode": PASSCODE,
        "citizens": {each.person.number.digits: each.description for each in CITIZENS},
    }
    register = f"  Your own portal: POST its metadata to {settings.issuer}/register, then see "
    own = (register + said["sandbox"],) if _is_sandbox(obj) else ()
    announce(
        said,
        form,
        f"\nDemo citizens (passcode {PASSCODE}, if they have one):",
        *(
            f"  {each.person.number}  {each.person.name.full:<24}{each.description}"
            for each in CITIZENS
        ),
        f"\nOpen {url} and choose “Đăng nhập bằng tài khoản định danh điện tử”.",
        f"  By code: type a number, choose the code, read the code at {said['phone']}",
        "  By card: type a number, choose the card, “Mở chương trình đọc thẻ”, pick the card",
        *own,
        f"Provider {settings.issuer} · metrics {said['metrics']} · logs {said['logs']}",
        "Ctrl-C stops everything.",
    )
