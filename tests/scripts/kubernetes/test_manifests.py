import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from speechlstm.cli import main

yaml = pytest.importorskip("yaml")
FOLDER = Path("scripts/kubernetes")
FILES = sorted(FOLDER.glob("*.yaml"))


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def container(document: Any) -> Any:
    (found,) = document["spec"]["template"]["spec"]["containers"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_they_follow_the_schema_of_kubernetes(path: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate").validate
    for document in documents(path):
        validate(document, "1.37", strict=True)


def test_what_refers_to_each_other_has_the_same_names() -> None:
    deployment, service = documents(FOLDER / "serve.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    server = container(deployment)
    (port,) = {p["containerPort"] for p in server["ports"]}
    assert [p["targetPort"] for p in service["spec"]["ports"]] == [port]
    assert {server[probe]["httpGet"]["port"] for probe in server if "Probe" in probe} == {port}
    (job,) = documents(FOLDER / "transcribe.yaml")
    pod = job["spec"]["template"]["spec"]
    assert [mount["name"] for mount in container(job)["volumeMounts"]] == [
        volume["name"] for volume in pod["volumes"]
    ]
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert rules[0]["onExitCodes"]["containerName"] == container(job)["name"]
    assert f"-v n={job['spec']['completions']} " in container(job)["args"][0]


def test_the_server_is_started_by_a_command_that_is_one() -> None:
    server = container(documents(FOLDER / "serve.yaml")[0])
    verb, *options = server["args"]
    context = main.make_context("speechlstm", [verb, *options], resilient_parsing=True)
    assert isinstance(context.command, click.Group)
    command = context.command.get_command(context, verb)
    assert command is not None
    parsed = command.make_context(verb, [*options], parent=context).params
    assert (parsed["host"], parsed["port"]) == ("0.0.0.0", server["ports"][0]["containerPort"])
    assert parsed["timeout_seconds"] == float(
        documents(FOLDER / "serve.yaml")[0]["spec"]["template"]["spec"][
            "terminationGracePeriodSeconds"
        ]
    )
    variables = [option.envvar for option in command.params]
    assert all(variable["name"] in variables for variable in server["env"])


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("sh", "awk", "xargs", "speechlstm"))), reason="needs a POSIX shell"
)
def test_the_pods_of_a_job_share_the_recordings(tmp_path: Path) -> None:
    samples = sorted(Path("data/samples").resolve().glob("*.wav"))[:3]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    listed = [*samples, broken]
    (tmp_path / "recordings.txt").write_text("".join(f"{path}\n" for path in listed))
    (job,) = documents(FOLDER / "transcribe.yaml")
    script = container(job)["args"][0].replace("/data/", f"{tmp_path}/").replace("n=16", "n=3")
    codes = [
        subprocess.run(
            ["sh", "-c", script], env=os.environ | {"JOB_COMPLETION_INDEX": f"{index}"}, check=False
        ).returncode
        for index in range(3)
    ]
    written = sorted((tmp_path / "texts").rglob("*.json"))
    assert sorted(path.stem for path in written) == [path.stem for path in samples]
    (failing,) = job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"]
    assert sorted(codes) == [0, 0, failing]  # the pod with the broken one
