"""What instruction counts hide: how often each measurement of bench.c runs an instruction that hardware
charges more for. From the output of the plugin count.c."""
import collections

# The order of the columns. Intel SDM volume 2 has the encodings.
KINDS = {
    "locked": "atomic instructions, by a LOCK prefix or XCHG with memory",
    "fence": "LFENCE, MFENCE, SFENCE",
    "msr": "RDMSR and WRMSR",
    "device": "accesses to device registers, in memory or by IN and OUT",
    "tlb": "INVLPG, INVPCID and loads of CR3: translations are lost",
}
PREFIXES = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0xf0, 0xf2, 0xf3}
LOCK = 0xf0
PORTS = {0x6c, 0x6d, 0x6e, 0x6f, 0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef}


def _fields(modrm):
    """(mod, reg, rm) of a ModRM byte."""
    return modrm >> 6, modrm >> 3 & 7, modrm & 7


def _two_byte_kind(opcode, code):
    mod, register, memory = _fields(code[0]) if code else (0, 0, 0)
    if opcode in (0x30, 0x32):
        return "msr"
    if opcode == 0xae and mod == 3 and register >= 5:
        return "fence"
    if opcode == 0x22 and register == 3 or opcode == 0x01 and mod != 3 and register == 7:
        return "tlb"
    return "tlb" if opcode == 0x38 and code and code[0] == 0x82 else None


def kind(code):
    """The kind of an instruction, by its bytes; None: an ordinary one."""
    place = 0
    while code[place] in PREFIXES or 0x40 <= code[place] <= 0x4f:
        if code[place] == LOCK:
            return "locked"
        place += 1
    opcode, rest = code[place], code[place + 1:]
    if opcode == 0x0f:
        return _two_byte_kind(rest[0], rest[1:])
    if opcode in (0x86, 0x87) and rest[0] >> 6 != 3:
        return "locked"
    return "device" if opcode in PORTS else None


def groups(path):
    """The plugin's groups, each a list of sections: {kind: how often}."""
    result = []
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "group":
                result.append([])
            elif words[0] == "section":
                result[-1].append(collections.Counter())
            else:
                found = result[-1][-1]
                found[kind(bytes.fromhex(words[2]))] += int(words[1])
                found["device"] += int(words[3]) if len(words) > 3 else 0
    return result


def of_measurements(path, measurements):
    """{name: {kind: how often an operation does it}} of [(name, operations a section)], in the order in
    which they were made: each has a group to warm up and one that counts. {}: some are missing."""
    made = groups(path)
    if len(made) != 2 * len(measurements):
        return {}
    result = {}
    for (name, operations), parts in zip(measurements, made[1::2]):
        total = sum(parts, collections.Counter())
        result[name] = {key: round(total[key] / operations / max(len(parts), 1), 2)
                        for key in KINDS}
    return result
