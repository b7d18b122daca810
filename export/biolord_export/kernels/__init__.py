"""The road to the compiled operators: from quantized layers to a graph of the domain ``biolord``.

``kernels/README.md`` specifies the operators and the layout of their tensors.
"""
