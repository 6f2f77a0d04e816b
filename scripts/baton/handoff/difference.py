"""What differs between two records, by kind. Compared is what lies there (type, image, owner), never
where: two boots of one firmware do not differ, whatever addresses they had."""
import collections
import re
import struct

from .records import guid_name, letters, number, ranges, raw, service_name, type_name

# Types whose amount a firmware decides; the rest is what boot happened to use.
LASTING = {0, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15}


def memory(record):
    amounts = collections.Counter()
    for kind, base, end, attributes in ranges(record.map_at_exit()):
        if kind in LASTING or kind > 15:
            amounts[kind, attributes] += (end - base) // 4096
    for (kind, attributes), pages in amounts.items():
        yield f"{type_name(kind)}, attributes {attributes:#x}: {pages} pages"
    entry = record.map_at_exit()
    if entry:
        yield f"descriptors of {number(entry['fields']['descriptor_size'])} bytes"


def processor(record):
    state = record.first("entry_state")
    if state:
        fields = state["fields"]
        for name in ("cr0", "cr4", "efer", "pat"):
            yield f"{name} {fields[name]}"
        yield f"interrupts {'on' if number(fields['rflags']) & 0x200 else 'off'}"
        yield f"x87 {fields['fcw']:#x}, MXCSR {fields['mxcsr']:#x}"
    for entry in record.all("processor"):
        yield f"processor {entry['fields']['apic_id']}: {entry['fields']['result']}"


def images(record):
    for entry in record.all("image"):
        fields = entry["fields"]
        yield (
            f"{entry.get('text') or 'no name'}, {number(fields['size'])} bytes, subsystem "
            f"{fields['subsystem']}, characteristics {fields['dll_characteristics']:#x}"
        )


def tables(record):
    for entry in record.all("configuration"):
        for item in entry["items"]:
            yield f"configuration table {guid_name(item['guid'])}"
    for entry in record.all("acpi_table"):
        name = letters(raw(entry, 16)[:4])
        yield f"ACPI {name}, {entry['fields']['length']} bytes"
    for entry in record.all("smbios_structures"):
        yield f"SMBIOS structures, {number(entry['fields']['length'])} bytes"
    for entry in record.all("vendor_table"):
        if guid_name(entry["fields"]["guid"]) == "RT_PROPERTIES":
            yield f"RT_PROPERTIES {struct.unpack_from('<I', raw(entry, 32) + bytes(8), 4)[0]:#x}"


def protocols(record):
    for entry in record.all("handle"):
        yield "handle with " + ", ".join(sorted(map(guid_name, entry["protocols"])))


def variables(record):
    for entry in record.all("variable"):
        fields = entry["fields"]
        # What a boot counts or measures is another time by time: its size is compared, not its bytes; of
        # a time, which is told in digits (the Boot Loader Interface), not even that.
        size = "some" if entry["text"].startswith("LoaderTime") else fields["data_size"]
        yield (
            f"{entry['text']} ({guid_name(fields['guid'])}), attributes {fields['attributes']:#x}, "
            f"{size} bytes, status {fields['status']}"
        )


def devices(record):
    for entry in record.all("pci_function"):
        fields, data = entry["fields"], raw(entry, 56)
        vendor, device = struct.unpack_from("<HH", data + bytes(4))
        yield (
            f"PCI {fields['segment']:04x}:{fields['bus']:02x}:{fields['device']:02x}.{fields['function']} "
            f"{vendor:04x}:{device:04x}"
        )
    for entry in record.all("pci_ranges"):
        for item in entry["items"]:
            yield (
                f"range {item['number']} of {item['segment']:04x}:{item['bus']:02x}:"
                f"{item['device_function'] >> 3:02x}.{item['device_function'] & 7}, "
                f"{number(item['size']):#x} {'ports' if item['flags'] & 1 else 'bytes'}"
            )
    for entry in record.all("pci_commands"):
        for item in entry["items"]:
            masters = "bus master" if item["command"] & 4 else "quiet"
            yield f"after the exit {item['bus']:02x}:{item['device_function']:02x}, {masters}"
    for entry in record.all("screen"):
        fields = entry["fields"]
        yield f"screen {fields['width']}x{fields['height']}, stride {fields['stride']}"


def measurements(record):
    for entry in record.all("pcrs"):
        fields = entry["fields"]
        digests, size = raw(entry, 16), fields["digest_size"]
        for pcr in range(8):
            yield f"PCR {pcr} ({fields['algorithm']:#x}): {digests[pcr * size:(pcr + 1) * size].hex()}"


def calls(record):
    for entry in record.all("exit_attempt"):
        yield f"exit, attempt {entry['fields']['attempt']}: {entry['fields']['status']}"
    for entry in record.all("runtime_call", "virtual_call"):
        fields = entry["fields"]
        name = f"{entry['name']} {service_name(fields['service'])}"
        yield f"{name}: {fields['status']}, flags {fields['flags']:#x}"


KINDS = {
    "memory": memory,
    "processor": processor,
    "images": images,
    "tables": tables,
    "protocols": protocols,
    "variables": variables,
    "devices": devices,
    "measurements": measurements,
    "calls": calls,
}


def findings(record, profile):
    return [f"{one['check']:02d} {one['title']}: {one['result']}" for one in record.findings(profile)]


def compare(left, right, profile):
    """{kind: (only in the left one, only in the right one)}, for kinds that differ."""
    both = {kind: (list(function(left)), list(function(right))) for kind, function in KINDS.items()}
    both["findings"] = (findings(left, profile), findings(right, profile))
    result = {}
    for kind, (ours, theirs) in both.items():
        ours, theirs = collections.Counter(ours), collections.Counter(theirs)
        if ours != theirs:
            result[kind] = (sorted((ours - theirs).elements()), sorted((theirs - ours).elements()))
    return result


def subject(line):
    """What a line is about, without what is said of it."""
    return line if " with " in line else re.split(r"[:,]", line)[0]


def paired(ours, theirs):
    """(old, new) for what both have once, and differently; the rest of both."""
    old, new = collections.defaultdict(list), collections.defaultdict(list)
    for lines, table in ((ours, old), (theirs, new)):
        for line in lines:
            table[subject(line)].append(line)
    pairs = [(old[one][0], new[one][0]) for one in old if len(old[one]) == len(new[one]) == 1]
    return (
        pairs,
        [line for line in ours if line not in [one for one, _ in pairs]],
        [line for line in theirs if line not in [one for _, one in pairs]],
    )


def change(before, after):
    """A pair as one line: only those parts that differ."""
    name = subject(before)
    old, new = (line[len(name):].lstrip(":, ").split(", ") for line in (before, after))
    if len(old) == len(new):
        differ = [(left, right) for left, right in zip(old, new) if left != right]
        old, new = ([one[side] for one in differ] for side in (0, 1))
    return f"{name}: {', '.join(old)} → {', '.join(new)}"


def text(differences):
    for kind, lists in differences.items():
        yield f"{kind}:"
        pairs, ours, theirs = paired(*lists)
        yield from (f"  ~ {change(*pair)}" for pair in pairs)
        yield from (f"  - {line}" for line in ours)
        yield from (f"  + {line}" for line in theirs)
