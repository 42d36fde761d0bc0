"""The code behind each tool that the insurance workflows declare."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.core.errors import NotDone, NotFound
from app.core.ports import ToolCode
from app.documents.reading_tools import DocumentReader, ScanReader, SentElsewhere
from app.documents.storage import DocumentDamaged, DocumentStore
from app.insurance.connectors.access import Access
from app.insurance.connectors.insurer import ClaimHistory, CoverageWording, EarlierPayments, PolicyLookup
from app.insurance.connectors.letters import LetterFacts, written
from app.insurance.connectors.payments import MailRoom, Payments
from app.settings import Settings
from app.store.database import Database
from app.store.records import same_loss
from app.store.rows import told


def tools(config: Settings, database: Database, store: DocumentStore) -> dict[str, ToolCode]:
    """Every declared tool by name."""
    access = Access.to_payments(config)
    mail = Mail(access, store)
    return {
        "payments.pay": Payments(access),
        "letters.send": mail,
        "letters.send_decision": mail,
        "letters.write": LetterWriter(store),
        "documents.read": DocumentReader(store),
        "documents.elsewhere": SentElsewhere(database),
        "claims.same_loss": SameLoss(database),
        "documents.read_scan": ScanReader(store),
        "insurer.policy": PolicyLookup(database),
        "insurer.claim_history": ClaimHistory(database),
        "insurer.payments": EarlierPayments(database),
        "insurer.wording": CoverageWording(database),
    }


class SameLoss:
    """`claims.same_loss`: who else claims the same loss, and what the ledger paid for it. Nobody and nothing are answers."""

    MOST = 10

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"claims": the first `MOST` others, "of": how many there are, "paid": for this claim, "alike": to the same payee}."""
        purpose, claim, amount = params["purpose"], params["subject"], params["amount"]
        with self._database.transaction() as db:
            others = same_loss.named(
                db,
                params["names"],
                kinds=params["kinds"],
                workflow=params["workflow"],
                subject=claim,
                purpose=purpose,
                most=self.MOST,
            )
            paid = same_loss.paid(db, claim, purpose=purpose, most=self.MOST)
            alike = list[same_loss.Paid]()
            if params["payee"] and amount is not None:
                alike = same_loss.paid_alike(
                    db,
                    claim=claim,
                    payee=params["payee"],
                    currency=params["currency"],
                    amount=Decimal(amount),
                    within=Decimal(params["within"]),
                    purpose=purpose,
                    most=self.MOST,
                )
        return {
            "claims": [{name: value for name, value in told(other).items() if name != "of"} for other in others],
            "of": len(others) and others[0].of,
            "paid": [told(payment) for payment in paid],
            "alike": [told(payment) for payment in alike],
        }


class LetterWriter:
    """`letters.write`: a letter as PDF, kept under its content hash; the same facts give the same file."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        facts = LetterFacts.model_validate({k: v for k, v in params.items() if k != "kind"})
        content, text = written(params["kind"], facts)
        kept = self._store.put(content, f"{params['claim']}-{params['kind']}.pdf")
        return {"sha256": kept.sha256, "filename": kept.filename, "size": kept.size, "text": text}


class Mail(MailRoom):
    """`letters.send`, `letters.send_decision`: a letter whose bytes are not, or no longer, those of its hash is not sent."""

    def __init__(self, access: Access, store: DocumentStore) -> None:
        super().__init__(access)
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        try:
            self._store.get(params["sha256"])
        except (DocumentDamaged, NotFound) as problem:
            raise NotDone(f"the letter was not sent: {problem}", retry=False) from problem
        except Exception as problem:  # the store cannot be read now, and nothing has been sent yet
            raise NotDone(f"the letter was not sent: its bytes cannot be read: {problem}") from problem
        return super().__call__(key, params)
