"""The HTTP door: `/v1`, health and metrics. It checks form and authority; what happens is the rooms' own business."""
