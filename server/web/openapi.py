"""The OpenAPI document, generated from the same table and models that check the requests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.errors import CODES
from server.web.http import Route
from server.web.login import COOKIES, Audience
from server.web.socket import SocketEvent

Document = dict[str, Any]
Refs = Mapping[Any, Document]
_PARAMETER = re.compile(r"\{(\w+)(?::([^{}]*(?:\{\d+(?:,\d+)?\}[^{}]*)*))?\}")


def describe(routes: list[Route[Any]], *, version: str) -> Document:
    """Return an OpenAPI 3.1 document of every route."""
    inputs = {(route.takes, "validation") for route in routes}
    outputs = {(route.gives, "serialization") for route in routes if route.gives is not None}
    models = sorted(inputs | outputs, key=lambda pair: (pair[0].__name__, pair[1]))
    refs, definitions = models_json_schema(
        models,  # type: ignore[arg-type]  # the literal type is lost in the set
        ref_template="#/components/schemas/{model}",
    )
    schemas = {**definitions.get("$defs", {}), "Failure": _failure()}
    paths: Document = {}
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kuayu", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                audience.value: {"type": "apiKey", "in": "cookie", "name": name}
                for audience, name in COOKIES.items()
            }
            | {Audience.WORKER.value: {"type": "http", "scheme": "bearer"}},
        },
    }


def describe_socket(
    events: Sequence[SocketEvent[Any]], notices: Mapping[str, type[BaseModel]], *, version: str
) -> Document:
    """Return the schemas of all that goes over the socket, as a document without a path.

    `Said` has what clients say and what the acknowledgement's data is, `Heard` every notice.
    """
    inputs = {(event.takes, "validation") for event in events}
    outputs = {(event.gives, "serialization") for event in events if event.gives is not None}
    outputs |= {(notice, "serialization") for notice in notices.values()}
    models = sorted(inputs | outputs, key=lambda pair: (pair[0].__name__, pair[1]))
    refs, definitions = models_json_schema(
        models,  # type: ignore[arg-type]  # the literal type is lost in the set
        ref_template="#/components/schemas/{model}",
    )
    said = {}
    for event in events:
        gives = {"type": "null"} if event.gives is None else refs[event.gives, "serialization"]
        said[event.name] = _object({"takes": refs[event.takes, "validation"], "gives": gives})
    heard = {name: refs[notice, "serialization"] for name, notice in sorted(notices.items())}
    schemas = {**definitions["$defs"], "Said": _object(said), "Heard": _object(heard)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kuayu socket", "version": version},
        "paths": {},
        "components": {"schemas": schemas},
    }


def _object(properties: Document) -> Document:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _operation(route: Route[Any], refs: Refs, schemas: Document) -> Document:
    parameters = [_path_parameter(name, shape) for name, shape in _PARAMETER.findall(route.path)]
    if route.reads_query:
        parameters += _query_parameters(refs[route.takes, "validation"], schemas)
    if route.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
            }
        )
    operation: Document = {
        "operationId": route.run.__name__,
        "summary": route.says,
        "parameters": parameters,
        "responses": {"200": _success(route, refs), "default": _REFUSED},
    }
    if route.action is not None and route.audience is not Audience.ANYONE:
        operation["security"] = [{route.audience.value: []}]
    if route.upload is not None:
        content: Document = {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in route.upload.media_types
        }
        operation["requestBody"] = {"required": True, "content": content}
    elif route.method != "GET":
        schema = refs[route.takes, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


_REFUSED: Document = {
    "description": "A refusal with a stable code",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
}


def _path_parameter(name: str, shape: str) -> Document:
    schema: Document = {"type": "string"}
    if shape:
        schema["pattern"] = f"^{shape}$"
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(ref: Document, schemas: Document) -> list[Document]:
    model = schemas[ref["$ref"].rsplit("/", 1)[-1]]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in model.get("required", []),
            "schema": schema,
        }
        for name, schema in model.get("properties", {}).items()
    ]


def _success(route: Route[Any], refs: Refs) -> Document:
    if route.gives is None:
        return {"description": route.says, "content": {"*/*": {"schema": {"format": "binary"}}}}
    data = refs[route.gives, "serialization"]
    envelope = {
        "type": "object",
        "additionalProperties": False,
        "required": ["data", "error", "request_id"],
        "properties": {
            "data": {"anyOf": [data, {"type": "null"}]} if route.nullable else data,
            "error": {"type": "null"},
            "request_id": {"type": "string"},
        },
    }
    return {"description": route.says, "content": {"application/json": {"schema": envelope}}}


def _failure() -> Document:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["data", "error", "request_id"],
        "properties": {
            "data": {"type": "null"},
            "error": {
                "type": "object",
                "additionalProperties": False,
                "required": ["code", "field", "details"],
                "properties": {
                    "code": {"type": "string", "enum": sorted(CODES)},
                    "field": {"type": ["string", "null"]},
                    "details": {"type": "object"},
                },
            },
            "request_id": {"type": "string"},
        },
    }
