#!/usr/bin/python3
"""What is wrong with an option or a machine is said in one line, and nothing runs: status 126. Boots
nothing; what would install packages runs beside programs that only pretend to."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project  # noqa: E402

SCRIPTS = os.path.join(project.SOURCE, "scripts")
# What scripts/prepare calls, besides what is pretended.
TOOLS = ["sh", "cat", "dirname", "env", "find", "flock", "grep", "head", "mkdir", "mktemp", "meson",
         "ninja", "rm", "sed", "tail"]


def run(script, *arguments, **environment):
    return subprocess.run([os.path.join(SCRIPTS, script), *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False, timeout=120,
                          env={**os.environ, "BATON_BUILD": project.BUILD, **environment})


def one_line(tap, name, ended, *words):
    lines = ended.stderr.splitlines()
    tap.check(ended.returncode == 126 and len(lines) == 1 and lines[0].startswith("baton: ") and
              all(word in lines[0] for word in words), f"{name}: {lines[0] if lines else 'nothing said'}",
              f"status {ended.returncode}", ended.stdout, ended.stderr)


def options(tap):
    with tempfile.TemporaryDirectory() as folder:
        nowhere = os.path.join(folder, "nowhere")
        cases = [
            ["--memory", "64M"], ["--memory", "much"], ["--memory", "-1G"],
            ["--smp", "0"], ["--smp", "256"], ["--smp", "two"],
            ["--machine", "toaster"], ["--media", "tape"], ["--kernel", "hurd"],
            ["--cpu", "abacus"],
            ["--timeout", "0"], ["--timeout", "soon"],
            ["--root", nowhere], ["--root", __file__],
            ["--initrd", nowhere], ["--initrd", folder],
            ["--firmware", nowhere], ["--firmware", f"{__file__},{nowhere}"],
            ["--log", os.path.join(nowhere, "log")],
            ["--append", "quiet\nroot=/"],
            ["--qemu", "'"], ["--qemu", "-nonsense"],
            ["--nonsense"], ["stray", "--", "true"],
        ]
        for case in cases:
            name = " ".join(case).replace(folder, "").replace("\n", " ")
            ended = run("boot", "--no-build", *case, *(() if "--" in case else ("--", "true")))
            one_line(tap, name, ended)
        one_line(tap, "image into no folder", run("image", "--no-build", os.path.join(nowhere, "x.img")))
        one_line(tap, "image of no folder", run("image", "--no-build", os.path.join(folder, "x.img"),
                                                "--root", nowhere))
        one_line(tap, "image without a name", run("image", "--no-build"))
        one_line(tap, "debug of no folder", run("debug", "--no-build", "--root", nowhere), "--root")
        one_line(tap, "nothing built", run("boot", "--no-build", "--", "true", BATON_BUILD=folder),
                 "--no-build")
        one_line(tap, "a build folder that cannot be made",
                 run("boot", "--", "true", BATON_BUILD="/proc/nowhere"), "BATON_BUILD")
        one_line(tap, "a date that is none", run("image", "--no-build", os.path.join(folder, "x.img"),
                                                 SOURCE_DATE_EPOCH="today"), "SOURCE_DATE_EPOCH")


def helps(tap):
    """Every script tells its options, without building."""
    for script in ("boot", "image", "debug", "test", "handoff"):
        ended = run(script, "--help", BATON_BUILD="/proc/nowhere")
        tap.check(ended.returncode == 0 and not ended.stderr and len(ended.stdout) > 200,
                  f"{script} --help", ended.returncode, ended.stderr)
        with open(os.path.join(SCRIPTS, "README.md"), encoding="utf-8") as file:
            readme = file.read()
        told = {word.strip("[],.`") for word in ended.stdout.split() if word.strip("[],.`").startswith("--")}
        unknown = sorted(word for word in told - {"--", "--help"} if f"`{word}" not in readme)
        tap.check(not unknown, f"{script} --help: scripts/README.md tells these options too", *unknown)
        if script in ("boot", "image"):
            tap.check("Secure Boot" in ended.stdout, f"{script} --help names Secure Boot",
                      ended.stdout)
    with open(os.path.join(SCRIPTS, "..", "README.md"), encoding="utf-8") as file:
        tap.check("**Secure Boot has to be off**" in file.read(), "so does README.md")


class Pretended:
    """A machine on which no package is installed, as scripts/prepare sees it."""

    def __init__(self, folder, user="0", sudo=False, apt="exit 100"):
        self.calls = os.path.join(folder, "calls")
        self.path = os.path.join(folder, "bin")
        os.mkdir(self.path)
        for tool in TOOLS:
            for place in os.environ["PATH"].split(":") + ["/usr/bin"]:
                if os.path.exists(os.path.join(place, tool)):
                    os.symlink(os.path.join(place, tool), os.path.join(self.path, tool))
                    break
        self.program("dpkg-query", "exit 1")
        self.program("id", f"echo {user}")
        self.program("apt-get", f'echo "$*" >>{self.calls}; {apt}')
        if sudo:
            self.program("sudo", f"echo sudo >>{self.calls}; exec \"$@\"")

    def program(self, name, text):
        path = os.path.join(self.path, name)
        if os.path.lexists(path):
            os.unlink(path)  # a link to the host's own: it must not be written through
        with open(path, "x", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)

    def run(self):
        ended = run("boot", "--no-build", "--", "true", PATH=self.path)
        called = ""
        if os.path.exists(self.calls):
            with open(self.calls, encoding="ascii") as file:
                called = file.read()
        return ended, called


def packages(tap):
    noise = "echo 'E: Unable to fetch some archives'; echo 'E: no network here'; "
    with tempfile.TemporaryDirectory() as folder:
        ended, called = Pretended(folder, user="1000").run()
        one_line(tap, "neither root nor sudo", ended, "apt-get install --no-install-recommends clang")
        tap.equal(called, "", "then nothing is tried")
    with tempfile.TemporaryDirectory() as folder:
        ended, called = Pretended(folder, user="1000", sudo=True, apt=noise + "exit 100").run()
        lines = ended.stderr.splitlines()
        tap.check(ended.returncode == 126 and len(lines) == 2 and "installing Debian packages: clang" in
                  lines[0] and "network" in lines[1], "no network: what is done, and what went wrong",
                  ended.stderr)
        tap.check(called.startswith("sudo\n"), "through sudo", called)
    with tempfile.TemporaryDirectory() as folder:
        machine = Pretended(folder, apt=noise + "exit 0")
        machine.program("find", "exit 0")  # there are no package lists
        ended, called = machine.run()
        first = called.splitlines()[0] if called else ""
        tap.check(first.endswith(" update") and called.count("\n") == 2,
                  "without package lists these come first", called)
        lines = ended.stderr.splitlines()[:1]
        tap.check(lines and "installing" in lines[0] and "E:" not in ended.stderr,
                  "and one line says what is done", ended.stderr)


def test(tap):
    for check in (options, helps, packages):
        check(tap)


if __name__ == "__main__":
    harness.main(test)
