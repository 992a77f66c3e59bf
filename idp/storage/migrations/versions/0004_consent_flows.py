"""In which login a consent was given, and which answer it follows: one form gives one answer.

Additive: the previous release runs beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("consents", sa.Column("flow", sa.String(length=43), nullable=True))
    op.add_column("consents", sa.Column("follows", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_consents_follows", "consents", ["account_id", "client_id", "follows"], unique=True
    )
