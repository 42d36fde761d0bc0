"""The ledger is asked who was paid what: by claim, and by payee."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """CREATE INDEX actions_payee ON actions (payee_key(payee), currency, amount)
           WHERE status IN ('EXECUTING', 'UNKNOWN', 'EXECUTED', 'CONFIRMED', 'DISPUTED')"""
    )


def downgrade() -> None:
    op.execute("DROP INDEX actions_payee")
