"""In a checkout ``axial`` is the folder ``tools``; an installation puts that folder in this file's place."""

import runpy

from custom_networks.alias import alias

alias("axial", "tools")

if __name__ == "__main__":
    runpy.run_module("tools", run_name="__main__", alter_sys=True)
