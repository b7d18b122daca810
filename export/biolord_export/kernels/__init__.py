"""Graphs of the compiled operators: from quantized layers to nodes of the domain ``biolord``.

``kernels/README.md`` specifies the operators and the layout of their tensors.
"""
