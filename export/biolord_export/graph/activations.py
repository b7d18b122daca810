"""torch's activations, as standard operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from biolord_export.graph.builder import GraphBuilder

    Activation = Callable[[GraphBuilder, str], str]

LEAK = 0.01
"""torch's default slope of LeakyReLU below zero."""
SELU_ALPHA, SELU_GAIN = 1.6732632423543772, 1.0507009873554805
SIXTH = 1 / 6


def _op(kind: str) -> Activation:
    return lambda graph, x: graph.op(kind, x)


def _clip(graph: GraphBuilder, x: str, least: float, most: float) -> str:
    return graph.op("Min", graph.op("Max", x, graph.scalar(least)), graph.scalar(most))


def _gelu(graph: GraphBuilder, x: str) -> str:
    half = graph.op("Mul", x, graph.scalar(0.5))
    inner = graph.op("Erf", graph.op("Mul", x, graph.scalar(np.sqrt(0.5))))
    return graph.op("Mul", half, graph.op("Add", inner, graph.scalar(1)))


def _below_zero(graph: GraphBuilder, x: str) -> str:
    """Yield exp(x) - 1 where x is negative, else 0."""
    return graph.op("Sub", graph.op("Exp", graph.op("Min", x, graph.scalar(0))), graph.scalar(1))


def _elu(graph: GraphBuilder, x: str) -> str:
    return graph.op("Add", graph.op("Max", x, graph.scalar(0)), _below_zero(graph, x))


def _selu(graph: GraphBuilder, x: str) -> str:
    below = graph.op("Mul", _below_zero(graph, x), graph.scalar(SELU_ALPHA))
    return graph.op("Mul", graph.op("Add", graph.op("Max", x, graph.scalar(0)), below), graph.scalar(SELU_GAIN))


def _leaky_relu(graph: GraphBuilder, x: str) -> str:
    return graph.op("Max", x, graph.op("Mul", x, graph.scalar(LEAK)))


def _softplus(graph: GraphBuilder, x: str) -> str:
    """Yield log(1 + exp(x)), which doesn't overflow so."""
    small = graph.op("Exp", graph.op("Neg", graph.op("Abs", x)))
    rest = graph.op("Log", graph.op("Add", small, graph.scalar(1)))
    return graph.op("Add", graph.op("Max", x, graph.scalar(0)), rest)


def _hard_sigmoid(graph: GraphBuilder, x: str) -> str:
    return graph.op("Mul", _clip(graph, graph.op("Add", x, graph.scalar(3)), 0, 6), graph.scalar(SIXTH))


def _softsign(graph: GraphBuilder, x: str) -> str:
    return graph.op("Div", x, graph.op("Add", graph.op("Abs", x), graph.scalar(1)))


ACTIVATIONS: Mapping[str, Activation] = {
    "Identity": lambda _, x: x,
    "Tanh": _op("Tanh"),
    "ReLU": lambda graph, x: graph.op("Max", x, graph.scalar(0)),
    "GELU": _gelu,
    "Sigmoid": _op("Sigmoid"),
    "SiLU": lambda graph, x: graph.op("Mul", x, graph.op("Sigmoid", x)),
    "Mish": lambda graph, x: graph.op("Mul", x, graph.op("Tanh", _softplus(graph, x))),
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "SELU": _selu,
    "CELU": _elu,
    "ReLU6": lambda graph, x: _clip(graph, x, 0, 6),
    "Softplus": _softplus,
    "Softsign": _softsign,
    "LogSigmoid": lambda graph, x: graph.op("Neg", _softplus(graph, graph.op("Neg", x))),
    "Hardtanh": lambda graph, x: _clip(graph, x, -1, 1),
    "Hardsigmoid": _hard_sigmoid,
    "Hardswish": lambda graph, x: graph.op("Mul", x, _hard_sigmoid(graph, x)),
    "Tanhshrink": lambda graph, x: graph.op("Sub", x, graph.op("Tanh", x)),
}
"""Those of `biolord_export.checkpoint.head.dense.ACTIVATIONS`."""
