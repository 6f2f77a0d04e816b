"""What is said of records, in the forms that people and their pipelines read: text, JSON, JUnit, SARIF."""
import datetime
import json
import os
import urllib.parse
import xml.etree.ElementTree as ElementTree

from .records import names, printable

LEVELS = {"C": "error", "H": "error", "M": "warning", "L": "note"}


def identifier(finding):
    return f"HANDOFF-{finding['check']:02d}"


def place_text(place):
    where = [place["image"]] if place.get("image") else []
    where += [f"record offset {place['offset']:#x}"] if "offset" in place else []
    return place["found"] + (f"  [{', '.join(where)}]" if where else "")


def remark(finding):
    if finding["allowed"]:
        return f"  (allowed: {finding['allowed']})"
    if finding["ended"]:
        return f"  (was allowed until {finding['ended']})"
    return "  (as in the baseline)" if finding["before"] else ""


def finding_lines(finding):
    yield f"{finding['severity']} {finding['check']:02d} {finding['title']}{remark(finding)}"
    for place in finding["places"]:
        yield f"     {place_text(place)}"
    if finding["count"] > len(finding["places"]):
        yield f"     and {finding['count'] - len(finding['places'])} more"
    yield f"     expected: {finding['expected']} ({finding['section']})"
    yield f"     do: {finding['advice']}"


def counts(verdict):
    results = [one["result"] for one in verdict.findings]
    failed = ", ".join(
        f"{sum(one['severity'] == severity for one in verdict.failed())} {severity}"
        for severity in names()["severities"][::-1]
        if any(one["severity"] == severity for one in verdict.failed())
    )
    return (
        f"{len(verdict.failed())} fail{f' ({failed})' if failed else ''}, {results.count('pass')} pass, "
        f"{results.count('not applicable')} not applicable, {results.count('not known')} not known"
    )


def head(record):
    notes = [] if record.data["sealed"] else ["not finished: the machine stopped"]
    notes += ["edited, not from a machine"] if record.data["edited"] else []
    if record.data["lost_entries"]:
        notes.append(
            f"full: {record.data['lost_entries']} entries of {record.data['lost_bytes']} bytes lost"
        )
    return f"{record.firmware()}, UEFI {record.uefi_version()}, recorded by {record.data['build']}" + (
        f" ({'; '.join(notes)})" if notes else ""
    )


def text(verdicts):
    for verdict in verdicts:
        yield f"{verdict.record.path}: {head(verdict.record)}"
        for finding in verdict.failed():
            yield from finding_lines(finding)
        unknown = [one for one in verdict.findings if one["result"] == "not known"]
        for why in dict.fromkeys(one["why"] for one in unknown):
            numbers = " ".join(f"{one['check']:02d}" for one in unknown if one["why"] == why)
            yield f"? {numbers}: {why}"
        yield counts(verdict)


def as_json(verdicts):
    return (
        json.dumps(
            {
                "version": 1,
                "records": [
                    {
                        "file": verdict.record.path,
                        "firmware": verdict.record.firmware(),
                        "profile": verdict.profile,
                        "status": verdict.status(),
                        "edited": verdict.record.data["edited"],
                        "findings": verdict.findings,
                    }
                    for verdict in verdicts
                ],
            },
            indent=1,
        )
        + "\n"
    )


# ---- JUnit: valid by the schema of Jenkins' xUnit plugin and by Ant's (windyroad/JUnit-Schema) alike ----


def junit_case(suite, verdict, finding):
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"handoff.{finding['family']}",
        time="0",
        name=f"{finding['check']:02d} {finding['title']} ({finding['severity']})",
    )
    if finding in verdict.counting():
        found = finding["places"][0]["found"] if finding["places"] else finding["title"]
        failure = ElementTree.SubElement(case, "failure", message=printable(found), type=finding["severity"])
        failure.text = printable("\n".join(finding_lines(finding)), "\n")
    elif finding["result"] in ("not known", "not applicable"):
        ElementTree.SubElement(case, "skipped", message=printable(f"{finding['result']}: {finding['why']}"))
    elif finding["result"] == "fail":
        ElementTree.SubElement(case, "skipped", message=printable(f"does not count{remark(finding)}"))
    return case


def junit_suite(root, number, verdict):
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=printable(os.path.basename(verdict.record.path)) or "record",
        package="handoff",
        id=str(number),
        timestamp=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(len(verdict.findings)),
        errors="0",
        time="0",
    )
    properties = ElementTree.SubElement(suite, "properties")
    told = (("firmware", verdict.record.firmware()), ("uefi", verdict.record.uefi_version()))
    for name, value in (*told, ("profile", verdict.profile), ("boot", verdict.record.data["boot"])):
        ElementTree.SubElement(properties, "property", name=name, value=printable(value))
    in_order = sorted(verdict.findings, key=lambda one: one["check"])
    cases = [junit_case(suite, verdict, finding) for finding in in_order]
    for kind, attribute in (("failure", "failures"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.SubElement(suite, "system-out").text = counts(verdict)
    ElementTree.SubElement(suite, "system-err")


def as_junit(verdicts):
    root = ElementTree.Element("testsuites")
    for number, verdict in enumerate(verdicts):
        junit_suite(root, number, verdict)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
    )


# ---- SARIF 2.1.0 (OASIS): only what fails, for a viewer takes each result for a fault ----


def sarif_rule(finding):
    return {
        "id": identifier(finding),
        "name": finding["title"],
        "shortDescription": {"text": finding["title"]},
        "fullDescription": {"text": f"Expected: {finding['expected']} ({finding['section']})."},
        "help": {"text": finding["advice"]},
        "defaultConfiguration": {"level": LEVELS[finding["severity"]]},
        "properties": {"severity": finding["severity"], "family": finding["family"]},
    }


def sarif_location(path, place):
    region = {"region": {"byteOffset": place["offset"]}} if "offset" in place else {}
    uri = urllib.parse.quote(path)  # a reference, relative where the path is
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}, **region}}
    if place.get("image"):
        location["logicalLocations"] = [{"name": place["image"], "kind": "module"}]
    return location


def sarif_result(verdict, finding, rules):
    words = "; ".join(place["found"] for place in finding["places"]) or finding["title"]
    result = {
        "ruleId": identifier(finding),
        "ruleIndex": rules.index(finding["check"]),
        "kind": "fail",
        "level": LEVELS[finding["severity"]],
        "message": {"text": words},
        "locations": [sarif_location(verdict.record.path, place) for place in finding["places"] or [{}]],
    }
    if verdict.compared:
        result["baselineState"] = "unchanged" if finding["before"] else "new"
    if finding["allowed"]:
        result["suppressions"] = [{"kind": "external", "justification": finding["allowed"]}]
    return result


def as_sarif(verdicts):
    known = {finding["check"]: finding for verdict in verdicts for finding in verdict.findings}
    rules = sorted(known)
    return (
        json.dumps(
            {
                "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
                "version": "2.1.0",
                "runs": [
                    {
                        "tool": {
                            "driver": {
                                "name": "baton-handoff",
                                "version": "1",
                                "rules": [sarif_rule(known[check]) for check in rules],
                            }
                        },
                        "results": [
                            sarif_result(verdict, finding, rules)
                            for verdict in verdicts
                            for finding in verdict.failed()
                        ],
                    }
                ],
            },
            indent=1,
        )
        + "\n"
    )
