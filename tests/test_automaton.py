"""The shared automaton: the value of every number, one node for what means the same, and nothing behind 79 signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pbxsync.dialplan.automaton import Space, split, values
from pbxsync.dialplan.layering import layered
from pbxsync.dialplan.numbers import NumberSpace
from pbxsync.dialplan.shape import EVERY
from tests.dialplan_strategies import NUMBERS, TIDY_TEXTS, numbers_of, shape, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pbxsync.dialplan.automaton import Node

#: Layers as texts, from the top, each with whether it is closed.
LAYERS = st.lists(st.tuples(TIDY_TEXTS, st.booleans()), max_size=6)
Layers = list[tuple[str, bool]]
Value = tuple[int, ...]


def automaton(space: Space[Value], layers: Layers) -> Node[Value]:
    return layered(space, [(shape(text), closed) for text, closed in layers], lambda taking: taking)


def expected(layers: Layers, number: str) -> Value:
    """The layers that take the number, down to the first closed one."""
    taking = []
    for index, (text, closed) in enumerate(layers):
        if number in numbers_of(text):
            taking.append(index)
            if closed:
                break
    return tuple(taking)


def nodes(root: Node[Value]) -> Iterator[Node[Value]]:
    seen = {root}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        new = {child for _, child in node.arcs} - seen
        seen |= new
        waiting += new


@given(LAYERS)
def test_a_number_has_the_layers_that_take_it_from_the_top_down_to_a_closed_one(layers: Layers) -> None:
    root = automaton(Space(()), layers)
    assert all(value_at(root, number) == expected(layers, number) for number in NUMBERS)


@given(LAYERS, st.lists(TIDY_TEXTS, max_size=3), st.lists(TIDY_TEXTS, max_size=2))
def test_with_a_focus_only_the_numbers_of_that_set_have_a_value(layers: Layers, some: list[str], no: list[str]) -> None:
    numbers = NumberSpace()
    focus = numbers.of_patterns(*some) - numbers.of_patterns(*no)
    space: Space[Value] = Space(())
    root = layered(space, [(shape(text), closed) for text, closed in layers], lambda taking: taking, focus.node)
    for number in NUMBERS:
        assert value_at(root, number) == (expected(layers, number) if number in focus else ())


@given(LAYERS)
def test_the_empty_text_is_no_number_and_has_no_value(layers: Layers) -> None:
    assert automaton(Space(()), [*layers, ("!", True)]).here == ()


@given(LAYERS)
def test_the_arcs_of_a_node_are_all_signs_once_and_lead_to_different_nodes(layers: Layers) -> None:
    for node in nodes(automaton(Space(()), layers)):
        assert sum(signs for signs, _ in node.arcs) == EVERY
        assert sum(signs.bit_count() for signs, _ in node.arcs) == EVERY.bit_count()
        assert len({child for _, child in node.arcs}) == len(node.arcs)


@given(LAYERS)
def test_the_only_circles_are_nodes_at_which_everything_has_one_value(layers: Layers) -> None:
    def walk(node: Node[Value], above: frozenset[Node[Value]]) -> None:
        assert node.uniform is (node in {child for _, child in node.arcs})
        assert node not in above
        if not node.uniform:
            for _, child in node.arcs:
                walk(child, above | {node})

    walk(automaton(Space(()), layers), frozenset())


@given(LAYERS, LAYERS)
def test_two_automata_are_one_node_exactly_where_every_number_has_the_same_value(one: Layers, other: Layers) -> None:
    space: Space[Value] = Space(())
    alike = all(expected(one, number) == expected(other, number) for number in NUMBERS)
    assert (automaton(space, one) is automaton(space, other)) is alike


@given(LAYERS, LAYERS)
def test_combined_a_number_has_the_value_of_both_its_values(one: Layers, other: Layers) -> None:
    space: Space[Value] = Space(())
    into: Space[tuple[Value, Value]] = Space(((), ()))
    a, b = automaton(space, one), automaton(space, other)
    root = into.combine(lambda x, y: (x, y), a, b)
    assert all(value_at(root, number) == (expected(one, number), expected(other, number)) for number in NUMBERS)
    assert root.here == ((), ())


@given(LAYERS, LAYERS)
def test_a_shortcut_is_taken_where_it_knows_the_result_and_changes_nothing(one: Layers, other: Layers) -> None:
    space: Space[Value] = Space(())
    differing: Space[bool] = Space(nothing=False)
    a, b = automaton(space, one), automaton(space, other)
    short = differing.combine(lambda x, y: x != y, a, b, lambda x, y: differing.empty if x is y else None)
    assert short is differing.combine(lambda x, y: x != y, a, b)
    assert (short is differing.empty) is (a is b)


@given(LAYERS)
def test_split_gives_each_label_the_numbers_whose_value_has_it(layers: Layers) -> None:
    numbers = NumberSpace()
    parts = split(numbers, automaton(Space(()), layers), lambda taking: taking)
    wanted: dict[int, set[str]] = {}
    for number in NUMBERS:
        for layer in expected(layers, number):
            wanted.setdefault(layer, set()).add(number)
    assert {label: {number for number in NUMBERS if value_at(part, number)} for label, part in parts.items()} == wanted


@given(LAYERS)
def test_a_part_of_a_split_is_the_node_of_its_set(layers: Layers) -> None:
    numbers = NumberSpace()
    parts = split(numbers, automaton(Space(()), [(text, False) for text, _ in layers]), lambda taking: taking)
    for index, (text, _) in enumerate(layers):
        assert parts[index] is numbers.of(shape(text)).node


@given(LAYERS)
def test_the_values_of_an_automaton_are_those_that_some_number_has_and_nothing(layers: Layers) -> None:
    found = values(automaton(Space(()), layers))
    assert found == {(), *(expected(layers, number) for number in NUMBERS)}


def places(root: Node[Value]) -> int:
    """How many signs a number can have that is told from a longer or shorter one."""
    depth = 0
    level = {root}
    while not all(node.uniform for node in level):
        level = {child for node in level for _, child in node.arcs}
        depth += 1
    return depth


def test_behind_79_signs_there_is_nothing_more() -> None:
    layers = [("X" * 79, False), ("X" * 78 + ".", False), ("X" * 79 + "!", False), ("X" * 78 + "!", True)]
    space: Space[Value] = Space(())
    root = automaton(space, layers)
    assert value_at(root, "1" * 79) == (0, 1, 2, 3)
    assert value_at(root, "1" * 78) == (3,)
    assert value_at(root, "1" * 80) == ()
    assert places(root) == 80


def test_combining_goes_no_further_than_79_signs() -> None:
    space: Space[Value] = Space(())
    into: Space[bool] = Space(nothing=False)
    a, b = automaton(space, [("X" * 78 + "!", False)]), automaton(space, [("!", False)])
    root = into.combine(lambda x, y: bool(x and y), a, b)
    assert [value_at(root, "1" * length) for length in (77, 78, 79, 80)] == [False, True, True, True]
    ended = into.combine(lambda x, y: bool(x and y), automaton(space, [("X" * 79, False)]), b)
    assert [value_at(ended, "1" * length) for length in (78, 79, 80)] == [False, True, False]


def test_a_layer_that_one_above_takes_whole_is_forgotten_so_that_many_alike_cost_no_more_than_one() -> None:
    layers: Sequence[tuple[str, bool]] = [(f"{head}XXXXXXX", True) for head in range(10)]
    space: Space[Value] = Space(())
    root = layered(space, [(shape(text), closed) for text, closed in layers], bool)  # type: ignore[arg-type]
    assert len(list(nodes(root))) == 10


def test_of_many_closed_layers_above_the_broadest_are_compared() -> None:
    layers = [*((f"{digit}{other}X", True) for digit in range(3) for other in range(5)), ("X.", True), ("NX", True)]
    root = automaton(Space(()), layers)
    assert all(value_at(root, number) == expected(layers, number) for number in NUMBERS if "*" not in number)
