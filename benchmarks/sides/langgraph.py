"""LangGraph: a graph of twelve nodes with its checkpointer in Postgres, durability `sync`. It has no queue of its own: processes of a
pool invoke the graph, one run at a time each."""

from __future__ import annotations

import multiprocessing
import sys
import uuid
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypedDict

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg import Connection
from psycopg.rows import dict_row

from benchmarks.sides.driver import Processes, Submitter, serve
from benchmarks.work import RESULT, STEPS, TEXT, work


class Letter(TypedDict):
    """The graph's state."""

    text: str
    steps: int


def _step(letter: Letter) -> Letter:
    text, steps = work(letter["text"], letter["steps"])
    return {"text": text, "steps": steps}


def _saver(url: str) -> Any:
    return PostgresSaver(Connection.connect(url, autocommit=True, prepare_threshold=0, row_factory=dict_row))


_graph: Any = None


def open_graph(url: str) -> None:
    """Compile the graph in this process of the pool."""
    global _graph
    names = [f"step_{n + 1}" for n in range(STEPS)]
    graph = StateGraph(Letter)
    for name, before in zip(names, [START, *names], strict=False):
        graph.add_node(name, _step)
        graph.add_edge(before, name)
    graph.add_edge(names[-1], END)
    _graph = graph.compile(checkpointer=_saver(url))


def invoke() -> Any:
    """One run, in a process of the pool."""
    config = {"configurable": {"thread_id": uuid.uuid4().hex}}
    return _graph.invoke({"text": TEXT, "steps": 0}, config, durability="sync")


class LangGraphSystem(Submitter):
    """A pool of processes that have the graph."""

    package = "langgraph"

    def __init__(self, given: dict[str, Any], _: Processes) -> None:
        _saver(given["postgres"]).setup()
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(given["workers"], spawn, open_graph, (given["postgres"],))

    def submit(self) -> Any:
        return self._pool.submit(invoke)

    def ended(self, run: Any) -> bool:
        done: bool = run.done()
        assert not done or run.result() == {"text": RESULT, "steps": STEPS}
        return done


if __name__ == "__main__":
    serve(LangGraphSystem, sys.argv[1:])
