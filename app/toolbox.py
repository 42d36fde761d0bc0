"""The code behind each tool that workflows declare, and the model provider. Chosen here, once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.agents.offline import OfflineProvider
from app.connectors.insurer import PolicyLookup
from app.connectors.letters import LetterFacts, write_letter
from app.connectors.payments import MailRoom, Payments
from app.core.errors import BadInput, SchemaFailure
from app.core.extraction import ExtractionRequest
from app.core.ports import ToolCode
from app.documents.reader import read_document
from app.documents.storage import DocumentStore
from app.settings import Settings
from app.store.database import Database


def documents(config: Settings) -> DocumentStore:
    """Where documents and letters lie."""
    return DocumentStore(config.data_dir / "documents")


def tools(config: Settings, database: Database) -> dict[str, ToolCode]:
    """Every declared tool by name."""
    store, mail = documents(config), MailRoom(config.payments_url)
    return {
        "payments.pay": Payments(config.payments_url),
        "letters.send": mail,
        "letters.send_decision": mail,
        "letters.write": LetterWriter(store),
        "documents.read": DocumentReader(store),
        "insurer.policy": PolicyLookup(database),
    }


class DocumentReader:
    """`documents.read`: the text of a stored document, read in a confined child process."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        path: Path = self._store.path(params["sha256"])
        return read_document(path).model_dump(mode="json")


class LetterWriter:
    """`letters.write`: a letter as PDF, kept under its content hash; the same facts give the same file."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def __call__(self, key: str, params: Mapping[str, Any]) -> Any:
        content = write_letter(
            params["kind"], LetterFacts.model_validate({k: v for k, v in params.items() if k != "kind"})
        )
        kept = self._store.put(content, f"{params['claim']}-{params['kind']}.pdf")
        return {"sha256": kept.sha256, "filename": kept.filename, "size": kept.size}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered and what it used; `cost` None: price unknown."""

    value: Any
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Any = 0


class OfflineModel:
    """The deterministic provider behind `step.ask`: rules, no language model, zero tokens."""

    name = OfflineProvider.name

    def __init__(self) -> None:
        self._rules = OfflineProvider()

    def ask(self, prompt_version: str, request: Any) -> Reply:
        """Answer a prompt the rules know. Raises SchemaFailure for any other."""
        if not prompt_version.startswith("document_extraction/"):
            raise SchemaFailure(f"the offline rules cannot answer {prompt_version}; configure a model provider")
        reply = self._rules.extract(ExtractionRequest.model_validate(request))
        return Reply(reply.model_dump(mode="json"), reply.tokens_in, reply.tokens_out)


def provider(config: Settings) -> Any:
    """The model provider the settings name. Raises BadInput naming the choices."""
    if config.provider != "offline":
        raise BadInput(f"LONGHAUL_PROVIDER={config.provider!r} is not available; the provider is: offline")
    return OfflineModel()
