"""Every page with a context as its feature would give it: unit and browser tests show these."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.oidc.clients.model import ClientStatus
from idp.oidc.clients.rules import register
from idp.oidc.consent.views import Line
from idp.sandbox.checks import outcome
from idp.sandbox.exchange import Exchange
from idp.sandbox.forced import MAX_SECONDS, RESULTS, Forced
from idp.sandbox.views import citizens
from idp.web.assets import static_url
from idp.web.qr import qr_image
from idp.web.templates import FormError

PORTAL = "Cổng dịch vụ công Thành phố Hoa Sen"


@dataclass(frozen=True)
class Message:
    """A text message as the demo phone shows it."""

    number: str
    at: int
    text: str
    code: str
    asks: bool = False


@dataclass(frozen=True)
class Sample:
    """A template and a context for it."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)


_STEP = {"client_name": PORTAL, "csrf_token": "A" * 43, "errors": ()}
_IDENTIFY = {
    **_STEP,
    "action": "/post",
    "methods": ("otp", "card"),
    "further": (),
    "id_number": "",
    "level": 1,
    "step_up": False,
    "client_policy": "",
    "client_terms": "",
}
_OTP = {**_STEP, "action": "/post", "minutes": 5, "other_url": "/page/identify"}
_PASSCODE = {**_STEP, "action": "/post", "other_url": ""}
_CARD = {
    **_STEP,
    "action": "/post",
    "agent_url": "http://127.0.0.1:24730/start?launch_token=" + "a" * 43,
    "qr": qr_image("https://id.example.vn/card#" + "a" * 43),
    "match_code": "47",
    "status_url": "/status",
    "continue_url": "/page/passcode",
    "reload_url": "/page/card",
    "seconds": 120,
    "other_url": "/page/identify",
}
_ITEMS = (
    Line("name", sensitive=False, required=True),
    Line("birthdate", sensitive=False, required=True),
    Line("pid", sensitive=True, required=True),
    Line("phone_number", sensitive=False, required=False),
    Line("email", sensitive=False, required=False),
    Line("address", sensitive=True, required=False),
)
_VALUES = {
    "value_name": "Trần Thị Mậu",
    "value_birthdate": "07/01/1999",
    "value_pid": "•••• •••• 0001",
    "value_phone_number": "091••••678",
    "value_email": "ma•••@example.vn",
    "value_address": "12 Phố Hoa Sen, Phường Hoàn Kiếm, Hà Nội",
}
_CONSENT = {
    "client_name": PORTAL,
    "client_host": "dichvucong.hoasen.example.vn",
    "policy_url": "https://hoasen.example.vn/bao-ve-du-lieu",
    "tos_url": "https://hoasen.example.vn/dieu-khoan",
    "purpose": "Điền sẵn tờ khai đăng ký thường trú của bạn",
    "person_name": "Trần Thị Mậu",
    "action": "/post",
    "csrf_token": "A" * 43,
    "items": _ITEMS,
    "transactions": (),
    **_VALUES,
}
_TRANSACTION = {
    "title": "Giao dịch",
    "lines": (("Nội dung", "Lệ phí cấp hộ chiếu"), ("Số tiền", "200.000 VND")),
}
_DONE = {
    "outcome": "done",
    "return_url": "",
    "client": PORTAL,
    "frames": (),
    "onward": 0,
    "notifications": (),
    "again": "",
}


def _notice(kind: str, **context: Any) -> Sample:
    given = {"parameters": {}, "onward": "/page/identify", "cancel_url": "", **context}
    return Sample("login/notice.html", {"kind": kind, **given})


def _error(code: str, text: str, detail: str = "") -> Sample:
    context = {"code": code, "reference": "Zq3vT0xYk1aB", "text": text, "detail": detail}
    return Sample("error/page.html", context)


_CLIENT = register(
    {
        "client_name": PORTAL,
        "redirect_uris": ["https://dichvucong.hoasen.example.vn/dang-nhap/tra-loi"],
        "scope": "openid profile",
    },
    client_id="cong-dich-vu-hoa-sen",
)
_SANDBOX = {"citizens": citizens()}
_TOKEN = {
    "name": "id_token",
    "header": {"alg": "RS256", "typ": "JWT", "kid": "k" * 43},
    "claims": {"iss": "http://localhost:8000", "sub": "s" * 43, "aud": "cong-dich-vu-hoa-sen"},
}
_EXCHANGES = (
    Exchange(
        at=1_800_000_060,
        endpoint="/token",
        method="POST",
        authentication="client_secret_basic",
        parameters=(
            ("grant_type", "authorization_code"),
            ("code", "[hidden, 54 characters, fingerprint 3q2-7w_A]"),
        ),
        status=400,
        answer=(("error", "invalid_grant"), ("error_description", "the grant is not valid")),
        checks=outcome("/token", "grant", refused=True),
        error="invalid_grant",
        reason="code_binding",
        forced="expired_code",
        events=("TokenRefused",),
    ),
    Exchange(
        at=1_800_000_000,
        endpoint="/token",
        method="POST",
        authentication="private_key_jwt",
        parameters=(("grant_type", "authorization_code"),),
        status=200,
        answer=(("token_type", "Bearer"), ("expires_in", "600")),
        tokens=(_TOKEN, {"name": "request", "header": {"alg": "RSA-OAEP-256"}, "claims": None}),
        checks=outcome("/token", "", refused=False),
        events=("TokenIssued",),
    ),
)
_SANDBOX_CLIENT = {
    **_SANDBOX,
    "client": _CLIENT,
    "exchanges": _EXCHANGES,
    "pending": (
        Forced("missing_claim", "000199000001", claim="birthdate"),
        Forced("slow_answer", seconds=5),
    ),
    "results": RESULTS,
    "max_seconds": MAX_SECONDS,
    "given": {},
    "errors": (),
    "action": "/post",
    "csrf_token": "A" * 43,
    "refresh_url": "/page/sandbox-client",
    "refreshed": False,
    "seconds": 10,
}
SAMPLES: Mapping[str, Sample] = {
    "identify": Sample("login/identify.html", _IDENTIFY),
    "identify-error": Sample(
        "login/identify.html",
        {
            **_IDENTIFY,
            "id_number": "0912345678",
            "errors": (FormError("id_number", "identify.error.format"),),
        },
    ),
    "identify-level-2": Sample(
        "login/identify.html", {**_IDENTIFY, "level": 2, "methods": ("card",)}
    ),
    "identify-client": Sample(
        "login/identify.html",
        {
            **_IDENTIFY,
            "client_domain": "dichvucong.hoasen.example.vn",
            "client_logo": static_url("emblem.svg"),
            "client_policy": "https://hoasen.example.vn/bao-ve-du-lieu",
            "client_terms": "https://hoasen.example.vn/dieu-khoan",
        },
    ),
    "identify-step-up": Sample("login/identify.html", {**_IDENTIFY, "level": 2, "step_up": True}),
    "identify-further": Sample(
        "login/identify.html", {**_IDENTIFY, "methods": (), "further": ("passcode",), "level": 2}
    ),
    "otp": Sample("login/otp.html", _OTP),
    "otp-error": Sample(
        "login/otp.html", {**_OTP, "errors": (FormError("otp", "otp.error.wrong"),)}
    ),
    "passcode": Sample("login/passcode.html", _PASSCODE),
    "passcode-error": Sample(
        "login/passcode.html",
        {**_PASSCODE, "errors": (FormError("passcode", "passcode.error.wrong"),)},
    ),
    "card": Sample("login/card.html", _CARD),
    "card-app": Sample("login/card_app.html"),
    "consent": Sample("consent/ask.html", _CONSENT),
    "consent-nothing": Sample(
        "consent/ask.html",
        {**_CONSENT, "items": (), "purpose": "", "policy_url": "", "tos_url": ""},
    ),
    "consent-transaction": Sample(
        "consent/ask.html", {**_CONSENT, "items": (), "transactions": (_TRANSACTION,)}
    ),
    "form-post": Sample(
        "authorization/form_post.html",
        {
            "action": "/post",
            "members": (("code", "x" * 66), ("state", "xyz"), ("iss", "https://id.example.vn")),
            "client": PORTAL,
        },
    ),
    "logout": Sample(
        "logout/confirm.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "confirmation": "B" * 16,
            "client": PORTAL,
            "elsewhere": (),
            "fields": (("state", "xyz"),),
        },
    ),
    "logout-elsewhere": Sample(
        "logout/confirm.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "confirmation": "B" * 16,
            "client": PORTAL,
            "elsewhere": ("Cổng bảo hiểm xã hội", "Sổ sức khỏe điện tử"),
            "fields": (),
        },
    ),
    "logged-out": Sample("logout/done.html", {**_DONE, "return_url": "/page/demo-home"}),
    "logged-out-told": Sample(
        "logout/done.html",
        {
            **_DONE,
            "notifications": (
                {"name": PORTAL, "state": "delivered"},
                {"name": "Cổng bảo hiểm xã hội", "state": "waiting"},
                {"name": "Sổ sức khỏe điện tử", "state": "given_up"},
            ),
            "again": "/page/logged-out-told",
        },
    ),
    "left": Sample("logout/done.html", {**_DONE, "outcome": "left"}),
    "stayed": Sample("logout/done.html", {**_DONE, "outcome": "stayed", "client": ""}),
    "notice": _notice("throttled", parameters={"minutes": 15}, client_name=PORTAL),
    "notice-cancel": _notice("unmet", onward="", cancel_url="/post", csrf_token="A" * 43),
    "error": _error("server_error", "error.server"),
    "error-redirect": _error(
        "invalid_request", "error.redirect", "redirect_uri is not registered for this client"
    ),
    "demo-home": Sample(
        "demo/home.html",
        {"login_url": "/login", "login_level_url": "/login?level=2", "failure": ""},
    ),
    "demo-failure": Sample(
        "demo/home.html",
        {"login_url": "/login", "login_level_url": "/login?level=2", "failure": "cancelled"},
    ),
    "demo-profile": Sample(
        "demo/profile.html",
        {
            "name": "Mậu",
            "rows": (
                ("claim.name", "Trần Thị Mậu"),
                ("claim.birthdate", "07/01/1999"),
                ("claim.gender", "Nữ"),
                ("claim.sub", "o3jVxY2bS2f0mT8qz0rW3mJkq0b1xUeYB2m3l8f4x0E"),
            ),
            "level": 1,
            "step_up_url": "/step-up",
            "logout_url": "/logout",
            "id_token": '{\n  "iss": "http://localhost:8000",\n  "acr": "urn:vn:eid:level:1"\n}',
        },
    ),
    "demo-phone": Sample(
        "demo/phone.html",
        {
            "messages": (
                Message("091••••678", 1_800_000_300, "Ma OTP cua ban la 482913. ...", "482913"),
                Message("091••••678", 1_800_000_000, "Tai khoan da duoc kich hoat.", ""),
                Message("091••••678", 1_800_000_000, "Ngan hang de nghi ban xac nhan.", "", True),
            ),
            "portal_url": "/page/demo-home",
            "requests_url": "/page/ciba",
        },
    ),
    "demo-phone-empty": Sample(
        "demo/phone.html",
        {"messages": (), "portal_url": "/page/demo-home", "requests_url": "/page/ciba"},
    ),
    "device": Sample(
        "device/enter.html",
        {"action": "/post", "csrf_token": "A" * 43, "user_code": "", "errors": ()},
    ),
    "device-error": Sample(
        "device/enter.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "user_code": "WDJB-MJHT",
            "errors": (FormError("user_code", "device.error.unknown"),),
        },
    ),
    "device-confirm": Sample(
        "device/confirm.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "service": PORTAL,
            "host": "dichvucong.hoasen.example.vn",
            "user_code": "WDJB-MJHT",
            "begun_at": 1_800_000_000,
            "same_network": False,
        },
    ),
    "decoupled-allowed": Sample("decoupled/done.html", {"outcome": "allowed"}),
    "decoupled-late": Sample("decoupled/done.html", {"outcome": "late"}),
    "ciba": Sample(
        "ciba/overview.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "person": "Trần Thị Mậu",
            "items": ({"url": "/page/ciba-decide", "service": PORTAL},),
        },
    ),
    "ciba-nothing": Sample(
        "ciba/overview.html",
        {"action": "/post", "csrf_token": "A" * 43, "person": "Trần Thị Mậu", "items": ()},
    ),
    "ciba-login": Sample(
        "ciba/overview.html", {"action": "/post", "csrf_token": "A" * 43, "person": ""}
    ),
    "ciba-decide": Sample(
        "ciba/decide.html",
        {
            "action": "/post",
            "csrf_token": "A" * 43,
            "service": PORTAL,
            "host": "dichvucong.hoasen.example.vn",
            "purpose": "Điền sẵn tờ khai đăng ký thường trú của bạn",
            "message": "Quầy 4 - hồ sơ 0815",
            "begun_at": 1_800_000_000,
            "choices": ("12", "47", "83"),
        },
    ),
    "sandbox": Sample(
        "sandbox/home.html",
        {
            **_SANDBOX,
            "code": "000000",
            "passcode": "111111",
            "clients": (
                (_CLIENT, "/page/sandbox-client"),
                (
                    replace(_CLIENT, client_id="benh-vien", status=ClientStatus.DISABLED),
                    "/page/sandbox-client",
                ),
            ),
            "most": 100,
            "sought": "",
            "unassigned": "/page/sandbox-unassigned",
        },
    ),
    "sandbox-empty": Sample(
        "sandbox/home.html",
        {
            **_SANDBOX,
            "code": "000000",
            "passcode": "111111",
            "clients": (),
            "most": 100,
            "sought": "",
            "unassigned": "/page/sandbox-unassigned",
        },
    ),
    "sandbox-client": Sample("sandbox/client.html", _SANDBOX_CLIENT),
    "sandbox-client-errors": Sample(
        "sandbox/client.html",
        {
            **_SANDBOX_CLIENT,
            "pending": (),
            "given": {"result": "missing_claim", "claim": "", "seconds": "60"},
            "errors": (
                FormError("claim", "sandbox.error.claim"),
                FormError("seconds", "sandbox.error.seconds"),
            ),
        },
    ),
    "sandbox-unassigned": Sample(
        "sandbox/client.html",
        {**_SANDBOX_CLIENT, "client": None, "pending": (), "exchanges": (), "refreshed": True},
    ),
}
