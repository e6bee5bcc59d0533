"""Every format of the same pictures, as golden files; and what no format may let through."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import networkx as nx
import pytest

from conductor_server.drawing import html, png, svg, text
from conductor_server.drawing.formats import Format, guess, render
from conductor_server.drawing.picture import Picture, picture_of, with_tables
from tests.drawing.pictures import HOSTILE, hostile, shop
from tests.golden import assert_golden

SVG = "{http://www.w3.org/2000/svg}"

PICTURES = [
    pytest.param(shop(), "shop", id="shop"),
    pytest.param(shop(slots=True), "shop-slots", id="shop-slots"),
    pytest.param(with_tables(shop()), "shop-tables", id="shop-tables"),
]


@pytest.mark.parametrize(("picture", "name"), PICTURES)
@pytest.mark.parametrize("format", [each for each in Format if each not in (Format.PNG, Format.HTML)])
def test_golden(picture: Picture, name: str, format: Format) -> None:
    assert_golden(f"drawing/{name}.{format}", render(picture, format).decode())


@pytest.mark.parametrize("format", list(Format))
def test_nothing_to_draw_is_a_picture_too(format: Format) -> None:
    assert render(picture_of([], []), format)


@pytest.mark.parametrize("format", list(Format))
def test_equal_pictures_are_drawn_equally(format: Format) -> None:
    assert render(shop(slots=True), format) == render(shop(slots=True), format)


def test_text_with_colours() -> None:
    assert_golden("drawing/shop-colours.text", text.render(shop(slots=True), width=100, colour=True))


def test_text_is_cut_at_the_width() -> None:
    lines = text.render(shop(slots=True), width=60).splitlines()

    assert max(map(len, lines)) == 60
    assert [line for line in lines if line.endswith("…")]


@pytest.mark.parametrize("picture", [hostile(), with_tables(hostile())], ids=["definitions", "tables"])
@pytest.mark.parametrize("format", [each for each in Format if each is not Format.PNG])
def test_no_control_character_gets_through(picture: Picture, format: Format) -> None:
    shown = render(picture, format).decode()

    assert "\x1b" not in shown
    assert "\x00" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("picture", [hostile(), with_tables(hostile())], ids=["definitions", "tables"])
def test_markup_cannot_be_broken_out_of(picture: Picture) -> None:
    drawing = ElementTree.fromstring(svg.render(picture))  # noqa: S314 - our own, and without a DTD
    page = html.render(picture)
    chart = render(picture, Format.MERMAID).decode()

    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "g", "path", "rect", "text", "circle")
    }
    assert page.count("<script>") == 1
    assert "alert(1)</" not in page
    assert "<script" not in chart
    assert chart.count('"') == 2 * len(picture.nodes)


def test_dot_quotes_what_ends_a_string() -> None:
    shown = render(hostile(), Format.DOT).decode()

    assert "</script>\\\"'&{{}}[]|;\\\\" in shown


def test_graphml_is_read_back() -> None:
    read = nx.parse_graphml(render(shop(), Format.GRAPHML).decode())

    assert read.number_of_nodes() == len(shop().nodes)
    assert {(edge.parent, edge.child) for edge in shop().edges} == set(read.edges)
    assert read.nodes["forecast"]["source"] == "ml_command"


def test_json_keeps_every_name_as_it_is() -> None:
    read = json.loads(render(hostile(), Format.JSON))

    assert [node["label"] for node in read["nodes"]] == [f"{HOSTILE}0", f"{HOSTILE}1"]


def test_page_names_all_it_runs_and_loads_nothing() -> None:
    page = html.render(shop())

    assert "default-src 'none'" in page
    assert page.count("'sha256-") == 3
    assert "unsafe-inline" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_png_has_letters_on_a_machine_without_fonts() -> None:
    one, other = (png.render(_named(label), system_fonts=False) for label in ("aaaa", "oooo"))

    assert one.startswith(b"\x89PNG")
    assert one != other
    assert png.render(_named("aaaa")) == one


def test_a_huge_picture_is_drawn_smaller() -> None:
    wide = picture_of([node for number in range(150) for node in _named(f"n{number}").nodes], [])

    shown = png.render(wide)

    assert max(int.from_bytes(shown[16:20]), int.from_bytes(shown[20:24])) <= png.LARGEST_SIDE


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("graph.svg", Format.SVG),
        ("a.b/graph.MMD", Format.MERMAID),
        ("graph.gv", Format.DOT),
        ("graph.txt", Format.TEXT),
        ("graph", None),
        ("graph.pdf", None),
    ],
)
def test_a_name_says_the_format(path: str, format: Format | None) -> None:
    assert guess(path) is format


def _named(label: str) -> Picture:
    from conductor_server.drawing.picture import Node

    return picture_of([Node(key=label, label=label)], [])
