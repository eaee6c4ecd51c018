"""Every kind of fault that a record can have, and what becomes of it.

*Set aside*: the record is not used, and stands in the quarantine. *Flagged*: it is used, and what is odd about it is
told. *Mended*: it was read otherwise than it stands there; told once a file. `docs/records.md` lists them all.
"""

from __future__ import annotations

SET_ASIDE, FLAGGED, MENDED = "set aside", "flagged", "mended"

KINDS: dict[str, str] = {
    # times
    "no_time": SET_ASIDE,
    "time_unreadable": SET_ASIDE,
    "time_without_zone": SET_ASIDE,
    "time_impossible": SET_ASIDE,
    "day_or_month": SET_ASIDE,
    "clock_never_set": SET_ASIDE,
    "time_in_future": SET_ASIDE,
    "before_deployment": FLAGGED,
    "after_deployment": FLAGGED,
    "clock_shift": FLAGGED,
    "mixed_zones": FLAGGED,
    "timestamp_issues": FLAGGED,
    "date_order_inferred": FLAGGED,
    "excel_date": MENDED,
    "date_written_otherwise": MENDED,
    # places
    "no_coordinates": SET_ASIDE,
    "zero_coordinates": SET_ASIDE,
    "swapped_coordinates": SET_ASIDE,
    "latitude_range": SET_ASIDE,
    "longitude_range": SET_ASIDE,
    "not_a_point": SET_ASIDE,
    "outside_area": FLAGGED,
    "far_from_deployment": FLAGGED,
    "degrees_minutes_seconds": MENDED,
    "place_of_deployment": MENDED,
    # what was seen
    "no_species": SET_ASIDE,
    "species_unknown": SET_ASIDE,
    "person": SET_ASIDE,
    "vehicle": SET_ASIDE,
    "blank": SET_ASIDE,
    "unclassified": SET_ASIDE,
    "camera_setup": SET_ASIDE,
    "count_not_positive": SET_ASIDE,
    "count_not_whole": SET_ASIDE,
    "not_a_number": SET_ASIDE,
    "uncertain": FLAGGED,
    "certain_unreadable": FLAGGED,
    # the same thing twice
    "repeated_event": SET_ASIDE,
    "told_by_event": SET_ASIDE,
    "duplicate_across_files": SET_ASIDE,
    "event_id_reused": FLAGGED,
    "repeated_row": FLAGGED,
    # effort
    "no_effort_id": SET_ASIDE,
    "ends_before_start": SET_ASIDE,
    "worked_no_day": SET_ASIDE,
    "worked_too_long": SET_ASIDE,
    "repeated_deployment": SET_ASIDE,
    "station_in_two_places": SET_ASIDE,
    "effort_unknown": FLAGGED,
    "effort_ambiguous": FLAGGED,
    "in_a_gap": FLAGGED,
    "gap_unreadable": FLAGGED,
    "gap_outside_deployment": FLAGGED,
    "days_of_matrix": MENDED,
    "station_not_in_matrix": FLAGGED,
    "overlapping_deployments": FLAGGED,
    "station_moved": FLAGGED,
    # patrols
    "fix_without_time": SET_ASIDE,
    "track_too_short": SET_ASIDE,
    "gps_jump": SET_ASIDE,
    "time_of_day_unknown": FLAGGED,
    "walked_together": SET_ASIDE,
    "walked_together_in_part": FLAGGED,
    # files
    "encoding": MENDED,
    "decimal_comma": MENDED,
}
"""Name of a kind to what becomes of the record."""

NO_ANIMAL = ("person", "vehicle", "blank", "unclassified", "camera_setup", "told_by_event")
"""Kinds that are no fault: a record of something else."""
