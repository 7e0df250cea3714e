"""The report of a run that has ended, which is never what a run fails by."""

import logging
from pathlib import Path

from reports.runs.output_folder import shortened


def report_line(folder: Path) -> str:
    """Writes the report into the run's folder; returns the line that says where it is, or why it is not."""
    # Here, so that what a chart needs is loaded when a run has ended, and not before it begins.
    from reports.page.report import write_report
    from reports.runs.run import read_run

    try:
        path = write_report(read_run(folder), folder)
    except Exception as error:
        logging.getLogger(__name__).exception("the report was not written")
        told = " ".join(str(error).split()) or type(error).__name__
        return f"  report  not written: {told}; see {shortened(folder / 'run.log', Path.cwd())}"
    return f"  report  {shortened(path, Path.cwd())}"
