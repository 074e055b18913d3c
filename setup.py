"""Where the folders of the repository lie in the installed package; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

rooms = [f"axial{name.removeprefix('tools')}" for name in find_packages(include=["tools*"])]
setup(
    packages=[*rooms, *find_packages(include=["custom_networks*"]), "axial._bundles"],
    package_dir={"axial": "tools", "custom_networks": "custom_networks", "axial._bundles": "bundles"},
    package_data={
        "axial": ["**/*"],
        "custom_networks": ["**/*"],
        "axial._bundles": ["*/LICENSE", "*/configs/*", "*/docs/*", "*/models/**/*.pt", "*/scripts/*.py"],
    },
    exclude_package_data={"": ["**/__pycache__/*", "*.pyc"]},
)
