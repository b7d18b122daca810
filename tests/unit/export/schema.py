"""The JSON schema of a manifest, as docs/ has it."""

from __future__ import annotations

import json
from typing import Any

from jsonschema_rs import Draft202012Validator

from guards.readme import DOCS

SCHEMA: dict[str, Any] = json.loads((DOCS / "reference" / "manifest.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
