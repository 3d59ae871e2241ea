"""Holds bench results to tools/schema/bench.schema.json with Debian's python3-jsonschema.

check_bench_json.py SCHEMA --folder FOLDER      results written by write_bench_outputs, valid and broken
check_bench_json.py SCHEMA -- COMMAND ...       what a command prints
check_bench_json.py SCHEMA --comparison COMMAND ...     a comparison that a command prints, as it is and broken
Exit code 77 (skipped) where the package is missing.
"""

import copy
import csv
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

failures = []


def check(condition, message):
    if not condition:
        failures.append(message)


def faults(validator, value):
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def closed(schema):
    """The same schema, but a field that it does not describe is a fault: one that the writer has and the schema lacks."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and ("required" in schema or "allOf" in schema):
        result["unevaluatedProperties"] = False
    return result


def strict(schema):
    """closed(), where parts of an allOf see only their own fields: the whole says what is not described."""
    schema = closed(schema)
    for name in ("run", "row"):
        del schema["$defs"][name]["unevaluatedProperties"]
    schema["properties"]["rows"]["items"]["unevaluatedProperties"] = False
    return schema


def paths(value, path=()):
    """Every place in a result, objects of named kernels left out."""
    yield path, value
    if path[-1:] == ("kernels",):
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, path + (key,))


def parent_of(value, path):
    for key in path[:-1]:
        value = value[key]
    return value


def check_missing_fields(validator, whole):
    n = 0
    for path, _ in paths(whole):
        if not path or not isinstance(path[-1], str) or "kernels" in path[:-1]:
            continue
        broken = copy.deepcopy(whole)
        del parent_of(broken, path)[path[-1]]
        check(not validator.is_valid(broken), f"valid without {path}")
        n += 1
    check(n > 150, f"only {n} fields were tried")


def check_wrong_types(validator, whole):
    n = 0
    for path, value in paths(whole):
        if not path or "kernels" in path[:-1]:
            continue
        broken = copy.deepcopy(whole)
        if isinstance(value, (dict, list)):
            wrong = "text"
        elif value is None:
            wrong = True
        else:
            wrong = 1.5 if isinstance(value, str) else str(value)
        parent_of(broken, path)[path[-1]] = wrong
        check(not validator.is_valid(broken), f"valid with {wrong!r} at {path}")
        n += 1
    check(n > 150, f"only {n} places were tried")


def check_impossible_values(validator, whole):
    decode = ("rows", 0, "decode")
    for path, value in (
        (decode + ("bandwidth_share",), "0.91"),
        (decode + ("bandwidth_share",), 0),
        (decode + ("gbps",), -1),
        (decode + ("limited_by",), "luck"),
        (decode + ("energy", "kind"), "estimated"),
        (decode + ("energy", "joules"), None),
        (decode + ("energy", "kind"), "not available"),
        (("rows", 0, "threads"), 0),
        (("rows", 0, "depth"), -1),
        (("schema_version",), 2),
        (("peak_resident_bytes",), 0),
        (("model", "name"), ""),
    ):
        broken = copy.deepcopy(whole)
        parent_of(broken, path)[path[-1]] = value
        check(not validator.is_valid(broken), f"valid with {value!r} at {path}")


def check_folder(schema, folder):
    validator = jsonschema.Draft202012Validator(schema)
    strict_validator = jsonschema.Draft202012Validator(strict(schema))
    line_validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/line", "$defs": strict(schema)["$defs"]})
    results = sorted(folder.glob("*.json"))
    check(len(results) >= 10, f"only {len(results)} results in {folder}")
    for path in results:
        result = json.loads(path.read_text(encoding="utf-8"))
        for fault in faults(validator, result) + faults(strict_validator, result):
            check(False, f"{path.name}: {fault}")
        lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        check(len(lines) == len(result["rows"]), f"{path.stem}: {len(lines)} lines")
        for line in lines:
            for fault in faults(line_validator, json.loads(line)):
                check(False, f"{path.stem}.jsonl: {fault}")
        with open(path.with_suffix(".csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        phases = [row[name] for row in result["rows"] for name in ("prefill", "decode") if row[name]]
        check(len(rows) == len(phases), f"{path.stem}: {len(rows)} lines of CSV")
        for row, phase in zip(rows, phases):
            check(None not in row and None not in row.values(), f"{path.stem}: cells without a column")
            median = phase["tokens_per_second"]["median"]
            check(float(row["tokens_per_second_median"]) == median, f"{path.stem}: {row} is not {median}")
    whole = json.loads((folder / "complete.json").read_text(encoding="utf-8"))
    check_missing_fields(validator, whole)
    check_wrong_types(validator, whole)
    check_impossible_values(validator, whole)
    line = json.loads((folder / "complete.jsonl").read_text(encoding="utf-8"))
    for name in list(line):
        check(not line_validator.is_valid({k: v for k, v in line.items() if k != name}), f"a line is valid without {name}")


def check_command(schema, command):
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    check(run.returncode == 0, f"exit code {run.returncode}: {run.stderr}")
    if run.returncode == 0:
        result = json.loads(run.stdout)
        for fault in faults(jsonschema.Draft202012Validator(schema), result):
            check(False, fault)
        check(result["rows"] and result["rows"][0]["decode"], "nothing was measured")


def check_comparison(schema, command):
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    comparison = json.loads(run.stdout)
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/comparison", "$defs": strict(schema)["$defs"]})
    for fault in faults(validator, comparison):
        check(False, fault)
    n = 0
    for path, value in paths(comparison):
        if not path:
            continue
        for wrong in ("wrong", None) if isinstance(path[-1], str) else ("wrong",):
            broken = copy.deepcopy(comparison)
            if wrong is None:
                del parent_of(broken, path)[path[-1]]
            else:
                parent_of(broken, path)[path[-1]] = 1.5 if isinstance(value, str) or value is None else wrong
            may_be_a_number = wrong and path[0] == "rows" and value is None and path[-1] not in ("verdict", "threads")
            check(faults(validator, broken) or may_be_a_number, f"valid with {wrong!r} at {path}")
            n += 1
    check(n > 80, f"only {n} faults were tried")


def main():
    schema = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    if sys.argv[2] == "--folder":
        check_folder(schema, pathlib.Path(sys.argv[3]))
    elif sys.argv[2] == "--comparison":
        check_comparison(schema, sys.argv[3:])
    else:
        check_command(schema, sys.argv[3:])
    for failure in failures[:40]:
        print("failed:", failure)
    sys.exit(1 if failures else 0)


main()
