#!/usr/bin/python3
"""Plants a fault for each rule of scripts/lint in a small project, and expects the rule to find it,
and to find nothing before. A rule without a planted fault fails this test."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import lint, lint_language, project  # noqa: E402

# A project in which every rule holds, with some files of ours.
BORROWED = (".clang-format", ".clang-tidy", "kernel/thread/context_switch.S")
SOUND = {
    "README.md": "[the kernel](kernel/README.md#kernel), `kernel/thread/thread.c`, `begin_thread()`\n",
    "kernel/README.md": "# Kernel\n\n"
                        "`terminal`, `firmware` → `process` → `memory` → `thread` → `cpu` → `library`\n",
    "kernel/thread/README.md": "`thread.c`, `context_switch.S`\n",
    "kernel/thread/thread.c": "int begin_thread(int number);\n\n"
                              "int begin_thread(int number)\n{\n    return number;\n}\n",
    "loader/README.md": "# Loader\n\n## The rules\n\n| 1 | hello | here | `hello.c`, \"said in full\" |\n",
    "tests/boot/hello.py": "print('said in full')\n",
    "CHANGELOG.md": "# Handoff\n\n| 7 | what changed |\n",
    "include/README.md": "`handoff.h`\n",
    "include/handoff.h": "#define HANDOFF_VERSION 7\n",
    "docs/README.md": "`architecture.md`\n",
    "docs/architecture.md": "### 1. One\n",
    "scripts/README.md": "`greet`, `greet.py`\n",
    "scripts/greet": "#!/bin/sh\necho hello\n",
    "scripts/greet.py": "print('hello')\n",
    "tests/README.md": "| `hello` | `boot/programs/file/hello.c` | greetings |\n",
    "tests/boot/programs/file/hello.c": "int main(void)\n{\n    return 0;\n}\n",
    "meson.build": "warnings = [" + ", ".join(f"'{flag}1024'" if flag.endswith("=") else f"'{flag}'"
                                              for flag in lint_language.WARNINGS) + "]\n",
    "build/build.ninja": "rule cc\n  command = clang-14 -c $in -o $out\n"
                         "build thread.o: cc ../kernel/thread/thread.c\n",
}
LONG_FUNCTION = "void long_one(void)\n{\n" + "    ;\n" * 90 + "}\n"

# Rule, file, and what is written at its end; a list: files that come beside it.
PLANTED = [
    ("layering", "kernel/thread/thread.c", '#include "process/process.h"\n'),
    ("layering", "kernel/terminal/screen.c", '#include "firmware/runtime_services.h"\n'),
    ("layering", "kernel/attic/things.c", "int things;\n"),
    ("layering", "loader/main.c", '#include "memory/frame.h"\n'),
    ("order-told-twice", "README.md", "`library` → `cpu` → `thread` → `memory` → `file`\n"),
    ("hooks", "kernel/thread/thread.h", "struct ending_hooks {\n    int value;\n};\n"),
    ("hooks", "kernel/thread/thread.h", "extern void (*thread_ended)(int number);\n"),
    ("hooks", "kernel/thread/hooks.h", "extern const struct thread_hooks {\n    void (*end)(void);\n} "
                                       "thread_hooks;\n"),
    ("cr3", "kernel/thread/thread.c", "void f(void)\n{\n    cr3_write(0);\n}\n"),
    ("cr3", "kernel/thread/thread.c", 'void g(void)\n{\n    __asm__("mov %0, %%cr3" ::"r"(0L));\n}\n'),
    ("cr3", "kernel/thread/context_switch.S", "    movq %rax, %cr3\n"),
    ("assembly", "kernel/thread/thread.c", 'void f(void)\n{\n    __asm__ volatile("hlt");\n}\n'),
    ("assembly", "kernel/thread/more.S", "    hlt\n"),
    ("assembly", "kernel/thread/thread.c", "int f(void)\n{\n    return cpuid(0, 0).eax;\n}\n"),
    ("length", "kernel/thread/thread.c", "\n" * 801),
    ("length", "kernel/thread/thread.c", LONG_FUNCTION),
    ("length", "scripts/greet.py", "def long_one():\n" + "    pass\n" * 90),
    ("length", "tests/boot/programs/file/hello.c", LONG_FUNCTION),
    ("crowding", "kernel/thread/README.md", [f"part_{number}.c" for number in range(26)]),
    ("spelling", "kernel/thread/thread.c", "/* it is reci" "eved */\n"),
    ("links", "README.md", "[gone](kernel/gone.md)\n"),
    ("links", "README.md", "[gone](kernel/README.md#gone)\n"),
    ("paths", "README.md", "`kernel/thread/gone.c`\n"),
    ("paths", "README.md", "`thread/gone.c`\n"),
    ("functions-told", "README.md", "`gone_from_here()`\n"),
    ("invariants", "kernel/thread/thread.c", "/* invariant" " 16 */\n"),
    ("handoff-version", "CHANGELOG.md", None),
    ("readmes", "kernel/thread/untold.c", "int untold;\n"),
    ("readmes", "newcomers/guide.txt", "welcome\n"),
    ("test-table", "tests/boot/programs/file/untold.c", "int main(void);\n"),
    ("test-table", "tests/boot/programs/terminal/hello.c", "int main(void);\n"),
    ("test-table", "tests/README.md", "| `gone` | `boot/programs/file/gone.c` | nothing |\n"),
    ("rules-tested", "loader/README.md", "| 2 | a rule | `x.c` | `gone.py` |\n"),
    ("rules-tested", "loader/README.md", "| 2 | a rule | `x.c` | \"a case that is gone\" |\n"),
    ("rules-tested", "loader/README.md", "| 2 | a rule | `x.c` | none |\n"),
    ("clang-format", "kernel/thread/thread.c", "int  far ;\n"),
    ("clang-tidy", "kernel/thread/thread.c",
     "int same(int a);\nint same(int a)\n{\n    return a == a;\n}\n"),
    ("warnings", "meson.build", None),
    ("shellcheck", "scripts/greet", "echo $1\n"),
    ("pyflakes", "scripts/greet.py", "print(absent)\n"),
    ("pycodestyle", "scripts/greet.py", "x=1\n"),
]


def write(folder, name, text, mode="w"):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, mode, encoding="utf-8") as file:
        file.write(text)


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def make_project(folder):
    for name in BORROWED:
        write(folder, name, read(project.SOURCE, name))
    for name, text in SOUND.items():
        write(folder, name, text)


# Faults that are something missing: what is taken out.
TAKEN = {"warnings": "'-Wvla', ", "handoff-version": "| 7 "}


def plant(folder, rule, name, text):
    if text is None:
        write(folder, name, read(folder, name).replace(TAKEN[rule], ""))
    elif isinstance(text, list):
        for file in text:
            write(folder, os.path.join(os.path.dirname(name), file), "")
    else:
        write(folder, name, text, "a")


def findings(folder, rule):
    """(status, output) of the command, as a person would run it on that project."""
    environment = dict(os.environ, BATON_BUILD=os.path.join(folder, "build"),
                       PYTHONPATH=os.path.join(project.SOURCE, "scripts"))
    result = subprocess.run([sys.executable, "-m", "baton.lint", "--tree", folder, rule],
                            env=environment, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def check(tap, rule, name, text):
    with tempfile.TemporaryDirectory() as folder:
        make_project(folder)
        before, said_before = findings(folder, rule)
        plant(folder, rule, name, text)
        after, said = findings(folder, rule)
    shown = f"{len(text)} files beside it" if isinstance(text, list) else \
        " ".join((text or f"without {TAKEN[rule]}").split())[:40]
    tap.check(before == 0, f"{rule} finds nothing in a sound project", said_before)
    tap.check(after == 1 and f"{rule}: " in said and name in said,
              f"{rule} finds in {name}: {shown}", said)


def test(tap):
    for rule, name, text in PLANTED:
        check(tap, rule, name, text)
    planted = {rule for rule, _, _ in PLANTED}
    told = read(project.SOURCE, "docs/hacking.md")
    for rule in lint.RULES:
        tap.check(rule in planted, f"{rule} has a planted fault")
        tap.check(f"`{rule}`" in told, f"docs/hacking.md tells what {rule} means")


if __name__ == "__main__":
    harness.main(test)
