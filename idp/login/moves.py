"""The audit event of a session that moves: one for each move, however many requests see it.

It is written where the session is read, whatever the request is for: a login, a consent, a
confirmation, a logout. The session's own record changes when a login is finished in the new place.
"""

from idp.audit.events import SessionMoved
from idp.audit.log import AuditLog
from idp.core.errors import Unavailable
from idp.core.handles import digest
from idp.login import whereabouts
from idp.login.session import Session
from idp.login.sessions import Sessions
from idp.login.whereabouts import Whereabouts
from idp.web.http import Request


def record(
    sessions: Sessions, audit: AuditLog, request: Request, session: Session, client_id: str
) -> None:
    """Write the event if ``session`` moved and no other request has written it.

    Raises:
        Unavailable: a store or the audit log does not answer; the next request writes it.
    """
    here = whereabouts.of(request)
    what = sessions.moved(session, here)
    key, ttl = _key(session, here), max(1, session.expires_at - sessions.clock())
    if not what or not sessions.transient.add(key, {}, ttl):
        return
    who = {"session_id": session.id, "account_id": session.account_id}
    try:
        audit.write(SessionMoved(**who, client_id=client_id, what=what), peer=request.peer)
    except Unavailable:
        sessions.transient.delete(key)
        raise


def _key(session: Session, here: Whereabouts) -> str:
    """One for each move: from where the session is, its moves counted, to ``here``."""
    place = digest(f"{here.agent}\x00{here.network}")
    return f"moved:{{{session.id}}}:{session.moves}:{place}"
