"""What JUnit's and SARIF's public schemas ask for, of the parts that scripts/handoff writes: by rules written
from their text, for the schemas themselves are not on every machine."""
import re
import urllib.parse

TOKEN = re.compile(r"\S(?:[^\t\n\r]*\S)?$")  # xs:token: no blanks at the ends
NUMBER = re.compile(r"\d+$")
DECIMAL = re.compile(r"\d+(?:\.\d*)?$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
TEXT = re.compile(r".*", re.DOTALL)

# Element: attributes that it has to have and may have, and what may lie in it, in this order. Jenkins' xUnit
# plugin: junit-10.xsd; Ant: JUnit.xsd of windyroad/JUnit-Schema; both hold.
JUNIT = {
    "testsuites": ({}, {}, ["testsuite*"]),
    "testsuite": (
        {"name": TOKEN, "tests": NUMBER, "failures": NUMBER, "errors": NUMBER, "time": DECIMAL, "id": NUMBER,
         "package": TOKEN, "hostname": TOKEN, "timestamp": TIME},
        {"skipped": NUMBER},
        ["properties", "testcase*", "system-out", "system-err"],
    ),
    "properties": ({}, {}, ["property*"]),
    "property": ({"name": TOKEN, "value": TEXT}, {}, []),
    "testcase": ({"name": TOKEN, "classname": TOKEN, "time": DECIMAL}, {}, ["skipped?", "failure?"]),
    "failure": ({"type": TEXT}, {"message": TEXT}, []),
    "skipped": ({}, {"message": TEXT, "type": TEXT}, []),
    "system-out": ({}, {}, []),
    "system-err": ({}, {}, []),
}


def order_wrong(element, allowed):
    tags = [child.tag for child in element]
    pattern = "".join(f"(?:{one.rstrip('*?')} ){one[-1] if one[-1] in '*?' else ''}" for one in allowed)
    return [] if re.fullmatch(pattern, "".join(tag + " " for tag in tags)) else [f"{element.tag}: {tags[:5]}"]


def junit_wrong(element):
    """What in a JUnit file its schemas do not allow."""
    if element.tag not in JUNIT:
        return [f"element {element.tag}"]
    required, optional, inside = JUNIT[element.tag]
    wrong = [f"{element.tag} without {name}" for name in required if name not in element.attrib]
    for name, value in element.attrib.items():
        form = {**required, **optional}.get(name)
        if form is None or not form.match(value):
            wrong.append(f"{element.tag} {name}={value!r}")
    wrong += order_wrong(element, inside)
    return wrong + [one for child in element for one in junit_wrong(child)]


# Object: properties that it has to have and may have; a value is an object's name, [name] an array of them,
# a set one of these words, a type that type. SARIF 2.1.0, section 3 (OASIS); its schema allows no others.
SARIF = {
    "log": ({"version": {"2.1.0"}, "runs": ["run"]}, {"$schema": str}),
    "run": ({"tool": "tool"}, {"results": ["result"]}),
    "tool": ({"driver": "driver"}, {}),
    "driver": ({"name": str}, {"version": str, "rules": ["rule"]}),
    "rule": (
        {"id": str},
        {"name": str, "shortDescription": "message", "fullDescription": "message", "help": "message",
         "defaultConfiguration": "configuration", "properties": dict},
    ),
    "configuration": ({}, {"level": {"none", "note", "warning", "error"}}),
    "message": ({"text": str}, {}),
    "result": (
        {"message": "message"},
        {"ruleId": str, "ruleIndex": int, "kind": {"fail"}, "level": {"note", "warning", "error"},
         "locations": ["location"], "baselineState": {"new", "unchanged", "updated", "absent"},
         "suppressions": ["suppression"]},
    ),
    "location": ({}, {"physicalLocation": "place", "logicalLocations": ["logical"]}),
    "place": ({"artifactLocation": "artifact"}, {"region": "region"}),
    "artifact": ({"uri": "reference"}, {}),
    "region": ({"byteOffset": int}, {}),
    "logical": ({}, {"name": str, "kind": str}),
    "suppression": ({"kind": {"inSource", "external"}}, {"justification": str}),
}


def value_wrong(value, form, where):
    if form == "reference":
        plain = isinstance(value, str) and re.fullmatch(r"[\w.~%!$&'()*+,;=:@/-]+", value, re.ASCII)
        return [] if plain and urllib.parse.urlparse(value) else [f"{where}: {value!r}"]
    if isinstance(form, str):
        return sarif_wrong(value, form)
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{where} is no array"]
        return [wrong for one in value for wrong in value_wrong(one, form[0], where)]
    good = value in form if isinstance(form, set) else isinstance(value, form)
    return [] if good else [f"{where}: {value!r}"]


def sarif_wrong(value, name="log"):
    """What in a SARIF log its schema does not allow."""
    if not isinstance(value, dict):
        return [f"{name} is no object"]
    required, optional = SARIF[name]
    wrong = [f"{name} without {one}" for one in required if one not in value]
    for key, item in value.items():
        form = {**required, **optional}.get(key)
        wrong += [f"{name}.{key}"] if form is None else value_wrong(item, form, f"{name}.{key}")
    return wrong
