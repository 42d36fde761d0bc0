"""Reading one document: its text, then its facts. Started as a child of a claim, one run a document."""

from workflows.document_reading.workflow import DOCUMENT_READING, DocumentReading, Hidden, without_lines

__all__ = ["DOCUMENT_READING", "DocumentReading", "Hidden", "without_lines"]
