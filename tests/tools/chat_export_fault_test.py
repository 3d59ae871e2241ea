"""Faults while `tern chat` writes what its user asked for: chat_export_fault_test.py TERN MODEL FAULT_PRELOAD

Whichever call fails (tests/support/fault_preload.cpp), a file is there whole or not at all, what failed is said, and the
chat goes on.
"""
import json
import os
import signal
import sys
import tempfile

from chat_on_terminal import Chat

PROGRAM, MODEL, PRELOAD = sys.argv[1:4]
PROMPT = b"\n> "
FAULTS = ["pwrite:ENOSPC", "pwrite:short", "fsync:EIO", "linkat:EIO", "rename:EACCES"]
NAMES = ["a.json", "b.json"]


def fail_unless(condition, what, heard):
    if not condition:
        sys.exit(f"{what}\n--- heard ---\n{heard.decode(errors='replace')}")


def start(folder, **variables):
    chat = Chat(PROGRAM, MODEL, folder, "-n", "2", **variables)
    chat.wait_for(b"Ctrl-D leaves", b"> ")
    chat.say("a dragon")
    chat.wait_for(b"cut at the length", b"> ")
    return chat


def export(chat, path):
    """What was answered, and whether that was that the file is written."""
    chat.say(f"/export json {path}")
    heard = chat.wait_for(b"export json", PROMPT)
    return heard, b"(written to " in heard


def is_whole(path):
    with open(path, encoding="utf-8") as file:
        return "a dragon" in json.dumps(json.load(file))


def leave(chat):
    chat.say("/quit")
    exit_code = chat.wait_for_end()
    chat.close()
    return exit_code


def run_with_fault(fault, number):
    """Whether the number-th call of its kind was there to fail, and how many files were not written."""
    n_unwritten = 0
    with tempfile.TemporaryDirectory() as folder:
        exported = os.path.join(folder, "exported")
        os.mkdir(exported)
        log = os.path.join(folder, "fired")
        kind, what = fault.split(":")
        # The faults are made in the process itself, where the sandbox would let nothing be logged.
        chat = start(folder, LD_PRELOAD=PRELOAD, TERN_NO_SANDBOX="true", TERN_TEST_FAULT_LOG=log,
                     TERN_TEST_FAULT=f"{kind}:{number}:{what}")
        for name in NAMES:
            before = os.path.exists(log)
            path = os.path.join(exported, name)
            heard, written = export(chat, path)
            failed_here = not before and os.path.exists(log)
            # After a short write the rest follows; a folder that cannot be synced holds the file all the same.
            fail_unless(written or failed_here and what != "short", f"{fault} {number}, {name}: not written", heard)
            n_unwritten += not written
            fail_unless(os.path.exists(path) == written, f"{fault} {number}, {name}: the file is not as said", heard)
            if written:
                fail_unless(is_whole(path), f"{fault} {number}, {name}: not whole", heard)
            else:
                fail_unless(b"cannot be written" in heard, f"{fault} {number}, {name}: no reason", heard)
        left = sorted(os.listdir(exported))
        fail_unless(set(left) <= set(NAMES), f"{fault} {number}: left behind: {left}", b"")
        exit_code = leave(chat)
        fail_unless(exit_code == 0, f"{fault} {number}: exit code {exit_code}", b"")
        return os.path.exists(log), n_unwritten


def run_without_file_maker():
    """In the sandbox another process makes the files; it may be killed. Whether there is a sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, NAMES[0])
        chat = start(folder)
        with open(f"/proc/{chat.pid}/task/{chat.pid}/children", encoding="ascii") as file:
            makers = file.read().split()
        for maker in makers:
            os.kill(int(maker), signal.SIGKILL)
        if makers:
            for _ in range(2):
                heard, written = export(chat, path)
                fail_unless(not written and b"is gone" in heard, "a killed maker of files is not missed", heard)
            chat.say("/stats")
            chat.wait_for(PROMPT)
        exit_code = leave(chat)
        fail_unless(exit_code == 0, f"without its maker of files: exit code {exit_code}", b"")
        return bool(makers)


def main():
    for fault in FAULTS:
        n_faults = n_unwritten = 0
        fired = True
        while fired:
            fired, n = run_with_fault(fault, n_faults + 1)
            n_faults += fired
            n_unwritten += n
        # Each file once, where a fault is one.
        expected = 0 if fault.endswith("short") else len(NAMES)
        fail_unless(n_unwritten == expected and n_faults > len(NAMES), f"{fault}: {n_unwritten} of {n_faults}", b"")
        print(f"{fault}: {n_faults} calls, ok")
    print("without the process that makes files: " + ("ok" if run_without_file_maker() else "no sandbox here"))


main()
