"""SIGTERM to `tern chat` on a terminal, in every phase: chat_signal_test.py TERN MODEL

Each time the program ends by itself with exit code 8, the terminal works as it did, the conversation is kept, and
no temporary file is left. Nothing here depends on how fast anything is: the signal is sent when the program
has said what belongs to the phase.
"""
import array
import fcntl
import os
import select
import signal
import sys
import tempfile
import termios

import chat_on_terminal

PROGRAM, MODEL = sys.argv[1:3]
ENDLESS = ["-c", "4096", "--logit-bias", "4095=-inf", "--logit-bias", "4094=-inf"]
TERMINATED = 8


class SignalledChat(chat_on_terminal.Chat):
    def __init__(self, folder, term, *flags):
        super().__init__(PROGRAM, MODEL, folder, *flags, term=term)

    def wait_until_full(self):
        """Until nothing more fits the terminal, or nearly so: its buffer is of 4 kB."""
        waiting = array.array("i", [0])
        while waiting[0] < 3000:
            fcntl.ioctl(self.fd, termios.FIONREAD, waiting)
            select.select([], [], [], 0.01)

    def terminate(self, reads):
        os.kill(self.pid, signal.SIGTERM)
        return self.wait_for_end(reads)

    def check(self, phase, exit_code, kept):
        problems = []
        if exit_code != TERMINATED:
            problems.append(f"exit code {exit_code}")
        if termios.tcgetattr(self.slave) != self.before:
            problems.append("the terminal is not as it was")
        sessions = os.path.join(self.state, "tern", "sessions")
        names = os.listdir(sessions) if os.path.isdir(sessions) else []
        # What was computed lies beside the conversation.
        names = [name for name in names if not name.endswith(".kv")]
        if len(names) != (1 if kept else 0):
            problems.append(f"kept: {names}")
        if kept and len(names) == 1:
            with open(os.path.join(sessions, names[0]), "rb") as file:
                if b"dragon" not in file.read():
                    problems.append("the question is not in what was kept")
        self.close()
        if problems:
            sys.exit(f"{phase}: " + "; ".join(problems))
        print(f"{phase}: ok")


def main():
    for term in ["dumb", "xterm-256color"]:
        with tempfile.TemporaryDirectory() as folder:
            chat = SignalledChat(folder, term)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.check(f"idle, nothing said, {term}", chat.terminate(True), kept=False)
        with tempfile.TemporaryDirectory() as folder:
            chat = SignalledChat(folder, term, "-n", "4")
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_for(b"cut at the length", b"> ")
            chat.check(f"idle after an answer, {term}", chat.terminate(True), kept=True)
        with tempfile.TemporaryDirectory() as folder:
            chat = SignalledChat(folder, term, *ENDLESS)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_for(b"the", b".")
            chat.check(f"answering, {term}", chat.terminate(True), kept=True)
        with tempfile.TemporaryDirectory() as folder:
            chat = SignalledChat(folder, term, *ENDLESS)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_until_full()
            chat.check(f"answering into a full terminal, {term}", chat.terminate(False), kept=True)


main()
