"""endwell.toml as a JSON schema (draft 2020-12), made of the table that its reader is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from endwell.parse.services.table import DEFAULTS, PROJECT, SERVICE

if TYPE_CHECKING:
    from endwell.parse.services.kinds import Schema

_DURATION = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)$|^(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$"


def schema() -> Schema:
    """Return the schema as values of JSON."""
    document = PROJECT.schema()
    properties = document["properties"]
    properties["services"] |= {"additionalProperties": {"$ref": "#/$defs/service"}}
    properties["defaults"] = {
        "description": properties["defaults"]["description"],
        "$ref": "#/$defs/defaults",
    }
    service = SERVICE.schema()
    replica = service["properties"]["replica"]
    replica |= {"additionalProperties": {"$ref": "#/$defs/defaults"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "endwell.toml",
        "description": "Several services in one container, as `endwell up` runs them. In every text ${NAME} "
        "and ${NAME:-default} stand for variables of the environment, and $$ for one dollar sign.",
        **document,
        "$defs": {"service": service, "defaults": DEFAULTS.schema(), **_definitions()},
    }


def schema_json() -> str:
    """Return the schema as JSON."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _definitions() -> dict[str, Any]:
    return {
        "variable": {"type": "string", "pattern": r"\$", "description": "A text with a variable in it."},
        "duration": {
            "description": "A length of time: 10s, 1m30s, 500ms, or a number of seconds.",
            "anyOf": [
                {"type": "string", "pattern": _DURATION, "examples": ["10s", "1m30s", "500ms"]},
                {"type": "number", "minimum": 0},
                {"$ref": "#/$defs/variable"},
            ],
        },
        "unlimited-duration": {
            "anyOf": [{"$ref": "#/$defs/duration"}, {"enum": ["unlimited", "never"]}],
        },
        "command": {
            "description": "A text is split into words as by a shell, but no shell runs it.",
            "anyOf": [
                {"type": "string", "minLength": 1, "examples": ["gunicorn app:app"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
        },
    }
