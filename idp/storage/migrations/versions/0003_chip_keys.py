"""A chip key (active authentication) stands on one card only.

Where several cards have one key, nobody knows here whose it is: the newest card of one person
keeps it, cards of several persons all lose it. Such a card is then told by its document number and
dates, as one whose key the registry does not keep; an import that gives the key brings it back. The
previous release runs beside this one; its import of a repeated key fails.
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"

_cards = sa.table(
    "cards",
    *(sa.column(name, sa.String()) for name in ("number", "document_number", "issued_on")),
    sa.column("aa_key_digest", sa.String()),
)
_KEY = ("number", "document_number", "issued_on")


def upgrade() -> None:
    connection = op.get_bind()
    several = (
        sa.select(_cards.c.aa_key_digest)
        .where(_cards.c.aa_key_digest.is_not(None))
        .group_by(_cards.c.aa_key_digest)
        .having(sa.func.count() > 1)
        .order_by(_cards.c.aa_key_digest)
    )
    for digest in connection.scalars(several).all():
        query = sa.select(_cards).where(_cards.c.aa_key_digest == digest)
        found = connection.execute(query.order_by(_cards.c.number, _cards.c.issued_on)).all()
        owners = {row.number for row in found}
        for row in found if len(owners) > 1 else found[:-1]:
            same = (_cards.c[name] == getattr(row, name) for name in _KEY)
            connection.execute(sa.update(_cards).where(*same).values(aa_key_digest=None))
            _tell(row.number, row.issued_on)
    op.create_index("ix_cards_aa_key_digest", "cards", ["aa_key_digest"], unique=True)


def _tell(number: str, issued_on: str) -> None:
    notes = context.config.attributes["notes"]
    notes.append(
        f"card issued on {issued_on}, number ********{number[-4:]}: its chip key was on another"
        " card too and was removed; import its record again"
    )
