"""The page of a plan in a browser: what the dial field says, searching, hostile names, narrow screens, print, axe."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.dialplan.table import LAST_REACHED, Decision, RouteTable
from pbxsync.model import Route
from pbxsync.render.html import plans_html
from pbxsync.sandbox import Sandbox
from pbxsync.text import escaped, printable
from tests.cli.process import calls as received_calls
from tests.cli.process import declare, pbxsync, to
from tests.previews import HOSTILE, hostile, many, office, preview, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

    from pbxsync.dialplan.pattern import Pattern
    from pbxsync.model import Preview

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = Path(__file__).with_name("axe.min.js")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

#: Dials every call of the list, and gives back what the page says of each before and after.
DIAL = """([section, calls]) => {
  const [number, caller] = document.querySelectorAll(`#${section} .dial input`);
  const text = (answer, of) => answer.querySelector(of)?.textContent ?? null;
  return calls.map(([dial, callerid]) => {
    number.value = dial;
    caller.value = callerid;
    number.dispatchEvent(new Event('input'));
    const trunks = (answer) => [...answer.querySelectorAll('.trunks li')].map((trunk) => trunk.textContent);
    const said = (answer) => [text(answer, '.route b'), text(answer, '.sends'), trunks(answer)];
    const answers = [...document.querySelectorAll(`#${section} .answer`)];
    return answers.map((answer) => answer.querySelector('.none') ? null : said(answer));
  });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; on Debian: apt-get install chromium")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


class Opened:
    """A page in a browser, with all that it asked for and all that its console said."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        self.page: Page = browser.new_context(**context).new_page()
        self.requests: list[str] = []
        self.console: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.goto(file.as_uri())

    def close(self) -> None:
        self.page.context.close()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages, written to files."""
    folder = tmp_path_factory.mktemp("pages")
    branch = many(60)
    pages = {
        "office": [office()],
        "hostile": [hostile()],
        "several": [office(), quiet(), replace(branch, plan=replace(branch.plan, file="branches.yaml"))],
        "many": [many()],
    }
    for name, previews in pages.items():
        (folder / f"{name}.html").write_text(plans_html(previews, (), [("x.yaml", "no answer")]), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


def member(place: frozenset[str], chance: random.Random) -> str:
    return chance.choice(sorted(place)) if place else "0"


def near(pattern: Pattern | None, chance: random.Random) -> str:
    """A number that the pattern takes, or almost takes."""
    if pattern is None:
        return "1"
    number = "".join(member(place, chance) for place in pattern.places)
    return number + "".join(chance.choices("0123456789", k=chance.choice([0, 0, 1, 2, 5])))


def some_calls(table: Sequence[Route], count: int) -> list[tuple[str, str]]:
    """Calls near the table's patterns, and calls of all sorts; none is to no number, of which the page says nothing."""
    chance = random.Random(1)  # noqa: S311 - chance that comes out the same each time
    rows = RouteTable(table).rows
    odd = [
        "-",
        "9-1-1",
        "😀1",
        "é",
        "A",
        "#*+",
        " 911",
        "1" * 1000,
        "9" + "-" * 100 + "11",
        "‮911",
        "９１１",
        "\ud800",
    ]
    calls = [(number, caller) for number in odd for caller in ("", "201", "😀", "-")]
    while len(calls) < count:
        row = chance.choice(rows)
        number = near(row.pattern, chance)
        if chance.random() < 0.2:
            number = "".join(chance.choices("0123456789*#+-", k=chance.randint(1, 12)))
        caller = near(row.callers, chance) if row.limited and chance.random() < 0.7 else chance.choice(["", "201", "5"])
        calls.append((number, caller))
    return [(number.replace("\n", "") or "0", caller.replace("\n", "")) for number, caller in calls]


def said(decision: Decision | None) -> list[object] | None:
    """What the page is to say of a decision."""
    if decision is None:
        return None
    sends = "".join(map(escaped, decision.sends)) or "nothing"
    names = [printable(trunk) or "(no name)" for trunk in decision.trunks]
    return [printable(decision.route.name) or "(no name)", sends, names]


@pytest.mark.parametrize(
    ("name", "made", "count"), [("office", office(), 200), ("many", many(), 500), ("hostile", hostile(), 200)]
)
def test_the_dial_field_says_what_the_route_table_decides(
    browser: Browser, files: dict[str, Path], name: str, made: Preview, count: int
) -> None:
    calls = some_calls([*made.before, *made.after], count)
    before, after = RouteTable(made.before), RouteTable(made.after)
    with Opened(browser, files[name]) as opened:
        answers = opened.page.evaluate(DIAL, ["pbx-1", calls])
        # An input keeps no line breaks, which some names hold; those calls were left without them.
        wrong = [
            (call, answer)
            for call, answer in zip(calls, answers, strict=True)
            if answer != [said(before.decide(*call)), said(after.decide(*call))]
        ]
    assert not wrong
    assert sum(answer != [None, None] for answer in answers) > count // 5


def stored(routes: Sequence[Route]) -> list[dict[str, str]]:
    """The routes as a sandbox holds them."""
    return [
        {name: ",".join(it) if name == "trunks" else str(it) for name, it in one.fields().items()} for one in routes
    ]


def explained(*arguments: object, calls: Sequence[tuple[str, str]], env: dict[str, str]) -> list[list[object] | None]:
    """What `explain` says of these calls, in the form in which DIAL gives back what the page says."""
    lines = "".join(f"{number} {caller}\n" for number, caller in calls)
    done = pbxsync("explain", *arguments, "-", "--format", "json", stdin=lines.encode(), env=env)
    assert done.code == 0, done.err
    return [
        None if one["route"] is None else [one["route"], one["sends"] or "nothing", one["trunks"]]
        for one in done.json["calls"]
    ]


def test_the_dial_field_of_the_commands_own_page_says_what_explain_says(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = many(40)
    held = [*made.before[:10], *office().before, *made.before[10:], Route("gone", "*[1-5]X.", ("trunk-gone",))]
    wanted = [*office().after, *made.after, Route("new", "#9!", ("trunk-new", "fxo-1"), "*", "0")]
    # Whatever two routes both take is sent differently by them, so that the order that the page shows is the file's.
    held, wanted = ([replace(one, trunks=(*one.trunks, f"by-{one.name}")) for one in table] for table in (held, wanted))
    monkeypatch.chdir(tmp_path)
    with Sandbox(routes=stored(held), tokens=["t"]) as pbx:
        declare("hq.yaml", [{name: it for name, it in one.fields().items() if it} for one in wanted])
        done = pbxsync("plan", "hq.yaml", "--prune", "--reorder", "--format", "html", env=to(pbx))
        assert done.code == 0, done.err
        (tmp_path / "plan.html").write_text(done.out, encoding="utf-8")
        calls = dialled(some_calls([*held, *wanted], 700), 500)
        before = explained("hq.yaml", "--live", calls=calls, env=to(pbx))
        after = explained("hq.yaml", calls=calls, env=to(pbx))
        assert set(received_calls(pbx)) <= {"outroute/query", "login", "logout", "heartbeat", "deviceinfo/query"}
    with Opened(browser, tmp_path / "plan.html") as opened:
        answers = opened.page.evaluate(DIAL, ["pbx-1", calls])
        assert opened.console == []
    said_by_explain = list(map(list, zip(before, after, strict=True)))
    assert [pair for pair in zip(calls, answers, said_by_explain, strict=True) if pair[1] != pair[2]] == []
    assert sum(one != other for one, other in said_by_explain) > 100
    assert {one is None for one, _ in said_by_explain} == {one is None for _, one in said_by_explain} == {True, False}


def dialled(calls: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """So many of the calls that a line of standard input can hold, and UTF-8 can spell."""
    fit = [call for call in calls if all(part.isprintable() and " " not in part for part in call) and call[0]]
    assert len(fit) >= count
    return fit[:count]


def test_dialling_by_keyboard_says_what_changes_and_marks_the_route(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["office"]) as opened:
        page = opened.page
        page.get_by_label("Number", exact=True).focus()
        page.keyboard.type("93456789")
        status = page.locator("#pbx-1 .dial output")
        assert "≠ This call changes." in status.inner_text()
        assert "12123456789" in status.inner_text()
        assert "16463456789" in status.inner_text()
        assert page.locator("tr.dialled th").inner_text() == "local"
        page.get_by_role("button", name="Dial 911", exact=True).click()
        assert page.get_by_label("Number", exact=True).input_value() == "911"
        page.keyboard.press("Tab")
        page.keyboard.type("201")
        assert "fxo-1" in status.inner_text()


def test_the_field_notes_what_explain_notes_and_says_nothing_of_an_empty_number(
    browser: Browser, tmp_path: Path
) -> None:
    long = [Route(f"r{at}", str(1000 + at), ("a",)) for at in range(LAST_REACHED + 1)]
    (tmp_path / "plan.html").write_text(plans_html([preview(long, [*long[:-1], replace(long[-1], prepend="9")])]))
    with Opened(browser, tmp_path / "plan.html") as opened:
        page = opened.page
        number, caller = page.locator(".dial input").all()
        noted = page.locator(".dial .noted")
        number.fill("1000")
        assert noted.all_inner_texts() == []
        number.fill("1000 ")
        caller.fill("(2)\u202f")
        assert noted.all_inner_texts() == [
            'The number holds " ", and numbers are made of 0-9, *, # and +.',
            'The caller id holds "(", ")", "\\u202f", and numbers are made of 0-9, *, # and +.',
        ]
        caller.fill("")
        number.fill("abcdefg")
        assert noted.all_inner_texts() == [
            'The number holds "a", "b", "c", "d", "e", …, and numbers are made of 0-9, *, # and +.'
        ]
        number.fill("1" * 80)
        assert noted.all_inner_texts() == ["The PBX compares the first 79 characters alone."]
        number.fill(str(1000 + LAST_REACHED))
        assert noted.all_inner_texts() == [
            f"A PBX gives up behind some {LAST_REACHED} routes, so it may never reach one so far down."
        ]
        assert page.locator(".dialled").count() > 0
        number.fill("")
        assert page.locator(".dial output").inner_text() == ""
        assert page.locator(".dialled").count() == 0


def test_searching_leaves_what_holds_the_words_and_says_how_much(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["many"]) as opened:
        page = opened.page
        status = page.locator(".search output")
        page.get_by_label("Search").fill("BRANCH-020")
        assert status.inner_text() == "Left: 1 change, 1 kind of call, 1 route."
        assert page.locator("tr[data-row=route]:visible th").all_inner_texts() == ["branch-020"]
        page.get_by_label("Search").fill("no such thing")
        assert status.inner_text() == "Left: 0 changes, 0 kinds of calls, 0 routes."
        page.keyboard.press("Escape")
        assert status.inner_text() == ""
        assert page.locator("[data-row][hidden]").count() == 0
        assert page.locator("details[open]").count() == 0


def test_no_name_runs_as_script_nothing_is_loaded_and_the_console_stays_empty(
    browser: Browser, files: dict[str, Path]
) -> None:
    with Opened(browser, files["hostile"]) as opened:
        page = opened.page
        opened.page.evaluate(DIAL, ["pbx-1", [(name.replace("\ud800", ""), name) for name in HOSTILE]])
        page.get_by_label("Search").fill("<script>")
        page.get_by_label("Search").fill("")
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true; }")
        assert page.evaluate("window.harmed") is None
        assert page.locator("img, iframe, b script").count() == 0
        assert opened.requests == [files["hostile"].as_uri()]
        assert opened.console == []


def test_the_policy_stops_a_script_that_is_put_into_the_page(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["office"]) as opened:
        opened.page.evaluate(
            "const s = document.createElement('script'); s.textContent = 'window.harmed = 1'; document.body.append(s)"
        )
        assert opened.page.evaluate("window.harmed") is None
        assert any("Content Security Policy" in line for line in opened.console)


@pytest.mark.parametrize("name", ["office", "hostile", "several", "many"])
def test_on_a_phone_nothing_is_cut_and_the_page_does_not_scroll_sideways(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    with Opened(browser, files[name], viewport={"width": 360, "height": 740}) as opened:
        for fold in opened.page.locator("details").all():
            fold.evaluate("fold => { fold.open = true; }")
        opened.page.evaluate(DIAL, [opened.page.locator("section.pbx").first.get_attribute("id"), [["911", "201"]]])
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
        outside = opened.page.evaluate(
            """() => [...document.querySelectorAll('body *')]
                 .filter((one) => !one.closest('.scroll, .unseen, thead, .skip') && one.getClientRects().length)
                 .filter((one) => one.getBoundingClientRect().right > 361)
                 .map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert outside == []
        unreachable = opened.page.evaluate(
            """() => [...document.querySelectorAll('.scroll')].filter((one) => one.tabIndex !== 0
                 || getComputedStyle(one).overflowX !== 'auto').length"""
        )
        assert unreachable == 0
        words = opened.page.evaluate(
            """() => [...document.querySelectorAll('.fields th')].filter((one) => {
                 const range = document.createRange();
                 range.selectNodeContents(one);
                 return range.getClientRects().length > 1;
               }).map((one) => one.textContent)"""
        )
        assert words == [], "the name of a field is broken"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["office", "hostile", "several"])
def test_axe_finds_no_violation(browser: Browser, files: dict[str, Path], name: str, scheme: Any) -> None:
    with Opened(browser, files[name], color_scheme=scheme) as opened:
        page = opened.page
        page.evaluate(DIAL, ["pbx-1", [["911", "201"]]])
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true; }")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        violations = [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]
        ]
        assert violations == []


def test_on_paper_everything_is_there_and_nothing_to_type_into(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["many"]) as opened:
        page = opened.page
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator("input:visible, button:visible").count() == 0
        rows = page.locator("tr[data-row=route]")
        heights = rows.evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().height)")
        assert len(heights) == 301
        assert min(heights) > 0
        colour = "getComputedStyle(document.body).backgroundColor"
        assert page.evaluate(colour) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["office", "hostile", "several", "many"])
def test_a_sheet_of_paper_is_wide_enough(browser: Browser, files: dict[str, Path], name: str) -> None:
    # A4 upright with margins of 15 mm.
    with Opened(browser, files[name], viewport={"width": 680, "height": 1009}) as opened:
        opened.page.emulate_media(media="print")
        cut = opened.page.evaluate(
            """() => [...document.querySelectorAll('body *')]
                 .filter((one) => !one.closest('.unseen, svg svg') && one.getClientRects().length)
                 .filter((one) => one.getBoundingClientRect().right > 681 || one.scrollWidth > one.clientWidth + 1
                         && one.matches('td, th, .scroll'))
                 .map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert cut == []


def test_without_javascript_all_is_there_but_searching_and_dialling(browser: Browser, files: dict[str, Path]) -> None:
    with Opened(browser, files["office"], java_script_enabled=False) as opened:
        page = opened.page
        assert page.locator("input:visible, button:visible").count() == 0
        assert page.get_by_text("Searching and dialling a number need JavaScript").is_visible()
        for heading in ("Which calls go elsewhere", "The routes in a drawing", "All routes, before and after"):
            assert page.get_by_role("heading", name=heading).is_visible()
        assert page.locator("svg[role=img]").is_visible()
        assert page.locator("tr[data-row=route]").first.is_visible()


def test_who_asks_for_less_motion_gets_none_and_the_skip_link_leads_to_the_changes(
    browser: Browser, files: dict[str, Path]
) -> None:
    with Opened(browser, files["office"], reduced_motion="reduce") as opened:
        page = opened.page
        times = "() => [...document.querySelectorAll('*')].map((one) => getComputedStyle(one).transitionDuration)"
        assert set(page.evaluate(times)) == {"0s"}
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the changes"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
