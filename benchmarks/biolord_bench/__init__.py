"""Measuring artefacts: what each costs on this machine, with its fidelity beside it."""
