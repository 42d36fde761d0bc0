"""The code behind each tool that workflows declare, and the model provider. Chosen here, once per process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.agents.provider import Models
from app.core.errors import NotDone, NotFound
from app.core.ports import ToolCode
from app.documents import probe
from app.documents.page_images import PageImages
from app.documents.reader import read_document, read_scan
from app.documents.storage import DocumentDamaged, DocumentStore
from app.insurance.connectors.access import Access
from app.insurance.connectors.insurer import ClaimHistory, CoverageWording, EarlierPayments, PolicyLookup
from app.insurance.connectors.letters import LetterFacts, written
from app.insurance.connectors.payments import MailRoom, Payments
from app.settings import Settings
from app.store.database import Database
from app.store.records import documents as listed
from app.store.records import same_loss


def documents(config: Settings) -> DocumentStore:
    """Where documents and letters lie."""
    return DocumentStore(config.documents_url or config.data_dir / "documents")


def look_at_documents(config: Settings, database: Database, worker_id: UUID) -> None:
    """Say whose documents this worker cannot read; returns at once."""
    about = (database, documents(config), str(config.documents_url or config.data_dir.absolute()), worker_id)
    threading.Thread(target=probe.look, args=about, name="documents", daemon=True).start()


def unread_documents(config: Settings, database: Database) -> list[str]:
    """The hosts whose documents cannot be read here. Raises what the store raises when it is written to."""
    store = documents(config)
    probe.write(store, str(config.documents_url or config.data_dir.absolute()))
    return probe.unread(database, store)


def tools(config: Settings, database: Database) -> dict[str, ToolCode]:
    """Every declared tool by name."""
    access = Access.to_payments(config)
    store = documents(config)
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


class DocumentReader:
    """`documents.read`: the text of a stored document, read in a confined child process."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with self._store.opened(params["sha256"]) as document:
            return read_document(document).model_dump(mode="json")


class ScanReader:
    """`documents.read_scan`: one page of a stored document, read by OCR in a confined child process."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        with self._store.opened(params["sha256"]) as document:
            scan = read_scan(document, params["page"])
        if scan.words:  # where they stand is for the eye, not for the journal
            PageImages(self._store).keep_words(params["sha256"], params["page"], scan.words)
        return scan.model_dump(mode="json", exclude={"words"})


class SentElsewhere:
    """`documents.elsewhere`: who else sent the same files, by their content. Nobody is an answer."""

    MOST = 10

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        """{"subjects": the first `MOST` of them, "of": how many there are}."""
        with self._database.transaction() as db:
            found = listed.elsewhere(db, **params, most=self.MOST)
        return {
            "subjects": [{k: v for k, v in row.items() if k != "of"} for row in found],
            "of": len(found) and found[0]["of"],
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
                db, params["names"], kinds=params["kinds"], workflow=params["workflow"], subject=claim, purpose=purpose,
                most=self.MOST,
            )  # fmt: skip
            paid = same_loss.paid(db, claim, purpose=purpose, most=self.MOST)
            alike = []
            if params["payee"] and amount is not None:
                alike = same_loss.paid_alike(
                    db, claim=claim, payee=params["payee"], currency=params["currency"], amount=Decimal(amount),
                    within=Decimal(params["within"]), purpose=purpose, most=self.MOST,
                )  # fmt: skip
        told = [{k: v for k, v in row.items() if k != "of"} for row in others]
        return {"claims": told, "of": len(others) and others[0]["of"], "paid": paid, "alike": alike}


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


def provider(config: Settings) -> Models:
    """The models the settings name. Raises BadInput naming the variable that cannot work."""
    return Models(config)
