"""The tools a claim uses. Each says what becomes of an unknown outcome; money and decision letters are irreversible."""

from __future__ import annotations

from app.core.tools import Tool

POLICY = Tool("insurer.policy", reads_only=True, timeout="10s", downstream="policy")
ELSEWHERE = Tool("documents.elsewhere", reads_only=True, timeout="10s")
WRITE_LETTER = Tool(
    "letters.write", reads_only=True, timeout="30s"
)  # stored under its content hash: the same every time
SEND_LETTER = Tool("letters.send", idempotent_for="24h", reconciles=True, timeout="20s", downstream="letters")
SEND_DECISION = Tool(
    "letters.send_decision",
    idempotent_for="24h",
    reconciles=True,
    irreversible=True,
    timeout="20s",
    downstream="letters",
)
PAY = Tool(
    "payments.pay", idempotent_for="24h", reconciles=True, irreversible=True, timeout="20s", downstream="payments"
)
