from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from server.app import all_routes, build_house
from server.errors import CODES
from server.web.http import Route
from server.web.openapi import describe
from tests.support.service import demo_settings
from tests.support.site import Site
from tests.support.trial import Trial

Document = dict[str, Any]


@pytest.fixture
async def routes(tmp_path: Path) -> Any:  # noqa: ANN401 (an async generator fixture)
    house = build_house(demo_settings(tmp_path, 1))
    yield all_routes(house)
    await house.close()


@pytest.fixture
def document(routes: list[Route[Any]]) -> Document:
    return describe(routes, version="1")


@pytest.fixture
def small() -> Document:
    return describe(Trial().routes(), version="1")


def everything_in(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything_in(inner)


def operation_of(document: Document, route: Route[Any]) -> Document:
    path = re.sub(r"\{(\w+):.*?\}(?=/|$)", r"{\1}", route.path)
    operation: Document = document["paths"][path][route.method.lower()]
    return operation


def test_every_route_is_described(document: Document, routes: list[Route[Any]]) -> None:
    assert len(routes) > 50
    assert sum(len(operations) for operations in document["paths"].values()) == len(routes)
    for route in routes:
        operation = operation_of(document, route)
        assert operation["summary"] == route.says
        assert ("security" in operation) is (route.action is not None)


def test_every_reference_leads_somewhere(document: Document) -> None:
    places = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    wanted = {part["$ref"] for part in everything_in(document) if isinstance(part.get("$ref"), str)}
    assert wanted <= places


def test_names_of_operations_and_models_are_used_once(document: Document) -> None:
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert sorted(names) == sorted(set(names))
    # Two models of one name would get names with their modules in them.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_every_schema_is_one(document: Document) -> None:
    for schema in document["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid(schema)


def test_every_message_refuses_unknown_fields(document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema.get("additionalProperties") is False, name


def test_every_parameter_of_a_path_is_described(document: Document) -> None:
    for path, operations in document["paths"].items():
        assert ":" not in path
        for operation in operations.values():
            told = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert told == set(re.findall(r"\{(\w+)\}", path))


def test_creating_commands_need_a_key(document: Document, routes: list[Route[Any]]) -> None:
    for route in routes:
        parameters = operation_of(document, route)["parameters"]
        keys = [one for one in parameters if one["name"] == "Idempotency-Key"]
        assert bool(keys) is route.keyed
        assert all(one["required"] for one in keys)


def test_reads_have_no_body_and_changes_have_one(
    document: Document, routes: list[Route[Any]]
) -> None:
    for route in routes:
        operation = operation_of(document, route)
        assert ("requestBody" in operation) is (route.method != "GET")
        if route.method == "GET":
            continue
        body = operation["requestBody"]
        if route.upload is not None:
            assert set(body["content"]) == set(route.upload.media_types)
        else:
            assert set(body["content"]) == {"application/json"}


def test_each_kind_of_login_has_its_cookie(small: Document) -> None:
    schemes = small["components"]["securitySchemes"]
    assert {
        name: scheme["name"] for name, scheme in schemes.items() if scheme["type"] == "apiKey"
    } == {
        "staff": "__Host-kuayu",
        "device": "__Host-kuayu-device",
        "citizen": "__Host-kuayu-citizen",
    }
    assert schemes["worker"] == {"type": "http", "scheme": "bearer"}
    assert small["paths"]["/api/facing"]["get"]["security"] == [{"device": []}]
    assert small["paths"]["/api/citizen/case"]["get"]["security"] == [{"citizen": []}]
    assert "security" not in small["paths"]["/api/anyone"]["get"]


def test_every_code_of_refusal_is_told(small: Document) -> None:
    error = small["components"]["schemas"]["Failure"]["properties"]["error"]
    assert error["properties"]["code"]["enum"] == sorted(CODES)


def test_a_fuzzer_can_read_it(document: Document, routes: list[Route[Any]]) -> None:
    loaded = schemathesis.openapi.from_dict(document)
    found = [type(one).__name__ for one in loaded.get_all_operations()]
    assert found == ["Ok"] * len(routes)


def validator(document: Document, path: str, method: str, status: int) -> Any:  # noqa: ANN401
    answers = document["paths"][path][method]["responses"]
    answer = answers["200"] if status == 200 else answers["default"]
    schema = answer["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for({**schema, "components": document["components"]})


@pytest.mark.parametrize(
    ("place", "json", "status"),
    [
        ("POST /api/echo", {"word": "x"}, 200),
        ("POST /api/echo", {}, 422),
        ("POST /api/refusal", {}, 409),
        ("POST /api/crash", {}, 500),
        ("GET /api/nothing", None, 200),
        ("GET /api/who", None, 200),
        ("POST /api/once", {"word": "x"}, 400),
    ],
)
async def test_answers_are_as_the_document_says(
    site: Site, small: Document, place: str, json: object, status: int
) -> None:
    method, path = place.split()
    found, said = await site.ask(method, path, "clerk", json=json)
    assert found == status
    validator(small, path, method.lower(), status).validate(said)
    said["surplus"] = 1
    assert not validator(small, path, method.lower(), status).is_valid(said)
