"""JSON is read to a depth of pbxsync's own, whatever Python would take."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pbxsync.shallow_json import MAX_DEPTH, TooDeep, loads


def lists(depth: int) -> str:
    return "[" * depth + "]" * depth


def objects(depth: int) -> str:
    return '{"a": ' * (depth - 1) + "{}" + "}" * (depth - 1)


def pairs(found: list[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(found)


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize("hook", [None, pairs])
def test_the_limit_is_the_same_for_lists_and_objects_however_they_are_read(nested: Any, hook: Any) -> None:
    assert loads(nested(MAX_DEPTH), hook) == json.loads(nested(MAX_DEPTH), object_pairs_hook=hook)
    for depth in (MAX_DEPTH + 1, 900, 5_000, 100_000):
        with pytest.raises(TooDeep, match=r"^it is nested too deep$"):
            loads(nested(depth), hook)


@pytest.mark.parametrize("limit", [300, 4_000])
def test_the_limit_is_not_that_of_the_interpreter(limit: int) -> None:
    script = (
        "import sys; from pbxsync.shallow_json import TooDeep, loads\n"
        f"sys.setrecursionlimit({limit})\n"
        "loads('[' * 100 + ']' * 100)\n"
        "for depth in (101, 250, 3_000):\n"
        "    try:\n"
        "        print(loads('[' * depth + ']' * depth))\n"
        "    except TooDeep:\n"
        "        pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_deep_in_one_branch_alone_is_found_and_brackets_in_texts_count_for_nothing() -> None:
    with pytest.raises(TooDeep):
        loads(f'{{"a": [1, "x", null], "b": [{{}}, [], {lists(99)}]}}')
    brackets = json.dumps({"a": ["[" * 1000, '\\"[' * 1000, "{" * 1000]})
    assert loads(brackets) == json.loads(brackets)


@pytest.mark.parametrize("text", ["", "{", "[1] [2]", "nothing"])
def test_what_is_no_json_is_a_value_error_but_not_too_deep(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        loads(text)
    assert not isinstance(caught.value, TooDeep)


@pytest.mark.parametrize("text", ["7", '"a"', "null", b"[1.5]"])
def test_a_value_of_any_kind_is_read(text: str | bytes) -> None:
    assert loads(text) == json.loads(text)
