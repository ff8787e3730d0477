"""Answers against OpenAI's OpenAPI document: `validate.py DOCUMENT ANSWERS`."""

import json
import sys
from collections import Counter
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def with_null(part):
    """The document says `nullable` beside a type or an enum, as OpenAPI 3.0 did."""
    if isinstance(part, list):
        return [with_null(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: with_null(each) for name, each in part.items()}
    return {"anyOf": [made, {"type": "null"}]} if part.get("nullable") is True else made


def with_its_own_nulls(document):
    """Where the document's own examples of streams have a null that its schemas do not allow."""
    schemas = document["components"]["schemas"]
    completion = schemas["CreateCompletionResponse"]["properties"]
    choice = completion["choices"]["items"]["properties"]
    response = schemas["Response"]["allOf"][-1]["properties"]
    for place, name in ((completion, "usage"), (choice, "finish_reason"), (response, "usage")):
        place[name] = {**place[name], "nullable": True}
    return document


def events_of(document):
    """The name of the schema of each event of a stream of Responses, by its type."""
    schemas = document["components"]["schemas"]
    named = [each["$ref"].rpartition("/")[2] for each in schemas["ResponseStreamEvent"]["anyOf"]]
    return {kind: name for name in named for kind in schemas[name]["properties"]["type"]["enum"]}


document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
document = with_null(with_its_own_nulls(document))
events = events_of(document)
registry = Registry().with_resource(
    "urn:openai", Resource(contents=document, specification=DRAFT202012)
)
validators, faults, right = {}, Counter(), Counter()
for name, schema, answer in json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")):
    if schema == "ResponseStreamEvent":
        schema = events.get(answer["type"], schema)
    if schema not in validators:
        place = {"$ref": f"urn:openai#/components/schemas/{schema}"}
        validators[schema] = Draft202012Validator(place, registry=registry)
    error = best_match(validators[schema].iter_errors(answer))
    if error is None:
        right[schema] += 1
    else:
        faults[f"{name}: {schema}: {error.json_path}: {error.message[:200]}"] += 1
for fault, count in faults.items():
    print(f"{count} x {fault}")
print(
    f"{sum(right.values())} answers are as described, {sum(faults.values())} are not: {dict(right)}"
)
sys.exit(1 if faults else 0)
