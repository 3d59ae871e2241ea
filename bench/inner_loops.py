#!/usr/bin/env python3
"""Cycles of a kernel's inner loops on cores that are not at hand, as llvm-mca sees them.

Disassembles an object file, finds in the named functions the loops without a branch inside, and
prints for each its instructions and, per core, the cycles of one turn with everything in the L1
cache. Needs binutils for the object's machine and llvm-mca (LLVM 16 or later knows Zen 4, 17 or
later Neoverse N1 and V1; older ones give them the figures of other cores).

    bench/inner_loops.py --mca llvm-mca-19 \\
      build/aarch64/kernels/CMakeFiles/tern_kernels_arm_dotprod.dir/arm_dotprod/ternary_t2.cpp.o \\
      sum_steps neoverse-n1 neoverse-v1
"""
import argparse
import re
import subprocess
import sys

MACHINES = {
    "aarch64": (["aarch64-linux-gnu-objdump", "objdump"],
                ["-march=aarch64", "-mattr=+dotprod,+i8mm"]),
    "x86-64": (["objdump"], ["-march=x86-64", "-mattr=+avx2,+fma,+avxvnni,+avx512f,+avx512bw,"
                             "+avx512vl,+avx512vnni,+avx512vbmi"]),
}
TURNS = 1000


def disassemble(path):
    """(machine, [(function, [(address, text)])])"""
    with open(path, "rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF":
        sys.exit(f"error: {path} is not an ELF file")
    machine = {183: "aarch64", 62: "x86-64"}.get(int.from_bytes(header[18:20], "little"))
    if machine is None:
        sys.exit(f"error: {path} is for a machine that this script does not know")
    for tool in MACHINES[machine][0]:
        try:
            listing = subprocess.run([tool, "-dC", "--no-show-raw-insn", path], capture_output=True,
                                     text=True, check=True).stdout
            break
        except FileNotFoundError:
            continue
    else:
        sys.exit(f"error: needs one of {', '.join(MACHINES[machine][0])}")
    functions = []
    for line in listing.splitlines():
        if match := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            functions.append((match[1], []))
        elif match := re.match(r"\s+([0-9a-f]+):\t(.*)", line):
            text = re.sub(r"\s*(//|#) .*", "", match[2]).strip()
            functions[-1][1].append((int(match[1], 16), text))
    return machine, functions


def target_of(text):
    """Where a conditional or plain branch goes, else None."""
    match = re.match(r"(?:b|b\.\w+|cbn?z|tbn?z|j\w+)\s.*?\b([0-9a-f]+) <", text)
    return int(match[1], 16) if match else None


def inner_loops(instructions):
    for i, (address, text) in enumerate(instructions):
        target = target_of(text)
        if target is None or target > address:
            continue
        first = next((j for j in range(i + 1) if instructions[j][0] == target), None)
        if first is None:
            continue
        body = [text for _, text in instructions[first:i + 1]]
        if not any(target_of(text) is not None for text in body[:-1]):
            yield body


def cycles(mca, machine, core, body):
    last = re.sub(r"\b[0-9a-f]+ <.*", "turn", body[-1])
    source = "turn:\n" + "\n".join(body[:-1] + [last]) + "\n"
    command = [mca, f"-mcpu={core}", f"-iterations={TURNS}"] + MACHINES[machine][1]
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    match = re.search(r"Total Cycles:\s+(\d+)", result.stdout)
    if result.returncode != 0 or not match or "is not a recognized processor" in result.stderr:
        return "-"
    return f"{int(match[1]) / TURNS:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mca", default="llvm-mca", help="the program (llvm-mca)")
    parser.add_argument("--least", type=int, default=8,
                        help="leave out loops of fewer instructions (8)")
    parser.add_argument("object", help="a compiled file")
    parser.add_argument("function", help="regular expression for demangled names")
    parser.add_argument("cores", nargs="+", help="what -mcpu of llvm-mca takes")
    args = parser.parse_args()
    machine, functions = disassemble(args.object)
    found = False
    for name, instructions in functions:
        if not re.search(args.function, name):
            continue
        for body in inner_loops(instructions):
            if len(body) < args.least:
                continue
            found = True
            kinds = {}
            for text in body:
                kind = text.replace("{vex} ", "").split()[0]
                kinds[kind] = kinds.get(kind, 0) + 1
            print(re.sub(r"\(anonymous namespace\)::|tern::kernels::", "", name).split("(")[0])
            by_count = sorted(kinds.items(), key=lambda item: -item[1])
            print("  " + ", ".join(f"{n} {kind}" for kind, n in by_count))
            times = [f"{core} {cycles(args.mca, machine, core, body)}" for core in args.cores]
            print(f"  {len(body)} instructions; cycles: " + ", ".join(times))
    if not found:
        sys.exit("error: no such loop")


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename}: not found")
