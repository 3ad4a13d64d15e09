"""What a reader of Markdown sees: the text as GitHub Flavored Markdown turned to HTML, and the HTML read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

GFM = MarkdownIt("gfm-like")


@dataclass
class Piece:
    """A cell, an item or a paragraph: all its text, the texts of its code spans, and the text outside of those."""

    text: str = ""
    codes: list[str] = field(default_factory=list)
    outside: str = ""


class Page(HTMLParser):
    """The pieces of a page by kind, its tables as rows of cells, the names of its tags, and its comments."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.comments: list[str] = []
        self.pieces: dict[str, list[Piece]] = {tag: [] for tag in ("p", "li", "h3", "summary", "td", "th")}
        self.tables: list[list[list[Piece]]] = []
        self.outside = ""
        self.open: list[str] = []
        self.feed(GFM.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag == "code":
            if (piece := self._piece()) is not None:
                piece.codes.append("")
        elif tag in self.pieces:
            self.pieces[tag].append(Piece())
            if tag in ("td", "th"):
                self.tables[-1][-1].append(self.pieces[tag][-1])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        piece = self._piece()
        code = self.open[-1:] == ["code"]
        if piece is not None:
            piece.text += data
            if code:
                piece.codes[-1] += data
            else:
                piece.outside += data
        # What stands in code is not looked into, and neither is what it parts put together.
        self.outside += "\n" if code else data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def _piece(self) -> Piece | None:
        return next((self.pieces[tag][-1] for tag in reversed(self.open) if tag in self.pieces), None)

    def texts(self, kind: str) -> list[str]:
        """The texts of the pieces of this kind."""
        return [piece.text for piece in self.pieces[kind]]
