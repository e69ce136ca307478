"""What the command lines of all programs have in common: where the settings come from."""

from __future__ import annotations

import argparse

from pipelines.settings.model import Settings, SettingsError, load_settings

DEFAULT = "embedded.yaml"


def add_settings(parser: argparse._ActionsContainer) -> None:
    """Adds ``--config`` and ``--set``."""
    parser.add_argument(
        "--config",
        action="append",
        metavar="FILE",
        help="settings; a bare name is looked up here, then in configs/; may be repeated: each file changes what those "
        f"before it say (default: {DEFAULT})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, such as tts.rate=16000; may be repeated",
    )


def configs(args: argparse.Namespace) -> list[str]:
    """The files that were named, or the default."""
    return args.config or [DEFAULT]


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that the arguments ask for. Raises :class:`~pipelines.settings.model.SettingsError`."""
    return load_settings(configs(args), dict(_pair(item) for item in args.set))


def _pair(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals:
        raise SettingsError([f"--set {item}: write KEY=VALUE, such as tts.rate=16000"])
    return key, value
