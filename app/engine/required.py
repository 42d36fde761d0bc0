"""What workflows require of a process that works: code for every tool their functions name, and every role they ask.

The law: what is missing is said before a worker takes its first lease, not by the run that comes to need it. The tools of a
state are those that its functions name, or that a prompt they name offers, and so on through the functions of their own
package. One that is reached in another way, such as by an import inside a function, is found out when it is called.
"""

from __future__ import annotations

import dis
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from app.core.declarations.prompts import Prompt
from app.core.declarations.roles import Roles
from app.core.declarations.tools import Tool
from app.core.workflow import Human, State, Step, Workflow
from app.engine.runtime import Runtime


def missing(workflows: Iterable[Workflow], *, tools: Collection[str], roles: Roles, application: str) -> list[str]:
    """What the workflows require and nobody gives, a sentence each. tools: the names that have code. application: its setting."""
    said: list[str] = []
    for workflow in workflows:
        unbound: dict[str, list[str]] = {}
        for state in workflow.states:
            for tool in sorted(tools_of(state) - set(tools)):
                unbound.setdefault(tool, []).append(state.name)
            if (role := _role(state)) is not None and role not in roles.names:
                said.append(
                    f"{workflow.name} v{workflow.version} asks the role {role!r} in {state.name}, which nobody declares; the roles "
                    f"are {', '.join(roles.names)}. Declare it in `roles` of the application ({application})"
                )
        said += [
            f"{workflow.name} v{workflow.version} calls the tool {tool} in {', '.join(states)}, and no code is bound to it. "
            f"Bind it in `tools` of the application ({application})"
            for tool, states in unbound.items()
        ]
    return said


def missing_in(rt: Runtime) -> list[str]:
    """What a process's workflows require and it has not."""
    return missing(rt.workflows, tools=rt.tools, roles=rt.roles, application=rt.settings.application)


def tools_of(state: State) -> set[str]:
    """The names of the tools that a state's functions name."""
    functions = [getattr(state, part, None) for part in ("does", "asks", "starts")]
    return {name for function in functions if function is not None for name in _tools_named(function)}


def _role(state: State) -> str | None:
    """Who a state asks, or would ask when in doubt."""
    if isinstance(state, Human):
        return state.role
    return state.doubts_to if isinstance(state, Step) else None


def _tools_named(function: Any) -> set[str]:
    """Looks at each thing once, and into functions and classes of the function's own package alone."""
    package = _package(function)
    found, seen, todo = set[str](), dict[int, Any](), [function]
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, Tool):
            found.add(thing.name)
        elif isinstance(thing, Prompt):
            todo += thing.tools
        elif isinstance(thing, (tuple, list)):
            todo += thing
        elif isinstance(thing, dict):
            todo += thing.values()
        elif isinstance(thing, partial):
            todo += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, MethodType):
            todo.append(thing.__func__)
        elif isinstance(thing, FunctionType) and _package(thing) == package:
            todo += _used(thing)
        elif isinstance(thing, type) and _package(thing) == package:
            todo += [part for part in vars(thing).values() if isinstance(part, FunctionType)]
    return found


def _package(thing: Any) -> str:
    while isinstance(thing, partial):
        thing = thing.func
    return str(getattr(thing, "__module__", "")).partition(".")[0]


def _used(function: FunctionType) -> Iterator[Any]:
    """What a function refers to: global names, attributes of modules, what it closes over, and its defaults."""
    yield from _globals(function.__code__, function.__globals__)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that was never given a value
            continue


def _globals(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    before: Any = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            before = names.get(instruction.argval)
        elif isinstance(before, ModuleType) and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            before = vars(before).get(instruction.argval)
        else:
            before = None
        yield before
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner, names)
