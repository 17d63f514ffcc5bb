//! Fuzz targets: what reads bytes from outside
