"""For any WSGI server: ``idp.wsgi:create()`` in each process that serves."""

from multiprocessing.util import Finalize

from idp.app import Application, create_app
from idp.settings import load
from idp.web import log


def create() -> Application:
    """The application, closed in order when the process ends.

    Raises:
        InvalidSettings, InvalidKeyStore, InvalidTrust, NotASandbox, Unavailable: it must not serve.
    """
    settings = load()
    log.configure(settings.log_level)
    application = create_app(settings)
    Finalize(None, application.close, exitpriority=1)  # atexit does not run in a server's children
    return application
