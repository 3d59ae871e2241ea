"""Drives `tern chat` in a terminal (tmux) as a person would: chat_terminal_test.py TERN MODEL

Waits for what should appear on the screen, however long that takes: the test runner knows when to give up.
Exit code 77: tmux is not there, which is said.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ENDLESS = "-c 200000 --logit-bias 4095=-inf --logit-bias 4094=-inf"


class Terminal:
    def __init__(self, folder, columns=120, rows=30):
        self.socket = os.path.join(folder, "tmux")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TERN_")}
        environment.update(HOME=folder, XDG_STATE_HOME=os.path.join(folder, "state"), LC_ALL="C.UTF-8",
                           TERM="xterm-256color")
        environment.pop("TMUX", None)
        environment.pop("NO_COLOR", None)
        self.environment = environment
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  "env PS1='$ ' bash --norc --noprofile")
        self.wait(r"\$ *$")

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, *arguments], env=self.environment, check=True,
                              capture_output=True, text=True)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-S", "-200").rstrip()

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def type(self, text, enter=True):
        self.tmux("send-keys", "-l", text)
        if enter:
            self.keys("Enter")

    def wait(self, pattern):
        while not re.search(pattern, self.screen()):
            time.sleep(0.05)

    def clear(self):
        self.keys("C-l")
        self.tmux("clear-history")

    def leave(self):
        """Ctrl-D at the prompt: a terminal that is not being read from may drop it."""
        self.wait(r"\n> *$|^> *$")
        self.keys("C-d")
        self.wait(r"\$ *$")

    def paste(self, text):
        path = os.path.join(os.path.dirname(self.socket), "paste")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.tmux("load-buffer", path)
        self.tmux("paste-buffer", "-p")

    def close(self):
        self.tmux("kill-server")


def check(condition, message, terminal):
    if not condition:
        print(f"FAILED: {message}\n--- screen ---\n{terminal.screen()}")
        terminal.close()
        sys.exit(1)


def has_walls(tern):
    """Whether this kernel and this build have a sandbox."""
    done = subprocess.run([tern, "doctor", "--no-measure", "--output", "json"], check=True, capture_output=True)
    found = json.loads(done.stdout)["sandbox"]
    return found["seccomp"] and found["landlock"] is not None


def check_walls(terminal, expected):
    """Looks at the process that is in the terminal's foreground."""
    shell = terminal.tmux("display-message", "-p", "#{pane_pid}").strip()
    with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
        programs = file.read().split()
    values = set()
    for program in programs:
        with open(f"/proc/{program}/status", encoding="ascii") as file:
            values.update(re.findall(r"^Seccomp:\s+(\d)", file.read(), re.MULTILINE))
    check(values == {"2" if expected else "0"}, f"walls: {values} of {programs}, expected {expected}", terminal)


def use_files(terminal, folder, model, name):
    """The commands that read and write what the user names."""
    written = os.path.join(folder, name)
    terminal.clear()
    terminal.type(f"/read {folder}/question")
    terminal.wait(r"question\n[\s\S]+\n> *$")
    terminal.type(f"/export md {written}")
    terminal.wait(r"\(written to ")
    with open(written, encoding="utf-8") as file:
        check("Hello from a file" in file.read(), "/export", terminal)
    terminal.type(f"/export md {written}")
    terminal.wait(r"is there already")
    terminal.type("/copy")
    terminal.wait(r"given to the terminal's clipboard")
    terminal.type(f"/model {model}")
    terminal.wait(r"\(bitnet-b1\.58\), [\s\S]*\n> *$")
    terminal.type("/energy on")
    terminal.wait(r"measured from the next answer on")
    terminal.type("/save kept-" + name.split(".")[0])
    terminal.wait(r"kept as kept-")
    terminal.type("/load kept-" + name.split(".")[0])
    terminal.wait(r"going on with kept-")


def main():
    tern, model = sys.argv[1:]
    if shutil.which("tmux") is None:
        print("SKIPPED: tmux is not installed")
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        terminal = Terminal(folder)
        start = f"clear; {tern} chat -m {model} --seed 3"

        # A question, its answer, what was reused.
        terminal.type(start)
        terminal.wait(r"\n> *$")
        terminal.type("Tell me a story about a dragon.")
        terminal.wait(r"Once upon a time[\s\S]*\n> *$")
        terminal.type("Tell me a story about a boat.")
        terminal.wait(r"boat\.\n[\s\S]+\n> *$")
        terminal.type("/stats")
        terminal.wait(r"last prompt +\d+ tokens: [1-9]\d+ reused")

        # Commands: completion, the nearest name.
        terminal.type("/hel", enter=False)
        terminal.keys("Tab", "Enter")
        terminal.wait(r"/quit +leave")
        terminal.type("/stast")
        terminal.wait(r"did you mean /stats\?")

        # Wide characters are edited as characters.
        terminal.type("日本語テスト", enter=False)
        terminal.keys("Left", "BSpace", "C-a", "Delete")
        terminal.wait(r"> 本語テト")
        terminal.keys("C-c")
        terminal.wait(r"> 本語テト\n> *$")

        # A paste of several lines stays in the line until it is sent.
        terminal.paste("/first\nsecond\nthird")
        terminal.wait(r"> /first\nsecond\nthird$")
        terminal.keys("C-c")
        terminal.wait(r"third\n> *$")
        terminal.paste("x" * 100000)
        terminal.wait(r"> \[paste 1: 100000 bytes\]")
        terminal.keys("Enter")
        terminal.wait(r"the context holds 512")

        # Ctrl-Z and back; a smaller window.
        terminal.type("half a line", enter=False)
        terminal.wait(r"> half a line$")
        terminal.keys("C-z")
        terminal.wait(r"Stopped[\s\S]*\$ *$")
        terminal.type("fg")
        terminal.wait(r"> half a line$")
        terminal.tmux("resize-window", "-x", "40", "-y", "15")
        terminal.type(" and more of it than fits forty columns", enter=False)
        terminal.wait(r"orty columns$")
        terminal.keys("C-u")
        terminal.tmux("resize-window", "-x", "120", "-y", "30")

        # Ctrl-D leaves, with exit code 0, and the terminal is as it was.
        terminal.keys("C-u", "C-d")
        terminal.wait(r"\$ *$")
        terminal.type("code=$?; clear; echo code $code; stty -a | tr ' ;' '\\n' | grep -x -e echo -e icanon")
        terminal.wait(r"code \d+\n")
        terminal.wait(r"icanon\necho\n|echo\nicanon\n")
        check("code 0" in terminal.screen(), "Ctrl-D ends with 0", terminal)

        # What was typed before comes back.
        terminal.type(start + " " + ENDLESS)
        terminal.wait(r"\n> *$")
        terminal.keys("Up")
        terminal.wait(r"> /stast")
        terminal.keys("C-u")

        # Ctrl-C stops an answer and keeps the conversation; the next one leaves.
        terminal.type("Hello")
        # On a busy machine the question may have left the screen before we look.
        terminal.wait(r"> Hello\n\S+|^[^>]+$")
        terminal.keys("C-c")
        terminal.wait(r"\(stopped; Ctrl-C once more leaves\)\n> *$")
        terminal.type("/tokens")
        terminal.wait(r"of 200000 tokens, 1 question")
        terminal.keys("C-c")
        terminal.wait(r"Ctrl-C once more leaves, as Ctrl-D does\n> *$")
        terminal.keys("C-c")
        terminal.wait(r"\$ *$")
        terminal.type("code=$?; clear; echo code $code")
        terminal.wait(r"code \d+\n")
        check("code 130" in terminal.screen(), "the second Ctrl-C ends with 130", terminal)

        # The conversation is there again, and what is asked for next is computed with it.
        terminal.type(f"clear; {tern} chat -m {model} --continue -c 200000")
        terminal.wait(r"going on with \S+: 1 question; the last: Hello[\s\S]*\n> *$")
        terminal.type("/stats")
        terminal.wait(r"kept state +[1-9]\d* tokens taken from the disk")
        terminal.type("/sessions")
        terminal.wait(r"\* \d{4}-\S+ +1 question: Hello\n\S+ +\d{4}-\S+ +2 questions: Tell me a story about a d")
        terminal.type("/undo")
        terminal.wait(r"\(taken back: Hello\)")
        terminal.leave()

        # Words are whole at the edge of a narrow window, and the text is the one without a terminal.
        question = "Tell me a story about a dragon."
        asked = [tern, "chat", "-m", model, "--seed", "3", "-p", question]
        text = subprocess.run(asked, env=terminal.environment, check=True, capture_output=True, text=True).stdout
        terminal.tmux("resize-window", "-x", "40", "-y", "60")
        for options, wrapped in ("", True), ("--no-wrap", False):
            terminal.type(f"clear; {tern} chat -m {model} --seed 3 --no-save {options}")
            terminal.wait(r"\n> *$")
            # What is cleared goes to the history, which may have been forgotten before.
            while not re.search(r"^> *$", terminal.screen()):
                terminal.clear()
                time.sleep(0.2)
            terminal.type(question)
            terminal.wait(re.escape(text.split()[-1]) + r"\s*\n> *$")
            lines = terminal.screen().split("\n")[1:-1]
            check(max(map(len, lines)) <= 40, "lines fit the window", terminal)
            check((" ".join(lines).split() == text.split()) == wrapped, "words are whole", terminal)
            terminal.leave()
        terminal.tmux("resize-window", "-x", "120", "-y", "30")

        # What reaches beyond the program works behind the walls around it, and without them.
        with open(os.path.join(folder, "question"), "w", encoding="utf-8") as file:
            file.write("Hello from a file")
        for flag, expected in (("", has_walls(tern)), ("--no-sandbox", False)):
            terminal.type(f"clear; {tern} chat -m {model} -n 3 {flag}")
            terminal.wait(r"\n> *$")
            check_walls(terminal, expected)
            use_files(terminal, folder, model, f"out{len(flag)}.md")
            terminal.leave()

        # No colours where nobody wants them, plain lines on a terminal that can nothing else.
        terminal.type(f"clear; NO_COLOR=1 {tern} chat -m {model} --no-save")
        terminal.wait(r"\n> *$")
        check("\x1b[1;32m" not in terminal.tmux("capture-pane", "-p", "-e"), "NO_COLOR", terminal)
        terminal.leave()
        terminal.type(f"clear; TERM=dumb {tern} chat -m {model} --no-save -n 3")
        terminal.wait(r"\n> *$")
        terminal.type("Hello")
        terminal.wait(r"Hello\n[\s\S]+\n\(the answer was cut[\s\S]*\n> *$")
        terminal.type("/quit")
        terminal.wait(r"\$ *$")
        terminal.close()
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
