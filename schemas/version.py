"""The version of all that this repository makes; the package reads it from here."""

VERSION = "0.1.0"
