"""Looks at the pictures in a folder as an SVG viewer does: check_svg.py FOLDER

Well-formed XML, nothing active or loaded from elsewhere, every class defined for light and dark, everything inside
of the picture, and no text upon another.
"""

import itertools
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "style", "rect", "g", "clipPath", "line", "polyline", "polygon", "circle", "text"}
ATTRIBUTES = {
    "class", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "id", "clip-path",
    "text-anchor", "transform", "viewBox", "version", "role",
}
failures = []


def check(condition, message):
    if not condition:
        failures.append(message)


def width_of(text, size):
    """About what a sans-serif font of usual width needs."""
    em = sum(0.33 if c in " .,:;'|!ijlIrtf()[]-/" else 0.9 if c in "mwMW%@" else 0.6 for c in text)
    return em * size


def boxes_of(root, sizes):
    for element in root.iter(SVG + "text"):
        content = "".join(t for t in itertools.chain([element.text or ""], (child.tail or "" for child in element)))
        classes = element.get("class", "").split()
        size = max((sizes[c] for c in classes if c in sizes), default=sizes[""])
        width = width_of(content, size)
        if element.get("transform"):
            # The only transformed texts are those that are read from bottom to top.
            x, y = map(float, re.match(r"translate\(([\d.]+) ([\d.]+)\) rotate\(-90\)$", element.get("transform")).groups())
            yield content, (x - 0.75 * size, y - width / 2, x + 0.2 * size, y + width / 2)
            continue
        x, y = float(element.get("x")), float(element.get("y"))
        left = {"start": x, "middle": x - width / 2, "end": x - width}[element.get("text-anchor")]
        yield content, (left, y - 0.75 * size, left + width, y + 0.2 * size)


def check_boxes(name, boxes, width, height):
    for content, (left, top, right, bottom) in boxes:
        inside = left >= 0 and top >= 0 and right <= width and bottom <= height
        check(inside, f"{name}: {content!r} leaves the picture: {left:.0f} {top:.0f} {right:.0f} {bottom:.0f}")
    for (a, (al, at, ar, ab)), (b, (bl, bt, br, bb)) in itertools.combinations(boxes, 2):
        overlap = min(ar, br) - max(al, bl) > 0.5 and min(ab, bb) - max(at, bt) > 0.5
        check(not overlap, f"{name}: {a!r} and {b!r} overlap")


def check_coordinates(name, root, width, height):
    clipped = {id(child) for group in root.iter(SVG + "g") for child in group.iter()}
    for element in root.iter():
        if id(element) in clipped:
            continue
        points = [tuple(map(float, p.split(","))) for p in element.get("points", "").split()]
        for x, y in (("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
            if element.get(x):
                points.append((float(element.get(x)), float(element.get(y))))
        if element.tag == SVG + "rect" and element.get("x"):
            x, y, w, h = (float(element.get(k)) for k in ("x", "y", "width", "height"))
            check(w >= 0 and h >= 0, f"{name}: a rectangle of {w} x {h}")
            points += [(x, y), (x + w, y + h)]
        for x, y in points:
            check(0 <= x <= width and 0 <= y <= height, f"{name}: {element.tag} at {x}, {y}")


def check_picture(path):
    name = path.stem
    root = ElementTree.fromstring(path.read_bytes())
    check(root.tag == SVG + "svg" and root.get("version") == "1.1", f"{name}: no SVG 1.1")
    left, top, width, height = map(float, root.get("viewBox").split())
    check((left, top) == (0, 0) and 0 < height < 20000, f"{name}: viewBox {root.get('viewBox')}")
    for element in root.iter():
        check(element.tag.removeprefix(SVG) in ELEMENTS, f"{name}: element {element.tag}")
        for key in element.attrib:
            check(key in ATTRIBUTES, f"{name}: attribute {key}")
    css = root.find(SVG + "style").text
    check(not re.search(r"url|@import|@font|expression", css), f"{name}: the style sheet loads something")
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    for element in root.iter():
        for class_name in element.get("class", "").split():
            check(re.search(rf"\.{class_name}\b", light), f"{name}: class {class_name} is not defined")
    for class_name, rule in re.findall(r"\.([\w-]+) \{([^}]*)\}", light):
        coloured = re.search(r"(fill|stroke): #", rule)
        check(not coloured or re.search(rf"\.{class_name} \{{", dark), f"{name}: .{class_name} has no dark colour")
    sizes = {c: float(s) for c, s in re.findall(r"\.([\w-]+) \{[^}]*font-size: (\d+)px", light)}
    sizes[""] = float(re.search(r"text \{[^}]*font-size: (\d+)px", light).group(1))
    boxes = [(content, box) for content, box in boxes_of(root, sizes) if content]
    check_boxes(name, boxes, width, height)
    check_coordinates(name, root, width, height)


def main():
    pictures = sorted(pathlib.Path(sys.argv[1]).glob("*.svg"))
    check(len(pictures) >= 15, f"only {len(pictures)} pictures")
    for path in pictures:
        check_picture(path)
    for failure in failures[:40]:
        print("failed:", failure)
    sys.exit(1 if failures else 0)


main()
