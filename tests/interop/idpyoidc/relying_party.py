"""A relying party built on idpyoidc: PAR, ``private_key_jwt``, DPoP, JARM, back-channel logout.

PKCE, the checks of the answer and of the tokens, UserInfo, refresh, introspection and both ways of
logout are idpyoidc's own; for the rest see ``add_ons``. It is a program of its own since idpyoidc
warns, where tests allow no warning.

idpyoidc looks up the session of a logout token by ``sub`` before ``sid``, and does not look at
``typ`` and ``exp``: a relying party must do better.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from add_ons import Http, opened
from cryptojwt.jws.jws import factory
from cryptojwt.key_jar import init_key_jar
from idpyoidc.client.oauth2.stand_alone_client import backchannel_logout
from idpyoidc.client.rp_handler import RPHandler
from idpyoidc.message.oidc import RegistrationResponse
from idpyoidc.message.oidc.session import BackChannelLogoutRequest

GIVEN = json.loads(sys.argv[1])
CLIENT = "idpyoidc.client"
SERVICES = {
    name: {"class": f"{CLIENT}.{path}"}
    for name, path in {
        "discovery": "oidc.provider_info_discovery.ProviderInfoDiscovery",
        "authorization": "oidc.authorization.Authorization",
        "access_token": "oidc.access_token.AccessToken",
        "refresh_access_token": "oidc.refresh_access_token.RefreshAccessToken",
        "introspection": "oauth2.introspection.Introspection",
        "end_session": "oidc.end_session.EndSession",
    }.items()
}
SERVICES["userinfo"] = {
    "class": f"{CLIENT}.oidc.userinfo.UserInfo",
    "kwargs": {
        "default_authn_method": "dpop_client_auth",
        "client_authn_methods": {
            "dpop_client_auth": f"{CLIENT}.oauth2.add_on.dpop.DPoPClientAuth",
        },
    },
}
ADD_ONS = {
    "pkce": {
        "function": f"{CLIENT}.oauth2.add_on.pkce.add_support",
        "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
    },
    "dpop": {"function": "add_ons.add_dpop", "kwargs": {}},
    "par": {"function": "add_ons.add_par", "kwargs": {}},
}


def ask(**question: Any) -> Any:
    """What the test answers."""
    print(json.dumps(question), flush=True)
    return json.loads(sys.stdin.readline())


def visit(url: str) -> dict[str, str]:
    """Where the browser came back: the members of the query."""
    return dict(parse_qsl(urlsplit(ask(visit=url)).query, strict_parsing=True))


class LogoutEndpoint(BaseHTTPRequestHandler):
    """Takes a logout token; ``ended`` is the session that idpyoidc finds by it, and the token."""

    client: Any = None
    ended: tuple[str, str] | None = None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        state = backchannel_logout(self.client, request=body)
        token = BackChannelLogoutRequest().from_urlencoded(body)["logout_token"]
        type(self).ended = state, token
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), LogoutEndpoint)
server.timeout = 15
keys = init_key_jar(key_defs=[{"type": "EC", "crv": "P-256", "use": ["sig"]}], issuer_id="")
registered = ask(
    register={
        "token_endpoint_auth_method": "private_key_jwt",
        "client_assertion_max_seconds": 600,
        "jwks": keys.export_jwks(),
        "authorization_signed_response_alg": "ES256",
        "dpop_bound_access_tokens": True,
        "require_pushed_authorization_requests": True,
        "backchannel_logout_uri": f"http://127.0.0.1:{server.server_port}/backchannel_logout",
        "backchannel_logout_session_required": True,
    }
)
[redirect_uri] = registered["redirect_uris"]
[after_logout] = registered["post_logout_redirect_uris"]
scopes = registered["scope"].split()
handler = RPHandler(
    base_url="https://rp.example",
    keyjar=keys,
    services=SERVICES,
    httpc=Http(GIVEN["ca"]),
    client_configs={
        GIVEN["issuer"]: {
            "client_type": "oidc",
            "issuer": GIVEN["issuer"],
            "client_id": registered["client_id"],
            "redirect_uris": [redirect_uri],
            "post_logout_redirect_uris": [after_logout],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "jwt"],
            "scopes_supported": scopes,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "client_authn_methods": {"private_key_jwt": "add_ons.Assertion"},
            "add_ons": ADD_ONS,
        }
    },
)
# As handler.client_setup does it, but that the keys are fetched by the same client.
client = handler.issuer2rp[GIVEN["issuer"]] = handler.init_client(GIVEN["issuer"])
client.keyjar.httpc = client.httpc
client.do_provider_info()
client.do_client_registration()
# What it looks up the algorithms of the ID token and of the logout token in; without it RS256.
client.get_context().registration_response = RegistrationResponse(**registered)
LogoutEndpoint.client = client

url = handler.begin(
    GIVEN["issuer"],
    req_args={"redirect_uri": redirect_uri, "response_mode": "jwt", "scope": scopes},
)
assert {name for name, _ in parse_qsl(urlsplit(url).query)} == {"client_id", "request_uri"}
answer = opened(client, visit(url)["response"])
login = handler.finalize(GIVEN["issuer"], answer)
state, claims = login["state"], login["id_token"].to_dict()
[claims["aud"]] = claims["aud"]  # a list in idpyoidc's hands

introspected = client.do_request(
    "introspection", request_args={"token": login["token"]}, authn_method="private_key_jwt"
)
thumbprint = client.get_context().add_on["dpop"]["key"].thumbprint("SHA-256").decode()
assert introspected["cnf"]["jkt"] == thumbprint
refreshed = handler.refresh_access_token(state)
assert refreshed["token_type"] == "DPoP"
assert refreshed["access_token"] != login["token"]
userinfo = handler.get_user_info(state, access_token=refreshed["access_token"])

back = visit(handler.logout(state, post_logout_redirect_uri=after_logout)["url"])
assert client.get_context().cstate.get_base_key(back["state"]) == state
server.handle_request()
assert LogoutEndpoint.ended is not None, "no logout token came"
ended, token = LogoutEndpoint.ended
logout = factory(token).jwt
assert ended == state
assert logout.headers["typ"] == "logout+jwt"
refused = client.do_request("refresh_token", state=state, authn_method="private_key_jwt")
assert refused["error"] == "invalid_grant"
handler.clear_session(ended)

done = {
    "claims": claims,
    "userinfo": userinfo.to_dict(),
    "introspected": introspected.to_dict(),
    "logout": logout.payload(),
}
print(json.dumps({"done": done}), flush=True)
