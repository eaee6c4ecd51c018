"""habitat: from satellite tiles and sightings to habitat loss and where the animals live."""

__version__ = "0.1.0"
