"""What is done for requests: tokens counted, batches run in a fair order, both measured."""

from __future__ import annotations
