"""From findings to a status: what counts, what is allowed, what is worse than before."""
import datetime
import fnmatch
import tomllib

from .. import project
from .records import names

CLEAN, FOUND, WORSE = 0, 1, 2


class Allowed:
    """A file of findings that are known: TOML, a table [[allow]] each with check, firmware (a pattern), until
    (the last day) and reason."""

    def __init__(self, path=None, today=None):
        self.today = today or datetime.date.today()
        self.items = self.read(path) if path else []

    @staticmethod
    def read(path):
        try:
            items = tomllib.loads(project.read(path).decode()).get("allow", [])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise project.Failure(f"{path}: {error}") from error
        for item in items:
            if not (
                isinstance(item.get("check"), int)
                and isinstance(item.get("firmware"), str)
                and type(item.get("until")) is datetime.date
                and item.get("reason")
            ):
                raise project.Failure(
                    f"{path}: each [[allow]] needs check (a number), firmware, until (a date) and reason"
                )
        return items

    def find(self, finding, firmware):
        """The item that allows a finding, and whether it still does; (None, False): there is none."""
        for item in self.items:
            if item["check"] == finding["check"] and fnmatch.fnmatchcase(firmware, item["firmware"]):
                return item, item["until"] >= self.today
        return None, False


def at_least(finding, severity):
    order = names()["severities"]
    return order.index(finding["severity"]) >= order.index(severity)


def worse(finding, before):
    """Whether it fails, and did not in the baseline, or at fewer places."""
    return finding["result"] == "fail" and (
        before["result"] != "fail" or finding["count"] > before["count"]
    )


class Verdict:
    """What is to be said of one record."""

    def __init__(self, record, profile, allowed, fail_on, baseline=None):
        self.record, self.profile, self.fail_on = record, profile, fail_on
        self.findings = record.findings(profile, baseline.path if baseline else None)
        before = {one["check"]: one for one in baseline.findings(profile)} if baseline else None
        for finding in self.findings:
            item, holds = allowed.find(finding, record.firmware())
            finding["allowed"] = item["reason"] if item and holds else None
            finding["ended"] = item["until"].isoformat() if item and not holds else None
            finding["before"] = before is not None and not worse(finding, before[finding["check"]])
        self.compared = before is not None

    def failed(self):
        return [one for one in self.findings if one["result"] == "fail"]

    def counting(self):
        """The findings that make the status."""
        return [
            one
            for one in self.failed()
            if at_least(one, self.fail_on) and not one["allowed"] and not one["before"]
        ]

    def status(self):
        if not self.counting():
            return CLEAN
        return WORSE if self.compared else FOUND
