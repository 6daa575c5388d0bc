"""The version of the software: read by packaging, written into every result."""

VERSION = "0.1.0"
