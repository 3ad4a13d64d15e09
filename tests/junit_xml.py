"""JUnit XML as Jenkins takes it, which GitLab and other CI systems read too.

``junit-10.xsd`` is the schema of Jenkins's xUnit plugin, whose licence (MIT) stands in it; it is taken unchanged from
the sdist of pytest 9.2.0 (MIT licence), which holds its own reports against it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from xmlschema import XMLSchema


@cache
def _schema() -> XMLSchema:
    return XMLSchema(Path(__file__).with_name("junit-10.xsd"))


def junit(document: str) -> ElementTree.Element:
    """The root of a document, held against the schema."""
    root = ElementTree.fromstring(document.encode("utf-8"))  # noqa: S314 - pbxsync wrote it
    _schema().validate(root)
    return root
