"""One record of each kind, as the release of November 2026 had it, every member filled in.

``tests/records/2026-11`` holds what that release stored for them. Never change either: a later
release adds a folder and samples of its own.
"""

import json

from idp.authn.card.exchange import Offer
from idp.authn.otp.challenge import Challenge
from idp.core.assurance import Factor
from idp.core.records import Record
from idp.login.authentication import Authentication
from idp.login.requirement import Requirement
from idp.login.session import Session
from idp.login.transaction import Transaction
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.consent.model import RequestedClaims
from idp.oidc.decoupled.waiting import PendingRequest, RequestState
from idp.oidc.logout.aftermath import Aftermath
from idp.oidc.tokens.access_token import AccessTokenRecord
from idp.oidc.tokens.authorization import Authorization
from idp.sandbox.exchange import Exchange
from idp.sandbox.forced import Forced

AUTHENTICATION = Authentication(
    "card", Factor.POSSESSION, ("hwk", "sc"), "acc-1", 1_800_000_000, "k"
)
ASKED = RequestedClaims(("name",), ("birthdate", "phone_number"), anew=True)
REQUEST = AuthorizationRequest(
    client_id="portal",
    redirect_uri="https://portal.example.vn/callback",
    state="s",
    scope=("openid", "profile"),
    nonce="n",
    code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    prompt=("consent",),
    max_age=300,
    level=2,
    claims=("name",),
    id_token_claims=("birthdate",),
    asked=ASKED,
    subject="sub",
    details=({"type": "transaction_approval", "amount": "1000"},),
    pushed="par:{AAAAAAAAAAA}:x",
    response_type="code id_token",
    response_mode="form_post",
    resource="https://api.example.vn",
    dpop_jkt="0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
)
AUTHORIZATION = Authorization(
    flow="AAAAAAAAAAA",
    client_id="portal",
    scope=("openid", "offline_access"),
    issued_at=1_800_000_000,
    expires_at=1_800_043_200,
    account_id="acc-1",
    session_id="BBBBBBBBBBB",
    auth_time=1_799_999_990,
    level=2,
    amr=("otp", "pin", "mfa"),
    claims=("name",),
    id_token_claims=("birthdate",),
    nonce="n",
    resource="https://api.example.vn",
    details=({"type": "transaction_approval", "amount": "1000"},),
    cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
)
REQUIREMENT = Requirement(2, ("card",), 1_799_999_000, fresh=True, account_id="acc-1")

SAMPLES: tuple[Record, ...] = (
    AUTHENTICATION,
    ASKED,
    REQUEST,
    AUTHORIZATION,
    REQUIREMENT,
    AccessTokenRecord(AUTHORIZATION, 1_800_000_000, 1_800_000_600),
    Session(
        id="BBBBBBBBBBB",
        secret="digest",
        account_id="acc-1",
        authentications=(AUTHENTICATION,),
        started_at=1_800_000_000,
        seen_at=1_800_000_100,
        idle_ttl=900,
        expires_at=1_800_043_200,
        agent="firefox/linux",
        network="203.0.0.0/16",
        moves=1,
    ),
    Transaction(
        client_id="portal",
        requirement=REQUIREMENT,
        return_to="/authorize/resume?t=x",
        begun_at=1_800_000_000,
        cancelled="citizen",
        payload=json.loads(json.dumps(REQUEST.dump())),
    ),
    PendingRequest(
        kind="device",
        asked=REQUEST,
        begun_at=1_800_000_000,
        expires_at=1_800_000_600,
        interval=5,
        payload={"network": "203.0.0.0/16"},
        state=RequestState.DENIED,
    ),
    Aftermath("digest", "portal", "https://portal.example.vn/", left=True, frames=("https://f/",)),
    Offer("person", "salt", "ticket", 1_800_000_120),
    Challenge("acc-1", "person", "salt", "binding", 1_800_000_300),
    Exchange(
        at=1_800_000_000,
        endpoint="/token",
        method="POST",
        authentication="client_secret_basic",
        parameters=(("grant_type", "authorization_code"),),
        status=200,
        answer=(("token_type", "Bearer"),),
        tokens=({"name": "id_token", "claims": {"iss": "https://id.example.vn"}},),
        checks=(("form", "passed"),),
        error="invalid_grant",
        reason="unknown_code",
        forced="access_denied",
        events=("TokenIssued",),
        number=7,
    ),
    Forced("missing_claim", "000199000001", "name", 5),
)
