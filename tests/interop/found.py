"""What huggingface_hub finds in a cache without asking anyone: prints a line per file.

    found.py REPO [TYPE] [REVISION] [FILE]...

Fails unless a scan of the cache has no warnings and every file is there.
"""

import hashlib
import sys

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download

repo = sys.argv[1]
kind = sys.argv[2] if len(sys.argv) > 2 else "model"
revision = sys.argv[3] if len(sys.argv) > 3 else "main"
files = sys.argv[4:]

scan = scan_cache_dir()
if scan.warnings:
    sys.exit(f"the scan warns: {scan.warnings}")
of_repo = [found for found in scan.repos if found.repo_id == repo and found.repo_type == kind]
if len(of_repo) != 1:
    sys.exit(f"the scan finds {scan.repos}")
commits = {found.commit_hash: found for found in of_repo[0].revisions}
named = [found for found in commits.values() if revision in found.refs]
found = named[0] if named else commits[revision]
scanned = {str(file.file_path.relative_to(found.snapshot_path)) for file in found.files}

ask = dict(repo_id=repo, repo_type=kind, revision=revision, local_files_only=True)
if not files:
    snapshot_download(**ask)
    files = sorted(scanned)
for name in files:
    if name not in scanned:
        sys.exit(f"{name} is not among {scanned}")
    with open(hf_hub_download(filename=name, **ask), "rb") as file:
        print(hashlib.file_digest(file, "sha256").hexdigest(), name)
