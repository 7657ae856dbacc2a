"""The pure core: no disk, no clock, no network. Values in, values out."""
