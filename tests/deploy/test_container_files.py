"""The container and cluster files, read as an engine would: no engine is needed, nothing is built.

What these cannot show is that an image builds and starts; that is for the first machine that has an engine.
"""

import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "deploy" / "container"
KUBERNETES = CONTAINER / "kubernetes"
DOCKERFILE = CONTAINER / "Dockerfile"
ENV_EXAMPLE = ROOT / ".env.example"

# Variables of the interpreter and of the services beside the tool, which the tool itself never reads.
NOT_THE_TOOLS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR"}
NOT_THE_TOOLS |= {"PIP_DISABLE_PIP_VERSION_CHECK", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"}
# Services that run somebody else's image.
BESIDE = {"db", "broker", "cache"}
# What the base image brings.
IN_THE_BASE_IMAGE = {"python"}

needs_env_example = pytest.mark.skipif(
    not ENV_EXAMPLE.exists(), reason=".env.example is not in this checkout: nothing to compare with"
)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), continued lines joined, comments out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word.upper(), rest) for word, _, rest in (ln.partition(" ") for ln in whole.splitlines() if ln)]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions():
        if instruction[0] == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    """The tool's own services."""
    return {name: service for name, service in compose()["services"].items() if name not in BESIDE}


def manifests() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(KUBERNETES.glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for document in yaml.safe_load_all(path.read_text())
    ]


def pods() -> dict[str, dict[str, Any]]:
    """The pod of each Deployment and Job, by name."""
    return {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
        for manifest in manifests()
        if manifest["kind"] in {"Deployment", "Job"}
    }


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods().items():
        for container in pod["containers"] + pod.get("initContainers", []):
            yield f"{name}/{container['name']}", container


def named_in(env_file: Path) -> set[str]:
    """The variables an env file names, those commented out included."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", env_file.read_text(), re.MULTILINE))


def commands() -> Iterator[tuple[str, list[str]]]:
    for name, service in services().items():
        yield f"compose {name}", service["command"]
    for name, container in containers():
        yield f"kubernetes {name}", container["command"]
        if "lifecycle" in container:
            yield f"kubernetes {name} preStop", container["lifecycle"]["preStop"]["exec"]["command"]
    for word, rest in stages()[-1]:
        if word in {"CMD", "HEALTHCHECK"}:
            yield f"Dockerfile {word}", yaml.safe_load(rest[rest.index("[") :])


@pytest.mark.parametrize(("where", "command"), list(commands()))
def test_every_command_is_one_that_the_image_has(where: str, command: list[str]) -> None:
    program, *arguments = command
    locked = {
        name.lower() for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    }
    scripts = {
        entry.name
        for entry in importlib.metadata.entry_points(group="console_scripts")
        if entry.dist is not None and entry.dist.name.lower() in locked
    }

    assert program in scripts | IN_THE_BASE_IMAGE, where
    match [program, *arguments]:
        case ["python", "-m", module]:
            assert (ROOT / f"{module.replace('.', '/')}.py").exists()
        case ["python", "-c", _]:
            pass
        case ["python", script, *_]:
            assert (ROOT / script).exists()
        case ["celery", "-A", module, *_]:
            assert (ROOT / f"{module.replace('.', '/')}.py").exists()
        case ["gunicorn", "-c", configuration, application]:
            assert (ROOT / configuration).exists()
            assert (ROOT / f"{application.partition(':')[0].replace('.', '/')}.py").exists()
        case _:
            pytest.fail(f"{where}: not a command this test knows")


def test_what_is_copied_into_the_image_is_there_and_not_ignored() -> None:
    ignore = (CONTAINER / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert next(line for line in ignore if line and not line.startswith("#")) == "*"

    sources = set()
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            *these, _ = shlex.split(rest)
            sources |= set(these)
    for source in sources:
        assert (ROOT / source).exists(), source
    assert sources == let_in


def test_no_secret_can_slip_into_the_image() -> None:
    ignore = (CONTAINER / "Dockerfile.dockerignore").read_text().splitlines()
    assert "**/.env" in ignore
    for word, rest in instructions():
        if word in {"ENV", "ARG"}:
            assert "SECRET_KEY" not in rest
            assert "KEY_ENCRYPTION_KEYS" not in rest
    # The stage that is kept has no settings to read at build time.
    assert not [rest for word, rest in stages()[-1] if word == "RUN"]


def test_packages_are_installed_by_hash_on_the_python_we_test_with() -> None:
    (install,) = (rest for word, rest in instructions() if word == "RUN" and "pip install" in rest)
    assert "--require-hashes -r requirements.lock" in install
    for word, rest in instructions():
        if word == "FROM":
            assert rest.startswith("python:3.11-slim")


def test_it_runs_as_nobody_in_particular() -> None:
    users = [rest for word, rest in stages()[-1] if word == "USER"]
    assert users == ["10001:10001"]
    for service in services().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["tmpfs"] == ["/tmp"]
    for name, pod in pods().items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
    for name, container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_every_image_has_a_version() -> None:
    images = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    images += [service["image"] for service in compose()["services"].values()]
    images += [container["image"] for _, container in containers()]
    for image in images:
        _, _, tag = image.partition(":")
        assert re.match(r"\d", tag), f"{image} may be another thing tomorrow"


@needs_env_example
def test_every_variable_is_one_that_the_settings_document() -> None:
    known = named_in(ENV_EXAMPLE)
    used: dict[str, str] = {}
    for word, rest in instructions():
        if word == "ENV":
            used |= {pair.partition("=")[0]: "Dockerfile" for pair in shlex.split(rest)}
    used |= dict.fromkeys(named_in(CONTAINER / "env.example"), "env.example")
    for name, service in services().items():
        used |= dict.fromkeys(service["environment"], f"compose {name}")
    for manifest in manifests():
        if manifest["kind"] in {"ConfigMap", "Secret"}:
            used |= dict.fromkeys(manifest.get("data") or manifest["stringData"], manifest["kind"])

    unknown = {name: where for name, where in used.items() if name not in known | NOT_THE_TOOLS}
    assert unknown == {}


@needs_env_example
def test_what_must_be_set_is_set_everywhere() -> None:
    text = ENV_EXAMPLE.read_text()
    required = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    needed = required | {"DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "TRUSTED_PROXY"}
    in_cluster: set[str] = set()
    for manifest in manifests():
        if manifest["kind"] in {"ConfigMap", "Secret"}:
            in_cluster |= set(manifest.get("data") or manifest["stringData"])

    assert needed <= in_cluster
    for service in services().values():
        assert needed <= named_in(CONTAINER / "env.example") | set(service["environment"])


def test_debug_is_never_on_in_a_container() -> None:
    for path in (*CONTAINER.glob("*"), *KUBERNETES.glob("*")):
        if path.is_file():
            assert not re.search(r"\bDEBUG\s*[:=]\s*[\"']?(true|1|yes|on)\b", path.read_text(), re.I), path


def test_what_compose_interpolates_is_in_its_env_example() -> None:
    text = (CONTAINER / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= named_in(CONTAINER / "env.example")
    # An empty password would start; `:?` stops instead.
    assert not re.findall(r"\$\{\w+\}", text)


def test_services_wait_for_what_they_need_to_be_well() -> None:
    everything = compose()["services"]
    for name, service in services().items():
        for other, how in service["depends_on"].items():
            if other == "migrate":
                assert how["condition"] == "service_completed_successfully"
            else:
                assert how["condition"] == "service_healthy"
                assert everything[other]["healthcheck"]["test"]
        if name != "migrate":
            assert set(service["depends_on"]) == {"migrate", *BESIDE}
    assert services()["migrate"]["restart"] == "no"
    assert "healthcheck" not in services()["web"]  # the image's own
    assert any(word == "HEALTHCHECK" for word, _ in stages()[-1])


def test_data_is_kept_in_named_volumes() -> None:
    everything = compose()
    used = {
        volume.partition(":")[0]
        for service in everything["services"].values()
        for volume in service.get("volumes", [])
    }
    assert used == set(everything["volumes"]) == {"db-data", "broker-data"}


def test_the_cluster_has_all_the_parts_and_they_find_each_other() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    on_disk = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(kustomization["resources"]) == on_disk - {"kustomization.yaml", "secret.example.yaml"}

    by_kind: dict[str, dict[str, dict[str, Any]]] = {}
    for manifest in manifests():
        by_kind.setdefault(manifest["kind"], {})[manifest["metadata"]["name"]] = manifest
    assert set(by_kind["Deployment"]) == {"saferesponse-web", "saferesponse-worker", "saferesponse-beat"}
    assert set(by_kind["Job"]) == {"saferesponse-migrate"}

    for deployment in by_kind["Deployment"].values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
    web = by_kind["Deployment"]["saferesponse-web"]["spec"]["template"]
    labels = web["metadata"]["labels"]
    assert by_kind["Service"]["saferesponse-web"]["spec"]["selector"] == labels
    assert by_kind["PodDisruptionBudget"]["saferesponse-web"]["spec"]["selector"]["matchLabels"] == labels
    (rule,) = by_kind["Ingress"]["saferesponse"]["spec"]["rules"]
    backends = {path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert backends <= set(by_kind["Service"])
    for _, container in containers():
        assert container["envFrom"] == [
            {"configMapRef": {"name": "saferesponse"}},
            {"secretRef": {"name": "saferesponse"}},
        ]
    assert "saferesponse" in by_kind["ConfigMap"]
    assert "saferesponse" in by_kind["Secret"]


def test_probes_ask_the_right_question_under_the_name_that_django_answers() -> None:
    (web,) = pods()["saferesponse-web"]["containers"]
    (configuration,) = (m["data"] for m in manifests() if m["kind"] == "ConfigMap")
    host = configuration["PUBLIC_URL"].removeprefix("https://")

    assert web["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert web[probe]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": host}]


def test_there_is_one_scheduler_and_everything_asks_for_what_it_needs() -> None:
    (beat,) = (m for m in manifests() if m["metadata"]["name"] == "saferesponse-beat")
    assert beat["spec"]["replicas"] == 1
    assert beat["spec"]["strategy"] == {"type": "Recreate"}
    for name, container in containers():
        assert {"cpu", "memory"} == set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"]


def test_pods_of_a_new_version_wait_for_its_migrations() -> None:
    for name, pod in pods().items():
        if name != "saferesponse-migrate":
            (first,) = pod["initContainers"]
            assert first["command"] == ["python", "manage.py", "migrate", "--check"]
