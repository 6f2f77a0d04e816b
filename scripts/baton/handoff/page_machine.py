"""The page's parts about the machine: what it is, its time line from reset, calls."""
import collections
import struct

from .page_parts import escape, facts, long_table, size_text, table
from .records import letters, names, number, raw, service_name

POINTS = [
    "P0 first instruction",
    "P1 before the first allocation",
    "P2 inventory",
    "P3 the loader's calls",
    "P4 exit",
    "P5 after the exit",
    "P6 kernel",
    "P7 virtual addresses",
]
# Bits by register (SDM volume 3, 2.3, 2.5 and 2.2.1).
BITS = {
    "cr0": {
        0: "PE",
        1: "MP",
        2: "EM",
        3: "TS",
        4: "ET",
        5: "NE",
        16: "WP",
        18: "AM",
        29: "NW",
        30: "CD",
        31: "PG",
    },
    "cr4": {
        0: "VME",
        1: "PVI",
        2: "TSD",
        3: "DE",
        4: "PSE",
        5: "PAE",
        6: "MCE",
        7: "PGE",
        8: "PCE",
        9: "OSFXSR",
        10: "OSXMMEXCPT",
        11: "UMIP",
        12: "LA57",
        13: "VMXE",
        14: "SMXE",
        16: "FSGSBASE",
        17: "PCIDE",
        18: "OSXSAVE",
        20: "SMEP",
        21: "SMAP",
        22: "PKE",
        23: "CET",
    },
    "efer": {0: "SCE", 8: "LME", 10: "LMA", 11: "NXE"},
    "rflags": {0: "CF", 2: "PF", 4: "AF", 6: "ZF", 7: "SF", 8: "TF", 9: "IF", 10: "DF", 11: "OF"},
    "apic_base": {8: "BSP", 10: "x2APIC", 11: "enabled"},
}


def cache_type(value):
    """Of an MTRR."""
    types = names()["cache_types"]
    return types[value] if value < len(types) else "unknown"


def class_name(code):
    return names()["pci_classes"].get(str(code), "")


def status_text(status):
    value = number(status)
    known, index = names()["statuses"], value & ~(1 << 63)
    words = (known[index] if index < len(known) and (value == 0 or value >> 63) else "") or f"{value:#x}"
    return words if value == 0 else f"<span class=bad>{words}</span>"


def bit_names(name, value):
    return " ".join(word for bit, word in BITS[name].items() if number(value) >> bit & 1)


# ---- the machine ----


def state_facts(entry):
    fields = entry["fields"]
    for name in ("cr0", "cr4", "efer", "rflags", "apic_base"):
        yield name.upper().replace("_", " "), fields[name], bit_names(name, fields[name])
    for name in ("cr3", "rip", "rsp", "pat"):
        yield name.upper(), fields[name]
    yield "x87, MXCSR", f"{fields['fcw']:#x}, {fields['mxcsr']:#x}"
    yield "CS, SS, TR", f"{fields['cs']:#x}, {fields['ss']:#x}, {fields['tr']:#x}"
    yield "GDT", fields["gdt_base"], f"limit {fields['gdt_limit']:#x}"
    yield "IDT", fields["idt_base"], f"limit {fields['idt_limit']:#x}"


def cpuid(record):
    entry = record.first("cpuid")
    return {(one["leaf"], one["subleaf"]): one for one in entry["items"]} if entry else {}


def processor_name(record):
    """CPUID's brand, or its vendor."""
    leaves = cpuid(record)

    def words(leaf, order):
        one = leaves.get((leaf, 0))
        return b"".join(struct.pack("<I", one[register]) for register in order) if one else b""

    brand = b"".join(words(leaf, ("eax", "ebx", "ecx", "edx")) for leaf in range(0x80000002, 0x80000005))
    return letters((brand or words(0, ("ebx", "edx", "ecx"))).strip(b"\0 "))


def mtrr_rows(record):
    """The variable MTRRs that are on (SDM volume 3, 12.11.2.3)."""
    entry, leaf = record.first("msrs"), cpuid(record).get((0x80000008, 0))
    values = {one["index"]: number(one["value"]) for one in entry["items"]} if entry else {}
    limit = 1 << (leaf["eax"] & 0xFF if leaf else 52)
    for index in range(values.get(0xFE, 0) & 0xFF):
        base, mask = values.get(0x200 + 2 * index, 0), values.get(0x201 + 2 * index, 0)
        if mask >> 11 & 1:
            size = limit - (mask & ~0xFFF) % limit
            yield f">{index}", f"`{base & ~0xFFF:#x}", f">{size_text(size)}", cache_type(base & 0xFF)
    if 0x2FF in values:
        kind = cache_type(values[0x2FF] & 0xFF)
        yield ">", "what none holds", ">", kind if values[
            0x2FF
        ] >> 11 & 1 else "<span class=bad>MTRRs are off</span>"


def screens(record):
    rows = []
    for entry in record.all("screen"):
        fields = entry["fields"]
        if fields["flags"] & 1:
            return "<p>There is no graphics output.</p>"
        kind = {0: "RGB", 1: "BGR", 2: "masks", 3: "BLT only"}.get(fields["pixel_format"], "?")
        rows.append(
            (
                f"{fields['width']} × {fields['height']}",
                f">{fields['stride']}",
                kind,
                f"`{fields['framebuffer_base']}",
                f">{number(fields['framebuffer_size'])}",
                f"`{fields['bar_base']}",
            )
        )
    return table(("Mode", ">Stride", "Pixels", "Framebuffer", ">Bytes", "BAR"), rows) if rows else ""


def range_text(item):
    """What a function decodes, by its struct record_pci_range."""
    base, size = number(item["base"]), number(item["size"])
    if item["flags"] & 1:
        return f"ports {base:#x}, {size}"
    kind = "ROM " if item["number"] == 6 else "window " if item["number"] > 6 else ""
    return f"{kind}{base:#x}, {size_text(size)}"


def decoded(record):
    """Texts of what each function decodes, by its place."""
    texts = collections.defaultdict(list)
    for entry in record.all("pci_ranges"):
        for item in entry["items"]:
            place = (item["segment"], item["bus"], item["device_function"])
            texts[place].append(range_text(item))
    return texts


def functions(record):
    commands = {
        (one["segment"], one["bus"], one["device_function"]): one
        for entry in record.all("pci_commands")
        for one in entry["items"]
    }
    ranges, rows = decoded(record), []
    for entry in record.all("pci_function"):
        fields = entry["fields"]
        vendor, device = struct.unpack_from("<HH", raw(entry, 56) + bytes(4))
        place = (fields["segment"], fields["bus"], fields["device"] << 3 | fields["function"])
        after = commands.get(place)
        master = "?" if after is None else "<span class=bad>on</span>" if after["command"] & 4 else "off"
        rows.append(
            (
                f"`{fields['segment']:04x}:{fields['bus']:02x}:{fields['device']:02x}.{fields['function']}",
                f"`{vendor:04x}:{device:04x}",
                f"{after['class_code']:04x} {class_name(after['class_code'])}" if after else "",
                master,
                "~" + escape("; ".join(ranges[place])),
            )
        )
    heads = ("Function", "Identifiers", "Class", "Master after the exit", "Decodes")
    return long_table("All functions", heads, rows) if rows else ""


def processors(record):
    results = ["boot processor", "woke", "did not wake", "came late", "ran unasked"]
    rows = []
    for entry in record.all("processor"):
        fields = entry["fields"]
        words = results[fields["result"]] if fields["result"] < len(results) else "?"
        wake = number(fields["wake_nanoseconds"])
        rows.append((f">{fields['apic_id']}", words, f">{duration(wake, 10**9)}" if wake else ">"))
    return table((">APIC", "State", ">Time to wake"), rows) if rows else ""


def lvt_text(value):
    """A local vector table entry (SDM volume 3, 11.5.1)."""
    delivery = {0: "fixed", 2: "SMI", 4: "NMI", 5: "INIT", 7: "8259's"}.get(value >> 8 & 7, "?")
    return f"{delivery} {value & 0xFF:#x}{', masked' if value >> 16 & 1 else ''}"


def after_facts(record):
    """What P5 and P6 found of interrupts, timers and memory that something else writes."""
    entry = record.first("after_exit")
    if entry:
        fields = entry["fields"]
        yield "RFLAGS", fields["rflags"], bit_names("rflags", fields["rflags"])
        yield "APIC BASE", fields["apic_base"], bit_names("apic_base", fields["apic_base"])
        for name in ("timer", "lint0", "lint1", "error"):
            yield f"LVT {name}", f"{fields['lvt_' + name]:#x}", lvt_text(fields["lvt_" + name])
        yield "In service", sum(map(int.bit_count, fields["in_service"] or [])), "interrupts"
        yield "Requested", sum(map(int.bit_count, fields["requested"] or [])), "interrupts"
        yield "8259 masks", fields["pic_mask"] or "?"
    for entry in record.all("hpet"):
        yield "HPET", "runs" if number(entry["fields"]["configuration"]) & 1 else "stands"
    for entry in record.all("interrupts"):
        seen = ", ".join(f"{one['vector']:#x} {one['count']}×" for one in entry["items"]) or "none"
        yield "Stray interrupts", seen, f"in {duration(number(entry['fields']['nanoseconds']), 10**9)}"
    for entry in record.all("canary"):
        fields = entry["fields"]
        size = size_text(number(fields["size"]))
        yield "Canary", f"{number(fields['changed'])} bytes changed", f"of {size}"


def disks(record):
    rows = []
    for entry in record.all("block_device"):
        fields = entry["fields"]
        flags = [
            word
            for bit, word in enumerate(("removable", "", "partition", "read-only"))
            if word and fields["flags"] >> bit & 1
        ]
        size = (number(fields["last_block"]) + 1) * fields["block_size"]
        rows.append((f">{size_text(size)}", f">{fields['block_size']}", ", ".join(flags) or "disk"))
    return table((">Size", ">Block", "Kind"), rows) if rows else ""


def machine(record):
    state, name, ranges = record.first("entry_state"), processor_name(record), list(mtrr_rows(record))
    parts = [
        (
            f"The processor at the loader's first instruction{': ' + name if name else ''}",
            facts(state_facts(state)) if state else "",
        ),
        ("MTRRs", table((">Range", "Base", ">Size", "Type"), ranges) if ranges else ""),
        ("After the exit", facts(after_facts(record)) if record.first("after_exit") else ""),
        ("Processors", processors(record)),
        ("Screens", screens(record)),
        ("Block devices", disks(record)),
        ("PCI functions", functions(record)),
    ]
    text = "".join(f"<h3>{escape(title)}</h3>{part}" for title, part in parts if part)
    return text or "<p>Nothing was recorded of the machine.</p>"


# ---- time ----


def duration(ticks, hertz):
    if not hertz:
        return f"{ticks} ticks" if abs(ticks) < 100000 else f"{ticks / 1e6:.4g} M ticks"
    milliseconds = 1000 * ticks / hertz
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.3g} ms"


def spans(record):
    """(what, begin, end) in ticks: each point, and the exit."""
    for point, name in enumerate(POINTS):
        times = [
            number(one["tsc"]) for one in record.entries if one["point"] == point and number(one["tsc"])
        ]
        if times:
            yield name, min(times), max(times)
    for entry in record.all("exit_attempt"):
        begin, end = number(entry["fields"]["before"]), number(entry["fields"]["after"])
        if begin and end >= begin:
            yield f"P4 exit, attempt {entry['fields']['attempt']}", begin, end


def firmware_spans(record, hertz):
    """The firmware's own times from reset, of FBPT's basic boot record (ACPI 6.6, 5.2.24.9)."""
    entry = record.first("boot_performance")
    data = raw(entry, 16) if entry else b""
    if len(data) < 56 or data[:4] != b"FBPT" or not hertz:
        return
    reset, load, start, entered, left = (
        one * hertz // 10**9 for one in struct.unpack_from("<5Q", data, 16)
    )
    yield "FPDT: reset to the firmware's image", 0, reset
    yield "FPDT: firmware, to the loader's load", reset, load
    yield "FPDT: load to start of the loader", load, start
    if left:
        yield "FPDT: ExitBootServices", entered, left


def time_rows(found, begin, total, hertz):
    for name, first, last in found:
        left, width = 100 * (first - begin) / total, 100 * (last - first) / total
        tone = " class=before" if name.startswith(("FPDT", "From reset")) else ""
        yield (
            f"<span>{escape(name)}</span><span class=track>"
            f"<i{tone} style='left:{min(left, 99.7):.3f}%;width:{width:.3f}%'></i></span>"
            f"<span class=right>{duration(last - first, hertz)}</span>"
        )


def time_line(record):
    """The TSC counts from reset, so that it tells how long the firmware took."""
    found, hertz = list(spans(record)), record.tsc_hz()
    if not found:
        return "<p>No times were recorded.</p>"
    start, end = min(one[1] for one in found), max(one[2] for one in found)
    before = [one for one in firmware_spans(record, hertz) if one[1] <= one[2] <= end]
    exits = [number(one["fields"]["after"]) for one in record.all("exit_attempt")]
    left = min(max([start, *exits]), end)
    whole = [
        ("From reset to the loader", 0, start),
        *before,
        ("Loader, to the exit", start, left),
        ("Kernel, to the last entry", left, end),
    ]
    rows = "".join(time_rows(whole, 0, max(end, 1), hertz))
    detail = "".join(time_rows(found, start, max(end - start, 1), hertz))
    return (
        f"<div class=time>{rows}</div><h3>The loader and the kernel, enlarged</h3>"
        f"<div class=time>{detail}</div>"
        f"<p class=soft>{duration(start, hertz)} from reset to the loader's first instruction (the time "
        f"stamp counter, which a reset sets to 0), {duration(end - start, hertz)} from there to the last "
        "entry.</p>"
    )


# ---- calls ----


def call_rows(record, hertz):
    for entry in record.all("call", "runtime_call", "virtual_call"):
        fields = entry["fields"]
        ticks = number(fields["after"]) - number(fields["before"])
        faulted = (
            " <span class=bad>faulted</span>" if entry["name"] != "call" and fields["flags"] & 1 else ""
        )
        yield (
            f"P{entry['point']}",
            service_name(fields["service"]),
            "`" + " ".join(fields["arguments"] or []),
            status_text(fields["status"]) + faulted,
            f">{duration(ticks, hertz) if ticks > 0 else '–'}",
        )


def service_rows(record, hertz):
    """How often each service was called, for how long, and how often it failed."""
    found = collections.defaultdict(list)
    for entry in record.all("call", "runtime_call", "virtual_call"):
        found[entry["point"], entry["fields"]["service"]].append(entry["fields"])
    for (point, service), calls_of_it in sorted(found.items()):
        ticks = [max(number(one["after"]) - number(one["before"]), 0) for one in calls_of_it]
        failed = sum(number(one["status"]) != 0 for one in calls_of_it)
        yield (
            f"P{point}",
            service_name(service),
            f">{len(ticks)}",
            f">{failed or ''}",
            f">{duration(sum(ticks), hertz)}",
            f">{duration(max(ticks), hertz)}",
        )


def read_rows(record):
    for entry in record.all("file_read"):
        fields = entry["fields"]
        yield (
            escape(entry["text"]),
            f">{number(fields['asked'])}",
            f">{number(fields['got'])}",
            status_text(fields["status"]),
        )


def attempt_rows(record, hertz):
    for entry in record.all("exit_attempt"):
        fields = entry["fields"]
        ticks = number(fields["after"]) - number(fields["before"])
        yield (
            f">{fields['attempt']}",
            f"`{fields['key']}",
            status_text(fields["map_status"]),
            status_text(fields["status"]),
            f">{duration(ticks, hertz)}",
        )


def calls(record):
    hertz = record.tsc_hz()
    rows, reads, attempts = (
        list(call_rows(record, hertz)),
        list(read_rows(record)),
        list(attempt_rows(record, hertz)),
    )
    text = ""
    if attempts:
        heads = (">Attempt", "Map key", "GetMemoryMap", "ExitBootServices", ">Time")
        text += "<h3>The exit</h3>" + table(heads, attempts)
    if rows:
        heads = ("", "Service", ">Calls", ">Not 0", ">Together", ">Longest")
        text += "<h3>Services, together</h3>" + table(heads, service_rows(record, hertz))
        heads = ("", "Service", "Arguments", "Status", ">Time")
        text += "<h3>Services</h3>" + long_table("All calls", heads, rows)
    if reads:
        text += "<h3>Files</h3>" + long_table("All reads", ("File", ">Asked", ">Got", "Status"), reads)
    return text or "<p>No calls were recorded.</p>"
