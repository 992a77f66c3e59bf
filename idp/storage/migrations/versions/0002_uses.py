"""Used JWTs in the database; when an operator decided on a client that registered itself.

Additive: the previous release runs beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "uses",
        sa.Column("digest", sa.String(length=43), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_uses")),
    )
    op.create_index("ix_uses_expires_at", "uses", ["expires_at"], unique=False)
    op.add_column("client_registrations", sa.Column("decided_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE client_registrations SET decided_at = 0 WHERE client_id IN"
        " (SELECT client_id FROM clients WHERE status = 'active')"
    )
