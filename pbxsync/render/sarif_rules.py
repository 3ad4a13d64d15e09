"""What each rule of ``validate`` means in two sentences: what is wrong, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: By rule id, in the order of the page of rules.
RULES: Mapping[str, tuple[str, str]] = {
    # the file
    "unreadable": ("The file, folder or standard input can't be read.", "Mend its path or its permissions."),
    "too-large": ("The file is larger than any routes file is.", "Split it, or name the right one."),
    "not-utf-8": ("The file holds a byte that is not UTF-8.", "Save the file as UTF-8."),
    "unprintable": ("The file holds a character that nobody sees in an editor.", "Remove it."),
    "empty-file": ("The file holds nothing but comments.", "Write routes: [] if it is to have no routes."),
    # YAML
    "syntax": ("The file is not YAML.", "Quote text that begins with a sign which YAML keeps for itself."),
    "several-documents": ("A second YAML document begins in the file.", "Make a file of each."),
    "duplicate-key": ("A key stands twice in one mapping.", "Remove one."),
    "bad-key": ("A key is a list or a mapping.", "Quote a key that begins with [ or {."),
    "tag": ("A routes file has no use for YAML's tags.", "Quote text that begins with !."),
    "bad-alias": (
        "An alias refers to an anchor that doesn't stand above it, or that it stands inside.",
        "Quote text that begins with *, such as a feature code.",
    ),
    "bad-merge": (
        "A merge (<<) is given something else than a mapping or a list of mappings.",
        "Mostly the * of an alias is missing: add it.",
    ),
    "too-deep": ("Lists and mappings are nested deeper than 32 levels.", "A routes file needs 4: take some out."),
    "alias-bomb": ("The file's aliases stand for more than a million values.", "Write out what they mean."),
    # keys and values
    "unknown-key": ("A key has no meaning where it stands.", "Mend its spelling, or write a note as a comment."),
    "missing-key": ("A key that has to be there is not.", "Add it."),
    "wrong-type": (
        "A list, a mapping or text stands where another of them has to.",
        "Write a list in brackets, also with one entry, and a mapping as key: value.",
    ),
    "not-text": ("A value without quotes is no text to YAML, but a number, a date, yes, no or null.", "Quote it."),
    "wrong-value": ("A value is not among those that there are.", "Write one that is."),
    "empty-value": ("A text or list is empty where the PBX needs something.", "Write what it needs."),
    "control-character": ("A text holds a control character.", "Remove it; no number and no name has one."),
    "hidden-character": (
        "A text or a comment holds a character that nobody sees.",
        "Write it again without that character.",
    ),
    # names
    "comma": ("The name of a route or trunk holds a comma.", "Write each name by itself: the API reads two."),
    "outer-space": ("The name of a route or trunk begins or ends with a space.", "Remove the space."),
    "reserved-name": ("The PBX's API or pbxsync would take the route's name for something else.", "Choose another."),
    "duplicate-name": ("Two routes of the file have one name.", "Rename one; the PBX knows a route by its name."),
    "equal-name": (
        "Two routes of the file have names that many a PBX takes for one.",
        "Choose names that differ in more than case, accents, width, spaces and what follows the 40th character.",
    ),
    "similar-name": ("Two names of the file may be one for some PBX.", "Choose names that differ in more."),
    "long-name": ("A route's name has more than 40 characters or bytes, and a PBX may cut it.", "Shorten it."),
    "rename-clash": (
        "A route is renamed from one that the file still declares, or that another is renamed from.",
        "Remove renamed_from, or the route that it names.",
    ),
    "ignored-name": ("A route of the file has a name that ignore leaves alone.", "Remove one of the two."),
    "repeated-trunk": ("A trunk is twice in the list of one route.", "Remove one."),
    # shared routes
    "include-path": (
        "A path to include is absolute, or leads out of the repository.",
        "Write it from the file's own folder, with /, and keep the file within the repository.",
    ),
    "include-loop": ("A file includes itself, by way of others perhaps.", "Remove one of the includes."),
    "include-twice": ("A file is included twice, and so is each of its routes.", "Remove one of the includes."),
    "include-pbx": (
        "An included file says which PBX it is for.",
        "Remove pbx there: the file that includes it says which.",
    ),
    # dial patterns
    "matches-nothing": ("No number matches the route, so it takes no call.", "Mend its dial pattern."),
    "unclosed-set": ("A [ has no ], so the PBX loses the whole route.", "Close the set."),
    "look-alike": (
        "A dial pattern holds a character that only looks like one of its signs.",
        "Write the sign itself, such as - for a dash and X for a Cyrillic letter.",
    ),
    "set-member": (
        "A set in brackets holds something that no number has.",
        "Write its digits, and ranges with -: there is no negation, and X in a set is a letter.",
    ),
    "unreachable": ("No call reaches the route.", "Put it above the routes that take its calls, or remove it."),
    "shadowed": ("A broader route above takes some of the route's calls.", "Put the route above it, if it is to."),
    "stored-otherwise": (
        "The PBX may store the field or name otherwise than it is written.",
        "Write it as it is stored, or choose another name.",
    ),
    "long-field": ("A field has more signs than a PBX may keep.", "Shorten it."),
    "leading-underscore": ("A dial pattern begins with _, which the PBX adds by itself.", "Remove the _."),
    "text-after-tail": ("Text behind a . or ! is not compared.", "Remove that text."),
    "sign-in-prefix": ("A -, . or ! in a prefix makes the PBX take off too many digits.", "Remove the sign."),
    "beyond-limit": ("The route stands so far down that calls may never get to it.", "Join routes, or remove some."),
    # the PBX
    "bad-url": ("The address is none of a PBX.", "Write one such as https://192.0.2.10."),
    "bad-pbx-name": (
        "A PBX can't have this name, which picks variables.",
        "Write A-Z, a-z, 0-9, - and _, beginning with a letter or digit; not file.",
    ),
    # tests
    "test-failed": ("A test doesn't hold on the file's routes.", "Mend the routes, or the test if it claims too much."),
    "test-matches-nothing": ("A test speaks of no call at all, so it proves nothing.", "Mend its pattern."),
    "not-a-number": ("A test is about a number that nobody can dial.", "Write digits, *, # and +."),
    "missing-underscore": ("A dial pattern in a test lacks its _, so it is a number with letters.", "Put _ before it."),
    "test-contradiction": (
        "A test claims that no route takes the call, and also what becomes of it.",
        "Remove route: null, or the other claims.",
    ),
    "no-tests": ("An empty list of tests tests nothing.", "Write a test, or remove the list."),
}
