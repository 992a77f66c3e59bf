"""The pages of logins and their forms: each names the relying party and carries a CSRF token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.login.ticket import Ticket
from idp.login.visit import ClientView
from idp.web import csrf
from idp.web.http import Request, Response, own_cookie
from idp.web.templates import Pages

BROWSER_COOKIE = "eid_login"


@dataclass(frozen=True, slots=True)
class Forms:
    """``key`` makes the CSRF tokens; ``describe`` gives the relying party of a ticket's tag."""

    pages: Pages
    describe: Callable[[str], ClientView | None]
    key: bytes = field(repr=False)

    @property
    def secure(self) -> bool:
        """Whether cookies are Secure and ``__Host-``: wherever the issuer is https."""
        return self.pages.site.secure

    def browser(self, request: Request) -> str:
        """The browser's login secret, ``""`` when it sends none."""
        return own_cookie(request, BROWSER_COOKIE, secure=self.secure)

    def page(
        self,
        request: Request,
        ticket: Ticket,
        template: str,
        *,
        status: int = 200,
        slots: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """A page of a login: it names the relying party and its forms carry the token.

        ``slots`` as for :meth:`idp.web.templates.Pages.render`.
        """
        token = {"csrf_token": self.token(self.browser(request), ticket.text)}
        if slots is None:
            context |= token
        else:
            slots = {**slots, **token}
        client = self.describe(ticket.client_tag) or ClientView({})
        return self.pages.render(
            request,
            template,
            status=status,
            form_action=client.origins,
            img_src=client.pictures,
            client_name=client.called(self.pages.locale(request)),
            client_domain=client.domain,
            client_logo=client.logo,
            client_policy=client.policy,
            client_terms=client.terms,
            slots=slots,
            **context,
        )

    def token(self, browser: str, form: str) -> str:
        """The ``csrf_token`` of the form named ``form``; a login's forms have its ticket's name."""
        return csrf.csrf_token(self.key, browser, form)

    def check(self, request: Request, form: str, browser: str | None = None) -> None:
        """Take a form only from our own page in the same browser.

        Raises:
            CsrfFailed: it is not.
        """
        csrf.check(
            request,
            key=self.key,
            browser=self.browser(request) if browser is None else browser,
            form=form,
            origin=self.pages.site.origin,
        )
