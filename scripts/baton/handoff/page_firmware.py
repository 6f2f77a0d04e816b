"""The page's parts about what the firmware left: tables, decoded; Secure Boot, the event log, PCRs."""
import hashlib
import struct

from .page_parts import escape, long_table, table
from .records import guid_name, letters, number, raw, service_name

SMBIOS_TYPES = {
    0: "firmware",
    1: "system",
    2: "board",
    3: "chassis",
    4: "processor",
    7: "cache",
    8: "port",
    9: "slot",
    11: "OEM strings",
    13: "language",
    16: "memory array",
    17: "memory device",
    19: "memory range",
    20: "memory device's range",
    32: "boot",
    38: "IPMI",
    41: "onboard device",
    43: "TPM",
    45: "firmware inventory",
    126: "inactive",
    127: "end of table",
}
# TCG PC Client Platform Firmware Profile 1.06, 10.4.1.
EVENTS = {
    0x0: "PREBOOT_CERT",
    0x1: "POST_CODE",
    0x3: "NO_ACTION",
    0x4: "SEPARATOR",
    0x5: "ACTION",
    0x6: "EVENT_TAG",
    0x7: "S_CRTM_CONTENTS",
    0x8: "S_CRTM_VERSION",
    0x9: "CPU_MICROCODE",
    0xD: "IPL",
    0x11: "NONHOST_CODE",
    0x80000001: "EFI_VARIABLE_DRIVER_CONFIG",
    0x80000002: "EFI_VARIABLE_BOOT",
    0x80000003: "EFI_BOOT_SERVICES_APPLICATION",
    0x80000004: "EFI_BOOT_SERVICES_DRIVER",
    0x80000005: "EFI_RUNTIME_SERVICES_DRIVER",
    0x80000006: "EFI_GPT_EVENT",
    0x80000007: "EFI_ACTION",
    0x80000008: "EFI_PLATFORM_FIRMWARE_BLOB",
    0x80000009: "EFI_HANDOFF_TABLES",
    0x8000000A: "EFI_PLATFORM_FIRMWARE_BLOB2",
    0x8000000B: "EFI_HANDOFF_TABLES2",
    0x8000000C: "EFI_VARIABLE_BOOT2",
    0x800000E0: "EFI_VARIABLE_AUTHORITY",
}
ALGORITHMS = {4: "SHA-1", 0xB: "SHA-256", 0xC: "SHA-384", 0xD: "SHA-512"}
SHA256 = 0xB


# ---- ACPI ----


def madt_text(data):
    found, at = [], 44
    while at + 2 <= len(data) and data[at + 1] >= 2:
        kind, length = data[at], data[at + 1]
        if kind == 0 and at + 8 <= len(data):
            found.append(f"APIC {data[at + 3]}{'' if data[at + 4] & 1 else ' (off)'}")
        elif kind == 1 and at + 12 <= len(data):
            found.append(f"I/O APIC at {struct.unpack_from('<I', data, at + 4)[0]:#x}")
        elif kind == 2 and at + 10 <= len(data):
            found.append(f"IRQ {data[at + 3]} is {struct.unpack_from('<I', data, at + 4)[0]}")
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


def fadt_text(data):
    if len(data) < 116:
        return ""
    facs, dsdt, sci = struct.unpack_from("<IIxxH", data, 36)
    event, timer = struct.unpack_from("<I", data, 56)[0], struct.unpack_from("<I", data, 76)[0]
    flags = struct.unpack_from("<I", data, 112)[0]
    return (
        f"DSDT {dsdt:#x}, FACS {facs:#x}, SCI {sci}, PM1a events at {event:#x}, PM timer at {timer:#x}"
        + (", hardware-reduced" if flags >> 20 & 1 else "")
    )


def addresses_text(data, form):
    size = struct.calcsize(form)
    return " ".join(
        f"{one:#x}" for one, in struct.iter_unpack(form, data[36:36 + (len(data) - 36) // size * size])
    )


def acpi_text(name, data):
    if name == "HPET":
        return f"at {struct.unpack_from('<Q', data, 44)[0]:#x}" if len(data) >= 52 else ""
    decode = {
        "APIC": madt_text,
        "MCFG": mcfg_text,
        "FACP": fadt_text,
        "XSDT": lambda bytes_: addresses_text(bytes_, "<Q"),
        "RSDT": lambda bytes_: addresses_text(bytes_, "<I"),
    }.get(name)
    return decode(data) if decode else ""


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
            "~" + escape(acpi_text(name, data)),
        )


# ---- the other tables ----


def smbios_structures(record):
    """(its bytes up to the strings, the strings) of each structure (SMBIOS 3.7, 6.1)."""
    for entry in record.all("smbios_structures"):
        data, at = raw(entry, 16), 0
        while at + 4 <= len(data) and data[at + 1] >= 4:
            end = data.find(b"\0\0", at + data[at + 1])
            if end < 0:
                return
            yield data[at:at + data[at + 1]], [
                letters(text) for text in data[at + data[at + 1]:end].split(b"\0")
            ]
            at = end + 2


def smbios_rows(record):
    for data, strings in smbios_structures(record):
        words = " · ".join(filter(None, strings))
        yield f">{data[0]}", SMBIOS_TYPES.get(data[0], ""), f">{len(data)}", escape(words)


def smbios_names(record):
    """What the firmware's version and the machine are called: structures 0 and 1, by numbers of strings."""

    def named(data, strings, offsets):
        numbers = [data[offset] for offset in offsets if offset < len(data)]
        return " ".join(strings[one - 1].strip() for one in numbers if 0 < one <= len(strings))

    for kind, title, offsets in ((0, "Version", (5, 8)), (1, "Machine", (4, 5))):
        for data, strings in smbios_structures(record):
            name = named(data, strings, offsets) if data[0] == kind else ""
            if name:
                yield title, name
                break


def properties_text(data):
    """The services that RT_PROPERTIES excludes (UEFI 2.11, 4.6.2); its bits have an order of their own."""
    if len(data) < 8:
        return ""
    mask = struct.unpack_from("<I", data, 4)[0]
    order = (24, 32, 40, 48, 72, 80, 88, 56, 64, 96, 104, 112, 120, 128)
    missing = [service_name(2 << 16 | offset) for bit, offset in enumerate(order) if not mask >> bit & 1]
    return f"without {', '.join(missing)}" if missing else "all services"


def vendor_text(entry):
    name, data = guid_name(entry["fields"]["guid"]), raw(entry, 32)
    if name == "RT_PROPERTIES":
        return properties_text(data)
    if name == "memory attributes" and len(data) >= 12:
        count, size = struct.unpack_from("<II", data, 4)
        return f"{count} entries of {size} bytes"
    if name == "ESRT" and len(data) >= 4:
        return f"resources: {struct.unpack_from('<I', data)[0]}"
    return ""


def configuration_rows(record):
    decoded = {entry["fields"]["guid"]: vendor_text(entry) for entry in record.all("vendor_table")}
    for entry in record.all("configuration"):
        for item in entry["items"]:
            yield escape(guid_name(item["guid"])), f"`{item['address']}", escape(
                decoded.get(item["guid"], "")
            )


def tables(record):
    parts = [
        ("Configuration tables", ("Table", "Address", ""), configuration_rows(record)),
        ("ACPI", ("Table", "Address", ">Bytes", "OEM", "Checksum", "Decoded"), acpi_rows(record)),
        ("SMBIOS", (">Type", "", ">Length", "Strings"), smbios_rows(record)),
    ]
    text = ""
    for title, heads, rows in parts:
        rows = list(rows)
        text += f"<h3>{title}</h3>{long_table('All of them', heads, rows)}" if rows else ""
    return text or "<p>No tables were recorded.</p>"


# ---- trust ----


def spec_id(data):
    """{algorithm: digest's size} of the first event, TCG_EfiSpecIDEvent, and where the next one begins."""
    size, count = struct.unpack_from("<I", data, 28)[0], struct.unpack_from("<I", data, 56)[0]
    return dict(struct.unpack_from("<HH", data, 60 + 4 * one) for one in range(min(count, 16))), 32 + size


def events(data):
    """(PCR, type, SHA-256 or None, data) of a crypto agile log, as far as it can be read."""
    if len(data) < 60 or data[32:47] != b"Spec ID Event03":
        return
    try:
        sizes, at = spec_id(data)
        while at < len(data):
            pcr, kind, count = struct.unpack_from("<III", data, at)
            at, digest = at + 12, None
            for _ in range(count):
                algorithm = struct.unpack_from("<H", data, at)[0]
                size = sizes[algorithm]
                digest = data[at + 2:at + 2 + size] if algorithm == SHA256 else digest
                at += 2 + size
            size = struct.unpack_from("<I", data, at)[0]
            yield pcr, kind, digest, data[at + 4:at + 4 + size]
            at += 4 + size
    except (struct.error, KeyError):
        return


def event_text(kind, data):
    """The letters of an event's data: a variable's name, a path, a text."""
    if 0x80000001 <= kind <= 0x8000000C or kind == 0x800000E0:
        if kind in (0x80000001, 0x80000002, 0x8000000C, 0x800000E0) and len(data) >= 32:
            length = struct.unpack_from("<Q", data, 16)[0]
            return letters(data[32:32 + 2 * min(length, 64)].replace(b"\0", b""))
    return (
        letters(data[:48].replace(b"\0", b""))
        if kind in (1, 5, 7, 8, 0x80000007)
        else f"{len(data)} bytes"
    )


def event_rows(record):
    entry = record.first("tpm_log")
    for pcr, kind, digest, data in events(raw(entry, 32)) if entry else []:
        name = EVENTS.get(kind, f"{kind:#x}")
        yield f">{pcr}", name, "`" + (digest.hex() if digest else ""), escape(event_text(kind, data))


def replayed(record):
    """The SHA-256 PCRs that the log gives; EV_NO_ACTION is not extended, but may tell PCR 0's locality."""
    values, entry = [bytes(32)] * 24, record.first("tpm_log")
    for pcr, kind, digest, data in events(raw(entry, 32)) if entry else []:
        if kind == 3 and data[:16] == b"StartupLocality\0" and len(data) > 16:
            values[0] = bytes(31) + data[16:17]
        elif kind != 3 and digest and pcr < len(values):
            values[pcr] = hashlib.sha256(values[pcr] + digest).digest()
    return values


def pcr_table(record, entry):
    fields = entry["fields"]
    digests, size = raw(entry, 16), fields["digest_size"] or 32
    values = replayed(record) if fields["algorithm"] == SHA256 and record.first("tpm_log") else []
    rows = []
    for pcr in range(min(8, len(digests) // size)):
        value = digests[pcr * size:(pcr + 1) * size]
        same = (
            "as the log says"
            if values and values[pcr] == value
            else "<span class=bad>not what the log gives</span>"
        )
        rows.append((f">{pcr}", "`" + value.hex(), same if values else ""))
    name = ALGORITHMS.get(fields["algorithm"], f"{fields['algorithm']:#x}")
    return f"<h3>PCRs, {name}</h3>" + table((">PCR", "Value", ""), rows)


def variable_rows(record):
    for entry in record.all("variable"):
        fields = entry["fields"]
        yield (
            escape(entry["text"]),
            escape(guid_name(fields["guid"])),
            f"{fields['attributes']:#x}",
            f">{fields['data_size']}",
            "`"
            + (
                entry.get("data", "")[:32]
                or ("digest only" if number(fields["status"]) == 0 else "not there")
            ),
        )


def trust(record):
    rows, logged = list(variable_rows(record)), list(event_rows(record))
    text = "".join(pcr_table(record, entry) for entry in record.all("pcrs"))
    if logged:
        heads = (">PCR", "Event", "SHA-256", "Data")
        text += "<h3>Event log</h3>" + long_table("All events", heads, logged)
    if rows:
        heads = ("Name", "Vendor", "Attributes", ">Bytes", "Value")
        text += "<h3>Variables</h3>" + long_table("All variables", heads, rows)
    return text or "<p>Neither Secure Boot's variables nor PCRs were recorded.</p>"
