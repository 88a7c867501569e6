"""What every process says about itself: logs now; traces and metrics have their room here too."""
