#!/usr/bin/python3
"""Runs scripts/boot as a person does and checks what it promises: bytes, statuses, signals.

usage: front_end.py [--kernel linux]
"""
import argparse
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

import harness
import started_boot

BOOT = os.path.join(harness.project.SOURCE, "scripts", "boot")
# The same without its build, and with a firmware that has started already: for most cases.
STARTED = os.path.abspath(started_boot.__file__)
WHOLE = ("exec_basic", "closed_files", "all_options", "signals", "killed", "terminal", "two_at_once")
EVERY_BYTE = bytes(range(256))


class FrontEnd:
    def __init__(self, tap, kernel):
        self.tap = tap
        self.kernel = kernel
        self.program = BOOT

    def case(self, name):
        self.program = BOOT if name in WHOLE else STARTED
        getattr(self, name)()

    def command(self, *arguments):
        """Options, --, command; as scripts/boot takes them."""
        return [self.program, "--no-build", "--timeout=300", f"--kernel={self.kernel}", *arguments]

    def run(self, *arguments, **keywords):
        return subprocess.run(self.command(*arguments), capture_output=True, timeout=400,
                              check=False, **keywords)

    # ---- bytes ----

    def exec_basic(self):
        ended = self.run("--", "/bin/exec_basic")
        self.tap.equal((ended.returncode, ended.stdout, ended.stderr), (0, b"EXEC_OK\n", b""),
                       "exec_basic prints EXEC_OK once and nothing else")

    def much_through_cat(self):
        data = os.urandom(256 << 10)
        ended = self.run("--", "busybox", "cat", input=data)
        self.tap.check(ended.stdout == data and ended.returncode == 0,
                       "256 KiB of random bytes come back unchanged through cat",
                       f"{len(ended.stdout)} bytes, status {ended.returncode}, {ended.stderr}")

    def three_streams(self):
        ended = self.run("--", "sh", "-c", "cat; cat /bin/exec_target >&2; exit 7",
                         input=EVERY_BYTE)
        self.tap.equal((ended.returncode, ended.stdout), (7, EVERY_BYTE),
                       "input, output and status of a command")
        with open(os.path.join(harness.project.BUILD, "userspace", "exec_target"), "rb") as file:
            self.tap.check(ended.stderr == file.read(), "errors arrive byte for byte on stderr",
                           f"{len(ended.stderr)} bytes")

    def one_stream(self):
        script = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
        ended = subprocess.run(self.command("--", "sh", "-c", script), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        expected = b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(1, 10))
        self.tap.equal(ended.stdout, expected, "2>&1 keeps the order of output and errors")

    def closed_files(self):
        ended = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *self.command("--", "wc", "-c")],
                               capture_output=True, check=False)
        self.tap.equal((ended.returncode, ended.stdout), (0, b"0\n"), "closed standard input")

    def root_folder(self):
        with tempfile.TemporaryDirectory() as root:
            path = os.path.join(root, "opt", "tool")
            os.mkdir(os.path.dirname(path))
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\necho tool\n")
            os.chmod(path, 0o4755)
            os.symlink("tool", os.path.join(root, "opt", "link"))
            ended = self.run("--root", root, "--", "sh", "-c",
                             "stat -c '%a %u %g' /opt/tool; readlink /opt/link; /bin/sh /opt/tool")
        self.tap.equal((ended.stdout, ended.returncode), (b"4755 0 0\ntool\ntool\n", 0),
                       "--root keeps modes and links, and makes the invoker's files root's")

    def root_of_debian(self):
        """A tree of this host's bash and what it needs, with folders of its own in /, and as Debian
        lays trees out today, with links into /usr."""
        needed = subprocess.run(["ldd", "/bin/bash"], capture_output=True, text=True, check=True).stdout
        libraries = re.findall(r"(/lib\S+)", needed)
        for merged in (False, True):
            with tempfile.TemporaryDirectory() as root:
                for path in ["/bin/bash", *libraries]:
                    target = root + ("/usr" if merged else "") + path
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    shutil.copy(path, target)
                for name in os.listdir(os.path.join(root, "usr")) if merged else ():
                    os.symlink(f"usr/{name}", os.path.join(root, name))
                os.mkdir(os.path.join(root, "opt"))
                with open(os.path.join(root, "opt", "script"), "w", encoding="ascii") as file:
                    file.write("#!/bin/bash\necho ${BASH_VERSION:+script}\n")
                os.chmod(file.name, 0o755)
                script = "bash -c 'echo ${BASH_VERSION:+hi}'; /opt/script; busybox true && ls /bin/ls"
                ended = self.run("--root", root, "--", "sh", "-c", script)
            self.tap.equal((ended.stdout, ended.stderr, ended.returncode), (b"hi\nscript\n/bin/ls\n", b"", 0),
                           f"--root with a {'merged' if merged else 'classic'} tree of Debian's")

    def root_not_laid(self):
        if self.kernel == "linux":
            return  # which says nothing
        with tempfile.TemporaryDirectory() as root:
            os.symlink("nowhere", os.path.join(root, "etc"))
            ended = self.run("--root", root, "--", "cat", "/etc/hostname")
        self.tap.equal((ended.stdout, ended.returncode), (b"baton\n", 0), "a root in part")
        self.tap.check(ended.stderr == b"baton: not laid over the root: etc passed over: File exists\n",
                       "what could not be laid is told", ended.stderr)

    def all_options(self):
        """Every option that needs no window, in two boots."""
        with tempfile.TemporaryDirectory() as root:
            log = os.path.join(root, "log.txt")
            open(os.path.join(root, "marker"), "w", encoding="ascii").close()
            script = "nproc; free -m | awk 'NR == 2 {print ($2 > 150 && $2 < 256)}'; ls /marker"
            options = [f"--root={root}", f"--initrd={harness.project.INITRD}", "--append=nokaslr", "--smp=2",
                       "--memory=256M", "--cpu=Haswell", "--machine=pc", "--media=sata", f"--log={log}",
                       "--qemu=-name baton", "--icount"]
            ended = self.run(*options, "--", "sh", "-c", script, stdin=subprocess.DEVNULL)
            self.tap.equal((ended.stdout, ended.returncode), (b"2\n1\n/marker\n", 0), "many options at once")
            with open(log, "rb") as file:
                self.tap.check(self.kernel == "linux" or b"kernel at 0xffffffff80000000" in file.read(),
                               "--log and --append")
            firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd"
            ended = self.run("--debug-kernel", f"--firmware={firmware}", "--media=usb", "--",
                             "/bin/exec_basic", stdin=subprocess.DEVNULL)
            self.tap.equal((ended.stdout, ended.stderr, ended.returncode), (b"EXEC_OK\n", b"", 0),
                           "--debug-kernel, --firmware, --media")

    # ---- statuses ----

    def statuses(self):
        cases = [
            ("a signal", ["--", "sh", "-c", "kill -9 $$"], 137, b""),
            ("a program's own 124", ["--", "sh", "-c", "exit 124"], 124, b""),
            ("a program's own 126", ["--", "sh", "-c", "exit 126"], 126, b""),
            ("no such program", ["--", "/no/such"], 127, b"init: /no/such: No such file"),
            ("no program", ["--", "/etc/passwd"], 126, b"init: /etc/passwd: Permission denied"),
            ("an unasked reset", ["--", "reboot", "-f"], 126, b"baton: the machine reset unasked"),
            ("an unasked power-off", ["--", "poweroff", "-f"], 126,
             b"baton: the machine powered off unasked"),
            ("an unasked halt", ["--", "halt", "-f"], 126, b"baton: the machine halted unasked"),
            ("too little time", ["--timeout=8", "--", "sleep", "1000"], 124,
             b"baton: not done after 8 seconds"),
        ]
        for name, arguments, status, message in cases:
            ended = self.run(*arguments, stdin=subprocess.DEVNULL)
            said = message in ended.stderr if message else ended.stderr == b""
            self.tap.check(ended.returncode == status and said, f"{name}: status {status}",
                           f"status {ended.returncode}", ended.stderr.decode(errors="replace"))

    def panic(self):
        option = "rdinit=/no/such root=/dev/nothing" if self.kernel == "linux" else "init=/bin/exec_target"
        ended = self.run("--append", option, "--", "true", stdin=subprocess.DEVNULL)
        self.tap.check(ended.returncode == 125 and b"anic" in ended.stderr.splitlines()[-1],
                       "a panic: status 125, and its line on stderr",
                       f"status {ended.returncode}", ended.stderr.decode(errors="replace"))

    def log(self):
        with tempfile.NamedTemporaryFile() as file:
            self.run("--log", file.name, "--", "sh", "-c", "echo to the log >/dev/console")
            self.tap.check(b"to the log" in file.read(), "--log has what was written to the console")

    def garbage(self):
        script = "head -c 20000 /dev/urandom >/dev/ttyS3; echo fine; echo bad >&2; exit 5"
        ended = self.run("--", "sh", "-c", script, stdin=subprocess.DEVNULL)
        self.tap.equal((ended.returncode, ended.stdout, ended.stderr[-4:]), (5, b"fine\n", b"bad\n"),
                       "a program that writes on the control port disturbs nothing")

    # ---- signals ----

    def machines(self, process):
        """The QEMU processes that this one started."""
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def signals(self):
        for number, script, expected in (
                (signal.SIGINT, "echo started; exec sleep 1000", 130),
                (signal.SIGTERM, "trap 'echo heeded; exit 5' TERM; echo started; "
                                 "while :; do sleep 1; done", 5)):
            process = subprocess.Popen(self.command("--", "sh", "-c", script),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            process.stdout.readline()
            machines = self.machines(process)
            process.send_signal(number)
            process.stdout.read()
            status = process.wait()
            self.tap.equal(status, expected, f"{number.name} reaches the command")
            self.tap.check(machines and not any(map(alive, machines)), "no machine is left")

    def killed(self):
        process = subprocess.Popen(self.command("--", "sh", "-c", "echo started; sleep 1000"),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.readline()
        machines = self.machines(process)
        process.kill()
        process.wait()
        process.stdout.close()
        until = time.monotonic() + 10
        while any(map(alive, machines)) and time.monotonic() < until:
            time.sleep(0.1)
        self.tap.check(machines and not any(map(alive, machines)),
                       "the machine goes even when scripts/boot is killed")

    def broken_output(self):
        ended = subprocess.run(["sh", "-c", '"$@" | head -n 1', "sh",
                                *self.command("--", "yes")], stdin=subprocess.DEVNULL,
                               capture_output=True, timeout=100, check=False)
        self.tap.equal(ended.stdout, b"y\n", "a reader that leaves ends the command")

    # ---- a person at a terminal ----

    def terminal(self):
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (33, 101))
        before = termios.tcgetattr(slave)
        process = subprocess.Popen(self.command("--", "sh", "-i"), stdin=slave, stdout=slave,
                                   stderr=slave, start_new_session=True)
        screen = Screen(master)
        tap = self.tap
        tap.check(screen.wait(b"# "), "a prompt appears", screen.text)
        screen.type(b"stty size\r")
        tap.check(screen.wait(b"33 101"), "the guest knows the terminal's size", screen.text)
        termios.tcsetwinsize(slave, (44, 99))
        process.send_signal(signal.SIGWINCH)
        time.sleep(1.5)
        screen.type(b"stty size\r")
        tap.check(screen.wait(b"44 99"), "and learns when it changes", screen.text)
        screen.type(b"sleep 1000\r")
        time.sleep(1.5)
        screen.type(b"\x03")
        screen.type(b"echo $((6 * 7)) $?\r")
        tap.check(screen.wait(b"42 130"), "Ctrl-C interrupts the program in front", screen.text)
        screen.type(b"seq 1 5000 | tail -n 1; exit 3\r")
        tap.check(screen.wait(b"5000"), "the last output arrives", screen.text)
        tap.equal(process.wait(60), 3, "the shell's status comes back")
        tap.check(termios.tcgetattr(slave) == before, "the host's terminal is as it was")
        os.close(master)
        os.close(slave)

    def power_off(self):
        """In a shell of scripts/boot's own: nothing has failed."""
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(), stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                                   start_new_session=True)
        screen = Screen(master)
        self.tap.check(screen.wait(b"`poweroff` switches it off"), "a line says what the machine is",
                       screen.text)
        self.tap.check(screen.wait(b"# "), "a prompt appears", screen.text)
        screen.type(b"poweroff\r")
        _, message = process.communicate(timeout=100)
        self.tap.check(process.returncode == 0 and b"the machine powered off\n" in message and
                       b"log" not in message, "poweroff ends it, and is no failure", process.returncode,
                       message)
        os.close(master)
        os.close(slave)

    def leaving(self):
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command("--", "sleep", "1000"), stdin=slave, stdout=slave,
                                   stderr=subprocess.PIPE, start_new_session=True)
        until = time.monotonic() + 60
        while termios.tcgetattr(slave)[3] & termios.ICANON and time.monotonic() < until:
            time.sleep(0.1)  # until scripts/boot has the terminal; that is before there is a command
        os.write(master, b"\x1d")
        _, message = process.communicate(timeout=60)
        self.tap.check(process.returncode == 126 and b"Ctrl-]" in message, "Ctrl-] ends the machine",
                       f"status {process.returncode}", message)
        os.close(master)
        os.close(slave)

    def two_at_once(self):
        processes = [subprocess.Popen(self.command("--", "echo", name), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE) for name in ("one", "two")]
        outputs = [process.communicate()[0] for process in processes]
        self.tap.equal(outputs, [b"one\n", b"two\n"], "two machines at once")


class Screen:
    """What a person sees on a terminal."""

    def __init__(self, master):
        self.master = master
        self.text = b""

    def wait(self, text, seconds=60):
        """Reads until `text` appears, and forgets what was before."""
        until = time.monotonic() + seconds
        while text not in self.text:
            if time.monotonic() > until:
                return False
            if select.select([self.master], [], [], 0.5)[0]:
                self.text += os.read(self.master, 4096)
        self.text = self.text.partition(text)[2]
        return True

    def type(self, text):
        self.text = b""
        os.write(self.master, text)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    cases = arguments.cases or ["exec_basic", "much_through_cat", "three_streams",
                                "one_stream", "closed_files", "root_folder", "root_of_debian",
                                "root_not_laid", "all_options", "power_off", "statuses", "panic",
                                "log", "garbage", "signals", "killed", "broken_output", "terminal", "leaving",
                                "two_at_once"]

    def test(tap):
        front_end = FrontEnd(tap, arguments.kernel)
        for case in cases:
            try:
                front_end.case(case)
            except (subprocess.TimeoutExpired, OSError) as error:
                tap.check(False, case.replace("_", " "), error)

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
