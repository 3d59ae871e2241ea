"""The limits that README.md promises are those in the code: limits_table_test.py ROOT

Every row of the table below "## Security" names a file and the constant in it; the value of its initialiser has to be the one that the
row gives. So a changed constant, a changed row and a constant that has gone are all seen.
"""
import pathlib
import re
import sys

UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "MB": 10**6}
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<value>[\d,]+)(?: (?P<unit>[KMG]iB|MB))?[^|]*\| `(?P<name>\w+)` in `(?P<file>[\w/.]+)` \|$")


def value_of(root, file, name):
    """Of `name = EXPRESSION;` with decimal numbers, suffixes, size_t{...} and shifts."""
    text = (root / file).read_text(encoding="utf-8")
    found = re.findall(rf"\b{name} = ([^;]+);", text)
    if len(found) != 1:
        raise ValueError(f"{file}: {len(found)} definitions of {name}")
    expression = re.sub(r"\b(?:size_t|u?int\d+_t)\{(\d+)\}", r"\1", found[0]).replace("'", "")
    expression = re.sub(r"\b(\d+)[uUlL]+\b", r"\1", expression)
    if not re.fullmatch(r"[\d\s<*+()-]+", expression):
        raise ValueError(f"{file}: {name} = {found[0]} is no number")
    return eval(expression)  # pylint: disable=eval-used


def main():
    root = pathlib.Path(sys.argv[1])
    section = (root / "README.md").read_text(encoding="utf-8").split("\n## Security\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
    faults = []
    for line in rows:
        row = ROW.match(line)
        if row is None:
            faults.append(f"not a row of the table: {line}")
            continue
        promised = int(row["value"].replace(",", "")) * UNITS[row["unit"] or ""]
        try:
            actual = value_of(root, row["file"], row["name"])
        except (OSError, ValueError) as error:
            faults.append(str(error))
            continue
        if actual != promised:
            faults.append(f"{row['what']}: README has {promised}, {row['file']} has {actual}")
    if len(rows) < 20:
        faults.append(f"only {len(rows)} rows")
    for fault in faults:
        print(fault)
    print(f"{len(rows)} limits")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
