"""The lock names the same packages as the requirements, each with its hash; the audit reads what
pip-audit reports.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from packaging.requirements import Requirement

from deploy.audit import SKIPPED, verdict

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_required_package_is_pinned_to_a_version_in_its_range():
    pins = re.findall(r"^(\S+)==([^\s;]+)", LOCK, re.M)
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len(required) >= 10
    for each in required:
        versions = [version for name, version in pins if normal(name) == normal(each.name)]
        assert versions and all(version in each.specifier for version in versions), each.name


def test_every_pin_has_hashes_and_names_no_place_to_fetch_from():
    packages = [part for part in re.split(r"^(?=\S+==)", LOCK, flags=re.M) if part.strip()]
    assert len(packages) > 40
    assert [part.split()[0] for part in packages if "--hash=sha256:" not in part] == []
    assert "://" not in LOCK and "--index" not in LOCK


def report(*packages: dict) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_the_audit_names_a_hole_and_fails():
    hole = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}
    bad = {"name": "bad", "version": "1.0", "vulns": [hole]}
    good = {"name": "good", "version": "1.0", "vulns": []}
    lines, code = verdict(report(bad, good))
    assert code == 1
    assert lines[0] == "bad 1.0: PYSEC-1, mended in 2.0" and "2 of 2" in lines[1]
    assert verdict(report(good))[1] == 0


def test_the_audit_says_that_it_was_skipped_where_nothing_could_be_looked_up():
    unknown = {"name": "good", "skip_reason": "not found"}
    for found in (report(unknown), "", "no JSON", "[]"):
        assert verdict(found) == ([SKIPPED], 0)
