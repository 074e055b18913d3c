"""What moved between pydicom 2, which MONAI Label needs, and pydicom 3."""

try:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut
except ImportError:
    from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

__all__ = ["apply_modality_lut", "apply_voi_lut"]
