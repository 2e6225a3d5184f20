"""Taglet on the device: frames -> detections -> crops -> embeddings -> matches -> tags, offline."""
