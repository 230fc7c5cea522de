"""What a file of container-structure-test holds (schema 2.0.0); https://github.com/GoogleContainerTools/container-structure-test."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from orchestrator.settings import Settings
from orchestrator.smoke.peers.file import GoRegex

VERSION = "2.0.0"


def _version(value: Any) -> Any:
    if value == "1.0.0":
        msg = f"expected {VERSION}: version 1 writes a command as a list, and knows no metadataTest"
        raise ValueError(msg)
    return value


def _text(value: Any) -> Any:
    """Take a number or a truth value for a text, as the peer does."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _refused(reason: str) -> Any:
    def refuse(value: Any) -> Any:
        if value:
            msg = f"expected nothing here: {reason}"
            raise ValueError(msg)
        return value

    return AfterValidator(refuse)


Text = Annotated[str, BeforeValidator(_text)]
_GRANTS = "the image is tested with what the engine gives; what the program needs is granted in `smoke`"


class _Part(Settings):
    """A part of the file; its keys are written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


class Variable(_Part):
    """A variable or a label."""

    key: Text
    """Its name."""

    value: Text = ""
    """Its value."""

    is_regex: bool = False
    """Whether the value is a regular expression."""


class CommandTest(_Part):
    """A command of the image, run in a container of its own without the entrypoint."""

    name: Text
    """The test's name."""

    command: Text = Field(min_length=1)
    """The program."""

    args: tuple[Text, ...] = ()
    """Its arguments."""

    env_vars: tuple[Variable, ...] = ()
    """Variables of this test."""

    expected_output: tuple[GoRegex, ...] = ()
    """What standard output must match."""

    excluded_output: tuple[GoRegex, ...] = ()
    """What standard output must not match."""

    expected_error: tuple[GoRegex, ...] = ()
    """What standard error must match."""

    excluded_error: tuple[GoRegex, ...] = ()
    """What standard error must not match."""

    exit_code: int = 0
    """The exit code that it must end with."""

    setup: tuple[Annotated[tuple[Text, ...], Field(min_length=1)], ...] = ()
    """Commands that are run before, and leave what they change to the command."""

    teardown: tuple[tuple[Text, ...], ...] = ()
    """Without effect, as with the peer's docker driver."""


class FileExistenceTest(_Part):
    """A path that must be there, or must not."""

    name: Text
    """The test's name."""

    path: Text
    """The path; links are not followed."""

    should_exist: bool = True
    """Whether it must be there."""

    permissions: Text = ""
    """Its mode, as `-rw-r--r--`."""

    uid: int | None = None
    """Its owner."""

    gid: int | None = None
    """Its group."""

    is_executable_by: Literal["", "owner", "group", "other", "any"] = ""
    """Who may execute it."""


class FileContentTest(_Part):
    """A file whose content is looked at."""

    name: Text
    """The test's name."""

    path: Text
    """The path; links are followed."""

    expected_contents: tuple[GoRegex, ...] = ()
    """What it must match."""

    excluded_contents: tuple[GoRegex, ...] = ()
    """What it must not match."""


class MetadataTest(_Part):
    """The image's configuration."""

    env: Annotated[tuple[Variable, ...], _refused("the key is `envVars`")] = ()
    """Not supported."""

    env_vars: tuple[Variable, ...] = ()
    """Variables that must be set so."""

    unbound_env_vars: tuple[Variable, ...] = ()
    """Variables that must not be set."""

    labels: tuple[Variable, ...] = ()
    """Labels that must be set so."""

    entrypoint: tuple[Text, ...] | None = None
    """The entrypoint; an empty list: none."""

    cmd: tuple[Text, ...] | None = None
    """The command; an empty list: none."""

    exposed_ports: tuple[Text, ...] = ()
    """Ports that are exposed."""

    unexposed_ports: tuple[Text, ...] = ()
    """Ports that are not."""

    volumes: tuple[Text, ...] = ()
    """Volumes that are declared."""

    unmounted_volumes: tuple[Text, ...] = ()
    """Volumes that are not."""

    workdir: Text = ""
    """The working directory."""

    user: Text = ""
    """The user."""


class LicenseTest(_Part):
    """Copyright files that must not name a licence that its authors forbid (AGPL, WTFPL)."""

    debian: bool = False
    """Whether Debian's copyright files are looked at."""

    files: tuple[Text, ...] = ()
    """Further files."""


class RunOptions(_Part):
    """How the containers of command tests are run."""

    user: Text = ""
    """The user."""

    privileged: Annotated[bool, _refused(_GRANTS)] = False
    """Not supported."""

    allocate_tty: Annotated[bool, _refused("a terminal would merge both streams")] = False
    """Not supported."""

    env_file: Annotated[Text, _refused("write the variables under `globalEnvVars`")] = ""
    """Not supported."""

    env_vars: Annotated[tuple[Text, ...], _refused("write the variables under `globalEnvVars`")] = ()
    """Not supported."""

    capabilities: tuple[Text, ...] = ()
    """Capabilities that commands have beside the engine's usual ones."""

    bind_mounts: Annotated[tuple[Text, ...], _refused(_GRANTS)] = ()
    """Not supported."""


class StructureTests(_Part):
    """A whole file."""

    schema_version: Annotated[Literal["2.0.0"], BeforeValidator(_version)]
    """The version of the format."""

    global_env_vars: tuple[Variable, ...] = ()
    """Variables of all command tests."""

    command_tests: tuple[CommandTest, ...] = ()
    """Commands that are run."""

    file_existence_tests: tuple[FileExistenceTest, ...] = ()
    """Paths that are looked for."""

    file_content_tests: tuple[FileContentTest, ...] = ()
    """Files that are read."""

    metadata_test: MetadataTest | None = None
    """The image's configuration."""

    license_tests: tuple[LicenseTest, ...] = ()
    """Copyright files that are read."""

    container_run_options: RunOptions = RunOptions()
    """How command tests are run."""

    @model_validator(mode="after")
    def _has_tests(self) -> StructureTests:
        if not (
            self.command_tests
            or self.file_existence_tests
            or self.file_content_tests
            or self.license_tests
            or (self.metadata_test and self.metadata_test.model_fields_set)
        ):
            msg = "expected at least one test: a file without any proves nothing"
            raise ValueError(msg)
        return self
