"""The edits of Python code: which nodes can be broken, and into what."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.mutation import sql

_TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}
_SPOKEN = ("logs",)  # what is only said changes nothing
_UNTOUCHED_CALLS = frozenset({"field", "dataclass", "lru_cache", "TypeVar", "print"})
_Node = ast.expr | ast.stmt | ast.keyword | ast.excepthandler


@dataclass(frozen=True, slots=True)
class Edit:
    """`node` becomes `text`; `said` names what changed where the node is long; `lines`: those of its statement."""

    operator: str
    node: _Node
    text: str
    said: tuple[str, str] | None = None
    lines: tuple[int, int] = (0, 0)


def edits(unit: ast.stmt) -> Iterator[Edit]:
    """All edits of a function or an assignment."""
    assigned = Counter(n.id for n in ast.walk(unit) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    yield from _visit(unit, assigned, _lines(unit), top=True)


def _visit(node: ast.AST, assigned: Counter[str], lines: tuple[int, int], *, top: bool = False) -> Iterator[Edit]:
    if _is_spoken(node):
        return
    if isinstance(node, ast.stmt):
        lines = _lines(node)
    if isinstance(node, ast.stmt) and not top:  # what a module makes at its top is broken inside, never left out
        yield from (replace(edit, lines=lines) for edit in _statement(node, assigned))
    if isinstance(node, ast.expr):
        yield from (replace(edit, lines=lines) for edit in _expression(node))
    for child in _children(node):
        yield from _visit(child, assigned, lines)


def _lines(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, without those of the statements inside it."""
    inside = [child.lineno for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node]
    return node.lineno, max(node.lineno, min(inside) - 1) if inside else node.end_lineno or node.lineno


def _is_spoken(node: ast.AST) -> bool:
    """Log lines, docstrings and the words of an error."""
    if isinstance(node, ast.Expr):
        node = node.value
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and not sql.is_sql(node.value)
    if isinstance(node, ast.JoinedStr):
        return not sql.is_sql("".join(str(v.value) for v in node.values if isinstance(v, ast.Constant)))
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in _SPOKEN


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What stands inside and does something: no annotations, no decorators, no words."""
    match node:
        case ast.FunctionDef():
            yield from (default for default in [*node.args.defaults, *node.args.kw_defaults] if default is not None)
            yield from node.body
        case ast.AnnAssign():
            yield from [node.value] if node.value else []
        case ast.Raise() | ast.Assert() | ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return
        case _:
            yield from ast.iter_child_nodes(node)


def _statement(node: ast.stmt, assigned: Counter[str]) -> Iterator[Edit]:
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield Edit("drop statement", node, "pass", (ast.unparse(node), "pass"))
        case ast.Assign():
            if any(not isinstance(t, ast.Name) or assigned[t.id] > 1 for t in node.targets):
                yield Edit("drop statement", node, "pass", (ast.unparse(node), "pass"))
        case ast.If() | ast.While():
            yield Edit("never", node.test, "False")
            if isinstance(node, ast.If):
                yield Edit("always", node.test, "True")
        case ast.With():
            yield from _with(node)
        case ast.Try():
            yield from _handlers(node)
        case ast.Match():
            yield from _cases(node)
        case _:
            return


def _with(node: ast.With) -> Iterator[Edit]:
    """A block without what surrounds it. A mutex is left out: no test shows reliably that two threads never met."""
    held = ", ".join(ast.unparse(item) for item in node.items)
    if not any(item.optional_vars for item in node.items) and "_lock" not in held:
        bare = ast.unparse(ast.If(ast.Constant(True), node.body, [])).replace("\n", "\n" + " " * node.col_offset)
        yield Edit("drop with", node, bare, (f"with {held}", "if True"))


def _handlers(node: ast.Try) -> Iterator[Edit]:
    for handler in node.handlers:
        caught = ast.unparse(handler.type) if handler.type else ""
        if not isinstance(handler.body[-1], ast.Raise) or len(handler.body) > 1:
            yield Edit(
                "drop handler", handler, _handler(handler, handler.type, [ast.Raise()]), (f"except {caught}", "raise")
            )
        if isinstance(handler.type, ast.Tuple):
            for n, one in enumerate(handler.type.elts):
                left = ast.Tuple(handler.type.elts[:n] + handler.type.elts[n + 1 :], ast.Load())
                text = _handler(handler, left, handler.body)
                yield Edit("drop exception", handler, text, (f"except {caught}", f"without {ast.unparse(one)}"))


def _handler(handler: ast.ExceptHandler, caught: ast.expr | None, body: list[ast.stmt]) -> str:
    text = ast.unparse(ast.ExceptHandler(caught, handler.name, body)).strip()
    return text.replace("\n", "\n" + " " * handler.col_offset)


def _cases(node: ast.Match) -> Iterator[Edit]:
    for n, case in enumerate(node.cases):
        said = ast.unparse(case.pattern) + (f" if {ast.unparse(case.guard)}" if case.guard else "")
        if case.guard:
            unguarded = ast.match_case(case.pattern, None, case.body)
            left = [*node.cases[:n], unguarded, *node.cases[n + 1 :]]
            yield Edit("drop guard", node, _match(node, left), (f"case {said}", "without guard"))
        if len(node.cases) > 1:
            yield Edit("drop case", node, _match(node, node.cases[:n] + node.cases[n + 1 :]), (f"case {said}", "none"))


def _match(node: ast.Match, cases: list[ast.match_case]) -> str:
    return ast.unparse(ast.Match(node.subject, cases)).strip().replace("\n", "\n" + " " * node.col_offset)


def _expression(node: ast.expr) -> Iterator[Edit]:
    match node:
        case ast.Compare() if len(node.ops) == 1:
            for turned in _TURNED.get(type(node.ops[0]), ()):
                yield Edit("turn", node, _text(ast.Compare(node.left, [turned()], node.comparators)))
        case ast.BoolOp():
            for n in range(len(node.values)):
                left = node.values[:n] + node.values[n + 1 :]
                yield Edit("drop term", node, _text(ast.BoolOp(node.op, left) if len(left) > 1 else left[0]))
        case ast.UnaryOp(op=ast.Not()):
            yield Edit("drop not", node, _text(node.operand))
        case ast.Constant() if isinstance(node.value, bool):
            yield Edit("turn", node, str(not node.value))
        case ast.IfExp():
            yield Edit("always", node, _text(node.body))
            yield Edit("never", node, _text(node.orelse))
        case ast.BinOp():
            yield from _sum(node)
        case ast.JoinedStr():
            yield Edit("sql", node, "")
        case ast.Constant():
            if isinstance(node.value, str):
                yield Edit("sql", node, "")
        case _:
            yield from _collection(node)


def _sum(node: ast.BinOp) -> Iterator[Edit]:
    if any(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in (node.left, node.right)):
        return
    if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        yield Edit("drop operand", node, _text(node.left))
    elif isinstance(node.op, ast.BitOr):
        yield Edit("drop operand", node, _text(node.left))
        yield Edit("drop operand", node, _text(node.right))


def _collection(node: ast.expr) -> Iterator[Edit]:
    match node:
        case ast.Call():
            yield from _call(node)
        case ast.Dict():
            for n, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
                entry = f"{ast.unparse(key)}: {ast.unparse(value)}" if key else f"**{ast.unparse(value)}"
                left = ast.Dict(node.keys[:n] + node.keys[n + 1 :], node.values[:n] + node.values[n + 1 :])
                yield Edit("drop entry", node, _text(left), (entry, "none"))
        case ast.Set() | ast.List() | ast.Tuple() if _are_words(node.elts) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            for n, element in enumerate(node.elts):
                fewer: Any = copy.copy(node)
                fewer.elts = node.elts[:n] + node.elts[n + 1 :]
                yield Edit(
                    "drop element", node, _text(fewer), (f"{ast.unparse(element)} of {ast.unparse(node)}", "none")
                )
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for n, generator in enumerate(node.generators):
                for k, condition in enumerate(generator.ifs):
                    fewer = copy.deepcopy(node)
                    del fewer.generators[n].ifs[k]
                    yield Edit("drop condition", node, ast.unparse(fewer), (f"if {ast.unparse(condition)}", "none"))
        case _:
            return


def _are_words(elements: list[ast.expr]) -> bool:
    """At least two, and each a text or a name with a dot: statuses, events, columns."""
    plain = (
        isinstance(e, ast.Attribute) or (isinstance(e, ast.Constant) and isinstance(e.value, str)) for e in elements
    )
    return len(elements) > 1 and all(plain)


def _call(node: ast.Call) -> Iterator[Edit]:
    if ast.unparse(node.func).split(".")[-1] in _UNTOUCHED_CALLS:
        return
    for n, keyword in enumerate(node.keywords):
        if keyword.arg is not None:
            left = ast.Call(node.func, node.args, node.keywords[:n] + node.keywords[n + 1 :])
            called = ast.unparse(node.func)
            yield Edit("drop argument", node, ast.unparse(left), (f"{called}({ast.unparse(keyword)})", "none"))
    if ast.unparse(node.func) in ("min", "max") and len(node.args) == 2:
        for argument in node.args:
            yield Edit("drop operand", node, _text(argument))


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
