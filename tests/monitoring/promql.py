"""What a PromQL expression asks for and what its result looks like: selectors, their ancestors, labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import singledispatch
from typing import Final, TypeAlias

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)
from promql_parser import parse as parse_promql

from tests.monitoring.bundle import DECLARED, FROM_PROMETHEUS, RECORDINGS, SCRAPE_LABELS

Path: TypeAlias = tuple[Expr, ...]


def parse(expression: str) -> Expr:
    """Return the syntax tree; Grafana's own words are replaced first."""
    return parse_promql(expression.replace("$__rate_interval", "5m").replace("$__range", "6h"))


def walk(node: Expr, above: Path = ()) -> Iterator[tuple[Expr, Path]]:
    """Yield every node with its ancestors, nearest last."""
    yield node, above
    for child in children(node):
        yield from walk(child, (*above, node))


def children(node: Expr) -> tuple[Expr, ...]:
    """Return the parts of a node, in their order."""
    match node:
        case BinaryExpr():
            return node.lhs, node.rhs
        case Call():
            return tuple(node.args)
        case AggregateExpr():
            return node.expr, *(() if node.param is None else (node.param,))
        case MatrixSelector():
            return (node.vector_selector,)
        case ParenExpr() | SubqueryExpr() | UnaryExpr():
            return (node.expr,)
        case _:
            return ()


def selectors(expression: str) -> list[tuple[str, dict[str, str], Path]]:
    """Return every selector: metric name, its matchers as ``label: operator value``, and its ancestors."""
    return [
        (
            str(node.name),
            {one.name: f"{str(one.op).removeprefix('MatchOp.')} {one.value}" for one in node.matchers.matchers},
            above,
        )
        for node, above in walk(parse(expression))
        if isinstance(node, VectorSelector)
    ]


def calls(above: Path) -> set[str]:
    """Return the names of the functions among the ancestors of a node."""
    return {str(node.func.name) for node in above if isinstance(node, Call)}


def aggregations(above: Path) -> list[tuple[str, str, set[str]]]:
    """Return operator, ``by`` or ``without``, and labels of the aggregations among the ancestors of a node, nearest last."""
    return [
        (
            str(node.op),
            "without" if node.modifier and str(node.modifier.type).endswith("Without") else "by",
            set(node.modifier.labels) if node.modifier else set(),
        )
        for node in above
        if isinstance(node, AggregateExpr)
    ]


def family_of(metric: str) -> str | None:
    """Return the declared family of a sample name, or ``None``."""
    if metric in DECLARED:
        return metric
    base = re.sub(r"_(bucket|count|sum)$", "", metric)
    return base if base in DECLARED and DECLARED[base].type == "histogram" else None


def labels_of(metric: str) -> set[str]:
    """Return the labels that a metric can have, those of the scrape included. Raises ``KeyError`` when nobody makes it."""
    if metric in FROM_PROMETHEUS:
        return SCRAPE_LABELS | set(FROM_PROMETHEUS[metric])
    if metric in RECORDINGS:
        return _labels_of_recording(metric)
    family = family_of(metric)
    if family is None:
        raise KeyError(metric)
    extra = {"le"} if metric.endswith("_bucket") else set()
    # target_info carries labels of the user's choice; `site` is the one that the rules know.
    extra |= {"site"} if family == "booking_sync_target_info" else set()
    return SCRAPE_LABELS | set(DECLARED[family].labels) | extra


_OF_RECORDINGS: Final[dict[str, set[str]]] = {}


def _labels_of_recording(metric: str) -> set[str]:
    """Return the labels of a recorded series; one that is made of its own past has those that the rest of its rule has."""
    if metric not in _OF_RECORDINGS:
        _OF_RECORDINGS[metric] = set()
        _OF_RECORDINGS[metric] = labels_of_expression(RECORDINGS[metric])
    return _OF_RECORDINGS[metric]


def labels_of_expression(expression: str) -> set[str]:
    """Return the labels that the result of an expression can have."""
    return _labels(parse(expression))


@singledispatch
def _labels(node: object) -> set[str]:
    raise NotImplementedError(type(node))


@_labels.register
def _(node: VectorSelector) -> set[str]:
    return labels_of(str(node.name))


@_labels.register
def _(node: MatrixSelector) -> set[str]:
    return _labels(node.vector_selector)


@_labels.register(ParenExpr)
@_labels.register(SubqueryExpr)
@_labels.register(UnaryExpr)
def _(node: ParenExpr | SubqueryExpr | UnaryExpr) -> set[str]:
    return _labels(node.expr)


@_labels.register(NumberLiteral)
@_labels.register(StringLiteral)
def _(_node: NumberLiteral | StringLiteral) -> set[str]:
    return set()


@_labels.register
def _(node: AggregateExpr) -> set[str]:
    inner = _labels(node.expr)
    if str(node.op) in {"topk", "bottomk"}:
        return inner
    _, kind, named = aggregations((node,))[0]
    made = {node.param.val} if isinstance(node.param, StringLiteral) else set()
    return (inner - named if kind == "without" else inner & named) | made


@_labels.register
def _(node: BinaryExpr) -> set[str]:
    left, right = _labels(node.lhs), _labels(node.rhs)
    if str(node.op) == "or":
        return left | right
    if not left:  # a number, or time()
        return right
    if node.modifier is None:
        return left
    many, one = (right, left) if node.modifier.card is VectorMatchCardinality.OneToMany else (left, right)
    return many | set(node.modifier.group_labels or ()) & one


@_labels.register
def _(node: Call) -> set[str]:
    name = str(node.func.name)
    if name in {"absent", "absent_over_time"}:
        return {"job"}
    inner: set[str] = set().union(*(_labels(argument) for argument in node.args))
    if name == "label_replace":
        target = node.args[1]
        assert isinstance(target, StringLiteral)
        inner |= {target.val}
    return inner - {"le"} if name == "histogram_quantile" else inner
