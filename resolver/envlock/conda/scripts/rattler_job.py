"""One job for py-rattler: ``rattler_job.py JOB.json PARENT``; the answer is JSON on stdout.

PARENT is the id of the process that waits for it. This is a process of its own,
since a Python that has used py-rattler crashes now and then when it shuts
down: this one leaves by ``os._exit``. The job file may hold credentials; the
answer is for `envlock.conda.rattler`, which takes them out.
"""

import asyncio
import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rattler
from rattler import exceptions

_NETWORK = (exceptions.GatewayError, exceptions.FetchRepoDataError)


def _gateway(job: dict[str, Any]) -> rattler.Gateway:
    action = "force-cache-only" if job["offline"] else "cache-or-fetch"
    away = [url for url in job["channels"] if not url.startswith("file:")]
    return rattler.Gateway(
        cache_dir=Path(job["repodata"]) / "repodata",
        per_channel_config={url: rattler.SourceConfig(cache_action=action) for url in away},
    )


def _virtual(job: dict[str, Any]) -> list[rattler.GenericVirtualPackage]:
    return [
        rattler.GenericVirtualPackage(
            rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build)
        )
        for name, version, build in job["virtual"]
    ]


def _record(said: dict[str, Any]) -> rattler.RepoDataRecord:
    """A record from what `_said` told of it."""
    record = rattler.PackageRecord(
        name=said["name"],
        version=said["version"],
        build=rattler.BuildString(said["build"]),
        build_number=said["build_number"],
        subdir=said["subdir"],
        noarch=rattler.NoArchType(said["noarch"] or None),
        depends=list(said["depends"]),
        constrains=list(said["constrains"]),
        sha256=bytes.fromhex(said["sha256"]) if said["sha256"] else None,
        md5=bytes.fromhex(said["md5"]) if said["md5"] else None,
        size=said["size"],
        license=said["license"],
        license_family=said["license_family"],
        python_site_packages_path=said["python_site_packages_path"],
    )
    when = said["timestamp"]
    record.timestamp = None if when is None else datetime.fromtimestamp(when / 1000, UTC)
    record.features = said["features"]
    record.track_features = list(said["track_features"])
    name = said["url"].rpartition("/")[2]
    return rattler.RepoDataRecord(record, name, said["url"], said["channel"])


def _said(record: rattler.RepoDataRecord) -> dict[str, Any]:
    told = json.loads(record.to_json())
    noarch = told.get("noarch") or ""
    features = told.get("track_features") or ()
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build": told["build"],
        "build_number": record.build_number,
        "subdir": told["subdir"],
        "channel": record.channel,
        "url": record.url,
        "md5": told.get("md5"),
        "sha256": told.get("sha256"),
        "size": record.size,
        "depends": list(record.depends),
        "constrains": list(record.constrains),
        "timestamp": told.get("timestamp"),
        "license": told.get("license"),
        "license_family": told.get("license_family"),
        "noarch": noarch if isinstance(noarch, str) else "generic",
        "features": told.get("features"),
        "track_features": features.split() if isinstance(features, str) else list(features),
        "purls": list(told.get("purls") or ()),
        "python_site_packages_path": told.get("python_site_packages_path"),
    }


async def _still_there(
    job: dict[str, Any], gateway: rattler.Gateway
) -> list[rattler.RepoDataRecord]:
    """The records to prefer that a channel still has: the solver would take any other too."""
    names = sorted({each["name"] for each in job["locked"]})
    if not names:
        return []
    found = await gateway.query(job["channels"], [job["subdir"], "noarch"], names, recursive=False)
    known = {(record.url, _hash(record)): record for channel in found for record in channel}
    wanted = ((each["url"], each["sha256"] or each["md5"]) for each in job["locked"])
    return [known[each] for each in wanted if each in known]


def _hash(record: rattler.RepoDataRecord) -> str | None:
    own = record.sha256 or record.md5
    return own.hex() if own else None


async def _solve(job: dict[str, Any]) -> dict[str, Any]:
    newest = job["exclude_newer"]
    gateway = _gateway(job)
    locked = await _still_there(job, gateway)
    try:
        records = await rattler.solve(
            job["channels"],
            [rattler.MatchSpec(text) for text in job["specs"]],
            gateway=gateway,
            platforms=[job["subdir"], "noarch"],
            locked_packages=locked,
            virtual_packages=_virtual(job),
            constraints=[rattler.MatchSpec(text) for text in job["constraints"]],
            channel_priority=(
                rattler.ChannelPriority.Strict
                if job["strict"]
                else rattler.ChannelPriority.Disabled
            ),
            exclude_newer=datetime.fromisoformat(newest) if newest else None,
            timestamp_policy="allow-missing",
        )
    except exceptions.SolverError as error:
        return {"unsatisfiable": str(error)}
    return {"records": [_said(record) for record in records]}


async def _versions(job: dict[str, Any]) -> dict[str, Any]:
    found = await _gateway(job).query(
        job["channels"], [job["subdir"], "noarch"], job["names"], recursive=False
    )
    versions: dict[str, dict[str, None]] = {name: {} for name in job["names"]}
    for channel in found:
        for record in channel:
            versions[record.name.normalized][str(record.version)] = None
    return {"versions": {name: list(known) for name, known in versions.items()}}


class _Reporter(rattler.InstallerReporter):
    """Tells on stderr what is fetched and linked, a line each."""

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        print(f"fetch {package_name}", file=sys.stderr, flush=True)
        return operation

    def on_link_start(self, operation: int, package_name: str) -> int:
        print(f"link {package_name}", file=sys.stderr, flush=True)
        return operation


async def _install(job: dict[str, Any]) -> dict[str, Any]:
    await rattler.install(
        [_record(each) for each in job["records"]],
        target_prefix=job["prefix"],
        cache_dir=Path(job["cache"]) / "pkgs",
        platform=rattler.Subdir(job["subdir"]),
        show_progress=False,
        reporter=_Reporter(),
        # 0.28 asks for MatchSpec and takes only what is inside it.
        requested_specs=[rattler.MatchSpec(text)._match_spec for text in job["specs"]],  # noqa: SLF001
    )
    return {"installed": len(job["records"])}


async def _detect(job: dict[str, Any]) -> dict[str, Any]:
    del job
    found = rattler.VirtualPackage.detect(rattler.VirtualPackageOverrides.from_env())
    generic = [each.into_generic() for each in found]
    return {
        "subdir": str(rattler.Subdir.current()),
        "virtual": [
            (each.name.normalized, str(each.version), str(each.build_string)) for each in generic
        ],
    }


_JOBS = {"solve": _solve, "versions": _versions, "install": _install, "detect": _detect}


def _end_with(parent: int) -> None:
    """End when the parent is gone, so that nothing is written once it was killed."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def main() -> None:
    """Do the job of the file that is named, and say what came of it."""
    if os.name == "posix":  # on Windows a launcher stands between the two
        threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        answer = asyncio.run(_JOBS[job["do"]](job))
    except _NETWORK as error:
        answer = {"unreachable": str(error)}
    except Exception as error:  # noqa: BLE001  (every error of Rust's is a plain Exception)
        answer = {"failed": str(error), "kind": type(error).__name__}
    print(json.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
