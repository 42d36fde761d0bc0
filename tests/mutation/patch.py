"""Putting a broken function or value under a program that is loaded already, as a fork of it does before it runs tests.

A function keeps its object and gets the broken code. An assignment is made anew, with every later one of its module
that depends on it, and whoever imported the old value is given the new one.
"""

from __future__ import annotations
import __future__

import ast
import functools
import importlib
import sys
from types import FunctionType, ModuleType
from typing import Any

from tests.mutation.points import PROJECT, Point


class DoesNotLoad(Exception):
    """The broken code cannot even be loaded: everybody would notice."""


def apply(point: Point) -> None:
    """Break a point of a Python file in this process. Raises DoesNotLoad."""
    module = importlib.import_module(point.file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    tree = ast.parse(point.applied((PROJECT / point.file).read_bytes()))
    node = _find(tree, point.unit.name)
    if isinstance(node, ast.FunctionDef):
        _swap(module, point.unit.name, node)
        changed = {node.name}
    else:
        changed = _again(module, node)
    for later in tree.body[tree.body.index(node) + 1 :] if node in tree.body else ():
        named = {n.id for n in ast.walk(later) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if isinstance(later, ast.Assign | ast.AnnAssign) and named & changed:
            changed |= _again(module, later)


def _find(tree: ast.Module, name: str) -> ast.stmt:
    body: list[ast.stmt] = tree.body
    *classes, last = [name] if name.startswith("(") else name.split(".")
    for outer in classes:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == outer)
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == last:
            return node
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if ast.unparse(target) == name:
                return node
    raise LookupError(f"{name} is no more")


def _swap(module: ModuleType, name: str, node: ast.FunctionDef) -> None:
    *classes, last = name.split(".")
    node.decorator_list = []
    made: dict[str, Any] = {}
    owner: Any = functools.reduce(getattr, classes, module)
    old = _plain(vars(owner)[last])
    if "__class__" in old.__code__.co_freevars:
        # It says `super()`: the broken one is made in a class too, and names the class even where it says so no longer.
        node.body.append(ast.Expr(ast.Name("__class__", ast.Load())))
        _load(ast.ClassDef("Of", bases=[], keywords=[], body=[node], decorator_list=[]), module, made)
        made = vars(made["Of"])
    else:
        _load(node, module, made)
    new = made[last]
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def _plain(function: Any) -> FunctionType:
    """The function inside its decorators."""
    if isinstance(function, property):
        function = function.fget
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    if hasattr(function, "cache_clear"):
        function.cache_clear()
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    assert isinstance(function, FunctionType)
    return function


def _again(module: ModuleType, node: ast.stmt) -> set[str]:
    """Make an assignment anew, for all who have its value."""
    before = dict(module.__dict__)
    _load(node, module, module.__dict__)
    changed = {name for name, value in module.__dict__.items() if name in before and before[name] is not value}
    for other in list(sys.modules.values()):
        for name, value in list(getattr(other, "__dict__", {}).items()):
            for one in changed:
                if (value is before[one] and isinstance(value, str | frozenset | dict | tuple | list)) or (
                    value is before[one] and name == one
                ):
                    other.__dict__[name] = module.__dict__[one]
    return changed


def _load(node: ast.stmt, module: ModuleType, into: dict[str, Any]) -> None:
    tree = ast.fix_missing_locations(ast.Module([node], []))
    code = compile(tree, module.__file__ or "", "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    try:
        exec(code, module.__dict__, into)
    except Exception as problem:
        raise DoesNotLoad(str(problem)) from problem
