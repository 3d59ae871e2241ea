"""SIGTERM to `tern chat` on a terminal, in every phase: chat_signal_test.py TERN MODEL

Each time the program ends by itself with exit code 8, the terminal works as it did, the conversation is kept, and
no temporary file is left. Nothing here depends on how fast anything is: the signal is sent when the program
has said what belongs to the phase.
"""
import array
import fcntl
import os
import pty
import select
import signal
import sys
import tempfile
import termios

PROGRAM, MODEL = sys.argv[1:3]
ENDLESS = ["-c", "4096", "--logit-bias", "4095=-inf", "--logit-bias", "4094=-inf"]
TERMINATED = 8


class Chat:
    def __init__(self, folder, term, *flags):
        self.state = os.path.join(folder, "state")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("TERN_") or name == "TERN_FORCE_ISA"}
        environment.update(HOME=folder, XDG_STATE_HOME=self.state, TERM=term, NO_COLOR="1", LC_ALL="C.UTF-8")
        # The slave side is kept open here, to see how it was left.
        self.fd, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(self.slave) if hasattr(os, "login_tty") else self.take_terminal()
            os.execve(PROGRAM, [PROGRAM, "chat", "-m", MODEL, "--seed", "3", *flags], environment)
        self.heard = b""

    def take_terminal(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for number in range(3):
            os.dup2(self.slave, number)

    def wait_for(self, *texts):
        """Reads until all the texts were printed since the last call."""
        heard = b""
        while not all(text in heard for text in texts):
            select.select([self.fd], [], [])
            heard += os.read(self.fd, 65536)
        return heard

    def wait_until_full(self):
        """Until nothing more fits the terminal, or nearly so: its buffer is of 4 kB."""
        waiting = array.array("i", [0])
        while waiting[0] < 3000:
            fcntl.ioctl(self.fd, termios.FIONREAD, waiting)
            select.select([], [], [], 0.01)

    def say(self, text):
        os.write(self.fd, text.encode() + b"\r")

    def terminate(self, reads):
        os.kill(self.pid, signal.SIGTERM)
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd] if reads else [], [], [], 0.01)[0]:
                os.read(self.fd, 65536)

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
        os.close(self.fd)
        os.close(self.slave)
        if problems:
            sys.exit(f"{phase}: " + "; ".join(problems))
        print(f"{phase}: ok")


def main():
    for term in ["dumb", "xterm-256color"]:
        with tempfile.TemporaryDirectory() as folder:
            chat = Chat(folder, term)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.check(f"idle, nothing said, {term}", chat.terminate(True), kept=False)
        with tempfile.TemporaryDirectory() as folder:
            chat = Chat(folder, term, "-n", "4")
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_for(b"cut at the length", b"> ")
            chat.check(f"idle after an answer, {term}", chat.terminate(True), kept=True)
        with tempfile.TemporaryDirectory() as folder:
            chat = Chat(folder, term, *ENDLESS)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_for(b"the", b".")
            chat.check(f"answering, {term}", chat.terminate(True), kept=True)
        with tempfile.TemporaryDirectory() as folder:
            chat = Chat(folder, term, *ENDLESS)
            chat.wait_for(b"Ctrl-D leaves", b"> ")
            chat.say("a dragon")
            chat.wait_until_full()
            chat.check(f"answering into a full terminal, {term}", chat.terminate(False), kept=True)


main()
