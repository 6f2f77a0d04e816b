"""The page's parts about the machine: what it is, its time line, calls, tables, Secure Boot and PCRs."""
import html
import struct

from .page_memory import table
from .records import guid_name, letters, number, raw, service_name

STATUSES = {
    0: "success",
    1: "load error",
    2: "invalid parameter",
    3: "unsupported",
    4: "bad buffer size",
    5: "buffer too small",
    6: "not ready",
    7: "device error",
    8: "write protected",
    9: "out of resources",
    14: "not found",
    15: "access denied",
    18: "timeout",
    21: "aborted",
    26: "security violation",
}
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


def escape(value):
    return html.escape(str(value))


def status_text(status):
    value = number(status)
    words = STATUSES.get(value & ~(1 << 63), f"{value:#x}")
    return words if value == 0 else f"<span class=bad>{words}</span>"


def facts(pairs):
    return (
        "<dl class=facts>"
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd></div>"
            for name, value in pairs
        )
        + "</dl>"
    )


def state_facts(entry):
    fields = entry["fields"]
    for name in ("cr0", "cr3", "cr4", "efer", "rflags", "rsp", "rip", "apic_base"):
        yield name.upper().replace("_", " "), fields[name]
    yield "x87, MXCSR", f"{fields['fcw']:#x}, {fields['mxcsr']:#x}"
    yield "CS, SS, TR", f"{fields['cs']:#x}, {fields['ss']:#x}, {fields['tr']:#x}"


def screens(record):
    rows = []
    for entry in record.all("screen"):
        fields = entry["fields"]
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
    return (
        "<h3>Screens</h3>" + table(("Mode", ">Stride", "Pixels", "Framebuffer", ">Bytes", "BAR"), rows)
        if rows
        else ""
    )


def functions(record):
    commands = {
        (one["segment"], one["bus"], one["device_function"]): one["command"]
        for entry in record.all("pci_commands")
        for one in entry["items"]
    }
    rows = []
    for entry in record.all("pci_function"):
        fields = entry["fields"]
        vendor, device = struct.unpack_from("<HH", raw(entry, 56) + bytes(4))
        command = commands.get(
            (fields["segment"], fields["bus"], fields["device"] << 3 | fields["function"])
        )
        master = "?" if command is None else "<span class=bad>on</span>" if command & 4 else "off"
        rows.append(
            (
                f"`{fields['segment']:04x}:{fields['bus']:02x}:{fields['device']:02x}.{fields['function']}",
                f"`{vendor:04x}:{device:04x}",
                master,
            )
        )
    return (
        "<h3>PCI functions</h3>"
        + table(("Function", "Identifiers", "Bus mastering after the exit"), rows)
        if rows
        else ""
    )


def processors(record):
    results = ["boot processor", "woke", "did not wake", "came late", "ran unasked"]
    rows = []
    for entry in record.all("processor"):
        fields = entry["fields"]
        words = results[fields["result"]] if fields["result"] < len(results) else "?"
        wake = number(fields["wake_nanoseconds"])
        rows.append((f">{fields['apic_id']}", words, f">{wake / 1000:.0f} µs" if wake else ">"))
    return "<h3>Processors</h3>" + table((">APIC", "State", ">Time to wake"), rows) if rows else ""


def machine(record):
    state = record.first("entry_state")
    text = (
        "<h3>The processor at the loader's first instruction</h3>" + facts(state_facts(state))
        if state
        else ""
    )
    text += processors(record) + screens(record) + functions(record)
    return text or "<p>Nothing was recorded of the machine.</p>"


# ---- time ----


def duration(ticks, hertz):
    if not hertz:
        return f"{ticks} ticks"
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
            yield f"ExitBootServices {entry['fields']['attempt']}", begin, end


def firmware_times(record):
    """The firmware's own times from reset, in ns, of FBPT's basic boot record (ACPI 6.6, 5.2.24)."""
    entry = record.first("boot_performance")
    data = raw(entry, 16) if entry else b""
    if len(data) < 56 or data[:4] != b"FBPT":
        return ""
    names = ("reset done", "loader read", "loader started", "exit entered", "exit left")
    values = struct.unpack_from("<5Q", data, 16)
    return "<h3>From reset, as the firmware says</h3>" + facts(
        (name, f"{value / 1e6:.1f} ms") for name, value in zip(names, values)
    )


def time_line(record):
    found = list(spans(record))
    if not found:
        return "<p>No times were recorded.</p>"
    begin, end = min(one[1] for one in found), max(one[2] for one in found)
    total, hertz = max(end - begin, 1), record.tsc_hz()
    rows = ""
    for name, first, last in found:
        left, width = 100 * (first - begin) / total, 100 * (last - first) / total
        rows += (f"<span>{escape(name)}</span><span class=track>"
                 f"<i style='left:{left:.3f}%;width:{width:.3f}%'></i></span>"
                 f"<span class=right>{duration(last - first, hertz)}</span>")
    return (
        f"<div class=time>{rows}</div><p class=soft>{duration(total, hertz)} from the loader's first"
        f" instruction to the last entry.</p>{firmware_times(record)}"
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
            f">{duration(ticks, hertz)}",
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


def calls(record):
    hertz = record.tsc_hz()
    rows, reads = list(call_rows(record, hertz)), list(read_rows(record))
    attempts = [
        (
            f">{one['fields']['attempt']}",
            status_text(one["fields"]["map_status"]),
            status_text(one["fields"]["status"]),
            f">{duration(number(one['fields']['after']) - number(one['fields']['before']), hertz)}",
        )
        for one in record.all("exit_attempt")
    ]
    text = ""
    if attempts:
        text += "<h3>The exit</h3>" + table(
            (">Attempt", "GetMemoryMap", "ExitBootServices", ">Time"), attempts
        )
    if rows:
        text += "<h3>Services</h3>" + table(("", "Service", "Arguments", "Status", ">Time"), rows)
    if reads:
        text += "<h3>Files</h3>" + table(("File", ">Asked", ">Got", "Status"), reads)
    return text or "<p>No calls were recorded.</p>"


# ---- tables ----


def madt_text(data):
    found, at = [], 44
    while at + 2 <= len(data) and data[at + 1] >= 2:
        kind, length = data[at], data[at + 1]
        if kind == 0 and at + 8 <= len(data):
            enabled = "" if data[at + 4] & 1 else " (off)"
            found.append(f"APIC {data[at + 3]}{enabled}")
        elif kind == 1 and at + 12 <= len(data):
            found.append(f"I/O APIC at {struct.unpack_from('<I', data, at + 4)[0]:#x}")
        elif kind == 9 and at + 16 <= len(data):
            found.append(f"x2APIC {struct.unpack_from('<I', data, at + 4)[0]}")
        at += length
    return ", ".join(found)


def mcfg_text(data):
    return ", ".join(
        f"{base:#x}, segment {segment}, buses {first} to {last}"
        for base, segment, first, last, _ in struct.iter_unpack(
            "<QHBBI", data[44:44 + (len(data) - 44) // 16 * 16]
        )
    )


def acpi_text(name, data):
    if name == "APIC":
        return madt_text(data)
    if name == "MCFG":
        return mcfg_text(data)
    if name == "HPET" and len(data) >= 52:
        return f"at {struct.unpack_from('<Q', data, 44)[0]:#x}"
    if name == "XSDT":
        return f"{(len(data) - 36) // 8} tables"
    if name == "RSDT":
        return f"{(len(data) - 36) // 4} tables"
    return ""


def acpi_rows(record):
    for entry in record.all("acpi_root", "acpi_table"):
        fields, data = entry["fields"], raw(entry, 16)
        root = entry["name"] == "acpi_root"
        name = "RSDP" if root else letters(data[:4])
        maker = data[9:15] if root else data[10:16] if name != "FACS" else b""
        sound = "<span class=bad>bad</span>" if fields["sum"] and name != "FACS" else "right"
        yield (
            escape(name),
            f"`{fields['address']}",
            f">{fields['length']}",
            escape(letters(maker.rstrip(b"\0 "))),
            sound,
            escape(acpi_text(name, data)),
        )


def smbios_rows(record):
    for entry in record.all("smbios_structures"):
        data, at = raw(entry, 16), 0
        while at + 4 <= len(data) and data[at + 1] >= 4:
            end = data.find(b"\0\0", at + data[at + 1])
            if end < 0:
                return
            words = map(letters, data[at + data[at + 1]:end].split(b"\0"))
            yield f">{data[at]}", f">{data[at + 1]}", escape(" · ".join(filter(None, words)))
            at = end + 2


def tables(record):
    acpi, smbios = list(acpi_rows(record)), list(smbios_rows(record))
    named = [
        (escape(guid_name(item["guid"])), f"`{item['address']}")
        for entry in record.all("configuration")
        for item in entry["items"]
    ]
    text = "<h3>Configuration tables</h3>" + table(("Table", "Address"), named) if named else ""
    if acpi:
        text += "<h3>ACPI</h3>" + table(("Table", "Address", ">Bytes", "OEM", "Checksum", ""), acpi)
    if smbios:
        text += "<h3>SMBIOS</h3>" + table((">Type", ">Length", "Strings"), smbios)
    return text or "<p>No tables were recorded.</p>"


# ---- trust ----


def trust(record):
    variables = [
        (
            escape(one["text"]),
            escape(guid_name(one["fields"]["guid"])),
            f"{one['fields']['attributes']:#x}",
            f">{one['fields']['data_size']}",
            "`" + (one.get("data", "")[:32] or "digest only"),
        )
        for one in record.all("variable")
    ]
    text = (
        "<h3>Variables</h3>" + table(("Name", "Vendor", "Attributes", ">Bytes", "Value"), variables)
        if variables
        else ""
    )
    for entry in record.all("pcrs"):
        digests, size = raw(entry, 16), entry["fields"]["digest_size"] or 32
        rows = [(f">{pcr}", "`" + digests[pcr * size:(pcr + 1) * size].hex()) for pcr in range(8)]
        text += "<h3>PCRs</h3>" + table((">PCR", "Value"), rows)
    return text or "<p>Neither Secure Boot's variables nor PCRs were recorded.</p>"
