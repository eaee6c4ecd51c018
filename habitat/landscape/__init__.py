"""Survey cells, the habitat in them by year, and the patches and ways around them."""

from habitat.landscape.cells import given_cells, paint_cells, square_cells
from habitat.landscape.corridors import corridor_covariate, find_corridors, forest_resistance
from habitat.landscape.covariates import cell_covariates
from habitat.landscape.layers import vector_covariates
from habitat.landscape.patches import ForestGrid, forest_grid, forest_patches, patch_covariates
from habitat.landscape.terrain import terrain_covariates
from habitat.landscape.zonal import Rows, zonal_mean

__all__ = [
    "ForestGrid",
    "Rows",
    "cell_covariates",
    "corridor_covariate",
    "find_corridors",
    "forest_grid",
    "forest_patches",
    "forest_resistance",
    "given_cells",
    "paint_cells",
    "patch_covariates",
    "square_cells",
    "terrain_covariates",
    "vector_covariates",
    "zonal_mean",
]
