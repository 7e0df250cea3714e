"""Makes pages of the notebooks: executed anew, and with nothing in them that is fetched.

Used by `make notebook-html`, and by `jupyter nbconvert --config notebooks/jupyter_nbconvert_config.py FILE`.
"""

from pathlib import Path

c = get_config()  # noqa: F821 (Jupyter's)

c.NbConvertApp.export_format = "html"
c.FilesWriter.build_directory = str(Path(__file__).resolve().parent.parent / "output" / "notebooks")

c.ExecutePreprocessor.enabled = True
c.ExecutePreprocessor.kernel_name = "python3"
c.ExecutePreprocessor.timeout = 600
# Or each kernel warns that it talks to this process over TCP, which does not leave the machine.
c.ExecutePreprocessor.extra_arguments = ["--IPKernelApp.log_level=ERROR"]

# They come from a CDN, and no cell of ours needs them.
c.HTMLExporter.mathjax_url = ""
c.HTMLExporter.require_js_url = ""
