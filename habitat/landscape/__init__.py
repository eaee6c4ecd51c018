"""Survey cells, and the habitat in them by year."""

from habitat.landscape.cells import given_cells, paint_cells, square_cells
from habitat.landscape.covariates import cell_covariates

__all__ = ["cell_covariates", "given_cells", "paint_cells", "square_cells"]
