"""TFMA's metrics, plots and verdicts from whole columns: rows to totals a slice, totals to TFMA's own results."""
