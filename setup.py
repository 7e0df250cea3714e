"""Installs the project; Beam builds the source distribution from it (--setup_file). The facts: pyproject.toml."""

from setuptools import setup

setup()
