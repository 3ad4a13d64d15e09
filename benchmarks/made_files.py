"""The files that the benchmarks work on: the same in every run, and everywhere.

Each route has a prefix of six digits of its own, and up to three of forty trunks. All addresses are examples, unless a
server of the benchmark's own has one.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: The PBX of a file that nobody connects with.
NOWHERE = "http://192.0.2.10"


class Route(NamedTuple):
    """A route to be written down."""

    name: str
    prefix: str
    prepend: str
    trunks: tuple[str, ...]

    def fields(self) -> dict[str, str]:
        """Its fields as the API has them."""
        texts = {"name": self.name, "prefix": self.prefix, "matchpattern": "X.", "trunks": ",".join(self.trunks)}
        return texts | ({"prepend": self.prepend} if self.prepend else {})


def routes(count: int) -> list[Route]:
    """So many routes."""
    random = Random("routes")
    trunks = [f"carrier-{number:02}" for number in range(40)]
    return [
        Route(
            f"to-{prefix}", f"{prefix}", random.choice(["", "00"]), tuple(random.sample(trunks, random.randint(1, 3)))
        )
        for prefix in random.sample(range(100_000, 1_000_000), count)
    ]


def changed(these: Sequence[Route]) -> list[Route]:
    """The routes, every hundredth of them with another trunk, the first one at least."""
    return [route._replace(trunks=("carrier-old",)) if n % 100 == 0 else route for n, route in enumerate(these)]


def write_routes(path: Path, url: str, these: Sequence[Route]) -> None:
    """A routes file as a person writes it."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"version: 1\npbx:\n  url: {url}\nroutes:\n")
        for route in these:
            file.write(f'  - name: {route.name}\n    prefix: "{route.prefix}"\n    matchpattern: "X."\n')
            file.write(f'    prepend: "{route.prepend}"\n' if route.prepend else "")
            file.write(f"    trunks: [{', '.join(route.trunks)}]\n")


def write_state(path: Path, url: str, these: Sequence[Route]) -> None:
    """A state file of a PBX that holds the routes."""
    lines = []
    for number, route in enumerate(these, start=1):
        known = {**route._asdict(), "matchpattern": "X.", "callerid": "", "id": str(number)}
        lines.append(f"    {json.dumps(known)}")
    joined = ",\n".join(lines)
    path.write_text(
        f'{{\n  "format_version": "1.0",\n  "pbx": {json.dumps({"url": url})},\n'
        f'  "routes": [\n{joined}\n  ],\n  "doubts": []\n}}\n',
        encoding="utf-8",
    )


def write_zone(path: Path, these: Sequence[Route]) -> None:
    """A zone of octoDNS's YamlProvider with a record for each route, which is another one for other trunks."""
    with path.open("w", encoding="utf-8") as file:
        for route in these:
            last = 250 if route.trunks == ("carrier-old",) else int(route.prefix) % 250
            file.write(f"{route.name}:\n  type: A\n  value: 192.0.2.{last}\n")


def write_octodns(folder: Path, source: Sequence[Route], target: Sequence[Route]) -> Path:
    """Both zones, and the configuration that plans from the one to the other."""
    providers = {}
    for name, these in (("source", source), ("target", target)):
        folder.joinpath(name).mkdir(parents=True)
        write_zone(folder / name / "example.com.yaml", these)
        providers[name] = {
            "class": "octodns.provider.yaml.YamlProvider",
            "directory": str(folder / name),
            "enforce_order": False,
        }
    config = folder / "config.yaml"
    zones = {"example.com.": {"sources": ["source"], "targets": ["target"]}}
    config.write_text(json.dumps({"providers": providers, "zones": zones}), encoding="utf-8")  # which is YAML, too
    return config


def write_playbook(path: Path, url: str, these: Sequence[Route]) -> None:
    """A playbook that adds the routes with one task, a loop over Ansible's uri module."""
    task = {
        "name": "Add each route",
        "ansible.builtin.uri": {
            "url": f"{url}/api/v0.0.1/outroute/add?token=t&type=json",
            "method": "POST",
            "body_format": "json",
            "body": "{{ item }}",
        },
        "register": "answer",
        "failed_when": "answer.json.status != 'Success'",
        "loop": [route.fields() for route in these],
        "loop_control": {"label": "{{ item.name }}"},
    }
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    path.write_text(json.dumps([play]), encoding="utf-8")


def write_curls(path: Path, url: str, these: Sequence[Route]) -> None:
    """A shell script that adds the routes with one curl each."""
    with path.open("w", encoding="utf-8") as file:
        file.write("set -e\n")
        for route in these:
            body = json.dumps(route.fields())
            target = f"{url}/api/v0.0.1/outroute/add?token=t&type=json"
            file.write(f"curl -sS -f -H 'Content-Type: application/json' -d '{body}' '{target}'\n")
