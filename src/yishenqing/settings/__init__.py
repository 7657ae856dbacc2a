"""An office's own settings: ``office.yaml`` in its folder, read strictly."""

from yishenqing.settings.model import (
    AUDITOR,
    FILE,
    OFFICE_ROLES,
    SUPERVISOR,
    Adjusted,
    Away,
    Lettering,
    Mail,
    Marks,
    Model,
    Models,
    Person,
    Settings,
    Signature,
    SignIn,
)
from yishenqing.settings.reading import change_database, read_settings, write_settings

__all__ = [
    "AUDITOR",
    "FILE",
    "OFFICE_ROLES",
    "SUPERVISOR",
    "Adjusted",
    "Away",
    "Lettering",
    "Mail",
    "Marks",
    "Model",
    "Models",
    "Person",
    "Settings",
    "SignIn",
    "Signature",
    "change_database",
    "read_settings",
    "write_settings",
]
