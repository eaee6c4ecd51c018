"""A run's folder in, one page out: what was found, how sure it is, and where every number came from."""

from habitat.report.interpretation import write_sheet_page
from habitat.report.page import write_report

__all__ = ["write_report", "write_sheet_page"]
