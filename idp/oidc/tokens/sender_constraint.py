"""Sender-constrained tokens: usable only with a key (RFC 9449 §5 to §7, RFC 8705 §3).

A token is bound to the ``cnf`` of its authorization: a DPoP key (``jkt``), the certificate of a
TLS connection (``x5t#S256``), or both.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from idp.core.clock import Clock
from idp.core.handles import b64url, equal
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_request
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens import dpop
from idp.oidc.tokens.dpop import Nonces, Proof
from idp.storage.used import AlreadyUsed, Uses
from idp.web.http import Handler, Request, Response

JKT = "jkt"
X5T = "x5t#S256"


@dataclass(frozen=True, slots=True)
class Binding:
    """The binding shown by a request: a DPoP key, a certificate, or nothing."""

    jkt: str = ""
    x5t: str = ""

    @property
    def cnf(self) -> dict[str, str]:
        """The confirmation member of a token (RFC 7800 §3.1)."""
        named = {JKT: self.jkt, X5T: self.x5t}
        return {name: value for name, value in named.items() if value}


def token_type(cnf: Mapping[str, str]) -> str:
    """The ``token_type`` (RFC 9449 §5); a certificate does not change it."""
    return "DPoP" if JKT in cnf else "Bearer"


def required_of(client: Client) -> bool:
    """Whether the client may only have bound tokens."""
    return (
        client.profile.sender_constrained
        or client.dpop_bound_access_tokens
        or client.tls_client_certificate_bound_access_tokens
    )


def offering_nonces(constraint: "SenderConstraint", handler: Handler) -> Handler:
    """``handler`` with the nonce for the next proof in every response (RFC 9449 §8.2)."""

    def answer(request: Request) -> Response:
        response = handler(request)
        return response.with_headers({dpop.NONCE_HEADER: constraint.nonce()})

    return answer


def certificate_thumbprint(certificate: bytes | None) -> str:
    """``x5t#S256`` of a certificate in DER (RFC 8705 §3.1), ``""`` without one."""
    return b64url(hashlib.sha256(certificate).digest()) if certificate else ""


@dataclass(frozen=True, slots=True)
class SenderConstraint:
    """Reads and checks the bindings of requests, for one provider."""

    settings: ProviderSettings
    clock: Clock
    uses: Uses
    nonces: Nonces

    def read(self, request: Request, client: Client) -> Binding:
        """The binding for the tokens issued to ``request``. Uses up the proof.

        Raises:
            OAuthError: ``invalid_request``: a required proof or certificate is missing;
                ``invalid_dpop_proof``, ``use_dpop_nonce``.
        """
        proof = self._proof(request, client)
        shown = certificate_thumbprint(request.certificate)
        bound = client.tls_client_certificate_bound_access_tokens
        either = client.profile.sender_constrained and proof is None
        binding = Binding(proof.jkt if proof else "", shown if bound or either else "")
        _check_owed(client, binding)
        self._use_up(proof)
        return binding

    def read_pushed(self, request: Request, client: Client, dpop_jkt: str) -> str:
        """The key that a pushed request's code is bound to: of its proof or its ``dpop_jkt``.

        RFC 9449 §10.1; ``""`` without both.

        Raises:
            OAuthError: ``invalid_dpop_proof``, also for two different keys; ``use_dpop_nonce``.
        """
        proof = self._proof(request, client)
        if proof is None:
            return dpop_jkt
        if dpop_jkt not in ("", proof.jkt):
            raise dpop.invalid_proof("other_key")
        self._use_up(proof)
        return proof.jkt

    def check(
        self, request: Request, client: Client, token: str, cnf: Mapping[str, str], *, scheme: str
    ) -> None:
        """Check that ``request`` matches the binding of its access token.

        ``scheme`` is the Authorization scheme in lower case: a bound token is not accepted as a
        bearer token (RFC 9449 §7.2).

        Raises:
            OAuthError: ``invalid_token``, ``invalid_dpop_proof``, ``use_dpop_nonce``.
        """
        if scheme != token_type(cnf).lower():
            raise _invalid_token("token_scheme")
        shown = certificate_thumbprint(request.certificate)
        if X5T in cnf and not equal(cnf[X5T], shown):
            raise _invalid_token("other_certificate")
        if JKT not in cnf:
            return
        proof = self._proof(request, client)
        if proof is None:
            raise dpop.invalid_proof("missing")
        dpop.check_token(proof, token)
        if not equal(proof.jkt, cnf[JKT]):
            raise _invalid_token("other_key")
        self._use_up(proof)

    def nonce(self) -> str:
        """The nonce that the next proof must hold."""
        return self.nonces.current(self.clock())

    def _proof(self, request: Request, client: Client) -> Proof | None:
        """The proof of a request; its signature and times are checked before its nonce."""
        text = request.headers.get(dpop.HEADER)
        if text is None:
            return None
        origins = filter(None, (self.settings.issuer, self.settings.mtls_origin))
        now = self.clock()
        proof = dpop.read(
            text,
            method=request.method,
            urls=[dpop.normalized(origin + request.path) for origin in origins],
            algorithms=client.profile.assertion_algs,
            now=now,
        )
        self.nonces.check(proof, now)
        return proof

    def _use_up(self, proof: Proof | None) -> None:
        if proof is None:
            return
        try:
            self.uses.use(proof.use)
        except AlreadyUsed as error:
            raise dpop.invalid_proof("replayed") from error


def _check_owed(client: Client, binding: Binding) -> None:
    if client.dpop_bound_access_tokens and not binding.jkt:
        raise invalid_request("a DPoP proof is required", reason="dpop_required")
    if client.tls_client_certificate_bound_access_tokens and not binding.x5t:
        raise invalid_request("a client certificate is required", reason="no_certificate")
    if client.profile.sender_constrained and not binding.cnf:
        raise invalid_request("a DPoP proof or a client certificate is required")


def _invalid_token(reason: str) -> OAuthError:
    return OAuthError("invalid_token", "the access token is not valid", reason=reason)
