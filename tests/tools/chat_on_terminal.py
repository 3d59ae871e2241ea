"""`tern chat` on a pseudo terminal, for the tests that type into it."""
import fcntl
import os
import pty
import select
import termios


class Chat:
    """One running chat. `folder` becomes its home; `variables` are added to its environment."""

    def __init__(self, program, model, folder, *flags, term="dumb", **variables):
        self.state = os.path.join(folder, "state")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("TERN_") or name == "TERN_FORCE_ISA"}
        environment.update(HOME=folder, XDG_STATE_HOME=self.state, TERM=term, NO_COLOR="1", LC_ALL="C.UTF-8",
                           **variables)
        # The slave side is kept open here, to see how it was left.
        self.fd, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.login_tty(self.slave) if hasattr(os, "login_tty") else self.take_terminal()
            os.execve(program, [program, "chat", "-m", model, "--seed", "3", *flags], environment)

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

    def say(self, text):
        os.write(self.fd, text.encode() + b"\r")

    def wait_for_end(self, reads=True):
        """The exit code, negative for a signal. reads: whether what it prints is read meanwhile."""
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd] if reads else [], [], [], 0.01)[0]:
                os.read(self.fd, 65536)

    def close(self):
        os.close(self.fd)
        os.close(self.slave)
