"""What people write in files: records that pydantic reads strictly and that are made without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

from msgspec import NODEFAULT, Struct

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """A record of a file that people write: a key it does not know is a fault, never ignored.

    A record costs a command a fortieth of what a dataclass costs it, and ``show`` knows sixty of them.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic reads the record: a mapping of exactly its fields, each of its own type."""
        from pydantic_core import core_schema

        names, hints = cls.__struct_fields__, get_type_hints(cls, include_extras=True)
        defaults = (NODEFAULT,) * (len(names) - len(cls.__struct_defaults__)) + cls.__struct_defaults__
        told = core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(
                    handler.generate_schema(hints[name]), required=default is NODEFAULT
                )
                for name, default in zip(names, defaults, strict=True)
            },
            extra_behavior="forbid",
        )
        return core_schema.no_info_after_validator_function(lambda given: cls(**given), told)
