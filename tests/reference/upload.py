"""Uploads files with the real hf_xet to a storage server, and prints a line of JSON for each.

    upload.py STORAGE FOLDER PATH...

The order matters: a later file shares what it can with those before it. What is known of a file
(path, size, SHA-256, Xet hash) is printed once it is stored.
"""

import hashlib
import json
import os
import sys

from hf_xet import upload_files

storage, folder, *paths = sys.argv[1:]
never = 1 << 40
for path in paths:
    full = os.path.join(folder, path)
    stored, = upload_files([full], storage, ("token", never), None, None, "model")
    with open(full, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    print(json.dumps(dict(path=path, size=os.path.getsize(full), sha256=sha256,
                          xet=stored.hash)), flush=True)
