"""What asv times over commits: docs/asv.md says how to run it and how to read it.

asv imports this folder from the work tree as ``asv_suite`` and runs it against the varbench that is installed from
the commit under test. So nothing here imports varbench or torch at the top: a setup does, and skips
(NotImplementedError) what that commit lacks.
"""
