"""What the relying parties in Python share: their talk with the test, and Django without a project.

The test is their operator and the citizen's browser (``tests/interop/relying_party.py``).
"""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

GIVEN = json.loads(sys.argv[1])
PORTAL = "https://portal.example"
MAX_HOPS = 10


def register(path: str, **metadata: Any) -> dict[str, Any]:
    """Register a client whose redirect URI has this path; what is answered."""
    uri = f"{PORTAL}{path}"
    return _ask(register={"redirect_uris": [uri], **GIVEN["metadata"], **metadata})


def _ask(**question: Any) -> Any:
    print(json.dumps(question), flush=True)
    return json.loads(sys.stdin.readline())


def done(claims: dict[str, Any], userinfo: dict[str, Any]) -> None:
    """Tell the test the verified claims of the ID token, and UserInfo."""
    print(json.dumps({"done": {"claims": claims, "userinfo": userinfo}}), flush=True)


def browse(get: Callable[[str], Any], answer: Any) -> Any:
    """Follow the portal's redirects, to the provider and back, until it shows a page."""
    for _ in range(MAX_HOPS):
        location = answer.headers.get("Location", "")
        if not location:
            assert answer.status_code == 200, answer.status_code
            return answer
        if urlsplit(location).netloc == urlsplit(GIVEN["issuer"]).netloc:
            location = _ask(visit=location)
        parts = urlsplit(location)
        answer = get(f"{parts.path or '/'}?{parts.query}")
    raise AssertionError("the portal redirects without an end")


def configure_django(apps: Sequence[str], middleware: Sequence[str] = (), **settings: Any) -> None:
    """Django with sessions in memory, and the module that called as its URLs."""
    import django
    from django.conf import settings as configured

    configured.configure(
        ALLOWED_HOSTS=["portal.example"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *middleware,
        ],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        ROOT_URLCONF="__main__",
        SECRET_KEY="only a test",
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        LOGIN_REDIRECT_URL="/",
        **settings,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def django_browser() -> Any:
    """Django's own client, at the portal's address."""
    from django.test import Client

    return Client(headers={"host": "portal.example"}, SERVER_NAME="portal.example")
