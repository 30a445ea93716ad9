"""A rendered page taken apart, for tests that ask what stands where."""

from collections.abc import Iterator
from html.parser import HTMLParser

from tests.views.gallery import GALLERY, VIEWS

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "use", "rect", "circle"}


class Parsed(HTMLParser):
    """A page taken apart: its elements with attributes, and the text of each id and element name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(tag for tag, _ in self.open), data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def text(self, within: str = "body") -> str:
        return " ".join(" ".join(text for tags, text in self.texts if within in tags).split())

    def fields(self) -> Iterator[tuple[str, str]]:
        for attributes in self.all("input") + self.all("button"):
            if "name" in attributes:
                yield attributes["name"], attributes.get("value", "")


def parsed(name: str) -> Parsed:
    return Parsed(VIEWS.render(GALLERY[name]))
