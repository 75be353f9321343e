"""ms-swift. The plugin has a folder of its own because ms-swift puts a plugin's folder first on the module path.

Beside the other adapters a later `import trl` of ms-swift would find our `trl.py`.
"""
