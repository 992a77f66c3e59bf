"""A whole provider over real stores, with clients and citizens: no part of it is a stand-in."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from idp.accounts.model import Account, new_id
from idp.accounts.repository import Accounts
from idp.audit.reading import tail
from idp.composition import FeatureSettings, compose
from idp.core.assurance import Factor
from idp.core.clock import FixedClock
from idp.core.handles import Handle
from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.jose.jwt import parse_jwt, verify_jwt
from idp.keystore.file import KeyStore
from idp.login.authentication import Authentication
from idp.login.session import Session, advance, session_key
from idp.login.settings import LoginSettings
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Client, ClientStatus, Secret
from idp.oidc.clients.repository import ClientCache, Clients
from idp.oidc.clients.rules import Rules, register
from idp.oidc.provider import endpoints
from idp.oidc.services import Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.authorization import Authorization, CodeBinding
from idp.registry.model import Person
from idp.registry.repository import Record, Registry
from idp.storage.database import Database
from idp.storage.transient import TransientStore
from idp.web.http import FORM, Params, Request, Response
from tests.parts import deps, outside

ISSUER = "https://id.example.vn"
SECRET = "secret-of-the-portal-0123456789"
VERIFIER = "v" * 43
LENIENT = Rules(loopback=True, pkce=False)
RESOURCE = "https://records.example.vn"
RP_SCOPE = "openid profile pid phone email address age offline_access records:read records:write"


@dataclass
class World:
    """The provider and its people. Calls go to endpoints as the edge would make them."""

    database: Database
    transient: TransientStore
    clock: FixedClock
    services: Services
    clients: Clients
    registry: Registry
    accounts: Accounts
    client: Client = field(init=False)
    other: Client = field(init=False)
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.add_client("portal")
        self.other = self.add_client("clinic")
        self.account = self.add_citizen("000199000001")

    # People and parties

    def add_client(self, client_id: str, **changes: Any) -> Client:
        raw = {
            "client_name": client_id,
            "redirect_uris": [f"https://{client_id}.example.vn/cb"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "scope": RP_SCOPE,
            "id_token_signed_response_alg": "ES256",
            **changes,
        }
        if raw.get("token_endpoint_auth_method") == "none":
            raw["grant_types"] = ["authorization_code", "refresh_token"]
        client = register(raw, client_id=client_id, rules=LENIENT)
        if not client.public:
            digest = secret_digest(self.services.keys.derive("client"), client_id, SECRET)
            client = replace(client, secrets=(Secret(digest),))
        created = self.clients.create(client)
        self.services.clients.refresh()
        return created

    def add_resource_server(self) -> Client:
        """A resource server: its client_id is the resource that other clients name."""
        return self.add_client(
            RESOURCE, redirect_uris=[], grant_types=["client_credentials"], scope="audit:write"
        )

    def change_client(self, client: Client, **members: Any) -> Client:
        changed = replace(client, **members)
        self.clients.update(changed)
        self.services.clients.refresh()
        return changed

    def disable(self, client: Client) -> None:
        self.change_client(client, status=ClientStatus.DISABLED)

    def add_citizen(self, digits: str) -> Account:
        number = PersonalNumber(digits)
        person = Person(
            number=number,
            name=Name("Nguyễn Thị Ánh", "Nguyễn", "Thị", "Ánh"),
            birth_date=BirthDate(1999, 2, 3),
            sex=Sex.FEMALE,
            phone="+84901234567",
            email="anh@example.vn",
            updated_at=1_700_000_000,
            former_numbers=(FormerNumber("000000001"),),
        )
        self.registry.write([Record(person)])
        account = Account(new_id(), number, 2, self.clock(), self.clock(), "+84901234567")
        self.accounts.create(account)
        return account

    # Logins

    def session(self, account: Account | None = None) -> Session:
        account = account or self.account
        proofs = tuple(
            Authentication(method, factor, amr, account.id, self.clock())
            for method, factor, amr in (
                ("otp", Factor.POSSESSION, ("otp", "sms")),
                ("passcode", Factor.KNOWLEDGE, ("pin",)),
            )
        )
        lifetimes = LoginSettings().lifetimes
        session, _ = advance(None, proofs, now=self.clock(), lifetimes=lifetimes)
        self.transient.put(
            session_key(session.id), session.dump(), session.expires_at - self.clock()
        )
        return session

    def authorization(
        self, client: Client | None = None, session: Session | None = None, **members: Any
    ) -> Authorization:
        client, session = client or self.client, session or self.session()
        return replace(
            Authorization(
                flow=Handle.new().flow,
                client_id=client.client_id,
                scope=("openid",),
                issued_at=self.clock(),
                expires_at=session.expires_at,
                account_id=session.account_id,
                session_id=session.id,
                auth_time=session.started_at,
                level=session.level,
                amr=("mfa", "otp", "pin", "sms"),
                nonce="n-0S6_WzA2Mj",
                resource=client.resource,
            ),
            **members,
        )

    def code(
        self,
        authorization: Authorization | None = None,
        *,
        verifier: str = VERIFIER,
        dpop_jkt: str = "",
    ) -> str:
        """A code as the authorization endpoint leaves it."""
        authorization = authorization or self.authorization()
        client = self.clients.get(authorization.client_id)
        assert client is not None
        handle = Handle.new(authorization.flow)
        challenge = create_s256_code_challenge(verifier) if verifier else ""
        bound = CodeBinding(client.client_id, client.redirect_uris[0], challenge, dpop_jkt)
        record = bound.record(authorization)
        self.transient.put(handle.key("code"), record, client.profile.code_ttl)
        return str(handle)

    # Calls

    def call(self, path: str, request: Request) -> Response:
        route = {each.path: each.route for each in endpoints(self.services)}[path]
        return route.handler(request)

    def post(self, path: str, client: Client | None = None, **form: str) -> Response:
        """A form post, authenticated as ``client`` with its secret (or as a public client)."""
        if client is not None:
            form["client_id"] = client.client_id
        headers = {"content-type": FORM}
        if client is not None and not client.public:
            headers["authorization"] = basic(form.pop("client_id"), SECRET)
        return self.call(path, form_post(path, form, headers))

    def redeem(self, code: str, client: Client | None = None, **form: str) -> Response:
        client = client or self.client
        members = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uris[0],
            "code_verifier": VERIFIER,
            **form,
        }
        return self.post("/token", client, **{k: v for k, v in members.items() if v})

    def refresh(self, token: str, client: Client | None = None, **form: str) -> Response:
        members = {"grant_type": "refresh_token", "refresh_token": token, **form}
        return self.post("/token", client or self.client, **members)

    def tokens(self, client: Client | None = None, **members: Any) -> dict[str, Any]:
        """A fresh authorization's tokens, through the token endpoint."""
        client = client or self.client
        return body(self.redeem(self.code(self.authorization(client, **members)), client))

    def userinfo(self, token: str) -> Response:
        headers = {"authorization": f"Bearer {token}"}
        return self.call("/userinfo", Request("GET", "/userinfo", headers=headers))

    def introspect(self, token: str, client: Client | None = None) -> dict[str, Any]:
        return body(self.post("/introspect", client or self.client, token=token))

    # What is seen

    def id_token(self, token: str) -> Mapping[str, Any]:
        """Verified claims of an ID token."""
        audience = parse_jwt(token).claims["aud"]
        return verify_jwt(
            token,
            self.services.keys.verification(),
            algorithms=("ES256", "RS256"),
            issuer=ISSUER,
            audience=audience,
            typ=("",),
            now=self.clock(),
        )

    def alive(self, tokens: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether an answer's access token and refresh token are still good; nothing is used."""
        access = self.userinfo(tokens["access_token"]).status == 200
        refresh = bool(self.introspect(tokens["refresh_token"])["active"])
        return access, refresh

    def audited(self, count: int = 1) -> list[dict[str, Any]]:
        self.services.audit.flush()
        return tail(self.database, count)


def build(
    database: Database,
    transient: TransientStore,
    clock: FixedClock,
    keys: KeyStore,
    **changes: Any,
) -> World:
    """A provider with nobody in it yet but the portal, the clinic and one citizen.

    ``changes`` are to its settings.
    """
    settings = FeatureSettings(ProviderSettings(ISSUER, **changes))
    made = deps(database, transient, clock, keys, ISSUER)
    composed = compose(made, outside(), settings, ClientCache(database))
    return World(
        database=database,
        transient=transient,
        clock=clock,
        services=composed.services,
        clients=Clients(database, clock),
        registry=Registry(database, clock),
        accounts=made.accounts,
    )


def basic(user: str, secret: str) -> str:
    plain = f"{quote_plus(user)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(plain.encode()).decode()


def form_post(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Request:
    return Request(
        "POST",
        path,
        form=Params(form.items()),
        headers={"content-type": FORM, **headers},
        peer="203.0.113.7",
        body=urlencode(form).encode(),
    )


def body(response: Response) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(response.body)
    return value


def refused(response: Response) -> tuple[int, str]:
    """Status and error of a refusal, which says nothing more and is not cached."""
    members = body(response)
    assert response.headers["Cache-Control"] == "no-store"
    assert set(members) <= {"error", "error_description", "reference"}
    return response.status, members["error"]


INVALID_GRANT = (400, "invalid_grant")
