"""Messages that were refused, a row for each kind of them."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE refused_messages (
            fingerprint text PRIMARY KEY,
            id uuid NOT NULL UNIQUE,
            what text NOT NULL CHECK (what IN ('start', 'bell')),
            queue text NOT NULL,
            name text NOT NULL,
            reason text NOT NULL,
            samples jsonb NOT NULL,
            count bigint NOT NULL,
            first_at timestamptz NOT NULL,
            last_at timestamptz NOT NULL,
            spell_count bigint NOT NULL,
            spell_at timestamptz NOT NULL
        )""")


def downgrade() -> None:
    op.execute("DROP TABLE refused_messages")
