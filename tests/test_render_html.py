"""The page of a plan, without a browser: its policy, its data, what it holds, and that names stay text."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.model import Action, Change, Location, PlanChoices, PlanWarning, Preview, Problem, Route, Severity
from pbxsync.render.comparison import lines
from pbxsync.render.drawing import FEW, TRUNKS, Edge, drawing, shown
from pbxsync.render.html import plans_html
from pbxsync.render.summary import sentence
from tests.previews import HOSTILE, hostile, many, office, preview, quiet
from tests.share import examples
from tests.strategies import tables


class Page(HTMLParser):
    """What a browser would find in a page: its elements in order, their text, and the text of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in ("script", "style") and data.strip():
            self.raw.append((tag, attributes, data))
        else:
            self.text += data

    def found(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def policy(self) -> str:
        (meta,) = (one for one in self.found("meta") if one.get("http-equiv") == "Content-Security-Policy")
        return meta["content"] or ""

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def test_the_policy_lets_in_nothing_but_the_pages_own_script_and_style_by_their_hashes() -> None:
    page = Page(plans_html([office()]))
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for tag, attributes, text in page.raw:
        if attributes.get("type") != "application/json":
            digest = hashlib.sha256(text.encode()).digest()
            hashes[tag].append(f"'sha256-{base64.b64encode(digest).decode()}'")
    assert page.policy == (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("made", [office(), many(60), hostile()], ids=["office", "many", "hostile"])
def test_nothing_in_the_page_loads_anything_or_carries_its_own_style_or_script(made: Preview) -> None:
    page = Page(plans_html([made]))
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "use", "image")
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("style", "src", "srcset", "action", "xlink:href")
            assert name != "href" or (value or "").startswith("#")
    for _, _, text in page.raw:
        assert "http:" not in text.replace("://192.0.2.10", "")
        assert "url(" not in text


def test_no_name_adds_an_element_to_the_page() -> None:
    page = Page(plans_html([hostile()]))
    scripts = [text for tag, attributes, text in page.raw if tag == "script" and not attributes.get("type")]
    assert scripts == [text for tag, _, text in Page(plans_html([])).raw if tag == "script"]
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(plans_html([office(), many(40)])).elements}
    assert "</script><script>window.harmed = 1</script>" in page.text


def test_what_would_not_be_seen_in_a_name_is_shown_as_its_code() -> None:
    html = plans_html([hostile()])
    assert "safe\\u202egnp.exe\\u200b\\u2066" in html
    assert not any(sign in html for sign in "‮\u200b\u2066\u2028\x07\ud800")
    html.encode("utf-8")


def test_the_data_is_json_that_holds_none_of_the_signs_of_html() -> None:
    (data,) = (
        text
        for _, attributes, text in Page(plans_html([hostile()])).raw
        if attributes.get("type") == "application/json"
    )
    assert not re.search("[<>&\u2028\u2029]", data)
    prepends = {route[3] for route in json.loads(data)["routes"]}
    assert set(HOSTILE) <= prepends


def test_the_page_says_of_each_pbx_the_sentence_the_counts_and_what_goes_wrong() -> None:
    made = office()
    made = replace(made, plan=replace(made.plan, warnings=(PlanWarning("order", "rest <is> below"),)))
    words = Page(plans_html([made])).words
    assert sentence(made.plan) in words
    for part in ("+ add 1", "~ update 4", "− delete 1", "↓ move 1", "2 unchanged", "1 of 2 tests fail"):
        assert part in words
    assert "rest <is> below [order]" in words
    assert "Failing tests: apply sends nothing" in words


def test_the_gravest_calls_come_first() -> None:
    before = [Route("a", "1X", ("t",)), Route("b", "2X", ("t",)), Route("c", "3X", ("t",))]
    after = [Route("c", "3X", ("u",)), Route("b", "2X", ("t",), "", "7"), Route("d", "4X", ("t",))]
    words = Page(plans_html([preview(before, after)])).words
    kinds = ["No longer routed", "Other trunks", "Other digits", "Newly routed"]
    places = [words.index(f"{kind} Numbers") for kind in kinds]
    assert places == sorted(places)


def test_an_impact_that_was_not_worked_out_is_not_called_none() -> None:
    made = preview([], [Route("a", "X.", ("t",))], PlanChoices(impact=False))
    words = Page(plans_html([made])).words
    assert "Not worked out, because of --no-impact" in words
    assert "No call goes elsewhere:" not in words


def test_a_pbx_without_changes_is_one_line_of_a_list() -> None:
    page = Page(plans_html([office(), quiet()]))
    assert "branch branch.yaml 1 route as declared" in page.words
    assert len([one for one in page.found("section") if one.get("class") == "pbx"]) == 1


def test_a_pbx_without_changes_of_which_there_is_something_to_say_has_its_own_section() -> None:
    made = quiet()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"blocked": ("twice",)}, "Blocked: see the errors twice"),
        ({"refusals": (PlanWarning("equal-name", "no <add>"),)}, "Errors: apply sends nothing no <add> [equal-name]"),
        ({"failures": (PlanWarning("doubled-on-pbx", "twice"),)}, "Errors twice [doubled-on-pbx]"),
    ]
    for said, words in cases:
        page = Page(plans_html([replace(made, plan=replace(made.plan, **said))]))
        assert words in page.words
        assert [one for one in page.found("section") if one.get("class") == "pbx"]


def test_errors_come_before_all_else_of_a_pbx_and_are_counted_there_and_in_the_overview() -> None:
    made = office()
    errors = PlanWarning("equal-name", "local is <not> added"), PlanWarning("doubled-on-pbx", "rest is there twice")
    plan = replace(made.plan, refusals=errors[:1], failures=errors[1:], ignored=("lab-1", "lab-2"))
    wrong = replace(made, plan=plan)
    words = Page(plans_html([made, wrong])).words
    assert f"{sentence(plan)} ✗ 2 errors." in words
    own = words.rpartition("✗ 2 errors")[2]
    assert "Errors: apply sends nothing local is <not> added [equal-name]" in own
    assert "rest is there twice [doubled-on-pbx]" in own
    assert own.index("Errors: apply") < own.index("Failing tests") < own.index("Which calls go elsewhere")
    assert "Ignored, as the file says lab-1, lab-2" in own
    assert "2 ignored" in words
    assert "Errors" not in Page(plans_html([made])).words


def test_what_kept_files_from_being_planned_and_their_problems_are_said() -> None:
    problem = Problem(Location("hq.yaml", 3, 5), "", Severity.WARNING, "shadowed", "loses <calls>")
    words = Page(plans_html([], [problem], [("a.yaml", "no <answer>"), (None, "all is lost")])).words
    assert "hq.yaml:3:5 warning: loses <calls> [shadowed]" in words
    assert "a.yaml no <answer>" in words
    assert "all is lost" in words


def test_an_update_that_add_only_left_out_is_shown_as_skipped() -> None:
    made = preview([Route("a", "1X", ("t",))], [Route("a", "2X", ("t",))], PlanChoices(add_only=True))
    assert "Skipped, because of --add-only ~ update a" in Page(plans_html([made])).words


def test_headings_come_in_order_and_no_id_comes_twice() -> None:
    page = Page(plans_html([office(), many(40), hostile(), quiet()], (), [(None, "x")]))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))


def test_one_plan_gives_one_page_and_it_stays_small() -> None:
    html = plans_html([many()])
    assert html == plans_html([many()])
    assert len(html.encode()) < 1_000_000


def test_a_long_table_is_drawn_by_what_changes_and_then_as_a_whole() -> None:
    made = many()
    rows = lines(made)
    items = shown(rows)
    seen = [item for item in items if not isinstance(item, int)]
    assert len(seen) < FEW
    assert {line.route.name for line in rows if line.action} <= {line.route.name for line in seen}
    assert len(seen) + sum(item for item in items if isinstance(item, int)) == len(rows)
    html = plans_html([made])
    assert html.count('role="img"') == 2
    assert f"<summary>Draw all {len(made.after) + 1} routes</summary>" in html
    assert html.count("A trunk is drawn again") == 1, "that of what changes has each trunk once"


def ends(edge: Edge) -> tuple[float, float]:
    """The heights at which a line to a trunk begins and ends."""
    heights = [float(number) for number in re.findall(r" (\d+)", edge.path)]
    return heights[0], heights[-1]


def test_in_a_long_drawing_no_line_is_long_and_every_route_still_leads_to_all_its_trunks() -> None:
    rows = lines(many())
    whole = drawing(rows, rows)
    ways = [edge for edge in whole.edges if "C" in edge.path]
    assert len(ways) == sum(len({*line.route.trunks, *(line.before.trunks if line.before else ())}) for line in rows)
    assert max(abs(one - other) for one, other in map(ends, ways)) < 1000
    trunks = [box for box in whole.boxes if box.x == TRUNKS[0]]
    assert {box.middle for box in trunks} == {int(ends(edge)[1]) for edge in ways}
    for one, other in pairwise(sorted(box.y for box in trunks)):
        assert other - one >= trunks[0].height
    assert whole.height >= max(box.y + box.height for box in whole.boxes)
    assert {box.state for box in trunks if box.text == "trunk-01"} == {"same"}


@pytest.mark.parametrize("count", [10, 100])
def test_no_line_is_long_where_every_route_has_trunks_of_its_own(count: int) -> None:
    before = [Route(f"r{at}", str(1000 + at), tuple(f"t{at}-{number}" for number in range(6))) for at in range(count)]
    rows = lines(preview(before, [replace(one, trunks=one.trunks[1:]) for one in before]))
    ways = [edge for edge in drawing(rows, rows).edges if "C" in edge.path]
    assert len(ways) == 6 * count
    assert max(abs(one - other) for one, other in map(ends, ways)) < 1000


def test_no_mark_of_a_line_hides_another() -> None:
    trunks = [f"t{number}" for number in range(8)]
    before = [Route(f"r{at}", f"{at}X", (trunks[at], trunks[at - 1])) for at in range(8)]
    after = [replace(one, trunks=(trunks[-at], trunks[at - 5], "new")) for at, one in enumerate(before)]
    rows = lines(preview(before, after))
    marks = [edge.at for edge in drawing(rows, rows).edges if edge.sign]
    assert len(marks) > 25
    apart = [math.dist(one, other) for one, other in combinations(marks, 2)]
    assert min(apart) >= 16, "a mark is so wide"


def test_a_phone_makes_no_links_that_call_of_the_numbers() -> None:
    (meta,) = (one for one in Page(plans_html([office()])).found("meta") if one.get("name") == "format-detection")
    assert "telephone=no" in (meta["content"] or "")


def test_a_trunk_that_other_routes_use_is_not_drawn_as_new() -> None:
    rows = lines(many())
    boxes = {box.text: box for box in drawing(shown(rows), rows).boxes}
    assert boxes["trunk-01"].state == "same"
    assert boxes["trunk-99"].state == "added"


@settings(max_examples=examples(50))
@given(tables(), tables(), st.booleans())
def test_every_route_before_and_after_has_its_line(before: list[Route], after: list[Route], prune: bool) -> None:
    made = preview(before, after, PlanChoices(prune=prune, reorder=True))
    rows = lines(made)
    assert [line.after for line in rows if line.after] == list(made.after)
    assert [line.now for line in rows if line.now] == list(range(1, len(made.after) + 1))
    old = {line.was: line.before for line in rows if line.was}
    assert [old[place] for place in sorted(old)] == list(made.before)
    for action in (Action.ADD, Action.DELETE, Action.MOVE):
        counted = sum(line.action is action and not line.gone for line in rows)
        assert counted == made.plan.count(action)
    drawing(rows, rows)


def test_lines_of_routes_with_one_name_are_kept_apart() -> None:
    twice = (Route("a", "1X", ("t",)), Route("a", "2X", ("t",)))
    made = preview([], [])
    made = replace(made, before=twice, after=twice[:1])
    made = replace(made, plan=replace(made.plan, changes=(Change(Action.DELETE, twice[1], None),)))
    assert [(line.action, line.was, line.now) for line in lines(made)] == [(None, 1, 1), (Action.DELETE, 2, None)]


def test_the_command_does_not_load_the_templates_where_it_prints_text() -> None:
    code = "import sys, pbxsync.cli.main, pbxsync.cli.plan, pbxsync.render.text; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
