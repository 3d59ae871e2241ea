#!/usr/bin/env python3
"""One `tern chat` for a long time: questions, commands and model loads in turn, while its memory and
its file descriptors are watched. Fails when either grows once it is warm.

    soak.py TERN MODEL --minutes 20      or --turns 30

A round is some questions, every other command that changes what is kept, and a load of the model. Warm is
whoever has filled the context and loaded twice. From there on, the largest resident memory of the
last third of the rounds may exceed that of the first third by 2 % and 2 MiB, file descriptors and threads by
nothing. Exit code 77: no /proc to read.
"""
import argparse
import json
import os
import pty
import select
import sys
import tempfile
import time

QUESTIONS = ["Tell me a story about a dragon.", "And then?", "Who was there?", "Make it shorter.",
             "What did the boy say?", "Tell it again, please."]
ALLOWED_SHARE = 0.02
ALLOWED_KB = 2048
WARM_ROUNDS = 2


class Chat:
    def __init__(self, program, model, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            kept = {n: v for n, v in os.environ.items() if not n.startswith("TERN_") or n == "TERN_FORCE_ISA"}
            kept.update(HOME=folder, XDG_STATE_HOME=os.path.join(folder, "state"), TERM="dumb", NO_COLOR="1")
            os.execve(program, [program, "chat", "-m", model, "-n", "24", "-c", "256", "--seed", "1"], kept)
        self.heard = b""
        self.wait()

    def wait(self):
        """What was printed up to the next prompt, however long that takes."""
        heard = b""
        while not heard.endswith(b"\r\n> "):
            select.select([self.fd], [], [])
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                piece = b""
            if not piece:
                sys.exit("the program has ended: " + heard.decode(errors="replace"))
            heard += piece
        return heard.decode(errors="replace")

    def say(self, line):
        os.write(self.fd, line.encode() + b"\n")
        answer = self.wait()
        if "error:" in answer or "warning:" in answer:
            sys.exit(f"{line}: {answer}")

    def state(self):
        """Resident kB, file descriptors, threads."""
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        return (int(fields["VmRSS"].split()[0]), len(os.listdir(f"/proc/{self.pid}/fd")), int(fields["Threads"]))

    def leave(self):
        os.write(self.fd, b"/quit\n")
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def one_round(chat, model, folder, number):
    for question in QUESTIONS:
        chat.say(question)
    chat.say("/retry")
    chat.say("/undo")
    # After /clear another conversation begins, which wants a name of its own.
    name = f"soak{number // 3}"
    chat.say("/save " + name)
    chat.say("/load " + name)
    chat.say(f"/export json {folder}/{number}.json")
    os.remove(f"{folder}/{number}.json")
    chat.say("/set temp 0.7" if number % 2 else "/set temp 0.9")
    chat.say("/model " + model)
    if number % 3 == 2:
        chat.say("/clear")
    return len(QUESTIONS) + 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--turns", type=int, default=0)
    options = parser.parse_args()
    if not os.path.exists("/proc/self/status"):
        print("SKIPPED: there is no /proc")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        chat = Chat(options.program, options.model, folder)
        end = time.monotonic() + 60 * options.minutes
        states, turns, rounds = [], 0, 0
        # Three rounds behind the warm ones at least, one for each third.
        while time.monotonic() < end or turns < options.turns or rounds < WARM_ROUNDS + 3:
            turns += one_round(chat, options.model, folder, rounds)
            rounds += 1
            if rounds > WARM_ROUNDS:
                states.append(chat.state())
        exit_code = chat.leave()
    third = len(states) // 3
    first, last = states[:third], states[-third:]
    report = {"turns": turns, "loads": rounds + 1, "exit_code": exit_code}
    failed = exit_code != 0
    for i, name in enumerate(["resident_kb", "file_descriptors", "threads"]):
        before, after = max(s[i] for s in first), max(s[i] for s in last)
        report[name] = {"first_third": before, "last_third": after, "least": min(s[i] for s in states),
                        "most": max(s[i] for s in states)}
        allowed = before * (1 + ALLOWED_SHARE) + ALLOWED_KB if name == "resident_kb" else before
        failed = failed or after > allowed
    print(json.dumps(report))
    if failed:
        print("FAILED: it grows, or did not end well")
    return 1 if failed else 0


sys.exit(main())
