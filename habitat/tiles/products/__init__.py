"""Products as they are downloaded: Sentinel-2 .SAFE, Landsat Collection 2, loose GeoTIFFs with their items."""

from habitat.tiles.products.indexing import Index, index_products

__all__ = ["Index", "index_products"]
